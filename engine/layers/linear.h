/* SPDX-License-Identifier: Apache-2.0 */
/* linear.h — a matrix of weights applied to rows: Y = X W^T.
 *
 * W (O,I) is stored as in the checkpoints: one row per output channel. n rows, I inputs, O outputs.
 * Stateless; the caller owns every array; none may overlap. */
#ifndef ENGINE_LAYERS_LINEAR_H
#define ENGINE_LAYERS_LINEAR_H

#include "engine/base/real.h"

/* dw is summed over blocks of this many rows, one product each, in order: rows may then come in one call or in
 * several, cut at multiples of it, and give the same bits. */
enum { LINEAR_BLOCK = 128 };

/* y (n,O) = x (n,I) w (O,I)^T. */
void linear_forward(real *y, const real *x, const real *w, int n, int I, int O);

/* dx (n,I) = dy (n,O) w (O,I), overwritten. Adds dy^T x to dw (O,I). dx may be NULL. */
void linear_backward(real *dx, real *dw, const real *dy, const real *x, const real *w, int n, int I, int O);

#endif
