/* SPDX-License-Identifier: Apache-2.0 */
/* vec.c — picks the table of kernels. Invariant: `vec` is set before main and never changes afterwards. */
#include "engine/math/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

extern const struct vec_ops vec_ops_baseline, vec_ops_avx2, vec_ops_avx512;

const struct vec_ops *vec = &vec_ops_baseline;

/* A constructor, so that neither the program nor a test can forget it. */
__attribute__((constructor)) static void choose(void)
{
#if defined(__x86_64__)
    const char *wanted = getenv("ISOFLOP_ISA");
    bool any = wanted == NULL || *wanted == 0;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        (any || strcmp(wanted, "avx512") == 0))
        vec = &vec_ops_avx512;
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             (any || strcmp(wanted, "baseline") != 0))
        vec = &vec_ops_avx2;
#endif
}

void vec_flush_subnormals(void)
{
#if defined(__x86_64__)
    enum { FLUSH_TO_ZERO = 1 << 15, DENORMALS_ARE_ZERO = 1 << 6 };
    _mm_setcsr(_mm_getcsr() | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
#endif
}
