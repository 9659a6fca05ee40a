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
    for (int first = 0; first < n; first += LINEAR_BLOCK) {
        int rows = n - first < LINEAR_BLOCK ? n - first : LINEAR_BLOCK;
        gemm(true, false, O, I, rows, 1, dy + (size_t)first * (size_t)O, O, x + (size_t)first * (size_t)I, I, 1, dw, I);
    }
}
