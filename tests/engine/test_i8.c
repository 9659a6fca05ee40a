/* SPDX-License-Identifier: Apache-2.0 */
/* test_i8.c — goal: 8-bit products are exact, to the same bits, on every instruction set and for every number of rows.
 *
 * Method: all tables this processor runs, on lengths around their vectors, numbers of rows around their blocks, random
 * and extreme bytes, held against sums in 64 bits. Arrays begin at odd addresses and end where memory the sanitizers
 * watch ends; what lies behind y must stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/math/i8.h"
#include "engine/math/isa.h"

extern const struct i8_ops i8_ops_baseline, i8_ops_avx2, i8_ops_vnni;

enum { TABLES_MAX = 3 };

static int tables(const struct i8_ops *out[TABLES_MAX])
{
    int n = 0;
    out[n++] = &i8_ops_baseline;
#if defined(__x86_64__)
    if (isa_supported() >= ISA_AVX2)
        out[n++] = &i8_ops_avx2;
    if (isa_supported() == ISA_AVX512 && __builtin_cpu_supports("avx512vnni"))
        out[n++] = &i8_ops_vnni;
#endif
    return n;
}

/* Of n bytes from an odd address: random, or all at one end, or at both by turns. */
static int8_t *bytes(struct rng *rng, int n, int extreme)
{
    int8_t *x = malloc((size_t)n + 1);
    assert_non_null(x);
    for (int i = 0; i < n; i++)
        x[i + 1] = extreme ? (int8_t)(rng_below(rng, extreme == 1 ? 1 : 2) ? 127 : -127)
                           : (int8_t)((int)rng_below(rng, 255) - 127);
    return x;
}

static void check_product(struct rng *rng, const struct i8_ops *ops, int n, int O, int I, int extreme)
{
    int8_t *w = bytes(rng, O * I, extreme), *x = bytes(rng, n * I, extreme);
    real *scales = malloc((size_t)(n + O) * sizeof *scales), *y = malloc(((size_t)n * (size_t)O + 1) * sizeof *y);
    assert_non_null(scales);
    assert_non_null(y);
    for (int i = 0; i < n + O; i++)
        scales[i] = (real)(1 + rng_below(rng, 1000)) / 100000;
    y[n * O] = 77;
    ops->multiply(y, w + 1, scales + n, x + 1, scales, n, O, I);
    for (int t = 0; t < n; t++)
        for (int o = 0; o < O; o++) {
            int64_t sum = 0;
            for (int i = 0; i < I; i++)
                sum += (int64_t)w[1 + o * I + i] * x[1 + t * I + i];
            assert_true(y[t * O + o] == (real)sum * (scales[n + o] * scales[t]));
        }
    assert_true(y[n * O] == 77);
    free(w);
    free(x);
    free(scales);
    free(y);
}

static void test_exact(void **state)
{
    static const int lengths[] = {1, 3, 31, 32, 33, 63, 64, 65, 96, 128, 191, 200};
    static const int rows[] = {1, 2, 3, 4, 5, 7, 8, 64, 65, 131}, outputs[] = {1, 2, 3, 4, 7, 8, 15, 16, 17, 33};
    const struct i8_ops *all[TABLES_MAX];
    struct rng rng = rng_open(1, RNG_TEST, 0);
    int n = tables(all);
    (void)state;
    for (int k = 0; k < n; k++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
            for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
                check_product(&rng, all[k], rows[r], outputs[(l + r) % 10], lengths[l], (int)((l * r) % 3));
}

/* The longest rows there may be, all at one end: the sum is 1.6e9, and what VNNI adds up on the way wraps. */
static void test_longest(void **state)
{
    const struct i8_ops *all[TABLES_MAX];
    struct rng rng = rng_open(1, RNG_TEST, 1);
    int n = tables(all);
    (void)state;
    for (int k = 0; k < n; k++)
        for (int extreme = 0; extreme < 3; extreme++)
            check_product(&rng, all[k], 2, 3, 100000, extreme);
}

/* What is in use is one of them. */
static void test_choice(void **state)
{
    const struct i8_ops *all[TABLES_MAX];
    int n = tables(all), found = 0;
    (void)state;
    for (int k = 0; k < n; k++)
        found += i8 == all[k];
    assert_int_equal(found, 1);
    if (isa_chosen() == ISA_BASELINE)
        assert_string_equal(i8->isa, "baseline");
    if (isa_chosen() == ISA_AVX2)
        assert_string_equal(i8->isa, "avx2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
