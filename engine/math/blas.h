/* SPDX-License-Identifier: Apache-2.0 */
/* blas.h — the only door to OpenBLAS: dense matrix products, counted.
 *
 * Every product the engine computes goes through here and adds its floating-point operations
 * (a multiplication and an addition count as two) to a counter of the calling thread. cost.c predicts the
 * same number; a trial whose two numbers differ has a bug. Row-major throughout. */
#ifndef ENGINE_MATH_BLAS_H
#define ENGINE_MATH_BLAS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/real.h"

/* C (M,N) = alpha op(A) op(B) + beta C with op(A) (M,K) and op(B) (K,N). A transposed operand is stored as
 * (K,M) or (N,K). ld* are the row lengths in memory. Nothing happens when M, N or K is 0. */
void gemm(bool transpose_a, bool transpose_b, int M, int N, int K, real alpha, const real *A, int lda,
          const real *B, int ldb, real beta, real *C, int ldc);

/* y (M) = A (M,K) x (K). */
void gemv(int M, int K, const real *A, int lda, const real *x, real *y);

/* The calling thread's counter, in FLOPs. */
uint64_t flop_counter(void);
void flop_count(uint64_t flops); /* for the products that are not BLAS calls (int8) */

/* The OpenBLAS kernels this process should have but has not: the name of newer ones this processor runs, NULL when
 * those in use are right. The library chooses while it loads, by a list of processors that ends with the year it was
 * made (0.3.21 falls back to SSE3 or AVX2 kernels on newer ones), or by what OPENBLAS_CORETYPE said; so the name
 * must be in that variable before the process starts. */
const char *blas_wanted_core(void);
/* From now on a product is computed by the thread that asks for it: threads are for whole lanes of a batch (train.h),
 * and OpenBLAS's own would only stand in their way. */
void blas_no_threads(void);
const char *blas_core(void);   /* the kernels in use */
const char *blas_config(void); /* version and build options of the library */

#endif
