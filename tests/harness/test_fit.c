/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: fits return what was planted, say what cannot be determined, and never invent.
 * Method: points made from known laws must give the laws back (to nine digits without noise, within their
 * standard errors with it); textbook numbers by hand; least squares against its own normal equations; fronts
 * against the definition, tried on every pair of points; every refusal with the text that names the index. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "harness/analysis/fit.h"
#include "harness/analysis/stats.h"

#define NEAR(value, expected, tolerance) assert_true(fabs((value) - (expected)) <= (tolerance))
#define SAME(value, expected) NEAR((value) / (expected), 1.0, 1e-9)
#define OK(call) assert_int_equal((call), STATUS_OK)

/* The call must fail with STATUS_INSUFFICIENT and name `part` in its text. */
#define REFUSED(call, part)                                \
    do {                                                   \
        err = ERR_INIT;                                    \
        assert_int_equal((call), STATUS_INSUFFICIENT);     \
        assert_int_equal(err.status, STATUS_INSUFFICIENT); \
        if (strstr(err.text, (part)) == NULL)              \
            fail_msg("'%s' lacks '%s'", err.text, (part)); \
    } while (0)

static struct err err;

/* By hand: x 1 2 3 4, y 2 3 5 6. Means 2.5 and 4, Sxx 5, Sxy 7: y = 0.5 + 1.4 x; residuals .1 -.3 .3 -.1,
 * squares 0.2, s^2 = 0.1. */
static void test_line_by_hand(void **state)
{
    (void)state;
    const double x[] = {3.0, 1.0, 4.0, 2.0};
    const double y[] = {5.0, 2.0, 6.0, 3.0};
    struct fit_line line;
    OK(fit_line(x, y, 4, &line, &err));
    NEAR(line.slope, 1.4, 1e-15);
    NEAR(line.intercept, 0.5, 1e-14);
    NEAR(line.residual_sd, sqrt(0.1), 1e-15);
    NEAR(line.slope_se, sqrt(0.1 / 5.0), 1e-15);
    NEAR(line.intercept_se, sqrt(0.1 * (1.0 / 4.0 + 6.25 / 5.0)), 1e-15);
    assert_int_equal(line.n, 4);
}

/* Over many noisy lines the estimates scatter as their standard errors say. */
static void test_line_errors(void **state)
{
    (void)state;
    enum { LINES = 500, N = 12 };
    double slopes[LINES], intercepts[LINES], slope_ses[LINES], intercept_ses[LINES];
    double sd, mean;
    for (int l = 0; l < LINES; l++) {
        struct rng rng = rng_open(3, RNG_TEST, (uint64_t)l);
        struct fit_line line;
        double x[N], y[N];
        for (int i = 0; i < N; i++) {
            x[i] = 1000.0 + i;
            y[i] = -2.0 + 0.25 * x[i] + 0.5 * rng_normal(&rng);
        }
        OK(fit_line(x, y, N, &line, &err));
        slopes[l] = line.slope;
        intercepts[l] = line.intercept;
        slope_ses[l] = line.slope_se;
        intercept_ses[l] = line.intercept_se;
    }
    OK(stats_sd(slopes, LINES, &sd, &err));
    OK(stats_mean(slope_ses, LINES, &mean, &err));
    NEAR(sd / mean, 1.0, 0.1);
    OK(stats_sd(intercepts, LINES, &sd, &err));
    OK(stats_mean(intercept_ses, LINES, &mean, &err));
    NEAR(sd / mean, 1.0, 0.1);
    OK(stats_mean(slopes, LINES, &mean, &err));
    NEAR(mean, 0.25, 0.01);
}

