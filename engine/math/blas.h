/* SPDX-License-Identifier: Apache-2.0 */
/* blas.h — dense matrix products, counted: the only door to our own kernels and to OpenBLAS.
 *
 * Every product the engine computes goes through here and adds its floating-point operations
 * (a multiplication and an addition count as two) to a counter of the calling thread. cost.c predicts the
 * same number; a trial whose two numbers differ has a bug. Row-major throughout.
 *
 * In single precision the products are our own (gemm.h) on processors with AVX-512 or AVX2 and FMA. OpenBLAS computes
 * the rest, and everything where the environment says ISOFLOP_BLAS=openblas; ISOFLOP_ISA narrows the choice as it does
 * in vec.h. */
#ifndef ENGINE_MATH_BLAS_H
#define ENGINE_MATH_BLAS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/real.h"

/* C (M,N) = alpha op(A) op(B) + beta C with op(A) (M,K) and op(B) (K,N). A transposed operand is stored as
 * (K,M) or (N,K). ld* are the row lengths in memory. Nothing happens when M, N or K is 0. Where beta is 0, C is written
 * without being read.
 *
 * In our own kernels an element's bits depend on its row of op(A), its column of op(B), K, alpha and beta and on
 * nothing else: not on N, strides, addresses, or the instruction set, nor on the other rows of the call, so that a batch may
 * be cut anywhere. One exception: A B^T with at most four rows is summed in another order, at the speed at which B can
 * be read, and that order differs between instruction sets. */
void gemm(bool transpose_a, bool transpose_b, int M, int N, int K, real alpha, const real *A, int lda,
          const real *B, int ldb, real beta, real *C, int ldc);

/* The same by OpenBLAS, whatever is in use: the oracle of the tests and the other side of the benchmarks. */
void gemm_openblas(bool transpose_a, bool transpose_b, int M, int N, int K, real alpha, const real *A, int lda,
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
const char *blas_core(void);          /* the kernels in use: isoflop-avx512, isoflop-avx2 or OpenBLAS's name */
const char *blas_openblas_core(void); /* those OpenBLAS would use */
const char *blas_config(void);        /* version and build options of OpenBLAS */

#endif
