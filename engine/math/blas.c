/* SPDX-License-Identifier: Apache-2.0 */
/* blas.c — the only caller of cblas. Invariant: no product without its count. */
#include "engine/math/blas.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "engine/math/isa.h"

#ifdef ENGINE_DOUBLE
#define CBLAS_GEMM cblas_dgemm
#define CBLAS_GEMV cblas_dgemv
#else
#include "engine/math/gemm.h"
#define CBLAS_GEMM cblas_sgemm
#define CBLAS_GEMV cblas_sgemv

/* Our own kernels; NULL where products are OpenBLAS's. Set before main, and never changes afterwards. */
static const struct gemm_set *own;

__attribute__((constructor)) static void choose(void)
{
    const char *wanted = getenv("ISOFLOP_BLAS");
    own = wanted && strcmp(wanted, "openblas") == 0 ? NULL : gemm_set_chosen();
}
#endif

static _Thread_local uint64_t counter;

uint64_t flop_counter(void)
{
    return counter;
}

void flop_count(uint64_t flops)
{
    counter += flops;
}

static void count_product(int M, int N, int K)
{
    counter += 2 * (uint64_t)M * (uint64_t)N * (uint64_t)K;
}

void gemm_openblas(bool transpose_a, bool transpose_b, int M, int N, int K, real alpha, const real *A, int lda,
                   const real *B, int ldb, real beta, real *C, int ldc)
{
    if (M == 0 || N == 0 || K == 0)
        return;
    count_product(M, N, K);
    CBLAS_GEMM(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
               M, N, K, alpha, A, lda, B, ldb, beta, C, ldc);
}

#ifdef ENGINE_DOUBLE
void gemm(bool transpose_a, bool transpose_b, int M, int N, int K, real alpha, const real *A, int lda,
          const real *B, int ldb, real beta, real *C, int ldc)
{
    gemm_openblas(transpose_a, transpose_b, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc);
}

void gemv(int M, int K, const real *A, int lda, const real *x, real *y)
{
    if (M == 0 || K == 0)
        return;
    count_product(M, 1, K);
    CBLAS_GEMV(CblasRowMajor, CblasNoTrans, M, K, 1, A, lda, x, 1, 0, y, 1);
}

const char *blas_core(void)
{
    return openblas_get_corename();
}
#else
void gemm(bool transpose_a, bool transpose_b, int M, int N, int K, real alpha, const real *A, int lda,
          const real *B, int ldb, real beta, real *C, int ldc)
{
    if (M == 0 || N == 0 || K == 0)
        return;
    if (own == NULL) {
        gemm_openblas(transpose_a, transpose_b, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc);
        return;
    }
    count_product(M, N, K);
    gemm_multiply(own, transpose_a, transpose_b, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc);
}

void gemv(int M, int K, const real *A, int lda, const real *x, real *y)
{
    if (M == 0 || K == 0)
        return;
    count_product(M, 1, K);
    if (own == NULL)
        CBLAS_GEMV(CblasRowMajor, CblasNoTrans, M, K, 1, A, lda, x, 1, 0, y, 1);
    else
        gemm_multiply(own, false, true, 1, M, K, 1, x, K, A, lda, 0, y, M);
}

const char *blas_core(void)
{
    return own == NULL ? openblas_get_corename() : own->name;
}
#endif

const char *blas_openblas_core(void)
{
    return openblas_get_corename();
}

/* Kernels by the width of the vectors they use; everything not named here is older. */
static int core_rank(const char *core)
{
    static const struct { const char *name; int rank; } cores[] = {
        {"Haswell", 2}, {"Zen", 2}, {"Excavator", 2}, {"SkylakeX", 3}, {"Cooperlake", 3}, {"SapphireRapids", 3},
    };
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
        if (strcmp(core, cores[i].name) == 0)
            return cores[i].rank;
    return 1;
}

const char *blas_wanted_core(void)
{
    int have = core_rank(openblas_get_corename());
    switch (isa_supported()) {
    case ISA_AVX512:
        return have < 3 ? "SkylakeX" : NULL;
    case ISA_AVX2:
        return have < 2 ? "Haswell" : NULL;
    case ISA_BASELINE:
        break;
    }
    return NULL;
}

void blas_no_threads(void)
{
    openblas_set_num_threads(1);
}

const char *blas_config(void)
{
    return openblas_get_config();
}
