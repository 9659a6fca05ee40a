/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the elementary statistics are right, not merely plausible.
 * Method: closed forms and hand computation for one-sample statistics; exhaustive enumeration of all orders,
 * sign patterns and splits for the exact tests; published values for the normal distribution; simulation for
 * what only holds on average; and every refusal with the text that names the index. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "harness/analysis/stats.h"

#define NEAR(value, expected, tolerance) assert_true(fabs((value) - (expected)) <= (tolerance))
#define OK(call) assert_int_equal((call), STATUS_OK)
#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* The call must fail with this status, leave `out` alone and name `part` in its text. */
#define REFUSED(call, expected, part)              \
    do {                                           \
        err = ERR_INIT;                            \
        assert_int_equal((call), (expected));      \
        assert_int_equal(err.status, (expected));  \
        assert_non_null(strstr(err.text, (part))); \
    } while (0)

static struct err err;

static void test_sort_and_order(void **state)
{
    (void)state;
    for (int n = 0; n <= 40; n++) {
        double x[40], sorted[40];
        int order[40];
        struct rng rng = rng_open(7, RNG_TEST, (uint64_t)n);
        for (int i = 0; i < n; i++)
            sorted[i] = x[i] = (double)rng_below(&rng, 12); /* few values: ties are tried too */
        stats_sort(sorted, n);
        stats_order(order, x, n);
        for (int i = 0; i < n; i++)
            assert_true(x[order[i]] == sorted[i]);
        for (int i = 1; i < n; i++) {
            assert_true(sorted[i - 1] <= sorted[i]);
            assert_true(sorted[i - 1] < sorted[i] || order[i - 1] < order[i]);
        }
    }
}

static void test_one_sample(void **state)
{
    (void)state;
    const double x[] = {7.0, 1.0, 4.0, 2.0};
    const double odd[] = {9.0, -1.0, 3.0};
    const double far[] = {1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0};
    double value;
    OK(stats_mean(x, 4, &value, &err));
    NEAR(value, 3.5, 0.0);
    OK(stats_sd(x, 4, &value, &err)); /* squares 12.25 + 6.25 + 0.25 + 2.25 = 21, over 3 */
    NEAR(value, sqrt(7.0), 1e-15);
    OK(stats_sd(far, 3, &value, &err)); /* one pass over squares would lose all digits here */
    NEAR(value, 1.0, 1e-15);
    OK(stats_median(x, 4, &value, &err));
    NEAR(value, 3.0, 0.0);
    OK(stats_median(odd, 3, &value, &err));
    NEAR(value, 3.0, 0.0);
    OK(stats_mad(x, 4, &value, &err)); /* deviations 4 2 1 1 */
    NEAR(value, 1.5, 0.0);
    OK(stats_median(odd, 1, &value, &err));
    NEAR(value, 9.0, 0.0);
    NEAR(odd[0], 9.0, 0.0); /* the input stays as it was */
}

/* Type 7 of 1 2 4 7: position 3 q. */
static void test_quantiles(void **state)
{
    (void)state;
    const double x[] = {7.0, 1.0, 4.0, 2.0};
    const double q[] = {0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0};
    const double expected[] = {1.0, 1.3, 1.75, 3.0, 4.75, 6.1, 7.0};
    const double ends[] = {-(double)INFINITY, 1.0, 1.0, (double)INFINITY};
    double value;
    for (int i = 0; i < COUNT(q); i++) {
        OK(stats_quantile(x, 4, q[i], &value, &err));
        NEAR(value, expected[i], 1e-14);
    }
    assert_true(stats_quantile_sorted(ends, 4, 0.5) == 1.0);
    assert_true(stats_quantile_sorted(ends, 4, 0.99) == (double)INFINITY);
    assert_true(stats_quantile_sorted(ends, 4, 0.01) == -(double)INFINITY);
}

