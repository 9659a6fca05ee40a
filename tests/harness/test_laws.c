/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: every law gives back what was planted, its intervals cover at their nominal rate, its allocation is the minimum. (What is
 * refused: test_laws_refused.c.)
 * Method: grids from published letters without noise, to six digits; GOLDEN numbers; 100 random starts; simulated
 * studies with known letters (STUDIES=400 in the environment simulates more); brute force for allocations; the known
 * bias of parabolas on wide grids. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/study.h"

static void expect_letters(enum law_id id, enum law_method method, const double *letters)
{
    struct law_settings settings = by(method, 0);
    struct law_fit out;
    fit(id, &settings, &out);
    for (int i = 0; laws[id].letters[i]; i++) {
        assert_string_equal(out.letter[i].name, laws[id].letters[i]);
        SAME(out.letter[i].value, letters[i], 6);
        assert_true(isnan(out.letter[i].low) && isnan(out.letter[i].se));
    }
    assert_true(out.residual_rms < 1e-9 && out.heldout_error < 1e-8 && out.n_heldout > 0);
}

static void chinchilla_is_recovered(void **state)
{
    (void)state;
    make_grid(6, 1, 0.0, 1);
    expect_letters(LAW_CHINCHILLA, LAW_VARPRO, chinchilla);
    expect_letters(LAW_CHINCHILLA, LAW_HUBER, chinchilla);
}

/* GOLDEN: C = 1e21 gives N 1.8242e9 and 50.08 tokens per parameter. */
static void chinchilla_allocates(void **state)
{
    double N, D;
    (void)state;
    law_allocate(&laws[LAW_CHINCHILLA], chinchilla, 1e21, 0, 0, &N, &D);
    assert_true(fabs(N / 1.8242e9 - 1) < 5e-5 && fabs(D / N - 50.08) < 0.005);
    SAME(6 * N * D, 1e21, 12);
}

/* With tokens to serve, or too few tokens, against a fine scan of sizes. */
static void limited_allocation_is_the_minimum(void **state)
{
    const struct law *law = &laws[LAW_CHINCHILLA];
    const double C = 1e20, served[] = {0, 1e11, 1e9, 0}, unique[] = {0, 0, 0, 2e9};
    (void)state;
    for (int c = 0; c < 4; c++) {
        double N, D, least = 1e9, best = 0;
        law_allocate(law, chinchilla, C, served[c], unique[c], &N, &D);
        for (int i = 0; i < 40000; i++) {
            double n = exp(log(1e6) + i * log(1e6) / 40000), d = (C / n - 2 * served[c]) / 6;
            d = unique[c] > 0 ? fmin(d, unique[c]) : d;
            double loss = d > 0 ? at(law, chinchilla, n, d, LAW_C, C) : 1e9;
            if (loss < least) {
                least = loss;
                best = n;
            }
        }
        assert_true(fabs(N / best - 1) < 1e-3);
        assert_true(at(law, chinchilla, N, D, LAW_C, C) <= least * (1 + 1e-12));
    }
}

/* Muennighoff 2023 (GOLDEN): the published letters, their check value, and a grid from them. */
static void data_constrained_is_recovered(void **state)
{
    const double letters[] = {exp(0.6254804), exp(6.255414), exp(7.3049974), 0.3526596, 0.3526596, 15.387756, 5.309743};
    const double sizes[] = {7e6, 3e7, 1.5e8, 6e8, 2.8e9}, unique[] = {1e8, 4e8, 1.5e9, 9e9}, epochs[] = {1, 2, 5, 15, 50};
    const struct law *law = &laws[LAW_DATA_CONSTRAINED];
    (void)state;
    SAME(at(law, letters, 6.34e9, 242e9, LAW_U, 25e9), 2.2256440889984477, 13);
    begin();
    for (int i = 0; i < 100; i++) {
        double N = sizes[i / 20], U = unique[i / 5 % 4], D = U * epochs[i % 5];
        study.x[LAW_U][i] = U;
        add(N, D, at(law, letters, N, D, LAW_U, U));
    }
    study.points.x[LAW_U] = study.x[LAW_U];
    expect_letters(LAW_DATA_CONSTRAINED, LAW_RELATIVE, letters);
}

