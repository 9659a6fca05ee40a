/* SPDX-License-Identifier: Apache-2.0 */
/* vec.c — picks the table of kernels. Invariant: `vec` is set before main and never changes afterwards. */
#include "engine/math/vec.h"

#include "engine/math/isa.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

extern const struct vec_ops vec_ops_baseline, vec_ops_avx2, vec_ops_avx512;

const struct vec_ops *vec = &vec_ops_baseline;

/* A constructor, so that neither the program nor a test can forget it. */
__attribute__((constructor)) static void choose(void)
{
#if defined(__x86_64__)
    static const struct vec_ops *const tables[] = {
        [ISA_BASELINE] = &vec_ops_baseline, [ISA_AVX2] = &vec_ops_avx2, [ISA_AVX512] = &vec_ops_avx512};
    vec = tables[isa_chosen()];
#endif
}

void vec_flush_subnormals(void)
{
#if defined(__x86_64__)
    enum { FLUSH_TO_ZERO = 1 << 15, DENORMALS_ARE_ZERO = 1 << 6 };
    _mm_setcsr(_mm_getcsr() | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
#endif
}