/* Published values of the normal distribution, and the quantile as the inverse over the whole range. */
static void test_normal(void **state)
{
    (void)state;
    NEAR(stats_normal_cdf(1.0), 0.841344746068542949, 1e-16);
    NEAR(stats_normal_cdf(-6.0) / 9.8658764503769814e-10, 1.0, 1e-14);
    NEAR(stats_normal_quantile(0.5), 0.0, 0.0);
    NEAR(stats_normal_quantile(0.975), 1.959963984540054, 1e-14);
    NEAR(stats_normal_quantile(0.9), 1.2815515655446004, 1e-14);
    NEAR(stats_normal_quantile(1e-9), -5.9978070150076869, 1e-13);
    for (double p = 1e-300; p < 0.5; p *= 3.7)
        NEAR(stats_normal_cdf(stats_normal_quantile(p)) / p, 1.0, 1e-12);
    for (double p = 0.001; p < 0.5; p += 0.013)
        NEAR(stats_normal_quantile(p) + stats_normal_quantile(1.0 - p), 0.0, 1e-13);
    assert_true(stats_normal_quantile(0.0) == -(double)INFINITY);
    assert_true(stats_normal_quantile(1.0) == (double)INFINITY);
    assert_true(isnan(stats_normal_quantile(-0.1)) && isnan(stats_normal_quantile((double)NAN)));
    /* Abramowitz & Stegun, table 26.10, and the closed form of one degree of freedom. */
    NEAR(stats_student_quantile(0.975, 1), tan(M_PI * 0.475), 1e-9);
    NEAR(stats_student_quantile(0.975, 2), 4.303, 5e-4);
    NEAR(stats_student_quantile(0.975, 3), 3.182, 5e-4);
    NEAR(stats_student_quantile(0.995, 10), 3.169, 5e-4);
    NEAR(stats_student_quantile(0.95, 29), 1.699, 5e-4);
    NEAR(stats_student_quantile(0.975, 100000), 1.95998, 5e-5);
    NEAR(stats_student_quantile(0.5, 7), 0.0, 1e-12);
    assert_true(isnan(stats_student_quantile(1.0, 3)) && isnan(stats_student_quantile(0.975, 0)));
}

/* Bounds p of Wilson's interval solve |share - p| = z sqrt(p (1 - p) / n); so they are checked by that. */
static void test_wilson(void **state)
{
    (void)state;
    const double z = stats_normal_quantile(0.975);
    struct interval interval;
    for (int n = 1; n <= 30; n++) {
        for (int k = 0; k <= n; k++) {
            OK(stats_wilson(k, n, 0.95, &interval, &err));
            double share = (double)k / n;
            NEAR(share - interval.low, z * sqrt(interval.low * (1.0 - interval.low) / n), 1e-12);
            NEAR(interval.high - share, z * sqrt(interval.high * (1.0 - interval.high) / n), 1e-12);
            assert_true(interval.low >= 0.0 && interval.high <= 1.0);
        }
    }
}

/* Over all 2^n sign patterns: how many are at least as lopsided as (positive, n - positive)? */
static void test_sign_exhaustive(void **state)
{
    (void)state;
    for (int n = 0; n <= 12; n++) {
        for (int positive = 0; positive <= n; positive++) {
            int as_extreme = 0;
            for (int pattern = 0; pattern < 1 << n; pattern++) {
                int ones = __builtin_popcount((unsigned)pattern);
                as_extreme += abs(2 * ones - n) >= abs(2 * positive - n);
            }
            NEAR(stats_sign_p(positive, n - positive), ldexp(as_extreme, -n), 0.0);
        }
    }
    /* Large counts against the normal limit, where an ordinary sum would have left the range of a double. */
    double z = (100.0 - 0.5) / sqrt(10000.0 / 4.0);
    NEAR(stats_sign_p(4900, 5100) / (2.0 * stats_normal_cdf(-z)), 1.0, 1e-3);

    const double x[] = {0.5, -1.0, 0.0, 2.0, 3.0, 0.0, 4.0};
    struct sign_test test;
    OK(stats_sign_test(x, COUNT(x), &test, &err));
    assert_int_equal(test.positive, 4);
    assert_int_equal(test.negative, 1);
    assert_int_equal(test.zero, 2);
    NEAR(test.p, 2.0 * (1.0 + 5.0) / 32.0, 0.0);
}