/* Krajewski 2024 (GOLDEN), and a precision law, which have an exponent in a term of their own. */
static void mixtures_and_precision_are_recovered(void **state)
{
    const double fine[] = {0.47, 18.1, 30.8, 2.1, 0.115, 0.147, 0.58};
    const double rounded[] = {1.69, 406.4, 410.7, 0.06, 0.34, 0.28, 0.5, 0.4, 1 / 1.8};
    const double grains[] = {1, 2, 4, 8, 16}, bits[] = {3, 4, 6, 8, 16};
    (void)state;
    for (int precision = 0; precision < 2; precision++) {
        enum law_variable v = precision ? LAW_P : LAW_G;
        enum law_id id = precision ? LAW_PRECISION : LAW_FINE_GRAINED;
        begin();
        for (int i = 0; i < 100; i++) {
            double N = 1e7 * pow(10, i / 20 * 0.5), D = 1e9 * pow(10, i / 5 % 4 * 0.5), x = (precision ? bits : grains)[i % 5];
            study.x[v][i] = x;
            add(N, D, at(&laws[id], precision ? rounded : fine, N, D, v, x));
        }
        study.points.x[v] = study.x[v];
        expect_letters(id, LAW_VARPRO, precision ? rounded : fine);
        expect_letters(id, LAW_HUBER, precision ? rounded : fine);
    }
}

/* Clark 2022, table 3: sparsely routed by Sinkhorn. */
static void routed_is_recovered(void **state)
{
    const double letters[] = {-0.082, -0.108, 0.009, 1.104, 1.847, 314.478};
    (void)state;
    begin();
    for (int i = 0; i < 60; i++) {
        double N = 15e6 * pow(2, i / 10), E = pow(2, i % 10);
        study.x[LAW_E][i] = E;
        add(N, 1e9, at(&laws[LAW_ROUTED], letters, N, 1e9, LAW_E, E));
    }
    study.points.x[LAW_E] = study.x[LAW_E];
    expect_letters(LAW_ROUTED, LAW_LOGS, letters);
}

/* Where either of N and D alone sets the loss, each law of one variable is exact. */
static void kaplan_is_recovered(void **state)
{
    struct law_settings settings = by(LAW_LOGS, 0);
    struct law_fit out;
    (void)state;
    begin();
    for (int i = 0; i < 25; i++) {
        double N = 1e5 * pow(10, i / 5), D = 1e6 * pow(10, i % 5);
        double by_N = pow(8.8e13 / N, 0.076), by_D = pow(5.4e13 / D, 0.095);
        add(N, D, i % 5 == 4 ? by_N : i / 5 == 4 ? by_D : 20 + i);
    }
    fit(LAW_KAPLAN, &settings, &out);
    assert_true(fabs(out.letter[1].value - 0.076) < 0.01); /* the corner obeys one law of the two */
    assert_true(out.letter[3].value > 0.08 && out.letter[5].value > 0.0);
    begin();
    for (int i = 0; i < 25; i++) {
        double N = 1e5 * pow(10, i / 5), D = 1e6 * pow(10, i % 5);
        add(N, D, pow(8.8e13 / N, 0.076) * pow(5.4e13 / D, 0.095));
    }
    fit(LAW_KAPLAN, &settings, &out);
    SAME(out.letter[1].value, 0.076, 6);
    SAME(out.letter[3].value, 0.095, 6);
    assert_true(out.n_heldout >= 3 && out.residual_rms < 0.02 && out.heldout_error < 0.05); /* C's envelope is no power exactly */
    double before = out.heldout_error;
    for (int i = 0; i < 25; i++) /* the largest sizes break the law that the others follow */
        study.loss[i] *= i / 5 == 4 ? 1.3 : 1.0;
    fit(LAW_KAPLAN, &settings, &out);
    assert_true(out.heldout_error > before + 0.02);
}

