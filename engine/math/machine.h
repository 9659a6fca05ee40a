/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h — two loops that measure a core instead of using it: as many fused multiplications and additions as it can
 * do, and reading memory as fast as it comes. What the engine reaches is given as a share of these. */
#ifndef ENGINE_MATH_MACHINE_H
#define ENGINE_MATH_MACHINE_H

#include <stddef.h>

struct machine_ops {
    int flops_per_round;                         /* of fma: two for every lane of its twelve sums */
    float (*fma)(int rounds);                    /* no memory is touched; the result means nothing */
    float (*read)(const float *x, size_t n);     /* the sum of x, in any order */
};

/* With the widest vectors the processor and ISOFLOP_ISA allow. */
const struct machine_ops *machine(void);

#endif
