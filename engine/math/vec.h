/* SPDX-License-Identifier: Apache-2.0 */
/* vec.h — the element-wise and reducing kernels, in one table per instruction set.
 *
 * vec.c points `vec` at the widest table the processor runs (AVX-512, AVX2, baseline) before main;
 * the environment variable ISOFLOP_ISA (avx512, avx2, baseline) narrows the choice. All tables give the same
 * bits: every reduction runs over sixteen fixed lanes and nothing is contracted into fused operations.
 * Arrays may have any length and alignment; none may overlap unless a line says so. */
#ifndef ENGINE_MATH_VEC_H
#define ENGINE_MATH_VEC_H

#include <stdint.h>

#include "engine/base/real.h"

/* What one AdamW step needs besides the arrays (Loshchilov & Hutter 2019, algorithm 2). */
struct adamw_factors {
    real rate;          /* learning rate of this tensor at this step */
    real beta1, beta2;
    real correction1;   /* 1 / (1 - beta1^step) */
    real correction2;   /* 1 / (1 - beta2^step) */
    real epsilon;
    real decay;         /* weight decay */
    real gradient_scale;/* clipping */
};

struct vec_ops {
    const char *isa;
    void (*add)(real *y, const real *x, int n);            /* y += x */
    void (*axpy)(real *y, real a, const real *x, int n);   /* y += a x */
    void (*scale)(real *y, real a, int n);                 /* y *= a */
    real (*dot)(const real *x, const real *y, int n);
    real (*max)(const real *x, int n);                     /* n >= 1 */
    real (*exp_sum)(real *y, const real *x, real shift, int n); /* y = exp(x - shift), returns sum; y may be x */
    void (*softmax_backward)(real *ds, const real *p, const real *dp, real scale, int n);
                                                           /* ds = scale p (dp - p.dp); ds may be dp */
    void (*rmsnorm)(real *y, const real *x, const real *g, real rstd, int n);  /* y = x g rstd; y may be x */
    void (*rmsnorm_backward)(real *dx, real *dg, const real *dy, const real *x, const real *g, real rstd, int n);
                                                           /* adds to dx and dg */
    void (*silu_mul)(real *h, const real *gate, const real *up, int n); /* h = gate sigmoid(gate) up */
    void (*silu_mul_backward)(real *dgate, real *dup, const real *dh, const real *gate, const real *up, int n);
                                                           /* dgate may be gate, dup may be up */
    void (*adamw)(real *p, real *m, real *v, const real *g, const struct adamw_factors *f, int64_t n);
    double (*sum_squares)(const real *x, int64_t n);       /* in double */
    /* Rounds x to -127 … 127 by one scale, which it returns: max |x| / 127, or 1 for zeros. */
    real (*narrow_i8)(int8_t *out, const real *x, int n);
};

extern const struct vec_ops *vec;

/* Treats subnormal numbers as zero in the calling thread: they cost a hundred times more and mean nothing
 * here. Every thread that computes calls it. */
void vec_flush_subnormals(void);

#endif
