/* SPDX-License-Identifier: Apache-2.0 */
/* gemm.h — our own single-precision matrix product, for the shapes a small transformer uses. Private to engine/math:
 * everybody else calls blas.h, which counts.
 *
 *   C (M,N) = alpha op(A) op(B) + beta C
 *
 * Two layers (the arrangement is that of Goto & van de Geijn 2008, "Anatomy of high-performance matrix
 * multiplication"): gemm.c cuts a product into blocks that fit the caches, gemm_kernels.c computes one tile of C in
 * registers and is compiled once per instruction set. Every path, packed or not, wide or narrow, keeps
 *
 *   c = beta c + alpha fma(a_k, b_k, … fma(a_0, b_0, 0)),   k in runs of gemm_depth(K), one after the other,
 *
 * which is what blas.h promises of an element's bits. The exception is few_rows. */
#ifndef ENGINE_MATH_GEMM_H
#define ENGINE_MATH_GEMM_H

#include <stdbool.h>
#include <stddef.h>

/* A tile of C: rows x columns, both at most what the kernels of the set take. A is at a[i * a_row + k] or, by columns,
 * at a[i + k * a_column]; B is at b[k * b_stride + j]. */
struct gemm_tile {
    int K;
    int columns;
    const float *a;
    ptrdiff_t a_stride;
    const float *b;
    ptrdiff_t b_stride;
    float *c;
    ptrdiff_t c_stride;
    float alpha, beta;
};

enum { GEMM_ROWS_MAX = 14, GEMM_VECTORS_MAX = 4, GEMM_FEW_ROWS = 4 };

typedef void gemm_tile_kernel(const struct gemm_tile *tile);

/* What one instruction set brings. */
struct gemm_set {
    const char *name;                    /* isoflop-avx512, isoflop-avx2 */
    int width;                           /* floats of a vector */
    int rows_max[GEMM_VECTORS_MAX + 1];  /* by vectors across: the tallest tile whose sums stay in registers */
    /* kernels[by_columns][vectors - 1][rows - 1], NULL beyond rows_max */
    gemm_tile_kernel *kernels[2][GEMM_VECTORS_MAX][GEMM_ROWS_MAX];
    /* out[k * out_stride + j] = b[k * stride + j] for j < columns, k < K. */
    void (*pack_rows)(float *out, int out_stride, const float *b, ptrdiff_t stride, int columns, int K);
    /* out[k * out_stride + j] = b[j * stride + k] for j < rows, k < K; writes whole vectors, up to `columns`. */
    void (*pack_transposed)(float *out, int out_stride, const float *b, ptrdiff_t stride, int rows, int columns, int K);
    /* A whole product of at most GEMM_FEW_ROWS rows (K, a by rows, c, alpha and beta as in a tile) with N columns and
     * B transposed: b[k + j * b_stride]. */
    void (*few_rows)(int M, int N, const struct gemm_tile *product);
};

/* The set that runs here, by the processor and ISOFLOP_ISA; NULL where only the baseline does. */
const struct gemm_set *gemm_set_chosen(void);

/* The longest run of k that one sum goes over before it is added to C. */
int gemm_depth(int K);

void gemm_multiply(const struct gemm_set *set, bool transpose_a, bool transpose_b, int M, int N, int K, float alpha,
                   const float *A, int lda, const float *B, int ldb, float beta, float *C, int ldc);

#endif
