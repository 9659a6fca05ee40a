/* SPDX-License-Identifier: Apache-2.0 */
/* infer.h — running a model one sequence at a time with a key/value cache: prefill, decode, scoring.
 *
 * A session reads a model's weights (or 8-bit ones made from it) and owns its cache and scratch memory, one
 * block computed beforehand. Feeding tokens one by one gives the same logits as feeding them together and as the
 * training forward pass, up to rounding. The model must outlive the session. */
#ifndef ENGINE_MODEL_INFER_H
#define ENGINE_MODEL_INFER_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/layers/linear_i8.h"
#include "engine/model/model.h"

/* The matrices of a model in 8 bits, laid out as tensors.def: q like the parameters, one scale per row. Norms,
 * embedding and router stay as they are in the model. Memory belongs to whoever made it. */
struct weights_i8 {
    int8_t *q;                      /* (n_params), unused where a tensor is not quantised */
    real *scale;                    /* rows of all tensors one after the other */
    int64_t scale_offset[TENSOR_COUNT];
    int64_t n_scales;
};

/* Which tensors are quantised: the matrices of attention, of the feed-forward layers, and the head. */
bool weights_i8_covers(enum tensor_kind kind);

struct session {
    const struct model *model;
    const struct weights_i8 *i8;    /* NULL: full precision */
    int position;                   /* tokens in the cache */
    struct arena arena;
    real *keys, *values;            /* (L,K,context,D) */
    real *x, *norm, *rstd, *qkv, *attended, *out, *gate_up, *h, *scores;
    real *logits;                   /* (V) */
    int16_t *widened;
    struct moe_state moe;
};

enum { SESSION_CHUNK = 64 }; /* most tokens computed together in prefill */

/* Life cycle. */
MUST_CHECK enum status session_open(struct session *session, const struct model *model,
                                    const struct weights_i8 *i8, struct err *err);
void session_release(struct session *session);

/* Operations. */

/* Forgets all tokens. */
void session_reset(struct session *session);

/* Appends n tokens (position + n <= context) and returns the logits (V) after the last, valid until the next
 * call. */
const real *session_feed(struct session *session, const int32_t *tokens, int n);

/* model_score's contract, through the session; uses and resets the cache. */
void session_score(struct session *session, const int32_t *tokens, const int32_t *targets, int B, int T,
                   float *logprob, uint8_t *is_argmax);

#endif