/* The interval misses the median of a continuous distribution when fewer than k + 1 values lie on one side.
 * All 2^n patterns of sides are tried; the next narrower interval must cover too little. */
static void test_median_interval(void **state)
{
    (void)state;
    const double confidences[] = {0.5, 0.9, 0.95, 0.99};
    for (int c = 0; c < COUNT(confidences); c++) {
        for (int n = 1; n <= 14; n++) {
            double x[14], coverage;
            int covered = 0, covered_narrower = 0;
            struct interval interval;
            for (int i = 0; i < n; i++)
                x[i] = i % 2 ? i / 2 : n - 1 - i / 2; /* the ranks, shuffled: the value of rank r is r */
            if (stats_median_interval(x, n, confidences[c], &interval, &coverage, &err) != STATUS_OK) {
                assert_true(1.0 - ldexp(2.0, -n) < confidences[c]);
                continue;
            }
            int k = (int)interval.low;
            NEAR(interval.high, n - 1 - k, 0.0);
            for (int pattern = 0; pattern < 1 << n; pattern++) {
                int below = __builtin_popcount((unsigned)pattern);
                covered += below > k && n - below > k;
                covered_narrower += below > k + 1 && n - below > k + 1;
            }
            NEAR(coverage, ldexp(covered, -n), 0.0);
            assert_true(coverage >= confidences[c]);
            assert_true(ldexp(covered_narrower, -n) < confidences[c]);
        }
    }
}

/* Splits ranks 0 … m + n - 1 into a (the bits of split) and b; returns twice U. */
static int split_ranks(unsigned split, int total, double *a, double *b)
{
    int n_a = 0, n_b = 0, u = 0;
    for (int rank = 0; rank < total; rank++) {
        if (split >> rank & 1) {
            a[n_a++] = rank;
            u += n_b;
        } else {
            b[n_b++] = rank;
        }
    }
    return 2 * u;
}

/* Every split of m + n ranks for all m, n <= 6: p is the share of splits with U at least as far from its
 * mean, m n / 2. */
static void test_mann_whitney_exhaustive(void **state)
{
    (void)state;
    for (int m = 1; m <= 6; m++) {
        for (int n = 1; n <= 6; n++) {
            int with_distance[37] = {0}, splits = 0;
            double a[12], b[12];
            for (unsigned split = 0; split < 1u << (m + n); split++) {
                if (__builtin_popcount(split) != m)
                    continue;
                with_distance[abs(split_ranks(split, m + n, a, b) - m * n)]++;
                splits++;
            }
            for (unsigned split = 0; split < 1u << (m + n); split++) {
                struct mann_whitney test;
                int as_far = 0;
                if (__builtin_popcount(split) != m)
                    continue;
                int twice_u = split_ranks(split, m + n, a, b);
                for (int d = abs(twice_u - m * n); d <= m * n; d++)
                    as_far += with_distance[d];
                OK(stats_mann_whitney(a, m, b, n, &test, &err));
                assert_true(test.exact);
                NEAR(test.u, twice_u / 2.0, 0.0);
                NEAR(test.p, (double)as_far / splits, 1e-15);
            }
        }
    }
}

/* Ties, by hand: a = 1 2 2 3, b = 2 4 4 5. a > b once (3 over 2), two ties: U = 2. Groups of 3 and of 2:
 * 24 + 6 = 30. Variance 16/12 (9 - 30/56); distance |2 - 8| - 1/2. */
