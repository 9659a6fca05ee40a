/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c — one head of one sequence at a time, in causal blocks of queries.
 * Invariant: row t of the probabilities sums to one over 0 … t and is zero from t+1 to the block's end. */
#include "engine/layers/attention.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "engine/math/blas.h"
#include "engine/math/vec.h"

/* The addresses of one head's slices; all have rows of `stride` numbers. */
struct head {
    size_t q, k, v, out, p;
    int stride, out_stride;
};

static struct head head_at(const struct attention_shape *s, int b, int h)
{
    size_t row = (size_t)b * (size_t)s->T;
    int group = h / (s->H / s->K);
    int stride = (s->H + 2 * s->K) * s->D;
    size_t base = row * (size_t)stride;
    return (struct head){
        .q = base + (size_t)(h * s->D),
        .k = base + (size_t)((s->H + group) * s->D),
        .v = base + (size_t)((s->H + s->K + group) * s->D),
        .out = row * (size_t)(s->H * s->D) + (size_t)(h * s->D),
        .p = ((size_t)b * (size_t)s->H + (size_t)h) * (size_t)s->T * (size_t)s->T,
        .stride = stride,
        .out_stride = s->H * s->D,
    };
}

static int block_rows(int T, int first)
{
    return T - first < ATTENTION_BLOCK ? T - first : ATTENTION_BLOCK;
}

static void head_forward(real *out, real *p, const real *qkv, const struct attention_shape *s, struct head at)
{
    real scale = (real)(1 / sqrt((double)s->D));
    for (int first = 0; first < s->T; first += ATTENTION_BLOCK) {
        int rows = block_rows(s->T, first), keys = first + rows;
        real *block = p + at.p + (size_t)first * (size_t)s->T;
        gemm(false, true, rows, keys, s->D, scale, qkv + at.q + (size_t)first * (size_t)at.stride, at.stride,
             qkv + at.k, at.stride, 0, block, s->T);
        for (int r = 0; r < rows; r++) {
            real *row = block + (size_t)r * (size_t)s->T;
            int seen = first + r + 1;
            real sum = vec->exp_sum(row, row, vec->max(row, seen), seen);
            vec->scale(row, 1 / sum, seen);
            memset(row + seen, 0, (size_t)(keys - seen) * sizeof(real));
        }
        gemm(false, false, rows, s->D, keys, 1, block, s->T, qkv + at.v, at.stride, 0,
             out + at.out + (size_t)first * (size_t)at.out_stride, at.out_stride);
    }
}

void attention_forward(real *out, real *probabilities, const real *qkv, const struct attention_shape *shape)
{
    for (int b = 0; b < shape->B; b++)
        for (int h = 0; h < shape->H; h++)
            head_forward(out, probabilities, qkv, shape, head_at(shape, b, h));
}

static void head_backward(real *dqkv, real *scratch, const real *dout, const real *qkv, const real *p,
                          const struct attention_shape *s, struct head at)
{
    real scale = (real)(1 / sqrt((double)s->D));
    for (int first = 0; first < s->T; first += ATTENTION_BLOCK) {
        int rows = block_rows(s->T, first), keys = first + rows;
        const real *block = p + at.p + (size_t)first * (size_t)s->T;
        const real *d = dout + at.out + (size_t)first * (size_t)at.out_stride;
        size_t q = at.q + (size_t)first * (size_t)at.stride;
        gemm(true, false, keys, s->D, rows, 1, block, s->T, d, at.out_stride, 1, dqkv + at.v, at.stride);
        gemm(false, true, rows, keys, s->D, 1, d, at.out_stride, qkv + at.v, at.stride, 0, scratch, s->T);
        for (int r = 0; r < rows; r++) {
            real *row = scratch + (size_t)r * (size_t)s->T;
            vec->softmax_backward(row, block + (size_t)r * (size_t)s->T, row, scale, keys);
        }
        gemm(false, false, rows, s->D, keys, 1, scratch, s->T, qkv + at.k, at.stride, 0, dqkv + q, at.stride);
        gemm(true, false, keys, s->D, rows, 1, scratch, s->T, qkv + q, at.stride, 1, dqkv + at.k, at.stride);
    }
}

void attention_backward(real *dqkv, real *scratch, const real *dout, const real *qkv, const real *probabilities,
                        const struct attention_shape *shape)
{
    size_t row = (size_t)((shape->H + 2 * shape->K) * shape->D);
    memset(dqkv, 0, (size_t)shape->B * (size_t)shape->T * row * sizeof(real));
    for (int b = 0; b < shape->B; b++)
        for (int h = 0; h < shape->H; h++)
            head_backward(dqkv, scratch, dout, qkv, probabilities, shape, head_at(shape, b, h));
}

double attention_product_flops(int T, int D)
{
    double flops = 0;
    for (int first = 0; first < T; first += ATTENTION_BLOCK) {
        int rows = block_rows(T, first);
        flops += 2.0 * rows * (first + rows) * D;
    }
    return flops;
}
