/* SPDX-License-Identifier: Apache-2.0 */
/* ffn.h — the SwiGLU feed-forward layer (Shazeer 2020, eq. 6):
 *
 *   out = (silu(x Wg^T) * (x Wu^T)) Wd^T
 *
 * Wg and Wu lie one above the other in w_in (2F,C), so that one product computes both. A dense layer calls it
 * once for all rows, a mixture of experts once per expert. The caller owns every array; none may overlap. */
#ifndef ENGINE_LAYERS_FFN_H
#define ENGINE_LAYERS_FFN_H

#include "engine/base/real.h"

/* out (n,C); gate_up (n,2F) and h (n,F) are kept for the backward pass; x (n,C), w_in (2F,C), w_out (C,F). */
void ffn_forward(real *out, real *gate_up, real *h, const real *x, const real *w_in, const real *w_out, int n,
                 int C, int F);

/* dx (n,C) is overwritten; adds to dw_in and dw_out; gate_up is overwritten by its gradient;
 * dh (n,F) is scratch. */
void ffn_backward(real *dx, real *dw_in, real *dw_out, real *dh, const real *dout, const real *x, real *gate_up,
                  const real *h, const real *w_in, const real *w_out, int n, int C, int F);

#endif