/* y = 3 + k (x - v)^2 for vertices inside, outside and far from 0, upwards and downwards. */
static void test_quadratic_planted(void **state)
{
    (void)state;
    const double vertices[] = {0.0, 15.3, -2.5, 40.0, 1234.5};
    for (int v = 0; v < 5; v++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            for (int shift = 0; shift <= 1; shift++) {
                double x[7], y[7];
                struct fit_quadratic fit;
                for (int i = 0; i < 7; i++) {
                    x[i] = vertices[v] + shift * 4.0 + (i * 3 % 7 - 3) * 0.7 + 0.03 * i * i;
                    y[i] = 3.0 + sign * 0.2 * (x[i] - vertices[v]) * (x[i] - vertices[v]);
                }
                OK(fit_quadratic(x, y, 7, &fit, &err));
                NEAR(fit.vertex_x, vertices[v], 1e-9);
                SAME(fit.vertex_y, 3.0);
                SAME(fit.c, sign * 0.2);
                NEAR(fit.b, -2.0 * sign * 0.2 * vertices[v], 1e-8);
                NEAR(fit.a / (3.0 + sign * 0.2 * vertices[v] * vertices[v]), 1.0, 1e-8);
                NEAR(fit.rms_residual, 0.0, 1e-12);
                assert_int_equal(fit.curvature, sign);
                assert_true(fit.interior == (shift == 0));
            }
        }
    }
}

/* Of noisy points the residuals of the least squares must be orthogonal to 1, x and x^2. */
static void test_quadratic_normal_equations(void **state)
{
    (void)state;
    double x[20], y[20], sum = 0.0, sum_x = 0.0, sum_xx = 0.0, squares = 0.0;
    struct rng rng = rng_open(9, RNG_TEST, 0);
    struct fit_quadratic fit;
    for (int i = 0; i < 20; i++) {
        x[i] = rng_uniform(&rng) * 3.0;
        y[i] = 1.0 - x[i] + 0.5 * x[i] * x[i] + 0.1 * rng_normal(&rng);
    }
    OK(fit_quadratic(x, y, 20, &fit, &err));
    for (int i = 0; i < 20; i++) {
        double residual = y[i] - (fit.a + fit.b * x[i] + fit.c * x[i] * x[i]);
        sum += residual;
        sum_x += residual * x[i];
        sum_xx += residual * x[i] * x[i];
        squares += residual * residual;
    }
    NEAR(sum, 0.0, 1e-12);
    NEAR(sum_x, 0.0, 1e-12);
    NEAR(sum_xx, 0.0, 1e-12);
    SAME(fit.rms_residual, sqrt(squares / 20.0));
    NEAR(fit.vertex_x, -fit.b / (2.0 * fit.c), 1e-12);
    NEAR(fit.vertex_y, fit.a - fit.b * fit.b / (4.0 * fit.c), 1e-12);
}

/* Falling as loss does, and growing as the best model size does with compute. */
static void test_power_planted(void **state)
{
    (void)state;
    const double alphas[] = {0.076, 0.34, -0.5, 1.7, -1.0};
    for (int a = 0; a < 5; a++) {
        double x[6], y[6];
        struct fit_power law;
        for (int i = 0; i < 6; i++) {
            x[i] = 3e5 * pow(7.0, i);
            y[i] = 8.8 * pow(x[i], -alphas[a]);
        }
        OK(fit_power(x, y, 6, &law, &err));
        SAME(law.alpha, alphas[a]);
        SAME(law.A, 8.8);
        NEAR(law.rms_log_residual, 0.0, 1e-12);
        assert_true(law.E == 0.0);
    }
}

/* A misfit of the same share at each point, up and down: log residuals +-log 1.01 in a balanced order. */
static void test_power_residual(void **state)
{
    (void)state;
    const double wobble[] = {1.01, 1.0 / 1.01, 1.0 / 1.01, 1.01};
    double x[4], y[4];
    struct fit_power law;
    for (int i = 0; i < 4; i++) {
        x[i] = pow(10.0, i);
        y[i] = 5.0 * pow(x[i], -0.3) * wobble[i];
    }
    OK(fit_power(x, y, 4, &law, &err));
    SAME(law.alpha, 0.3);
    SAME(law.rms_log_residual, log(1.01));
    SAME(law.alpha_se, law.rms_log_residual * sqrt(4.0 / 2.0) / (log(10.0) * sqrt(5.0)));
}

