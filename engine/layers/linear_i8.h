/* SPDX-License-Identifier: Apache-2.0 */
/* linear_i8.h — a matrix of 8-bit weights applied to rows, with 8-bit activations.
 *
 * Symmetric, one scale per row of weights and one per row of activations (as in LLM.int8(), Dettmers 2022,
 * sec. 2, without its outlier columns):
 *   w[o][i] ~ scale[o] q[o][i],  x[i] ~ s r[i],  y[o] = scale[o] s sum_i q[o][i] r[i],  q, r in -127 … 127
 * The sum is exact integer arithmetic, so the result depends neither on the processor nor on the order. */
#ifndef ENGINE_LAYERS_LINEAR_I8_H
#define ENGINE_LAYERS_LINEAR_I8_H

#include <stdint.h>

#include "engine/base/real.h"

struct matrix_i8 {
    const int8_t *q;   /* (O,I) */
    const real *scale; /* (O) */
};

/* Rows of activations in 8 bits: room for n rows of I. */
struct rows_i8 {
    int8_t *q;   /* (n,I) */
    real *scale; /* (n) */
};

/* y (n,O) = x (n,I) w (O,I)^T. I <= 100,000, so that the sum fits 32 bits. */
void linear_i8_forward(real *y, struct rows_i8 *scratch, const real *x, const struct matrix_i8 *w, int n, int I, int O);

/* Quantises O rows of I weights: scale[o] = max_i |w[o][i]| / 127 (1 for a row of zeros), round to nearest. */
void matrix_i8_quantize(int8_t *q, real *scale, const real *w, int64_t O, int I);
/* The weights the 8-bit ones stand for. */
void matrix_i8_dequantize(real *w, const int8_t *q, const real *scale, int64_t O, int I);

#endif
