/* SPDX-License-Identifier: Apache-2.0 */
/* norm.c — row by row; the row kernels are in engine/math. */
#include "engine/layers/norm.h"

#include <math.h>
#include <stddef.h>

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
