/* SPDX-License-Identifier: Apache-2.0 */
/* norm.h — root-mean-square normalisation (Zhang & Sennrich 2019, eq. 4).
 *
 *   y[t][c] = x[t][c] * g[c] / sqrt(mean_c(x[t][c]^2) + eps)
 *
 * Over all channels of a row, or over those of each head: queries and keys so treated have one gain per channel of a
 * head, shared by the heads (Dehghani 2023, sec. 2; Qwen3).
 *
 * Stateless. The caller owns every array; none may overlap unless a function says so. */
#ifndef ENGINE_LAYERS_NORM_H
#define ENGINE_LAYERS_NORM_H

#include "engine/base/real.h"

/* y (n,C), rstd (n) for the backward pass; x (n,C), g (C). y may be x. */
void rmsnorm_forward(real *y, real *rstd, const real *x, const real *g, int n, int C, real eps);

/* Adds to dx (n,C) and dg (C). */
void rmsnorm_backward(real *dx, real *dg, const real *dy, const real *x, const real *g, const real *rstd,
                      int n, int C);

/* In place: each of the first `heads` heads of D channels in rows of `stride` numbers, with g (D) and rstd (n,heads).
 * raw (n,heads,D), where not NULL, keeps what was there for the backward pass. */
void rmsnorm_heads_forward(real *x, real *raw, real *rstd, const real *g, int n, int heads, int D, int stride,
                           real eps);

/* In place: dy, laid out as x was, becomes dx. Adds to dg (D); scratch (D). */
void rmsnorm_heads_backward(real *dy, real *dg, real *scratch, const real *raw, const real *g, const real *rstd,
                            int n, int heads, int D, int stride);

#endif
