/* SPDX-License-Identifier: Apache-2.0 */
/* linear_i8.c — see linear_i8.h. Rows are made 8-bit first, then one product takes all of them. */
#include "engine/layers/linear_i8.h"

#include <math.h>
#include <stddef.h>

#include "engine/base/assert.h"
#include "engine/math/blas.h"
#include "engine/math/i8.h"
#include "engine/math/vec.h"

static real largest(const real *x, int n)
{
    real top = 0;
    for (int i = 0; i < n; i++) {
        real size = x[i] < 0 ? -x[i] : x[i];
        top = size > top ? size : top;
    }
    return top;
}

static real scale_of(const real *x, int n)
{
    real top = largest(x, n);
    return top > 0 ? top / 127 : 1;
}

void linear_i8_forward(real *y, struct rows_i8 *scratch, const real *x, const struct matrix_i8 *w, int n, int I, int O)
{
    ASSERT(I <= 100000);
    for (int t = 0; t < n; t++)
        scratch->scale[t] = vec->narrow_i8(scratch->q + (size_t)t * (size_t)I, x + (size_t)t * (size_t)I, I);
    i8->multiply(y, w->q, w->scale, scratch->q, scratch->scale, n, O, I);
    flop_count(2 * (uint64_t)n * (uint64_t)I * (uint64_t)O);
}

void matrix_i8_quantize(int8_t *q, real *scale, const real *w, int64_t O, int I)
{
    for (int64_t o = 0; o < O; o++) {
        const real *row = w + o * I;
        scale[o] = scale_of(row, I);
        for (int i = 0; i < I; i++)
            q[o * I + i] = (int8_t)lrint((double)(row[i] / scale[o]));
    }
}

void matrix_i8_dequantize(real *w, const int8_t *q, const real *scale, int64_t O, int I)
{
    for (int64_t o = 0; o < O; o++)
        for (int i = 0; i < I; i++)
            w[o * I + i] = (real)q[o * I + i] * scale[o];
}
