/* SPDX-License-Identifier: Apache-2.0 */
/* half.h — 16-bit floating-point numbers as single precision, exactly: each of them is one.
 *
 * Done on the bits, so that subnormals, infinities, signed zeros and the payloads of NaNs come through whatever
 * the processor's mode (vec_flush_subnormals). */
#ifndef ENGINE_BASE_HALF_H
#define ENGINE_BASE_HALF_H

#include <stdint.h>
#include <string.h>

/* bfloat16 is the upper half of a binary32. */
static inline uint32_t half_bits_from_bf16(uint16_t half)
{
    return (uint32_t)half << 16;
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static inline uint32_t half_bits_from_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 31) /* infinity, NaN */
        return sign | 0x7f800000 | fraction << 13;
    if (exponent == 0 && fraction == 0)
        return sign;
    if (exponent == 0) { /* fraction * 2^-24: normal in single precision, once the leading one is found */
        int shift = __builtin_clz(fraction) - 21; /* brings it to bit 10 */
        return sign | (uint32_t)(113 - shift) << 23 | (fraction << shift & 1023) << 13;
    }
    return sign | (exponent + 112) << 23 | fraction << 13;
}

static inline float half_to_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
