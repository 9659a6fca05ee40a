/* SPDX-License-Identifier: Apache-2.0 */
/* test_gemm.c — goal: our matrix product computes its formula on every instruction set, touches nothing beyond its
 * arrays, and keeps its promise about bits.
 *
 * Method: random shapes around the edges of tiles, panels and blocks, in all four orientations, with rows longer than
 * the matrix; each element against a sum in double, within the bound for a sum of K rounded products; OpenBLAS on the
 * same numbers as a second opinion. Every array begins or ends at a page that may not be touched. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/math/blas.h"
#include "engine/math/gemm.h"
#include "engine/math/isa.h"

extern const struct gemm_set gemm_set_avx2, gemm_set_avx512;

enum { SETS_MAX = 2, ARRAY = 1 << 20 /* floats */ };

/* The sets this processor runs. */
static int sets(const struct gemm_set *out[SETS_MAX])
{
    int n = 0;
#if defined(__x86_64__)
    if (isa_supported() >= ISA_AVX2)
        out[n++] = &gemm_set_avx2;
    if (isa_supported() >= ISA_AVX512)
        out[n++] = &gemm_set_avx512;
#else
    (void)out;
#endif
    return n;
}

/* ---- arrays between two pages that may not be touched ---- */

struct guarded {
    char *map;
    size_t page, bytes;
};

static struct guarded operands[3];

static int open_arrays(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct guarded *g = &operands[i];
        g->page = (size_t)sysconf(_SC_PAGESIZE);
        g->bytes = ARRAY * sizeof(float);
        g->map = mmap(NULL, g->bytes + 2 * g->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (g->map == MAP_FAILED || mprotect(g->map, g->page, PROT_NONE) != 0 ||
            mprotect(g->map + g->page + g->bytes, g->page, PROT_NONE) != 0)
            return -1;
    }
    return 0;
}

static int close_arrays(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        (void)munmap(operands[i].map, operands[i].bytes + 2 * operands[i].page);
    return 0;
}

/* n floats that begin or end at a forbidden page. */
static float *place(int array, size_t n, bool at_end)
{
    struct guarded *g = &operands[array];
    assert_true(n <= ARRAY);
    return (float *)(void *)(g->map + g->page) + (at_end ? ARRAY - n : 0);
}

static void fill(float *x, size_t n, struct rng *rng)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rng_normal(rng);
}

/* ---- a product and what it should be ---- */

struct shape {
    bool transpose_a, transpose_b;
    int M, N, K, lda, ldb, ldc;
    float alpha, beta;
};

static size_t extent(int rows, int columns, int stride)
{
    return (size_t)(rows - 1) * (size_t)stride + (size_t)columns;
}

static size_t extent_a(const struct shape *s)
{
    return s->transpose_a ? extent(s->K, s->M, s->lda) : extent(s->M, s->K, s->lda);
}

static size_t extent_b(const struct shape *s)
{
    return s->transpose_b ? extent(s->N, s->K, s->ldb) : extent(s->K, s->N, s->ldb);
}

static double at(const float *x, bool transposed, int stride, int row, int column)
{
    return (double)x[transposed ? column * stride + row : row * stride + column];
}

static void multiply(const struct gemm_set *set, const struct shape *s, const float *a, const float *b, float *c)
{
    gemm_multiply(set, s->transpose_a, s->transpose_b, s->M, s->N, s->K, s->alpha, a, s->lda, b, s->ldb, s->beta, c,
                  s->ldc);
}

/* |result - exact| <= (K + 3) eps (|beta c| + |alpha| sum |a b|): Higham 2002, section 3.1, with a little room. */
static void check(const struct shape *s, const float *a, const float *b, const float *before, const float *c,
                  const char *who)
{
    for (int i = 0; i < s->M; i++)
        for (int j = 0; j < s->N; j++) {
            double old = s->beta == 0 ? 0 : (double)s->beta * (double)before[i * s->ldc + j];
            double sum = 0, size = 0, got = (double)c[i * s->ldc + j], bound;
            for (int k = 0; k < s->K; k++) {
                double term = at(a, s->transpose_a, s->lda, i, k) * at(b, s->transpose_b, s->ldb, k, j);
                sum += term;
                size += fabs(term);
            }
            bound = (s->K + 3) * 0x1p-24 * (fabs(old) + fabs((double)s->alpha) * size);
            if (!(fabs(got - (old + (double)s->alpha * sum)) <= bound))
                fail_msg("%s: %d%d %dx%dx%d, strides %d %d %d, alpha %g beta %g: (%d,%d) is %.9g, not %.9g", who,
                         s->transpose_a, s->transpose_b, s->M, s->N, s->K, s->lda, s->ldb, s->ldc, (double)s->alpha,
                         (double)s->beta, i, j, got, old + (double)s->alpha * sum);
        }
}

