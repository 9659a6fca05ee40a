/* SPDX-License-Identifier: Apache-2.0 */
/* attention.h — causal softmax attention with grouped key/value heads (Vaswani 2017, eq. 1; Ainslie 2023).
 *
 *   out = softmax(Q K^T / sqrt(D), causal) V,  query head h reads key/value head h / (H/K)
 *
 * q, k and v lie side by side in one row of qkv: H*D queries, K*D keys, K*D values. Queries go in blocks of
 * ATTENTION_BLOCK rows and each block sees only the keys up to its last row: what lies beyond the diagonal
 * block is neither computed nor counted. Stateless; the caller owns every array; none may overlap. */
#ifndef ENGINE_LAYERS_ATTENTION_H
#define ENGINE_LAYERS_ATTENTION_H

#include "engine/base/real.h"

enum { ATTENTION_BLOCK = 64 };

struct attention_shape {
    int B, T;  /* sequences, tokens each */
    int H, K, D; /* query heads, key/value heads, head size */
};

/* out (B,T,H*D); probabilities (B,H,T,T) kept for the backward pass, zero above the diagonal inside blocks;
 * qkv (B,T,(H+2K)*D), rotated. */
void attention_forward(real *out, real *probabilities, const real *qkv, const struct attention_shape *shape);

/* dqkv (B,T,(H+2K)*D) is overwritten; scratch (ATTENTION_BLOCK,T). */
void attention_backward(real *dqkv, real *scratch, const real *dout, const real *qkv, const real *probabilities,
                        const struct attention_shape *shape);

/* FLOPs of one of attention's two forward products for one head and one sequence; the backward pass has four
 * of the same size. */
double attention_product_flops(int T, int D);

#endif
