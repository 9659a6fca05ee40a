/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_kernels.c — one source for every instruction set with fused multiply-add; the Makefile compiles it once for
 * each, with other machine flags and -DVEC_ISA=name.
 *
 * Design: a tile of C stays in registers while k runs; every step loads one row of B's panel, and multiplies it by each
 * a[i] spread over a vector. Tiles of every height up to the tallest exist, so no row is computed in vain, and the last
 * vector of a tile is masked, so nothing beyond an array is read or written. */
#include <immintrin.h>
#include <stdint.h>

#include "engine/math/gemm.h"

#ifndef VEC_ISA
#error "compile with -DVEC_ISA=avx2 or avx512"
#endif

#define INLINE static inline __attribute__((always_inline))

/* ---- the two instruction sets by the same names ---- */

#if defined(__AVX512F__)
enum { WIDTH = 16, QUADS = 4, ROWS_1 = 14, ROWS_2 = 14, ROWS_3 = 8, ROWS_4 = 6 };
typedef __m512 vector;
typedef __mmask16 mask;
#define zero_vector _mm512_setzero_ps
#define spread _mm512_set1_ps
#define load _mm512_loadu_ps
#define store _mm512_storeu_ps
#define fma_vector _mm512_fmadd_ps
#define add _mm512_add_ps
#define multiply _mm512_mul_ps
#define interleave_low _mm512_unpacklo_ps
#define interleave_high _mm512_unpackhi_ps
#define shuffle _mm512_shuffle_ps

INLINE mask first_lanes(int n)
{
    return (mask)((1u << n) - 1);
}

INLINE mask lanes_between(int first, int end)
{
    return (mask)(first_lanes(end) & ~first_lanes(first));
}

INLINE vector load_masked(mask lanes, const float *x)
{
    return _mm512_maskz_loadu_ps(lanes, x);
}

INLINE void store_masked(float *x, mask lanes, vector v)
{
    _mm512_mask_storeu_ps(x, lanes, v);
}

/* Four floats of each of four rows. */
INLINE vector load_quads(const float *const *rows, ptrdiff_t at)
{
    vector v = _mm512_castps128_ps512(_mm_loadu_ps(rows[0] + at));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(rows[4] + at), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(rows[8] + at), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(rows[12] + at), 3);
}
#else
enum { WIDTH = 8, QUADS = 2, ROWS_1 = 6, ROWS_2 = 6, ROWS_3 = 4, ROWS_4 = 2 };
typedef __m256 vector;
typedef __m256i mask;
#define zero_vector _mm256_setzero_ps
#define spread _mm256_set1_ps
#define load _mm256_loadu_ps
#define store _mm256_storeu_ps
#define fma_vector _mm256_fmadd_ps
#define add _mm256_add_ps
#define multiply _mm256_mul_ps
#define interleave_low _mm256_unpacklo_ps
#define interleave_high _mm256_unpackhi_ps
#define shuffle _mm256_shuffle_ps

INLINE mask first_lanes(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INLINE mask lanes_between(int first, int end)
{
    return _mm256_andnot_si256(first_lanes(first), first_lanes(end));
}

INLINE vector load_masked(mask lanes, const float *x)
{
    return _mm256_maskload_ps(x, lanes);
}

INLINE void store_masked(float *x, mask lanes, vector v)
{
    _mm256_maskstore_ps(x, lanes, v);
}

INLINE vector load_quads(const float *const *rows, ptrdiff_t at)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(rows[0] + at)), _mm_loadu_ps(rows[4] + at), 1);
}
#endif

enum {
    CACHE_LINE = 16,   /* floats */
    STEPS_PER_ROW = 4, /* of k, between calls for one row of C and for the next */
};

/* ---- one tile ---- */

INLINE void put(float *at, const bool whole, mask lanes, vector v)
{
    if (whole)
        store(at, v);
    else
        store_masked(at, lanes, v);
}

/* C = beta C + alpha sums. With beta 0 whatever C held, NaN included, is gone. */
INLINE void finish(const int rows, const int vectors, mask last, vector sums[GEMM_ROWS_MAX][GEMM_VECTORS_MAX],
                   const struct gemm_tile *t)
{
    const vector alpha = spread(t->alpha), beta = spread(t->beta);
    const ptrdiff_t stride = t->c_stride;
    float *c = t->c;
    if (t->beta == 0) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++, c += stride)
#pragma GCC unroll 4
            for (int j = 0; j < vectors; j++)
                put(c + j * WIDTH, j < vectors - 1, last, multiply(alpha, sums[i][j]));
        return;
    }
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++, c += stride)
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++) {
            vector old = j < vectors - 1 ? load(c + j * WIDTH) : load_masked(last, c + j * WIDTH);
            put(c + j * WIDTH, j < vectors - 1, last, fma_vector(beta, old, multiply(alpha, sums[i][j])));
        }
}

/* rows, vectors and by_columns are constants wherever this is inlined: the loops over them vanish.
 * C is called into the second level (the first is full) a row at a time while k runs: all rows at once would take every
 * buffer there is for lines on their way, and the loads of A and B would wait behind them. */
