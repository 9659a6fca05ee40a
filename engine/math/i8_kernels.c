/* SPDX-License-Identifier: Apache-2.0 */
/* i8_kernels.c — one source for every instruction set; the Makefile compiles it once for each, with other machine flags
 * and -DVEC_ISA=name.
 *
 * Design: SUMS sums at once, those of 1, 2 or 4 rows of x with as many rows of w as make up that number; each goes over
 * the lanes of one vector, and at the end all are added up over the lanes together. Rows of w run outside, so that a
 * long prompt reads the weights once.
 *
 * The instructions multiply unsigned by signed bytes. VNNI: (w + 128) x, and 128 sum(x) is taken off at the end. AVX2:
 * |w| times x with w's sign; two such products are at most 32,258 and fit the 16 bits they are added in. */
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "engine/math/i8.h"

#ifndef VEC_ISA
#error "compile with -DVEC_ISA=baseline, avx2 or vnni"
#endif

#define INLINE static inline __attribute__((always_inline))

enum { ROWS_MAX = 4, CHUNK = 64 }; /* rows of x at once; rows of x that a row of w meets while it is near */

/* ---- one step: SUMS sums go on by BYTES products each ---- */

#if defined(__AVX512VNNI__)
enum { SUMS = 16, BYTES = 64, OFFSET = 128 };
typedef __m512i vector;
#define zero_vector _mm512_setzero_si512

/* The first n bytes of a row; zeros behind them. */
INLINE vector load(const int8_t *at, int n)
{
    return n >= BYTES ? _mm512_loadu_si512(at) : _mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, at);
}

/* What of a row of w serves every row of x. */
INLINE vector prepare(vector w)
{
    return _mm512_xor_si512(w, _mm512_set1_epi8(-128));
}

INLINE vector add_products(vector sum, vector prepared, vector w, vector x)
{
    (void)w;
    return _mm512_dpbusd_epi32(sum, prepared, x);
}

/* The sums of four vectors, one after the other in every group of four lanes, still to be added over the groups. */
INLINE vector sum_quads(const vector v[4])
{
    vector p = _mm512_add_epi32(_mm512_unpacklo_epi32(v[0], v[1]), _mm512_unpackhi_epi32(v[0], v[1]));
    vector q = _mm512_add_epi32(_mm512_unpacklo_epi32(v[2], v[3]), _mm512_unpackhi_epi32(v[2], v[3]));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(p, q), _mm512_unpackhi_epi64(p, q));
}

/* out[i] is the sum over the lanes of v[i]. */
INLINE void sum_lanes(int32_t out[SUMS], const vector v[SUMS])
{
    vector s[4], t, u;
    for (int i = 0; i < 4; i++)
        s[i] = sum_quads(v + 4 * i);
    t = _mm512_add_epi32(_mm512_shuffle_i32x4(s[0], s[1], 0x44), _mm512_shuffle_i32x4(s[0], s[1], 0xee));
    u = _mm512_add_epi32(_mm512_shuffle_i32x4(s[2], s[3], 0x44), _mm512_shuffle_i32x4(s[2], s[3], 0xee));
    _mm512_storeu_si512(out, _mm512_add_epi32(_mm512_shuffle_i32x4(t, u, 0x88), _mm512_shuffle_i32x4(t, u, 0xdd)));
}
#elif defined(__AVX2__)
enum { SUMS = 8, BYTES = 32, OFFSET = 0 };
typedef __m256i vector;
#define zero_vector _mm256_setzero_si256

INLINE vector load(const int8_t *at, int n)
{
    int8_t padded[BYTES] = {0};
    if (n >= BYTES)
        return _mm256_loadu_si256((const __m256i *)(const void *)at);
    memcpy(padded, at, (size_t)n);
    return _mm256_loadu_si256((const __m256i *)(const void *)padded);
}

INLINE vector prepare(vector w)
{
    return _mm256_abs_epi8(w);
}

