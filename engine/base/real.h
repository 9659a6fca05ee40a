/* SPDX-License-Identifier: Apache-2.0 */
/* real.h — the engine's floating-point type.
 *
 * The engine computes in single precision. Tests build the very same sources a second time with
 * -DENGINE_DOUBLE, so that gradients can be checked against central differences without rounding
 * hiding a wrong term. Nothing outside engine/ and its tests depends on the choice. */
#ifndef ENGINE_BASE_REAL_H
#define ENGINE_BASE_REAL_H

#ifdef ENGINE_DOUBLE
typedef double real;
#else
typedef float real;
#endif

#endif