INLINE void tile(const int rows, const int vectors, const bool by_columns, const struct gemm_tile *t)
{
    const float *a = t->a, *b = t->b, *c = t->c;
    const ptrdiff_t a_stride = t->a_stride, b_stride = t->b_stride;
    const mask last = first_lanes(t->columns - (vectors - 1) * WIDTH);
    const ptrdiff_t last_fetch = (rows - 1) * STEPS_PER_ROW;
    vector sums[GEMM_ROWS_MAX][GEMM_VECTORS_MAX];
    /* Rows are reached from every third one, so that few addresses need few registers. */
    const float *thirds[(GEMM_ROWS_MAX + 2) / 3];
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        if (i % 3 == 0)
            thirds[i / 3] = a + i * a_stride;
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            sums[i][j] = zero_vector();
    }
#pragma GCC unroll 1
    for (ptrdiff_t k = 0; k < t->K; k++) {
        const float *row = c + (k < last_fetch ? k : last_fetch) / STEPS_PER_ROW * t->c_stride;
        vector bs[GEMM_VECTORS_MAX];
#pragma GCC unroll 4
        for (int j = 0; j < vectors * WIDTH; j += CACHE_LINE)
            __builtin_prefetch(row + j, 1, 2);
#pragma GCC unroll 4
        for (int j = 0; j < vectors - 1; j++)
            bs[j] = load(b + j * WIDTH);
        bs[vectors - 1] = load_masked(last, b + (vectors - 1) * WIDTH);
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            vector as = spread(by_columns ? a[i] : thirds[i / 3][(i % 3) * a_stride + k]);
#pragma GCC unroll 4
            for (int j = 0; j < vectors; j++)
                sums[i][j] = fma_vector(as, bs[j], sums[i][j]);
        }
        b += b_stride;
        if (by_columns)
            a += a_stride;
    }
    finish(rows, vectors, last, sums, t);
}

/* ---- all tiles: a function for each height, width and layout of A ---- */

#define TILE(rows, vectors)                                                  \
    static void by_rows_##vectors##_##rows(const struct gemm_tile *t)        \
    {                                                                        \
        tile(rows, vectors, false, t);                                       \
    }                                                                        \
    static void by_columns_##vectors##_##rows(const struct gemm_tile *t)     \
    {                                                                        \
        tile(rows, vectors, true, t);                                        \
    }
#define TO_2(X, v) X(1, v) X(2, v)
#define TO_4(X, v) TO_2(X, v) X(3, v) X(4, v)
#define TO_6(X, v) TO_4(X, v) X(5, v) X(6, v)
#define TO_8(X, v) TO_6(X, v) X(7, v) X(8, v)
#define TO_14(X, v) TO_8(X, v) X(9, v) X(10, v) X(11, v) X(12, v) X(13, v) X(14, v)
#if defined(__AVX512F__)
#define TILES(X) TO_14(X, 1) TO_14(X, 2) TO_8(X, 3) TO_6(X, 4)
#else
#define TILES(X) TO_6(X, 1) TO_6(X, 2) TO_4(X, 3) TO_2(X, 4)
#endif
TILES(TILE)

/* ---- packing ---- */

/* Columns at … at + 3 of WIDTH rows, as four vectors. */
INLINE void transpose_quad(vector out[4], const float *const rows[WIDTH], ptrdiff_t at)
{
    vector r0 = load_quads(rows, at), r1 = load_quads(rows + 1, at);
    vector r2 = load_quads(rows + 2, at), r3 = load_quads(rows + 3, at);
    vector low01 = interleave_low(r0, r1), high01 = interleave_high(r0, r1);
    vector low23 = interleave_low(r2, r3), high23 = interleave_high(r2, r3);
    out[0] = shuffle(low01, low23, 0x44);
    out[1] = shuffle(low01, low23, 0xee);
    out[2] = shuffle(high01, high23, 0x44);
    out[3] = shuffle(high01, high23, 0xee);
}

/* Rows that do not exist are read as the last one; what they give lies in lanes that no one stores. */
INLINE void row_pointers(const float *rows[WIDTH], const float *b, ptrdiff_t stride, int n)
{
    for (int j = 0; j < WIDTH; j++)
        rows[j] = b + (j < n ? j : n - 1) * stride;
}

static void pack_transposed(float *out, int out_stride, const float *b, ptrdiff_t stride, int n, int columns, int K)
{
    for (int j = 0; j < columns; j += WIDTH) {
        const float *rows[WIDTH];
        int k = 0;
        row_pointers(rows, b + (j < n ? j : n - 1) * stride, stride, j < n ? n - j : 1);
        for (; k + 4 <= K; k += 4) {
            vector quad[4];
            transpose_quad(quad, rows, k);
            for (int q = 0; q < 4; q++)
                store(out + (k + q) * out_stride + j, quad[q]);
        }
        for (; k < K; k++)
            for (int i = 0; i < WIDTH; i++)
                out[k * out_stride + j + i] = rows[i][k];
    }
}

