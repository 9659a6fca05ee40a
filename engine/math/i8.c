/* SPDX-License-Identifier: Apache-2.0 */
/* i8.c — picks the table. Invariant: `i8` is set before main and never changes afterwards. */
#include "engine/math/i8.h"

#include "engine/math/isa.h"

extern const struct i8_ops i8_ops_baseline, i8_ops_avx2, i8_ops_vnni;

const struct i8_ops *i8 = &i8_ops_baseline;

__attribute__((constructor)) static void choose(void)
{
#if defined(__x86_64__)
    enum isa isa = isa_chosen();
    if (isa == ISA_AVX512 && __builtin_cpu_supports("avx512vnni"))
        i8 = &i8_ops_vnni;
    else if (isa >= ISA_AVX2)
        i8 = &i8_ops_avx2;
#endif
}