/* Planted laws with an offset, in the ranges of loss against N, D and C, and in odd units. */
static void test_offset_planted(void **state)
{
    (void)state;
    const struct {
        double E, A, alpha, x0, ratio;
        int n;
    } cases[] = {
        {1.69, 406.4, 0.34, 1e6, 3.0, 9},   {1.69, 410.7, 0.28, 1e8, 4.0, 7},
        {1.3, 5.0, 0.05, 1e3, 10.0, 8},     {0.001, 2.0, 0.5, 1.0, 2.0, 5},
        {10.0, 1e-3, 2.0, 0.01, 1.5, 12},   {2.0, 1e12, 1.0, 1e10, 2.5, 6},
        {1.69, 406.4, 0.34, 1e-12, 5.0, 9}, {100.0, 3.0, 5.0, 0.5, 1.3, 10},
        {1.5, 9.0, 0.3, 4e3, 9.0, 4},       {1.5e-200, 9e-200, 0.3, 4e3, 9.0, 5},
    };
    for (int c = 0; c < (int)(sizeof cases / sizeof cases[0]); c++) {
        double x[12], y[12];
        struct fit_power law;
        for (int i = 0; i < cases[c].n; i++) {
            x[i] = cases[c].x0 * pow(cases[c].ratio, i);
            y[i] = cases[c].E + cases[c].A * pow(x[i], -cases[c].alpha);
        }
        OK(fit_power_offset(x, y, cases[c].n, &law, &err));
        NEAR(law.alpha / cases[c].alpha, 1.0, 1e-7);
        NEAR(law.A / cases[c].A, 1.0, 1e-6);
        NEAR(law.E / cases[c].E, 1.0, 1e-6);
        NEAR(law.rms_log_residual, 0.0, 1e-12);
        assert_true(isnan(law.alpha_se));
        assert_int_equal(law.n, cases[c].n);
    }
}

/* Without an offset in the data none is found; with more curvature than a power law has, E stays at 0. */
static void test_offset_absent(void **state)
{
    (void)state;
    double x[8], y[8];
    struct fit_power law;
    for (int i = 0; i < 8; i++) {
        x[i] = 100.0 * pow(3.0, i);
        y[i] = 12.0 * pow(x[i], -0.2);
    }
    OK(fit_power_offset(x, y, 8, &law, &err));
    NEAR(law.alpha, 0.2, 1e-7);
    NEAR(law.E, 0.0, 1e-6);
    for (int i = 0; i < 8; i++)
        y[i] = 20.0 - log(x[i]);
    OK(fit_power_offset(x, y, 8, &law, &err));
    assert_true(law.E == 0.0 && law.A > 0.0);
    assert_true(law.rms_log_residual > 1e-3);
}

/* No law in the neighbourhood of the one found leaves smaller relative residuals. */
static void test_offset_is_minimum(void **state)
{
    (void)state;
    double x[10], y[10];
    struct rng rng = rng_open(21, RNG_TEST, 0);
    struct fit_power law;
    for (int i = 0; i < 10; i++) {
        x[i] = 1e4 * pow(2.0, i);
        y[i] = (1.5 + 30.0 * pow(x[i], -0.3)) * exp(0.003 * rng_normal(&rng));
    }
    OK(fit_power_offset(x, y, 10, &law, &err));
    double least = 0.0;
    for (int trial = 0; trial <= 27; trial++) { /* the last one is the law itself */
        double squares = 0.0;
        double step = trial < 27 ? 1e-3 : 0.0;
        double E = law.E * (1.0 + step * (trial % 3 - 1));
        double A = law.A * (1.0 + step * (trial / 3 % 3 - 1));
        double alpha = law.alpha * (1.0 + step * (trial / 9 - 1));
        for (int i = 0; i < 10; i++) {
            double residual = 1.0 - (E + A * pow(x[i], -alpha)) / y[i];
            squares += residual * residual;
        }
        if (trial == 0 || squares < least)
            least = squares;
        if (trial == 27)
            NEAR(squares / least, 1.0, 1e-9);
    }
    NEAR(law.alpha, 0.3, 0.1);
    NEAR(law.rms_log_residual, 0.003, 0.002);
}