static void test_mann_whitney_ties(void **state)
{
    (void)state;
    const double a[] = {3.0, 2.0, 1.0, 2.0};
    const double b[] = {4.0, 2.0, 5.0, 4.0};
    const double same[] = {2.0, 2.0, 2.0, 2.0};
    struct mann_whitney test;
    OK(stats_mann_whitney(a, 4, b, 4, &test, &err));
    assert_false(test.exact);
    NEAR(test.u, 2.0, 0.0);
    NEAR(test.p, 2.0 * stats_normal_cdf(-5.5 / sqrt(16.0 / 12.0 * (9.0 - 30.0 / 56.0))), 1e-15);
    OK(stats_mann_whitney(same, 4, same, 4, &test, &err));
    NEAR(test.p, 1.0, 0.0);
    NEAR(test.u, 8.0, 0.0);
}

/* Just below and just above the exact limit the two methods must agree about the same data. */
static void test_mann_whitney_limit(void **state)
{
    (void)state;
    enum { N = MANN_WHITNEY_EXACT };
    double a[N + 1], b[N + 1];
    struct mann_whitney exact, normal;
    for (int i = 0; i <= N; i++) {
        a[i] = 2.0 * i;
        b[i] = 2.0 * i + 11.0;
    }
    OK(stats_mann_whitney(a, N, b, N, &exact, &err));
    OK(stats_mann_whitney(a, N + 1, b, N + 1, &normal, &err));
    assert_true(exact.exact && !normal.exact);
    NEAR(exact.p, normal.p, 0.01);
    assert_true(exact.p > 0.01 && exact.p < 0.1);
    /* Complete separation at the limit: 2 of C(50, 25) orders. */
    for (int i = 0; i < N; i++)
        b[i] = 1000.0 + i;
    OK(stats_mann_whitney(a, N, b, N, &exact, &err));
    NEAR(exact.p * 126410606437752.0 / 2.0, 1.0, 1e-12);
}

/* By hand, n = 5: sorted p .005 .01 .03 .04 .5 times 5/rank = .025 .025 .05 .05 .5 */
static void test_benjamini_hochberg(void **state)
{
    (void)state;
    double p[] = {0.04, 0.005, 0.5, 0.01, 0.03};
    const double expected[] = {0.05, 0.025, 0.5, 0.025, 0.05};
    double adjusted[5];
    OK(stats_benjamini_hochberg(p, 5, adjusted, &err));
    for (int i = 0; i < 5; i++)
        NEAR(adjusted[i], expected[i], 1e-16);
    OK(stats_benjamini_hochberg(p, 5, p, &err)); /* in place */
    assert_memory_equal(p, adjusted, sizeof p);

    const double tied[] = {0.02, 0.9, 0.02, 1.0}; /* the tie takes the better rank: .02 * 4 / 2 */
    OK(stats_benjamini_hochberg(tied, 4, adjusted, &err));
    NEAR(adjusted[0], 0.04, 1e-16);
    NEAR(adjusted[2], 0.04, 1e-16);
    NEAR(adjusted[1], 1.0, 0.0);
}

static void test_bootstrap_deterministic(void **state)
{
    (void)state;
    const double x[] = {3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0};
    struct bootstrap settings = BOOTSTRAP_INIT;
    struct interval first, again, other;
    OK(stats_bootstrap(x, 8, stats_resampled_mean, NULL, &settings, &first, &err));
    OK(stats_bootstrap(x, 8, stats_resampled_mean, NULL, &settings, &again, &err));
    assert_memory_equal(&first, &again, sizeof first);
    settings.seed++;
    OK(stats_bootstrap(x, 8, stats_resampled_mean, NULL, &settings, &other, &err));
    assert_true(first.low != other.low || first.high != other.high);
}

/* Of two values 0 and 1 a resample's mean is 0, 1/2 or 1 with probability 1/4, 1/2, 1/4: a 40 % interval is
 * [1/2, 1/2] and a 60 % interval [0, 1], whatever the draws. The mean of n values has a known spread. */
