/* SPDX-License-Identifier: Apache-2.0 */
/* rope.h — rotary position embedding (Su et al. 2021, eq. 34), in the half-split pairing of the Hugging Face
 * Llama: channel i turns with channel i + D/2 by the angle position * f(i), f(i) = base^(-2i/D).
 *
 * Models stretched to longer texts turn more slowly. Linear scaling (Chen et al. 2023, eq. 4) divides every f by a factor.
 * That of Llama 3.1 (its reference code; rope_type llama3 in Hugging Face's) does so by wavelength w = 2 pi / f, in a text
 * of the `original` length L the model was trained on before: f / factor where w > L / low, f where w < L / high, and between
 * them (1 - s) f / factor + s f with s = (L / w - low) / (high - low).
 *
 * A turn is orthogonal, so the backward pass is the turn by the opposite angle. In place. */
#ifndef ENGINE_LAYERS_ROPE_H
#define ENGINE_LAYERS_ROPE_H

#include "engine/base/real.h"

enum rope_scaling_kind { ROPE_UNSCALED, ROPE_LINEAR, ROPE_LLAMA3 };

struct rope_scaling {
    enum rope_scaling_kind kind;
    double factor;            /* > 0; linear and llama3 */
    double low, high;         /* llama3: 0 < low < high */
    int original;             /* llama3: tokens, >= 1 */
};

/* The angle, in radians per position, by which channel i of a head of D turns. */
double rope_frequency(int i, int D, double base, const struct rope_scaling *scaling);

/* cosine, sine (T,D/2): the table for positions 0 … T-1. */
void rope_table(real *cosine, real *sine, int T, int D, double base, const struct rope_scaling *scaling);

/* x: rows of `stride` numbers whose first `heads` * D are heads; row r has position (first + r % T).
 * direction is 1 forward, -1 backward. */
void rope_turn(real *x, const real *cosine, const real *sine, int n, int T, int first, int heads, int D,
               int stride, int direction);

#endif