INLINE vector add_products(vector sum, vector prepared, vector w, vector x)
{
    vector pairs = _mm256_maddubs_epi16(prepared, _mm256_sign_epi8(x, w));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

INLINE vector sum_quads(const vector v[4])
{
    return _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
}

INLINE void sum_lanes(int32_t out[SUMS], const vector v[SUMS])
{
    vector s = sum_quads(v), t = sum_quads(v + 4);
    _mm256_storeu_si256((__m256i *)(void *)out, _mm256_add_epi32(_mm256_permute2x128_si256(s, t, 0x20),
                                                                 _mm256_permute2x128_si256(s, t, 0x31)));
}
#else
/* What every instruction set has: the compiler makes the best of the plainest loop. */
enum { SUMS = 4, BYTES = 256, OFFSET = 0 };

INLINE void block(const int rows, int32_t sums[SUMS], const int8_t *const w[SUMS], const int8_t *const x[ROWS_MAX], int I)
{
    const int columns = SUMS / rows;
    for (int s = 0; s < SUMS; s++) {
        const int8_t *ws = w[s % columns], *xs = x[s / columns];
        int32_t sum = 0;
        for (int i = 0; i < I; i++)
            sum += ws[i] * xs[i];
        sums[s] = sum;
    }
}
#endif

#if defined(__AVX2__)
/* rows is a constant where this is inlined. */
INLINE void step(const int rows, vector sums[SUMS], const int8_t *const w[SUMS], const int8_t *const x[ROWS_MAX], int i,
                 int n)
{
    const int columns = SUMS / rows;
    vector xs[ROWS_MAX];
#pragma GCC unroll 4
    for (int t = 0; t < rows; t++)
        xs[t] = load(x[t] + i, n);
#pragma GCC unroll 16
    for (int o = 0; o < columns; o++) {
        vector ws = load(w[o] + i, n), prepared = prepare(ws);
#pragma GCC unroll 4
        for (int t = 0; t < rows; t++)
            sums[t * columns + o] = add_products(sums[t * columns + o], prepared, ws, xs[t]);
    }
}

INLINE void block(const int rows, int32_t out[SUMS], const int8_t *const w[SUMS], const int8_t *const x[ROWS_MAX], int I)
{
    vector sums[SUMS];
    int i = 0;
#pragma GCC unroll 16
    for (int s = 0; s < SUMS; s++)
        sums[s] = zero_vector();
    for (; i + BYTES <= I; i += BYTES)
        step(rows, sums, w, x, i, BYTES);
    if (i < I)
        step(rows, sums, w, x, i, I - i);
    sum_lanes(out, sums);
}
#endif

/* ---- the whole product ---- */

struct product {
    real *y;
    const int8_t *w, *x;
    const real *w_scale, *x_scale;
    int n, O, I;
    int32_t excess[CHUNK]; /* OFFSET sum(x[t]) */
};

/* Rows t … of x, of which `used` exist, with the rows of w from o on that make up SUMS sums. */
INLINE void multiply_block(const int rows, int used, const struct product *p, int t, int o)
{
    const int columns = SUMS / rows;
    const int8_t *w[SUMS], *x[ROWS_MAX];
    int32_t sums[SUMS];
    int wanted = p->O - o < columns ? p->O - o : columns;
#pragma GCC unroll 16
    for (int j = 0; j < columns; j++)
        w[j] = p->w + (size_t)(j < wanted ? o + j : p->O - 1) * (size_t)p->I;
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
        x[i] = p->x + (size_t)(t + (i < used ? i : used - 1)) * (size_t)p->I;
    block(rows, sums, w, x, p->I);
    for (int i = 0; i < used; i++) {
        real *y = p->y + (size_t)(t + i) * (size_t)p->O + o, x_scale = p->x_scale[t + i];
        int32_t excess = OFFSET ? p->excess[t + i] : 0;
        for (int j = 0; j < wanted; j++) /* the sums wrap as the excess does; their difference is exact */
            y[j] = (real)(int32_t)((uint32_t)sums[i * columns + j] - (uint32_t)excess) * (p->w_scale[o + j] * x_scale);
    }
}

static void multiply_rows(const struct product *p)
{
    int most = p->n < ROWS_MAX ? (p->n == 3 ? ROWS_MAX : p->n) : ROWS_MAX;
    for (int o = 0; o < p->O; o += SUMS / most)
        for (int t = 0; t < p->n; t += ROWS_MAX) {
            int used = p->n - t < ROWS_MAX ? p->n - t : ROWS_MAX;
            if (most == 1)
                multiply_block(1, 1, p, t, o);
            else if (most == 2)
                multiply_block(2, 2, p, t, o);
            else
                multiply_block(ROWS_MAX, used, p, t, o);
        }
}

static void multiply(real *y, const int8_t *w, const real *w_scale, const int8_t *x, const real *x_scale, int n, int O,
                     int I)
{
    for (int first = 0; first < n; first += CHUNK) {
        struct product p = {.y = y + (size_t)first * (size_t)O, .w = w, .x = x + (size_t)first * (size_t)I,
                            .w_scale = w_scale, .x_scale = x_scale + first, .n = n - first < CHUNK ? n - first : CHUNK,
                            .O = O, .I = I};
        for (int t = 0; t < p.n && OFFSET; t++) {
            int32_t sum = 0;
            for (int i = 0; i < I; i++)
                sum += p.x[(size_t)t * (size_t)I + (size_t)i];
            p.excess[t] = OFFSET * sum;
        }
        multiply_rows(&p);
    }
}

#define PASTE(a, b) a##b
#define TABLE(isa) PASTE(i8_ops_, isa)
#define TEXT(x) #x
#define NAME(x) TEXT(x)

extern const struct i8_ops TABLE(VEC_ISA);
const struct i8_ops TABLE(VEC_ISA) = {.isa = NAME(VEC_ISA), .multiply = multiply};