static void test_bootstrap_distribution(void **state)
{
    (void)state;
    const double x[] = {0.0, 1.0};
    double spread[400], sd;
    struct bootstrap settings = BOOTSTRAP_INIT;
    struct interval interval;
    settings.confidence = 0.4;
    OK(stats_bootstrap(x, 2, stats_resampled_mean, NULL, &settings, &interval, &err));
    assert_true(interval.low == 0.5 && interval.high == 0.5);
    settings.confidence = 0.6;
    OK(stats_bootstrap(x, 2, stats_resampled_mean, NULL, &settings, &interval, &err));
    assert_true(interval.low == 0.0 && interval.high == 1.0);

    for (int i = 0; i < COUNT(spread); i++)
        spread[i] = stats_normal_quantile((i + 0.5) / COUNT(spread));
    OK(stats_sd(spread, COUNT(spread), &sd, &err));
    settings.confidence = 0.95;
    OK(stats_bootstrap(spread, COUNT(spread), stats_resampled_mean, NULL, &settings, &interval, &err));
    double half = 1.96 * sd / sqrt(COUNT(spread));
    NEAR(interval.low / -half, 1.0, 0.08);
    NEAR(interval.high / half, 1.0, 0.08);
}

/* 95 % intervals of the median of 25 normal values must cover 0 about as often as they say. */
static void test_bootstrap_coverage(void **state)
{
    (void)state;
    enum { TRIALS = 400, N = 25 };
    struct bootstrap settings = BOOTSTRAP_INIT;
    int covered = 0;
    settings.replicates = 400;
    for (int trial = 0; trial < TRIALS; trial++) {
        struct rng rng = rng_open(11, RNG_TEST, (uint64_t)trial);
        struct interval interval;
        double x[N];
        for (int i = 0; i < N; i++)
            x[i] = rng_normal(&rng);
        OK(stats_bootstrap(x, N, stats_resampled_median, NULL, &settings, &interval, &err));
        covered += interval.low <= 0.0 && 0.0 <= interval.high;
    }
    assert_in_range(covered, TRIALS * 91 / 100, TRIALS * 98 / 100);
}

static double never_reached(double *x, int n, void *context)
{
    (void)n;
    (void)context;
    return x[0] > 0.5 ? (double)INFINITY : 0.0;
}

static double no_number(double *x, int n, void *context)
{
    (void)x;
    (void)n;
    return ++*(int *)context == 8 ? (double)NAN : 0.0;
}

static void test_bootstrap_censored(void **state)
{
    (void)state;
    const double x[] = {0.0, 1.0};
    struct bootstrap settings = BOOTSTRAP_INIT;
    struct interval interval;
    int calls = 0;
    OK(stats_bootstrap(x, 2, never_reached, NULL, &settings, &interval, &err));
    assert_true(interval.low == 0.0 && interval.high == (double)INFINITY);
    REFUSED(stats_bootstrap(x, 2, no_number, &calls, &settings, &interval, &err), STATUS_INSUFFICIENT,
            "replicate 7");
    assert_true(interval.high == (double)INFINITY);
}

