/* SPDX-License-Identifier: Apache-2.0 */
/* vec_kernels.c — one source for every instruction set: the Makefile compiles it once per ISA, each time
 * with other machine flags and -DVEC_ISA=name.
 *
 * Design: portable vectors of sixteen lanes (GCC vector extension), which the compiler maps to whatever
 * registers there are. Main invariant: element i always goes through lane i mod 16 and lanes are summed by one
 * fixed tree, so every ISA gives the same bits. Short tails are padded with the operation's neutral element. */
#include <math.h>
#if defined(__AVX512BW__)
#include <immintrin.h>
#endif
#include <stddef.h>
#include <string.h>

#include "engine/math/vec.h"

#ifndef VEC_ISA
#error "compile with -DVEC_ISA=baseline, avx2 or avx512"
#endif

enum { LANES = 16 };
typedef real lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));
typedef double wide __attribute__((vector_size(LANES * sizeof(double))));

/* Vectors wider than the target's registers never cross a function call here: all of it is inlined. */
#pragma GCC diagnostic ignored "-Wpsabi"
#define INLINE static inline __attribute__((always_inline))

#ifdef ENGINE_DOUBLE
typedef int64_t masks __attribute__((vector_size(LANES * sizeof(int64_t))));
#else
typedef int32_t masks __attribute__((vector_size(LANES * sizeof(int32_t))));
#endif

INLINE lanes splat(real a)
{
    return a - (lanes){0};
}

INLINE lanes load(const real *x)
{
    lanes v;
    memcpy(&v, x, sizeof v);
    return v;
}

INLINE void store(real *x, lanes v)
{
    memcpy(x, &v, sizeof v);
}

/* A masked load and store touch nothing beyond the array; without them a tail goes through memory. */
#if defined(__AVX512F__) && !defined(ENGINE_DOUBLE)
INLINE lanes load_tail(const real *x, int n, real fill)
{
    return (lanes)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), (__mmask16)((1u << n) - 1), x);
}

INLINE void store_tail(real *x, lanes v, int n)
{
    _mm512_mask_storeu_ps(x, (__mmask16)((1u << n) - 1), (__m512)v);
}
#else
INLINE lanes load_tail(const real *x, int n, real fill)
{
    real padded[LANES];
    for (int i = 0; i < LANES; i++)
        padded[i] = i < n ? x[i] : fill;
    return load(padded);
}

INLINE void store_tail(real *x, lanes v, int n)
{
    memcpy(x, &v, (size_t)n * sizeof(real));
}
#endif

INLINE real lane_sum(lanes v)
{
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            v[i] += v[i + half];
    return v[0];
}

/* Where the mask is set, a, otherwise b (C has no vector conditional). */
INLINE lanes choose(masks mask, lanes a, lanes b)
{
    return (lanes)(((masks)a & mask) | ((masks)b & ~mask));
}

INLINE lanes lane_max(lanes a, lanes b)
{
    return choose(a > b, a, b);
}

#ifdef ENGINE_DOUBLE
INLINE lanes exp_lanes(lanes x)
{
    for (int i = 0; i < LANES; i++)
        x[i] = exp(x[i]);
    return x;
}
#else
/* exp(x) = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2; e^r by the Taylor polynomial of degree 7,
 * whose remainder there is below 6e-9. Inputs are clamped to where the result is a normal number. */
