/* SPDX-License-Identifier: Apache-2.0 */
/* ffn.c — two products with an element-wise gate between them. */
#include "engine/layers/ffn.h"

#include <stddef.h>

#include "engine/layers/linear.h"
#include "engine/math/vec.h"

void ffn_forward(real *out, real *gate_up, real *h, const real *x, const real *w_in, const real *w_out, int n,
                 int C, int F)
{
    linear_forward(gate_up, x, w_in, n, C, 2 * F);
    for (int t = 0; t < n; t++) {
        const real *gate = gate_up + (size_t)t * (size_t)(2 * F);
        vec->silu_mul(h + (size_t)t * (size_t)F, gate, gate + F, F);
    }
    linear_forward(out, h, w_out, n, F, C);
}

void ffn_backward(real *dx, real *dw_in, real *dw_out, real *dh, const real *dout, const real *x, real *gate_up,
                  const real *h, const real *w_in, const real *w_out, int n, int C, int F)
{
    linear_backward(dh, dw_out, dout, h, w_out, n, F, C);
    for (int t = 0; t < n; t++) {
        real *gate = gate_up + (size_t)t * (size_t)(2 * F);
        vec->silu_mul_backward(gate, gate + F, dh + (size_t)t * (size_t)F, gate, gate + F, F);
    }
    linear_backward(dx, dw_in, gate_up, x, w_in, n, C, 2 * F);
}
