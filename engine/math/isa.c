/* SPDX-License-Identifier: Apache-2.0 */
/* isa.c — the one place that asks the processor, and the environment, once for all tables of kernels. */
#include "engine/math/isa.h"

#include <stdlib.h>
#include <string.h>

enum isa isa_supported(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return ISA_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return ISA_AVX2;
#endif
    return ISA_BASELINE;
}

enum isa isa_chosen(void)
{
    static const char *const names[] = {"baseline", "avx2", "avx512"};
    const char *wanted = getenv("ISOFLOP_ISA");
    enum isa most = isa_supported();
    for (int i = 0; wanted && i < (int)(sizeof names / sizeof *names); i++)
        if (strcmp(wanted, names[i]) == 0 && i < (int)most)
            return (enum isa)i;
    return most;
}
