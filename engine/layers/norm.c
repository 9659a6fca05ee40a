/* SPDX-License-Identifier: Apache-2.0 */
/* norm.c — row by row; the row kernels are in engine/math. */
#include "engine/layers/norm.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "engine/math/vec.h"

void rmsnorm_forward(real *y, real *rstd, const real *x, const real *g, int n, int C, real eps)
{
    for (int t = 0; t < n; t++) {
        const real *row = x + (size_t)t * (size_t)C;
        real mean_square = vec->dot(row, row, C) / (real)C;
        rstd[t] = (real)(1 / sqrt((double)(mean_square + eps)));
        vec->rmsnorm(y + (size_t)t * (size_t)C, row, g, rstd[t], C);
    }
}

void rmsnorm_backward(real *dx, real *dg, const real *dy, const real *x, const real *g, const real *rstd,
                      int n, int C)
{
    for (int t = 0; t < n; t++) {
        size_t at = (size_t)t * (size_t)C;
        vec->rmsnorm_backward(dx + at, dg, dy + at, x + at, g, rstd[t], C);
    }
}

void rmsnorm_heads_forward(real *x, real *raw, real *rstd, const real *g, int n, int heads, int D, int stride,
                           real eps)
{
    for (int t = 0; t < n; t++) {
        real *row = x + (size_t)t * (size_t)stride;
        if (raw)
            memcpy(raw + (size_t)t * (size_t)(heads * D), row, (size_t)(heads * D) * sizeof(real));
        rmsnorm_forward(row, rstd + (size_t)t * (size_t)heads, row, g, heads, D, eps);
    }
}

void rmsnorm_heads_backward(real *dy, real *dg, real *scratch, const real *raw, const real *g, const real *rstd,
                            int n, int heads, int D, int stride)
{
    for (int t = 0; t < n; t++) {
        for (int h = 0; h < heads; h++) {
            real *d = dy + (size_t)t * (size_t)stride + (size_t)(h * D);
            size_t head = (size_t)t * (size_t)heads + (size_t)h;
            memcpy(scratch, d, (size_t)D * sizeof(real));
            memset(d, 0, (size_t)D * sizeof(real));
            vec->rmsnorm_backward(d, dg, scratch, raw + head * (size_t)D, g, rstd[head], D);
        }
    }
}
