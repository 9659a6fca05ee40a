/* SPDX-License-Identifier: Apache-2.0 */
/* i8.h — the product of 8-bit matrices, one table per instruction set.
 *
 *   y[t][o] = sum_i w[o][i] x[t][i] * (w_scale[o] * x_scale[t]),   w, x in -127 … 127
 *
 * The sum is exact in 32 bits for I <= 100,000, and so the same bits on every instruction set, whatever the number of
 * rows. Not counted: the caller does (flop_count in blas.h). */
#ifndef ENGINE_MATH_I8_H
#define ENGINE_MATH_I8_H

#include <stdint.h>

#include "engine/base/real.h"

struct i8_ops {
    const char *isa; /* vnni, avx2, baseline */
    /* y (n,O); w (O,I), w_scale (O), x (n,I), x_scale (n). No array may overlap another. */
    void (*multiply)(real *y, const int8_t *w, const real *w_scale, const int8_t *x, const real *x_scale, int n, int O,
                     int I);
};

/* By the processor and ISOFLOP_ISA (isa.h): AVX-512 without VNNI takes the table of AVX2. Set before main, never
 * changes afterwards. */
extern const struct i8_ops *i8;

#endif
