/* SPDX-License-Identifier: Apache-2.0 */
/* norm.h — root-mean-square normalisation (Zhang & Sennrich 2019, eq. 4).
 *
 *   y[t][c] = x[t][c] * g[c] / sqrt(mean_c(x[t][c]^2) + eps)
 *
 * Stateless. The caller owns every array; none may overlap unless a function says so. */
#ifndef ENGINE_LAYERS_NORM_H
#define ENGINE_LAYERS_NORM_H

#include "engine/base/real.h"

/* y (n,C), rstd (n) for the backward pass; x (n,C), g (C). */
void rmsnorm_forward(real *y, real *rstd, const real *x, const real *g, int n, int C, real eps);

/* Adds to dx (n,C) and dg (C). */
void rmsnorm_backward(real *dx, real *dg, const real *dy, const real *x, const real *g, const real *rstd,
                      int n, int C);

#endif