static void test_interpolate(void **state)
{
    (void)state;
    const double x[] = {1.0, 10.0, 1000.0, 2000.0};
    const double y[] = {3.0, 5.0, 1.0, 0.7};
    double value = -1.0;
    for (int i = 0; i < 4; i++) {
        OK(interpolate_log(x, y, 4, x[i], &value, &err));
        assert_true(value == y[i]);
    }
    OK(interpolate_log(x, y, 4, sqrt(10.0), &value, &err));
    NEAR(value, 4.0, 1e-14);
    OK(interpolate_log(x, y, 4, 100.0, &value, &err));
    NEAR(value, 3.0, 1e-14);
    /* Neighbours so close that their logarithms are equal. */
    const double close[] = {1e18, nextafter(1e18, 2e18)};
    OK(interpolate_log(close, y, 2, close[1], &value, &err));
    assert_true(value == y[1]);
    value = -1.0;
    REFUSED(interpolate_log(x, y, 4, 0.999, &value, &err), "outside");
    REFUSED(interpolate_log(x, y, 4, nextafter(2000.0, 3000.0), &value, &err), "outside");
    REFUSED(interpolate_log(x, y, 4, (double)NAN, &value, &err), "outside");
    REFUSED(interpolate_log(x, y, 1, 1.0, &value, &err), "at least 2");
    REFUSED(interpolate_log((const double[]){1.0, 5.0, 5.0}, y, 3, 2.0, &value, &err),
            "[2], 5, does not exceed [1]");
    REFUSED(interpolate_log((const double[]){0.0, 5.0}, y, 2, 2.0, &value, &err), "x: value [0] is 0");
    REFUSED(interpolate_log(x, (const double[]){1.0, (double)NAN}, 2, 2.0, &value, &err), "y: value [1]");
    assert_true(value == -1.0);
}

/* Does point j beat point i? Signs turn every direction into "less is better". */
static bool beats(const double *x, const double *y, double sign_x, double sign_y, int j, int i)
{
    double dx = sign_x * (x[j] - x[i]);
    double dy = sign_y * (y[j] - y[i]);
    return (dx <= 0.0 && dy < 0.0) || (dx < 0.0 && dy <= 0.0) || (dx == 0.0 && dy == 0.0 && j < i);
}

/* Random points on a coarse lattice (so that ties abound), all four directions, against the definition. */
static void test_pareto_exhaustive(void **state)
{
    (void)state;
    for (int set = 0; set < 400; set++) {
        double x[15], y[15];
        int index[15], n_index;
        struct rng rng = rng_open(13, RNG_TEST, (uint64_t)set);
        int n = 1 + set % 15;
        bool large_x = set & 1, large_y = set & 2;
        for (int i = 0; i < n; i++) {
            x[i] = (double)rng_below(&rng, 6) - 2.0;
            y[i] = (double)rng_below(&rng, 6) - 2.0;
        }
        OK(fit_pareto(x, y, n, large_x, large_y, index, &n_index, &err));
        int expected = 0;
        for (int i = 0; i < n; i++) {
            bool beaten = false, listed = false;
            for (int j = 0; j < n; j++)
                beaten |= j != i && beats(x, y, large_x ? -1.0 : 1.0, large_y ? -1.0 : 1.0, j, i);
            for (int j = 0; j < n_index; j++)
                listed |= index[j] == i;
            assert_true(listed == !beaten);
            expected += !beaten;
        }
        assert_int_equal(n_index, expected);
        for (int j = 1; j < n_index; j++)
            assert_true(x[index[j - 1]] < x[index[j]]);
    }
}

static void test_lower_envelope(void **state)
{
    (void)state;
    const double compute[] = {4e9, 1e9, 2e9, 1e9, 8e9, 3e9};
    const double loss[] = {2.5, 3.1, 2.6, 3.0, 2.5, 2.8};
    const int expected[] = {3, 2, 0};
    int index[6], n_index = -1;
    OK(fit_lower_envelope(compute, loss, 6, index, &n_index, &err));
    assert_int_equal(n_index, 3);
    assert_memory_equal(index, expected, sizeof expected);
    n_index = -1;
    REFUSED(fit_lower_envelope(compute, (const double[]){1.0, (double)NAN}, 2, index, &n_index, &err),
            "lower envelope: Pareto front: y: value [1] is not a number");
    REFUSED(fit_lower_envelope(compute, loss, 0, index, &n_index, &err), "at least 1");
    assert_int_equal(n_index, -1);
}

