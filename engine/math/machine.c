/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c — picks the loops by instruction set. */
#include "engine/math/machine.h"

#include "engine/math/isa.h"

extern const struct machine_ops machine_ops_baseline, machine_ops_avx2, machine_ops_avx512;

const struct machine_ops *machine(void)
{
#if defined(__x86_64__)
    static const struct machine_ops *const tables[] = {
        [ISA_BASELINE] = &machine_ops_baseline, [ISA_AVX2] = &machine_ops_avx2, [ISA_AVX512] = &machine_ops_avx512};
    return tables[isa_chosen()];
#else
    return &machine_ops_baseline;
#endif
}
