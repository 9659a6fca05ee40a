/* SPDX-License-Identifier: Apache-2.0 */
/* rope.c — the angles come from a table, so every position is turned by exactly the same numbers in
 * training, prefill and decode. */
#include "engine/layers/rope.h"

#include <math.h>
#include <stddef.h>

double rope_frequency(int i, int D, double base, const struct rope_scaling *scaling)
{
    double frequency = pow(base, -2.0 * i / D), turns, share;
    switch (scaling->kind) {
    case ROPE_UNSCALED:
        return frequency;
    case ROPE_LINEAR:
        return frequency / scaling->factor;
    case ROPE_LLAMA3:
        break;
    }
    turns = scaling->original * frequency / (2 * M_PI); /* over the original length: L / w */
    share = fmin(1, fmax(0, (turns - scaling->low) / (scaling->high - scaling->low)));
    return (1 - share) * frequency / scaling->factor + share * frequency;
}

void rope_table(real *cosine, real *sine, int T, int D, double base, const struct rope_scaling *scaling)
{
    int half = D / 2;
    for (int t = 0; t < T; t++) {
        for (int i = 0; i < half; i++) {
            double angle = t * rope_frequency(i, D, base, scaling);
            cosine[(size_t)t * (size_t)half + (size_t)i] = (real)cos(angle);
            sine[(size_t)t * (size_t)half + (size_t)i] = (real)sin(angle);
        }
    }
}

void rope_turn(real *x, const real *cosine, const real *sine, int n, int T, int first, int heads, int D,
               int stride, int direction)
{
    int half = D / 2;
    real sign = (real)direction;
    for (int r = 0; r < n; r++) {
        size_t position = (size_t)(first + r % T);
        const real *c = cosine + position * (size_t)half, *s = sine + position * (size_t)half;
        for (int h = 0; h < heads; h++) {
            real *a = x + (size_t)r * (size_t)stride + (size_t)h * (size_t)D, *b = a + half;
            for (int i = 0; i < half; i++) {
                real u = a[i], v = b[i];
                a[i] = u * c[i] - sign * v * s[i];
                b[i] = v * c[i] + sign * u * s[i];
            }
        }
    }
}