static void test_refusals(void **state)
{
    (void)state;
    const double x[] = {1.0, 2.0, 3.0, 4.0, 5.0};
    const double falling[] = {9.0, 7.0, 6.0, 5.5, 5.3};
    const double rising[] = {1.0, 2.0, 3.0, 4.0, 5.5};
    const double flat[] = {0.7, 0.7, 0.7, 0.7, 0.7};
    const double steep[] = {1.5, 1.0, 1.0, 1.0, 1.0};
    const double stuck[] = {3.0, 3.0, 3.0, 3.0, 3.0};
    const double two[] = {3.0, 3.0, 4.0, 3.0, 4.0};
    const double holed[] = {1.0, 2.0, 3.0, (double)NAN, 5.0};
    const double straight[] = {0.1, 0.3, 0.5, 0.7, 0.9};
    const double negative[] = {1.0, 2.0, -3.0, 4.0, 5.0};
    struct fit_line line = {.n = -1};
    struct fit_quadratic quadratic = {.n = -1};
    struct fit_power law = {.n = -1};
    REFUSED(fit_line(x, falling, 2, &line, &err), "line: x: 2 values given, at least 3");
    REFUSED(fit_line(holed, falling, 5, &line, &err), "line: x: value [3] is not a number");
    REFUSED(fit_line(x, holed, 5, &line, &err), "line: y: value [3] is not a number");
    REFUSED(fit_line(stuck, falling, 5, &line, &err), "values [0] to [4] are all 3");
    REFUSED(fit_line((const double[]){0.0, 1e200, 2e200}, falling, 3, &line, &err), "double precision");
    REFUSED(fit_quadratic(x, falling, 2, &quadratic, &err), "at least 3");
    REFUSED(fit_quadratic(holed, falling, 5, &quadratic, &err), "quadratic: x: value [3]");
    REFUSED(fit_quadratic(two, falling, 5, &quadratic, &err), "all values equal [0], 3, or [2], 4");
    REFUSED(fit_quadratic(x, straight, 5, &quadratic, &err), "points [0] to [4] lie on a line");
    REFUSED(fit_quadratic(x, flat, 5, &quadratic, &err), "points [0] to [4] lie on a line");
    REFUSED(fit_quadratic((const double[]){0.0, 1.0, nextafter(1.0, 2.0)}, falling, 3, &quadratic, &err),
            "double precision");
    REFUSED(fit_power(x, negative, 5, &law, &err), "power law: y: value [2] is -3");
    REFUSED(fit_power(negative, x, 5, &law, &err), "power law: x: value [2] is -3");
    REFUSED(fit_power(stuck, falling, 5, &law, &err), "[0] to [4]");
    REFUSED(fit_power(x, falling, 2, &law, &err), "at least 3");
    REFUSED(fit_power_offset(x, falling, 3, &law, &err), "at least 4");
    REFUSED(fit_power_offset(x, holed, 5, &law, &err), "y: value [3]");
    REFUSED(fit_power_offset(negative, falling, 5, &law, &err), "x: value [2]");
    REFUSED(fit_power_offset(two, falling, 5, &law, &err), "3 different ones");
    REFUSED(fit_power_offset(x, rising, 5, &law, &err), "does not fall");
    REFUSED(fit_power_offset(x, flat, 5, &law, &err), "does not fall");
    REFUSED(fit_power_offset(x, steep, 5, &law, &err), "runs to 10");
    REFUSED(fit_power_offset(x, (const double[]){1e300, 1e200, 1e100, 1e-300}, 4, &law, &err), "precision");
    assert_true(line.n == -1 && quadratic.n == -1 && law.n == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_by_hand),      cmocka_unit_test(test_line_errors),
        cmocka_unit_test(test_quadratic_planted), cmocka_unit_test(test_quadratic_normal_equations),
        cmocka_unit_test(test_power_planted),     cmocka_unit_test(test_power_residual),
        cmocka_unit_test(test_offset_planted),    cmocka_unit_test(test_offset_absent),
        cmocka_unit_test(test_offset_is_minimum), cmocka_unit_test(test_interpolate),
        cmocka_unit_test(test_pareto_exhaustive), cmocka_unit_test(test_lower_envelope),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