static void test_refusals(void **state)
{
    (void)state;
    const double holed[] = {1.0, 2.0, (double)NAN, 4.0};
    const double endless[] = {1.0, (double)INFINITY};
    const double huge[] = {1.5e308, 1.5e308};
    const double good[] = {1.0, 2.0};
    const double beyond[] = {0.5, 1.5};
    struct bootstrap settings = BOOTSTRAP_INIT;
    struct interval interval = {1.0, 2.0};
    struct mann_whitney test;
    struct sign_test sign;
    double value = 42.0;
    REFUSED(stats_mean(holed, 4, &value, &err), STATUS_INSUFFICIENT, "[2] is not a number");
    REFUSED(stats_sd(holed, 4, &value, &err), STATUS_INSUFFICIENT, "[2]");
    REFUSED(stats_median(holed, 4, &value, &err), STATUS_INSUFFICIENT, "[2]");
    REFUSED(stats_quantile(endless, 2, 0.5, &value, &err), STATUS_INSUFFICIENT, "[1] is infinite");
    REFUSED(stats_mad(holed, 4, &value, &err), STATUS_INSUFFICIENT, "[2]");
    REFUSED(stats_mean(holed, 0, &value, &err), STATUS_INSUFFICIENT, "at least 1");
    REFUSED(stats_sd(good, 1, &value, &err), STATUS_INSUFFICIENT, "at least 2");
    REFUSED(stats_mean(huge, 2, &value, &err), STATUS_INSUFFICIENT, "too large");
    REFUSED(stats_sd(huge, 2, &value, &err), STATUS_INSUFFICIENT, "too large");
    REFUSED(stats_mean(good, STATS_MAX_SAMPLES + 1, &value, &err), STATUS_MEMORY, "at most");
    REFUSED(stats_quantile(good, 2, 1.01, &value, &err), STATUS_USAGE, "1.01");
    REFUSED(stats_benjamini_hochberg(holed, 4, &value, &err), STATUS_INSUFFICIENT, "[2]");
    REFUSED(stats_benjamini_hochberg(beyond, 2, &value, &err), STATUS_INSUFFICIENT, "[1], 1.5, is no");
    assert_true(value == 42.0);
    REFUSED(stats_mann_whitney(holed, 4, good, 2, &test, &err), STATUS_INSUFFICIENT,
            "first sample: value [2");
    REFUSED(stats_mann_whitney(good, 2, holed, 4, &test, &err), STATUS_INSUFFICIENT,
            "second sample: value [2");
    REFUSED(stats_mann_whitney(good, 2, good, 0, &test, &err), STATUS_INSUFFICIENT, "at least 1");
    REFUSED(stats_sign_test(holed, 4, &sign, &err), STATUS_INSUFFICIENT, "[2]");
    REFUSED(stats_median_interval(holed, 4, 0.5, &interval, NULL, &err), STATUS_INSUFFICIENT, "[2]");
    REFUSED(stats_median_interval(good, 2, 0.95, &interval, NULL, &err), STATUS_INSUFFICIENT,
            "range of 2 values");
    REFUSED(stats_median_interval(good, 2, 1.0, &interval, NULL, &err), STATUS_USAGE, "confidence 1");
    REFUSED(stats_wilson(3, 2, 0.95, &interval, &err), STATUS_INSUFFICIENT, "3 of 2");
    REFUSED(stats_wilson(0, 0, 0.95, &interval, &err), STATUS_INSUFFICIENT, "0 of 0");
    REFUSED(stats_bootstrap(holed, 4, stats_resampled_mean, NULL, &settings, &interval, &err),
            STATUS_INSUFFICIENT, "[2]");
    settings.replicates = 1;
    REFUSED(stats_bootstrap(good, 2, stats_resampled_mean, NULL, &settings, &interval, &err), STATUS_USAGE,
            "replicates");
    assert_true(interval.low == 1.0 && interval.high == 2.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sort_and_order),
        cmocka_unit_test(test_one_sample),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_wilson),
        cmocka_unit_test(test_sign_exhaustive),
        cmocka_unit_test(test_median_interval),
        cmocka_unit_test(test_mann_whitney_exhaustive),
        cmocka_unit_test(test_mann_whitney_ties),
        cmocka_unit_test(test_mann_whitney_limit),
        cmocka_unit_test(test_benjamini_hochberg),
        cmocka_unit_test(test_bootstrap_deterministic),
        cmocka_unit_test(test_bootstrap_distribution),
        cmocka_unit_test(test_bootstrap_coverage),
        cmocka_unit_test(test_bootstrap_censored),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