INLINE lanes exp_lanes(lanes x)
{
    const lanes round_shift = splat(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    lanes low = splat(-87.0f), high = splat(88.0f);
    x = choose(x < low, low, x);
    x = choose(x > high, high, x);
    lanes shifted = x * 1.44269504f + round_shift;
    lanes n = shifted - round_shift;
    lanes r = x - n * 0.693359375f + n * 2.12194440e-4f; /* ln 2 in two parts */
    lanes p = splat(1.0f / 5040);
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    masks exponent = (__builtin_convertvector(n, masks) + 127) << 23;
    return p * (lanes)exponent;
}
#endif

/* Runs BODY on whole vectors and once on the padded tail; LOAD and STORE hide the difference. */
#define FOR_LANES(n, BODY)                                     \
    do {                                                       \
        int i_ = 0, count_ = (n), tail_ = count_ % LANES;      \
        for (; i_ < count_ - tail_; i_ += LANES) {             \
            enum { whole_ = 1 };                               \
            BODY                                               \
        }                                                      \
        if (tail_) {                                           \
            enum { whole_ = 0 };                               \
            BODY                                               \
        }                                                      \
    } while (0)
#define LOAD(x) (whole_ ? load((x) + i_) : load_tail((x) + i_, tail_, 0))
#define STORE(x, v)                               \
    do {                                          \
        if (whole_)                               \
            store((x) + i_, (v));                 \
        else                                      \
            store_tail((x) + i_, (v), tail_);     \
    } while (0)

static void add(real *y, const real *x, int n)
{
    FOR_LANES(n, STORE(y, LOAD(y) + LOAD(x)););
}

static void axpy(real *y, real a, const real *x, int n)
{
    FOR_LANES(n, STORE(y, LOAD(y) + a * LOAD(x)););
}

static void scale(real *y, real a, int n)
{
    FOR_LANES(n, STORE(y, a * LOAD(y)););
}

static real dot(const real *x, const real *y, int n)
{
    lanes sum = {0};
    FOR_LANES(n, sum += LOAD(x) * LOAD(y););
    return lane_sum(sum);
}

static real max(const real *x, int n)
{
    real best = x[0];
    lanes top = splat(best);
    FOR_LANES(n, top = lane_max(top, whole_ ? load(x + i_) : load_tail(x + i_, tail_, best)););
    for (int i = 0; i < LANES; i++)
        best = top[i] > best ? top[i] : best;
    return best;
}

static real exp_sum(real *y, const real *x, real shift, int n)
{
    lanes sum = {0};
    int i = 0, tail = n % LANES;
    for (; i < n - tail; i += LANES) {
        lanes e = exp_lanes(load(x + i) - shift);
        store(y + i, e);
        sum += e;
    }
    if (tail) {
        lanes e = exp_lanes(load_tail(x + i, tail, shift) - shift);
        store_tail(y + i, e, tail);
        sum += (lanes)((masks)e & ((masks){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} < tail));
    }
    return lane_sum(sum);
}

static void softmax_backward(real *ds, const real *p, const real *dp, real factor, int n)
{
    real mean = dot(p, dp, n);
    FOR_LANES(n, STORE(ds, factor * LOAD(p) * (LOAD(dp) - mean)););
}

static void rmsnorm(real *y, const real *x, const real *g, real rstd, int n)
{
    FOR_LANES(n, STORE(y, LOAD(x) * rstd * LOAD(g)););
}

/* With u = x rstd: dg += dy u, dx += rstd (dy g - u mean(dy g u)). */
static void rmsnorm_backward(real *dx, real *dg, const real *dy, const real *x, const real *g, real rstd, int n)
{
    lanes sum = {0};
    real mean;
    FOR_LANES(n, sum += LOAD(dy) * LOAD(g) * LOAD(x););
    mean = lane_sum(sum) * rstd * rstd * rstd / (real)n;
    FOR_LANES(n, {
        lanes xs = LOAD(x);
        lanes dys = LOAD(dy);
        STORE(dg, LOAD(dg) + dys * xs * rstd);
        STORE(dx, LOAD(dx) + dys * LOAD(g) * rstd - xs * mean);
    });
}

INLINE lanes sigmoid(lanes x)
{
    return 1 / (1 + exp_lanes(-x));
}

static void silu_mul(real *h, const real *gate, const real *up, int n)
{
    FOR_LANES(n, {
        lanes g = LOAD(gate);
        STORE(h, g * sigmoid(g) * LOAD(up));
    });
}

static void silu_mul_backward(real *dgate, real *dup, const real *dh, const real *gate, const real *up, int n)
{
    FOR_LANES(n, {
        lanes g = LOAD(gate);
        lanes u = LOAD(up);
        lanes d = LOAD(dh);
        lanes s = sigmoid(g);
        STORE(dup, d * g * s);
        STORE(dgate, d * u * s * (1 + g * (1 - s)));
    });
}

INLINE lanes square_root(lanes x)
{
    for (int i = 0; i < LANES; i++)
#ifdef ENGINE_DOUBLE
        x[i] = sqrt(x[i]);
#else
        x[i] = sqrtf(x[i]);
#endif
    return x;
}

static void adamw(real *p, real *m, real *v, const real *g, const struct adamw_factors *f, int64_t n)
{
    real keep = 1 - f->rate * f->decay;
    for (int64_t start = 0; start < n; start += 1 << 20) {
        int part = n - start < 1 << 20 ? (int)(n - start) : 1 << 20;
        real *ps = p + start, *ms = m + start, *vs = v + start;
        const real *gs = g + start;
        FOR_LANES(part, {
            lanes grad = LOAD(gs) * f->gradient_scale;
            lanes mean = LOAD(ms) * f->beta1 + grad * (1 - f->beta1);
            lanes var = LOAD(vs) * f->beta2 + grad * grad * (1 - f->beta2);
            STORE(ms, mean);
            STORE(vs, var);
            STORE(ps, LOAD(ps) * keep -
                      f->rate * (mean * f->correction1) / (square_root(var * f->correction2) + f->epsilon));
        });
    }
}

static double sum_squares(const real *x, int64_t n)
{
    wide sum = {0};
    double total = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        wide w = __builtin_convertvector(load(x + i), wide);
        sum += w * w;
    }
    for (int lane = 0; lane < LANES; lane++)
        total += sum[lane];
    for (; i < n; i++)
        total += (double)x[i] * (double)x[i];
    return total;
}

/* Returns the scale that maps the largest magnitude of x to 127 (1 for zeros); out is x over that scale. */
static real narrow_i8(int8_t *out, const real *x, int n)
{
    lanes tops = {0};
    real top = 0, inverse, x_scale;
    FOR_LANES(n, {
        lanes v = LOAD(x);
        tops = lane_max(tops, lane_max(v, -v));
    });
    for (int i = 0; i < LANES; i++)
        top = tops[i] > top ? tops[i] : top;
    x_scale = top > 0 ? top / 127 : 1;
    inverse = 1 / x_scale;
    for (int i = 0; i < n; i++) { /* away from zero by a half, then cut: compilers vectorise this, not lrint */
        real scaled = x[i] * inverse;
        out[i] = (int8_t)(int32_t)(scaled + (scaled < 0 ? (real)-0.5 : (real)0.5));
    }
    return x_scale;
}

#define PASTE(a, b) a##b
#define TABLE(isa) PASTE(vec_ops_, isa)
#define TEXT(x) #x
#define NAME(x) TEXT(x)

extern const struct vec_ops TABLE(VEC_ISA);
const struct vec_ops TABLE(VEC_ISA) = {
    .isa = NAME(VEC_ISA),
    .add = add,
    .axpy = axpy,
    .scale = scale,
    .dot = dot,
    .max = max,
    .exp_sum = exp_sum,
    .softmax_backward = softmax_backward,
    .rmsnorm = rmsnorm,
    .rmsnorm_backward = rmsnorm_backward,
    .silu_mul = silu_mul,
    .silu_mul_backward = silu_mul_backward,
    .adamw = adamw,
    .sum_squares = sum_squares,
    .narrow_i8 = narrow_i8,
};
