/* SPDX-License-Identifier: Apache-2.0 */
/* test_vec.c — goal: every kernel computes its formula, and every instruction set gives the same bits.
 *
 * Method: random arrays of lengths around the lane count, with unaligned starts; each kernel against a plain loop in
 * double, and each table the processor can run against the baseline table, bit for bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/math/vec.h"

extern const struct vec_ops vec_ops_baseline, vec_ops_avx2, vec_ops_avx512;

enum { LENGTH = 100, ARRAYS = 6 };

static real arrays[ARRAYS][LENGTH];

static void fill(uint64_t seed)
{
    struct rng rng = rng_open(seed, RNG_TEST, 9);
    for (int a = 0; a < ARRAYS; a++)
        for (int i = 0; i < LENGTH; i++)
            arrays[a][i] = (real)(2 * rng_normal(&rng));
}

/* Runs every kernel on n numbers from odd addresses and collects everything they wrote or returned. */
static int run_all(const struct vec_ops *v, int n, real *results)
{
    static real x[ARRAYS][LENGTH];
    const struct adamw_factors factors = {0.01f, 0.9f, 0.99f, 1.5f, 2.5f, 1e-8f, 0.1f, 0.5f};
    int8_t a[LENGTH];
    int count = 0;
#define KEEP(value) results[count++] = (real)(value)
#define KEEP_ALL(array) for (int k_ = 0; k_ < n; k_++) KEEP((array)[k_])
    memcpy(x, arrays, sizeof x);
    v->add(x[0] + 1, x[1] + 1, n);
    KEEP_ALL(x[0] + 1);
    v->axpy(x[0] + 1, 0.3f, x[2] + 1, n);
    v->scale(x[0] + 1, 1.7f, n);
    KEEP_ALL(x[0] + 1);
    KEEP(v->dot(x[1] + 1, x[2] + 1, n));
    KEEP(v->max(x[1] + 1, n));
    KEEP(v->sum_squares(x[1] + 1, n));
    KEEP(v->narrow_i8(a, x[2] + 1, n));
    KEEP_ALL(a);
    KEEP(v->exp_sum(x[3] + 1, x[2] + 1, v->max(x[2] + 1, n), n));
    KEEP_ALL(x[3] + 1);
    v->softmax_backward(x[4] + 1, x[3] + 1, x[1] + 1, 0.7f, n);
    KEEP_ALL(x[4] + 1);
    v->rmsnorm(x[4] + 1, x[1] + 1, x[2] + 1, 0.9f, n);
    KEEP_ALL(x[4] + 1);
    v->rmsnorm_backward(x[4] + 1, x[5] + 1, x[1] + 1, x[2] + 1, x[3] + 1, 0.9f, n);
    KEEP_ALL(x[4] + 1);
    KEEP_ALL(x[5] + 1);
    v->silu_mul(x[0] + 1, x[1] + 1, x[2] + 1, n);
    KEEP_ALL(x[0] + 1);
    v->silu_mul_backward(x[1] + 1, x[2] + 1, x[5] + 1, x[1] + 1, x[2] + 1, n);
    KEEP_ALL(x[1] + 1);
    KEEP_ALL(x[2] + 1);
    for (int i = 0; i <= n; i++)
        x[4][i] *= x[4][i];
    v->adamw(x[0] + 1, x[3] + 1, x[4] + 1, x[5] + 1, &factors, n);
    KEEP_ALL(x[0] + 1);
    return count;
}

static void test_same_bits(void **state)
{
    static real expected[20 * LENGTH], got[20 * LENGTH];
    const struct vec_ops *tables[2] = {NULL, NULL};
    (void)state;
#if defined(__x86_64__)
    __builtin_cpu_init();
    tables[0] = __builtin_cpu_supports("avx2") ? &vec_ops_avx2 : NULL;
    tables[1] = __builtin_cpu_supports("avx512dq") ? &vec_ops_avx512 : NULL;
#endif
    for (int n = 1; n <= 67; n++) {
        int count;
        fill((uint64_t)n);
        count = run_all(&vec_ops_baseline, n, expected);
        for (int t = 0; t < 2; t++) {
            if (!tables[t])
                continue;
            assert_int_equal(run_all(tables[t], n, got), count);
            assert_memory_equal(got, expected, (size_t)count * sizeof(real));
        }
    }
}

static void close_to(double got, double expected)
{
    if (!(fabs(got - expected) <= 2e-6 * (1 + fabs(expected))))
        fail_msg("%.9g is not %.9g", got, expected);
}

static void test_exp(void **state)
{
    real x[LENGTH], y[LENGTH];
    double sum = 0;
    (void)state;
    for (int i = 0; i < LENGTH; i++)
        x[i] = (real)(-80 + 1.6 * i);
    close_to((double)vec->exp_sum(y, x, 0, 1), exp(-80));
    (void)vec->exp_sum(y, x, 78.4f, LENGTH);
    for (int i = 0; i < LENGTH; i++) {
        double expected = exp((double)(x[i] - 78.4f));
        if (expected > 1e-37)
            assert_true(fabs((double)y[i] / expected - 1) < 5e-7);
        sum += (double)y[i];
    }
    close_to((double)vec->exp_sum(y, x, 78.4f, LENGTH), sum);
    x[3] = NAN;
    assert_true(isnan(vec->exp_sum(y, x, 0, LENGTH)));
}

static void test_formulas(void **state)
{
    const real *x = arrays[0], *y = arrays[1], *g = arrays[2];
    real out[LENGTH], up[LENGTH], gain[LENGTH] = {0}, dx[LENGTH] = {0};
    double dot = 0, mean = 0;
    (void)state;
    fill(77);
    for (int i = 0; i < LENGTH; i++)
        dot += (double)x[i] * (double)y[i];
    close_to((double)vec->dot(x, y, LENGTH), dot);
    vec->silu_mul(out, x, y, LENGTH);
    for (int i = 0; i < LENGTH; i++)
        close_to((double)out[i], (double)x[i] / (1 + exp(-(double)x[i])) * (double)y[i]);
    vec->silu_mul_backward(out, up, g, x, y, LENGTH);
    for (int i = 0; i < LENGTH; i++) {
        double s = 1 / (1 + exp(-(double)x[i]));
        close_to((double)up[i], (double)g[i] * (double)x[i] * s);
        close_to((double)out[i], (double)g[i] * (double)y[i] * s * (1 + (double)x[i] * (1 - s)));
    }
    {
        int8_t narrow[3];
        close_to((double)vec->narrow_i8(narrow, (const real[]){-2.54f, 0.013f, 1.27f}, 3), 0.02);
        assert_int_equal(narrow[0], -127);
        assert_int_equal(narrow[1], 1);
        assert_int_equal(narrow[2], 64); /* 63.5 away from zero */
    }
    vec->rmsnorm_backward(dx, gain, y, x, g, 0.5f, LENGTH);
    for (int i = 0; i < LENGTH; i++)
        mean += (double)y[i] * (double)g[i] * (double)x[i] * 0.5 / LENGTH;
    for (int i = 0; i < LENGTH; i++) {
        close_to((double)gain[i], (double)y[i] * (double)x[i] * 0.5);
        close_to((double)dx[i], 0.5 * ((double)y[i] * (double)g[i] - (double)x[i] * 0.5 * mean));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
