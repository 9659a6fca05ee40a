/* SPDX-License-Identifier: Apache-2.0 */
/* blas.c — the only caller of cblas. Invariant: no product without its count. */
#include "engine/math/blas.h"

#include <cblas.h>
#include <string.h>

#ifdef ENGINE_DOUBLE
#define CBLAS_GEMM cblas_dgemm
#define CBLAS_GEMV cblas_dgemv
#else
#define CBLAS_GEMM cblas_sgemm
#define CBLAS_GEMV cblas_sgemv
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

void gemm(bool transpose_a, bool transpose_b, int M, int N, int K, real alpha, const real *A, int lda,
          const real *B, int ldb, real beta, real *C, int ldc)
{
    if (M == 0 || N == 0 || K == 0)
        return;
    counter += 2 * (uint64_t)M * (uint64_t)N * (uint64_t)K;
    CBLAS_GEMM(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
               M, N, K, alpha, A, lda, B, ldb, beta, C, ldc);
}

void gemv(int M, int K, const real *A, int lda, const real *x, real *y)
{
    if (M == 0 || K == 0)
        return;
    counter += 2 * (uint64_t)M * (uint64_t)K;
    CBLAS_GEMV(CblasRowMajor, CblasNoTrans, M, K, 1, A, lda, x, 1, 0, y, 1);
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
#if defined(__x86_64__)
    int have = core_rank(openblas_get_corename());
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return have < 3 ? "SkylakeX" : NULL;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return have < 2 ? "Haswell" : NULL;
#endif
    return NULL;
}

void blas_no_threads(void)
{
    openblas_set_num_threads(1);
}

const char *blas_core(void)
{
    return openblas_get_corename();
}

const char *blas_config(void)
{
    return openblas_get_config();
}