/* Between the columns of C lies what nobody may change. */
static void check_gaps(const struct shape *s, const float *before, const float *c)
{
    for (int i = 0; i + 1 < s->M; i++)
        assert_memory_equal(c + i * s->ldc + s->N, before + i * s->ldc + s->N, (size_t)(s->ldc - s->N) * sizeof *c);
}

static void try_shape(const struct gemm_set *set, const struct shape *s, struct rng *rng)
{
    size_t sizes[3] = {extent_a(s), extent_b(s), extent(s->M, s->N, s->ldc)};
    float *before = malloc(sizes[2] * sizeof *before);
    assert_non_null(before);
    for (int end = 0; end < 2; end++) {
        float *a = place(0, sizes[0], end), *b = place(1, sizes[1], end), *c = place(2, sizes[2], end);
        fill(a, sizes[0], rng);
        fill(b, sizes[1], rng);
        fill(before, sizes[2], rng);
        if (s->beta == 0) /* C may hold anything: it is not read */
            for (int i = 0; i < s->M; i++)
                before[i * s->ldc] = NAN;
        memcpy(c, before, sizes[2] * sizeof *c);
        multiply(set, s, a, b, c);
        check(s, a, b, before, c, set->name);
        check_gaps(s, before, c);
    }
    free(before);
}

static struct shape random_shape(struct rng *rng)
{
    /* Sizes at which a tile, a panel, a block or a vector ends, give or take one. */
    static const int edges[] = {1, 2, 4, 5, 6, 7, 8, 13, 14, 15, 16, 17, 28, 29, 31, 32, 33, 47, 48, 49, 63, 64, 65, 96};
    static const int depths[] = {1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 64, 96, 255, 256, 257, 300, 513};
    static const float factors[] = {0, 1, -0.75f};
    struct shape s = {.transpose_a = rng_below(rng, 2), .transpose_b = rng_below(rng, 2)};
    s.M = edges[rng_below(rng, sizeof edges / sizeof *edges)];
    s.N = edges[rng_below(rng, sizeof edges / sizeof *edges)];
    s.K = depths[rng_below(rng, sizeof depths / sizeof *depths)];
    s.lda = (s.transpose_a ? s.M : s.K) + (int)rng_below(rng, 2) * (int)rng_below(rng, 20);
    s.ldb = (s.transpose_b ? s.K : s.N) + (int)rng_below(rng, 2) * (int)rng_below(rng, 20);
    s.ldc = s.N + (int)rng_below(rng, 2) * (int)rng_below(rng, 20);
    s.alpha = factors[rng_below(rng, 3)];
    s.beta = factors[rng_below(rng, 3)];
    return s;
}

static void test_formula(void **state)
{
    enum { SHAPES = 400 };
    const struct gemm_set *all[SETS_MAX];
    struct rng rng = rng_open(1, RNG_TEST, 31);
    int n = sets(all);
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        struct shape s = random_shape(&rng);
        for (int k = 0; k < n; k++)
            try_shape(all[k], &s, &rng);
    }
}

/* Blocks of A, of B and of k all end inside, and A's rows lie a multiple of 4 KiB apart. */
static void test_large(void **state)
{
    static const struct shape shapes[] = {
        {.transpose_b = true, .M = 431, .N = 130, .K = 270, .lda = 1024, .ldb = 270, .ldc = 130, .alpha = 1},
        {.M = 2100, .N = 33, .K = 40, .lda = 40, .ldb = 33, .ldc = 33, .alpha = 1},
        {.transpose_a = true, .M = 800, .N = 131, .K = 261, .lda = 800, .ldb = 131, .ldc = 131, .alpha = 1, .beta = 1},
        {.transpose_b = true, .M = 20, .N = 1700, .K = 260, .lda = 260, .ldb = 260, .ldc = 1700, .alpha = 1},
    };
    const struct gemm_set *all[SETS_MAX];
    struct rng rng = rng_open(2, RNG_TEST, 31);
    int n = sets(all);
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int k = 0; k < n; k++)
            try_shape(all[k], &shapes[i], &rng);
}

/* OpenBLAS by the same yardstick: were the yardstick wrong, both would fail. */
static void test_openblas(void **state)
{
    struct rng rng = rng_open(3, RNG_TEST, 31);
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct shape s = random_shape(&rng);
        size_t size = extent(s.M, s.N, s.ldc);
        float *a = place(0, extent_a(&s), true), *b = place(1, extent_b(&s), true), *c = place(2, size, true);
        float *before = malloc(size * sizeof *before);
        uint64_t count = flop_counter();
        assert_non_null(before);
        fill(a, extent_a(&s), &rng);
        fill(b, extent_b(&s), &rng);
        fill(before, size, &rng);
        for (int own = 0; own < 2; own++) {
            memcpy(c, before, size * sizeof *c);
            (own ? gemm : gemm_openblas)(s.transpose_a, s.transpose_b, s.M, s.N, s.K, s.alpha, a, s.lda, b, s.ldb, s.beta, c,
                                         s.ldc);
            check(&s, a, b, before, c, own ? blas_core() : "OpenBLAS");
        }
        assert_int_equal(flop_counter() - count, 4LL * s.M * s.N * s.K);
        free(before);
    }
}

