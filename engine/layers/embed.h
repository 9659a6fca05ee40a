/* SPDX-License-Identifier: Apache-2.0 */
/* embed.h — a row of the embedding per token. */
#ifndef ENGINE_LAYERS_EMBED_H
#define ENGINE_LAYERS_EMBED_H

#include <stdint.h>

#include "engine/base/real.h"

/* y (n,C) = rows of w (V,C) named by tokens (n). */
void embed_forward(real *y, const int32_t *tokens, const real *w, int n, int C);
/* Adds dy (n,C) to the rows of dw (V,C), in the order of the tokens. */
void embed_backward(real *dw, const int32_t *tokens, const real *dy, int n, int C);

#endif
