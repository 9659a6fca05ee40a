/* SPDX-License-Identifier: Apache-2.0 */
/* rope.h — rotary position embedding (Su et al. 2021, eq. 34), in the half-split pairing of the Hugging Face
 * Llama: channel i turns with channel i + D/2 by the angle position * base^(-2i/D).
 *
 * A turn is orthogonal, so the backward pass is the turn by the opposite angle. In place. */
#ifndef ENGINE_LAYERS_ROPE_H
#define ENGINE_LAYERS_ROPE_H

#include "engine/base/real.h"

/* cosine, sine (T,D/2): the table for positions 0 … T-1. */
void rope_table(real *cosine, real *sine, int T, int D, double base);

/* x: rows of `stride` numbers whose first `heads` * D are heads; row r has position (first + r % T).
 * direction is 1 forward, -1 backward. */
void rope_turn(real *x, const real *cosine, const real *sine, int n, int T, int first, int heads, int D,
               int stride, int direction);

#endif