/* A product cut into pieces of rows and of columns, on another instruction set and at other addresses: the same bits. */
static void test_bits(void **state)
{
    enum { M = 75, N = 83, STRIDE = 301 };
    static const int depths[] = {5, 64, 300};
    const struct gemm_set *all[SETS_MAX];
    struct rng rng = rng_open(4, RNG_TEST, 31);
    float *a = place(0, STRIDE * STRIDE, false), *b = place(1, STRIDE * STRIDE, true);
    static float whole[M * N], pieces[M * N];
    int n = sets(all);
    (void)state;
    fill(a, STRIDE * STRIDE, &rng);
    fill(b, STRIDE * STRIDE, &rng);
    for (int trial = 0; n > 0 && trial < 60; trial++) {
        bool ta = trial & 1, tb = trial & 2;
        int K = depths[trial % 3], cut = 5 + (int)rng_below(&rng, M - 9), side = 1 + (int)rng_below(&rng, N - 1);
        const struct gemm_set *other = all[trial % n];
        for (int i = 0; i < M * N; i++)
            whole[i] = pieces[i] = (float)i;
        gemm_multiply(all[0], ta, tb, M, N, K, 0.5f, a, STRIDE, b, STRIDE, 1, whole, N);
        for (int piece = 0; piece < 4; piece++) {
            int m = piece & 1 ? cut : 0, rows = piece & 1 ? M - cut : cut;
            int c = piece & 2 ? side : 0, columns = piece & 2 ? N - side : side;
            gemm_multiply(other, ta, tb, rows, columns, K, 0.5f, a + (ta ? m : m * STRIDE), STRIDE,
                          b + (tb ? c * STRIDE : c), STRIDE, 1, pieces + m * N + c, N);
        }
        assert_memory_equal(pieces, whole, sizeof whole);
    }
}

/* Up to four rows against a transposed B have an order of their own: the same for each of them, and gemv's. */
static void test_few_rows(void **state)
{
    enum { N = 37, K = 150 };
    const struct gemm_set *all[SETS_MAX];
    struct rng rng = rng_open(5, RNG_TEST, 31);
    static float a[4 * K], b[N * K], one[N], few[4 * N];
    int n = sets(all);
    (void)state;
    fill(a, 4 * K, &rng);
    fill(b, N * K, &rng);
    for (int k = 0; k < n; k++)
        for (int rows = 2; rows <= 4; rows++) {
            gemm_multiply(all[k], false, true, rows, N, K, 1, a, K, b, K, 0, few, N);
            for (int i = 0; i < rows; i++) {
                gemm_multiply(all[k], false, true, 1, N, K, 1, a + i * K, K, b, K, 0, one, N);
                assert_memory_equal(one, few + i * N, sizeof one);
            }
        }
    gemm(false, true, 1, N, K, 1, a, K, b, K, 0, one, N);
    gemv(N, K, b, K, a, few);
    if (n > 0 && strncmp(blas_core(), "isoflop", 7) == 0)
        assert_memory_equal(one, few, sizeof one);
}

static void test_nothing(void **state)
{
    float x = 1, c = 7;
    uint64_t before = flop_counter();
    (void)state;
    gemm(false, true, 0, 1, 1, 1, &x, 1, &x, 1, 0, &c, 1);
    gemm(false, true, 1, 0, 1, 1, &x, 1, &x, 1, 0, &c, 1);
    gemm(false, true, 1, 1, 0, 1, &x, 1, &x, 1, 0, &c, 1);
    assert_true(c == 7);
    assert_int_equal(flop_counter(), before);
}

/* NaN and infinity in A or B reach C, as in any other product. */
static void test_not_numbers(void **state)
{
    const struct gemm_set *all[SETS_MAX];
    static float a[20 * 20], b[20 * 20], c[20 * 20];
    int n = sets(all);
    (void)state;
    for (int k = 0; k < n; k++)
        for (int way = 0; way < 4; way++) {
            for (int i = 0; i < 400; i++)
                a[i] = b[i] = 1;
            a[way & 1 ? 3 * 20 + 5 : 5 * 20 + 3] = NAN; /* row 5, k = 3 */
            gemm_multiply(all[k], way & 1, way & 2, 20, 20, 20, 1, a, 20, b, 20, 0, c, 20);
            for (int i = 0; i < 400; i++)
                assert_true(i / 20 == 5 ? isnan(c[i]) : c[i] == 20);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formula),  cmocka_unit_test(test_large), cmocka_unit_test(test_openblas),
        cmocka_unit_test(test_bits),     cmocka_unit_test(test_few_rows),
        cmocka_unit_test(test_nothing),  cmocka_unit_test(test_not_numbers),
    };
    return cmocka_run_group_tests(tests, open_arrays, close_arrays);
}
