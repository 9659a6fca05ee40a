/* SPDX-License-Identifier: Apache-2.0 */
/* linear.c — three products, one per line of the derivation. */
#include "engine/layers/linear.h"

#include <stddef.h>

#include "engine/math/blas.h"

void linear_forward(real *y, const real *x, const real *w, int n, int I, int O)
{
    gemm(false, true, n, O, I, 1, x, I, w, I, 0, y, O);
}

void linear_backward(real *dx, real *dw, const real *dy, const real *x, const real *w, int n, int I, int O)
{
    if (dx != NULL)
        gemm(false, false, n, I, O, 1, dy, O, w, I, 0, dx, I);
    gemm(true, false, O, I, n, 1, dy, O, x, I, 1, dw, I);
}
