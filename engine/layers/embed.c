/* SPDX-License-Identifier: Apache-2.0 */
/* embed.c — gather and scatter-add; not a matrix product, so it costs no counted FLOPs. */
#include "engine/layers/embed.h"

#include <stddef.h>
#include <string.h>

#include "engine/math/vec.h"

void embed_forward(real *y, const int32_t *tokens, const real *w, int n, int C)
{
    for (int t = 0; t < n; t++)
        memcpy(y + (size_t)t * (size_t)C, w + (size_t)tokens[t] * (size_t)C, (size_t)C * sizeof(real));
}

void embed_backward(real *dw, const int32_t *tokens, const real *dy, int n, int C)
{
    for (int t = 0; t < n; t++)
        vec->add(dw + (size_t)tokens[t] * (size_t)C, dy + (size_t)t * (size_t)C, C);
}