static void pack_rows(float *out, int out_stride, const float *b, ptrdiff_t stride, int columns, int K)
{
    const int whole = (columns - 1) / WIDTH * WIDTH;
    const mask last = first_lanes(columns - whole);
    for (int k = 0; k < K; k++, b += stride, out += out_stride) {
        for (int j = 0; j < whole; j += WIDTH)
            store(out + j, load(b + j));
        store_masked(out + whole, last, load_masked(last, b + whole));
    }
}

/* ---- few rows against a transposed B: as fast as B can be read ---- */

/* The sums over the lanes of four vectors, one after the other in every group of four lanes, still to be added up over
 * the groups. */
INLINE vector sum_quads(const vector v[4])
{
    vector p = add(interleave_low(v[0], v[1]), interleave_high(v[0], v[1]));
    vector q = add(interleave_low(v[2], v[3]), interleave_high(v[2], v[3]));
    return add(shuffle(p, q, 0x44), shuffle(p, q, 0xee));
}

/* Lane i of the result is the sum over the lanes of v[i]. */
INLINE vector sum_lanes(const vector v[WIDTH])
{
#if defined(__AVX512F__)
    vector s[4];
    for (int i = 0; i < 4; i++)
        s[i] = sum_quads(v + 4 * i);
    vector t = add(_mm512_shuffle_f32x4(s[0], s[1], 0x44), _mm512_shuffle_f32x4(s[0], s[1], 0xee));
    vector u = add(_mm512_shuffle_f32x4(s[2], s[3], 0x44), _mm512_shuffle_f32x4(s[2], s[3], 0xee));
    return add(_mm512_shuffle_f32x4(t, u, 0x88), _mm512_shuffle_f32x4(t, u, 0xdd));
#else
    vector s = sum_quads(v), t = sum_quads(v + 4);
    return add(_mm256_permute2f128_ps(s, t, 0x20), _mm256_permute2f128_ps(s, t, 0x31));
#endif
}

/* WIDTH sums at once: `rows` rows of A with WIDTH / rows rows of B. Each goes over the lanes of one vector, so that it
 * is the same wherever its rows lie and whatever is computed beside it. rows is a constant where this is inlined; of
 * them, `used` exist. */
INLINE void dot_rows(const int rows, int used, const struct gemm_tile *t, int N)
{
    const int columns = WIDTH / rows;
    const mask tail = first_lanes(t->K % WIDTH);
    const float *a[4], *b[WIDTH];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
        a[i] = t->a + (i < used ? i : used - 1) * t->a_stride;
    for (int n = 0; n < N; n += columns) {
        vector sums[WIDTH];
        int k = 0;
#pragma GCC unroll 16
        for (int j = 0; j < columns; j++)
            b[j] = t->b + (n + j < N ? n + j : N - 1) * t->b_stride;
#pragma GCC unroll 16
        for (int s = 0; s < WIDTH; s++)
            sums[s] = zero_vector();
        for (; k + WIDTH <= t->K; k += WIDTH) {
            vector as[4];
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++)
                as[i] = load(a[i] + k);
#pragma GCC unroll 16
            for (int j = 0; j < columns; j++) {
                vector bs = load(b[j] + k);
#pragma GCC unroll 4
                for (int i = 0; i < rows; i++)
                    sums[i * columns + j] = fma_vector(bs, as[i], sums[i * columns + j]);
            }
        }
        if (k < t->K) {
#pragma GCC unroll 16
            for (int s = 0; s < WIDTH; s++)
                sums[s] = fma_vector(load_masked(tail, b[s % columns] + k), load_masked(tail, a[s / columns] + k), sums[s]);
        }
        vector result = multiply(spread(t->alpha), sum_lanes(sums));
        int wanted = N - n < columns ? N - n : columns;
        for (int i = 0; i < used; i++) {
            float *c = t->c + i * t->c_stride + n - i * columns; /* lane i columns is this row's first */
            mask lanes = lanes_between(i * columns, i * columns + wanted);
            store_masked(c, lanes, t->beta == 0 ? result : fma_vector(spread(t->beta), load_masked(lanes, c), result));
        }
    }
}

static void few_rows(int M, int N, const struct gemm_tile *t)
{
    if (M == 1)
        dot_rows(1, 1, t, N);
    else if (M == 2)
        dot_rows(2, 2, t, N);
    else
        dot_rows(4, M, t, N);
}

#define PASTE(a, b) a##b
#define SET(isa) PASTE(gemm_set_, isa)
#define TEXT(x) #x
#define NAME(x) TEXT(x)
#define BY_ROWS(rows, vectors) [vectors - 1][rows - 1] = by_rows_##vectors##_##rows,
#define BY_COLUMNS(rows, vectors) [vectors - 1][rows - 1] = by_columns_##vectors##_##rows,

extern const struct gemm_set SET(VEC_ISA);
const struct gemm_set SET(VEC_ISA) = {
    .name = "isoflop-" NAME(VEC_ISA),
    .width = WIDTH,
    .rows_max = {0, ROWS_1, ROWS_2, ROWS_3, ROWS_4},
    .kernels = {{TILES(BY_ROWS)}, {TILES(BY_COLUMNS)}},
    .pack_rows = pack_rows,
    .pack_transposed = pack_transposed,
    .few_rows = few_rows,
};
