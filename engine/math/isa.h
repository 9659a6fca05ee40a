/* SPDX-License-Identifier: Apache-2.0 */
/* isa.h — which instruction set the kernels of this room use: the widest the processor runs, narrowed by the
 * environment variable ISOFLOP_ISA (avx512, avx2, baseline). */
#ifndef ENGINE_MATH_ISA_H
#define ENGINE_MATH_ISA_H

enum isa { ISA_BASELINE, ISA_AVX2, ISA_AVX512 };

enum isa isa_supported(void); /* by the processor alone */
enum isa isa_chosen(void);

#endif