/* IsoFLOP curves of 15 sizes around the true optimum, `width` times smaller and larger, without noise. */
static double parabola_bias(double width)
{
    struct law_settings settings = by(LAW_APPROACH2, 0);
    struct law_fit out;
    double N, D;
    begin();
    for (int c = 0; c < 5; c++) {
        double C = 1e18 * pow(10, c);
        law_allocate(&laws[LAW_CHINCHILLA], chinchilla, C, 0, 0, &N, &D);
        for (int i = 0; i < 15; i++) {
            double n = N * pow(width, (i - 7) / 7.0), d = C / (6 * n);
            add(n, d, at(&laws[LAW_CHINCHILLA], chinchilla, n, d, LAW_C, C));
        }
    }
    settings.compute[0] = 1e24;
    settings.n_computes = 1;
    fit(LAW_CHINCHILLA, &settings, &out);
    law_allocate(&laws[LAW_CHINCHILLA], chinchilla, 1e24, 0, 0, &N, &D);
    SAME(out.letter[0].value, 0.28 / 0.62, 6); /* of the scale, not of the exponent */
    return out.optimum[0].D.value / D - 1;
}

/* VALIDITY: approach 2 gives too few tokens, the more so the wider the grid; approach 3 on the same points does not. */
static void parabolas_are_biased_as_known(void **state)
{
    (void)state;
    double narrow = parabola_bias(2), middle = parabola_bias(4), wide = parabola_bias(16);
    assert_true(narrow < -0.001 && narrow > -0.01);
    assert_true(middle < 3 * narrow);
    assert_true(wide < -0.03 && wide > -0.08);
    expect_letters(LAW_CHINCHILLA, LAW_VARPRO, chinchilla);
}

static void envelope_finds_the_exponents(void **state)
{
    struct law_settings settings = by(LAW_APPROACH1, 0);
    struct law_fit out;
    (void)state;
    begin();
    for (int i = 0; i < 16 * 20; i++) {
        double N = 1e6 * pow(1.6, i / 20), D = 1e7 * pow(1.9, i % 20);
        add(N, D, at(&laws[LAW_CHINCHILLA], chinchilla, N, D, LAW_C, 0));
    }
    fit(LAW_CHINCHILLA, &settings, &out);
    assert_true(fabs(out.letter[0].value - 0.28 / 0.62) < 0.03);
    assert_true(fabs(out.letter[0].value + out.letter[1].value - 1) < 1e-6);
}

/* From a hundred places, with noise, both objectives lead to one minimum. */
static void minimum_does_not_depend_on_the_start(void **state)
{
    double ones[MOST];
    struct powersum p;
    struct powersum_solution best[2];
    (void)state;
    make_grid(12, 1, 0.01, 3);
    for (int i = 0; i < MOST; i++)
        ones[i] = 1;
    assert_int_equal(powersum_init(&p, laws[LAW_CHINCHILLA].form, study.points.x, study.loss, study.points.n, &err), STATUS_OK);
    for (int huber = 0; huber < 2; huber++) {
        assert_true(powersum_search(&p, ones, huber, &best[huber]));
        for (int s = 0; s < 100; s++) {
            struct rng rng = rng_open(7, RNG_TEST, (uint64_t)s);
            struct powersum_solution from = {0};
            for (int j = 0; j < 3; j++)
                from.coefficient[j] = 0.01 + 2 * rng_uniform(&rng);
            for (int k = 0; k < 2; k++)
                from.exponent[k] = 0.05 + 1.5 * rng_uniform(&rng);
            assert_true(huber ? powersum_huber(&p, ones, &from) : powersum_varpro(&p, ones, &from));
            for (int j = 0; j < 3; j++)
                SAME(from.coefficient[j], best[huber].coefficient[j], 6);
            for (int k = 0; k < 2; k++)
                SAME(from.exponent[k], best[huber].exponent[k], 6);
        }
    }
    powersum_release(&p);
}

/* Least absolute deviations pass through the points that are right, whatever the others say (Huber 1981, section 7.11): with a
 * delta near 0 the planted law comes back, with Hoffmann's nearly, and squares are led astray. */
static void small_delta_is_least_deviations(void **state)
{
    struct law_settings settings = by(LAW_HUBER, 0);
    struct law_fit out;
    double error[2];
    (void)state;
    make_grid(7, 1, 0.0, 1);
    for (int i = 3; i < study.points.n; i += 11)
        study.loss[i] *= 1.3;
    for (int d = 0; d < 2; d++) {
        settings.delta = d == 0 ? 1e-3 : 1e-8;
        fit(LAW_CHINCHILLA, &settings, &out);
        error[d] = fabs(out.letter[1].value / chinchilla[1] - 1);
    }
    assert_true(error[1] < 1e-6 && error[0] > 100 * error[1] && error[0] < 0.2);
    settings = by(LAW_VARPRO, 0);
    fit(LAW_CHINCHILLA, &settings, &out);
    assert_true(fabs(out.letter[1].value / chinchilla[1] - 1) > error[0]);
}

