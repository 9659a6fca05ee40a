/* SPDX-License-Identifier: Apache-2.0 */
/* machine_kernels.c — one source for every instruction set, as vec_kernels.c.
 *
 * Twelve independent sums: more than the multiply-add units have under way (two times four), fewer than there are
 * registers. */
#include <string.h>
#if defined(__FMA__)
#include <immintrin.h>
#endif

#include "engine/math/machine.h"

#ifndef VEC_ISA
#error "compile with -DVEC_ISA=baseline, avx2 or avx512"
#endif

#if defined(__AVX512F__)
enum { WIDTH = 16 };
typedef __m512 vector;
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps(a, b, c)
#elif defined(__FMA__)
enum { WIDTH = 8 };
typedef __m256 vector;
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#else
enum { WIDTH = 4 };
typedef float vector __attribute__((vector_size(16)));
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif

enum { SUMS = 12, STREAMS = 4 };

static float total(vector v)
{
    float lanes[WIDTH], sum = 0;
    memcpy(lanes, &v, sizeof v);
    for (int i = 0; i < WIDTH; i++)
        sum += lanes[i];
    return sum;
}

/* s = s / 2 + 1 tends to two: no overflow, nothing subnormal. */
static float fma_loop(int rounds)
{
    vector sums[SUMS], half = (vector){0} + 0.5f, one = (vector){0} + 1.0f, all = {0};
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        sums[i] = one * (float)i;
    for (int r = 0; r < rounds; r++)
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sums[i] = MULTIPLY_ADD(sums[i], half, one);
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        all += sums[i];
    return total(all);
}

static vector load(const float *x)
{
    vector v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* From four places at once, as far apart as they can be: a page that ends in one lets the others go on. */
static float read_loop(const float *x, size_t n)
{
    vector sums[STREAMS] = {{0}};
    size_t part = n / STREAMS / WIDTH * WIDTH;
    float rest = 0;
    for (size_t i = 0; i < part; i += WIDTH)
#pragma GCC unroll 4
        for (int s = 0; s < STREAMS; s++)
            sums[s] += load(x + (size_t)s * part + i);
    for (size_t i = STREAMS * part; i < n; i++)
        rest += x[i];
    return rest + total((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

#define PASTE(a, b) a##b
#define OPS(isa) PASTE(machine_ops_, isa)

extern const struct machine_ops OPS(VEC_ISA);
const struct machine_ops OPS(VEC_ISA) = {
    .flops_per_round = 2 * SUMS * WIDTH,
    .fma = fma_loop,
    .read = read_loop,
};