/* Of 95 % intervals in n studies 95 % should hold the truth; the bounds are 3.3 deviations of that count. */
static void intervals_cover(void **state)
{
    const char *asked = getenv("STUDIES");
    int n = asked ? (int)strtol(asked, NULL, 10) : 100, held[6] = {0};
    enum law_method method = getenv("STUDIES_HUBER") ? LAW_HUBER : LAW_VARPRO;
    double slack = 3.3 * sqrt(0.95 * 0.05 * n);
    (void)state;
    for (int s = 0; s < n; s++) {
        struct law_settings settings = by(method, 400);
        struct law_fit out;
        make_grid(5, 1 + s % 3, 0.004, 1000 + (uint64_t)s);
        settings.holdout = 0;
        settings.bootstrap.seed = (uint64_t)s;
        fit(LAW_CHINCHILLA, &settings, &out);
        for (int i = 0; i < 5; i++)
            held[i] += out.letter[i].low <= chinchilla[i] && chinchilla[i] <= out.letter[i].high;
        held[5] += out.derived[0].low <= 0.28 / 0.62 && 0.28 / 0.62 <= out.derived[0].high;
    }
    for (int i = 0; i < 6; i++) {
        if (asked)
            print_message("%s %.2f %%\n", i < 5 ? laws[LAW_CHINCHILLA].letters[i] : "a", 100.0 * held[i] / n);
        if (fabs(held[i] - 0.95 * n) > slack)
            fail_msg("interval %d holds the truth in %d of %d studies", i, held[i], n);
    }
}

/* Equal settings give equal bits; another seed other ends; more noise wider ones; covariance belongs to the letters. */
static void intervals_are_reproducible(void **state)
{
    struct law_settings settings = by(LAW_HUBER, 200);
    struct law_fit one, two, other, loud;
    (void)state;
    settings.compute[0] = 1e21;
    settings.n_computes = 1;
    make_grid(5, 2, 0.004, 8);
    fit(LAW_CHINCHILLA, &settings, &one);
    fit(LAW_CHINCHILLA, &settings, &two);
    assert_memory_equal(&one.letter, &two.letter, sizeof one.letter);
    assert_memory_equal(&one.covariance, &two.covariance, sizeof one.covariance);
    settings.bootstrap.seed = 2;
    fit(LAW_CHINCHILLA, &settings, &other);
    assert_true(other.letter[0].value == one.letter[0].value && other.letter[0].low != one.letter[0].low);
    SAME(sqrt(one.covariance[0]), one.letter[0].se, 9);
    assert_true(one.covariance[1] == one.covariance[5]);
    assert_true(one.optimum[0].N.low < one.optimum[0].N.value && one.optimum[0].N.value < one.optimum[0].N.high);
    make_grid(5, 2, 0.008, 8);
    fit(LAW_CHINCHILLA, &settings, &loud);
    assert_true(loud.letter[3].high - loud.letter[3].low > 1.3 * (one.letter[3].high - one.letter[3].low));
    assert_int_equal(one.n_clusters, 25);
    assert_int_equal(one.n_points, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chinchilla_is_recovered),
        cmocka_unit_test(chinchilla_allocates),
        cmocka_unit_test(limited_allocation_is_the_minimum),
        cmocka_unit_test(data_constrained_is_recovered),
        cmocka_unit_test(mixtures_and_precision_are_recovered),
        cmocka_unit_test(routed_is_recovered),
        cmocka_unit_test(kaplan_is_recovered),
        cmocka_unit_test(parabolas_are_biased_as_known),
        cmocka_unit_test(envelope_finds_the_exponents),
        cmocka_unit_test(minimum_does_not_depend_on_the_start),
        cmocka_unit_test(small_delta_is_least_deviations),
        cmocka_unit_test(intervals_cover),
        cmocka_unit_test(intervals_are_reproducible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
