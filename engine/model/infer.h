/* SPDX-License-Identifier: Apache-2.0 */
/* infer.h — running a model with a key/value cache: prefill, decode, scoring, of one sequence or of several at once.
 *
 * Sequences of a session are independent of each other: each has its own cache and its own position. What is computed
 * together shares one pass over the weights, its rows being those of all sequences; that is what makes a batch
 * cheaper than its sequences one by one. The logits are the same, up to rounding.
 *
 * A session reads a model's weights (or 8-bit ones made from it) and owns its cache and scratch memory, one
 * block computed beforehand. Feeding tokens one by one gives the same logits as feeding them together and as the
 * training forward pass, up to rounding. Experts are dropless here, whatever capacity a model was trained with, as they
 * are in model_score: a token's fate must not hang on who else is in the batch. The model must outlive the session. */
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

/* New tokens of one sequence. */
struct span {
    int sequence;
    const int32_t *tokens;
    int n;
};

/* Rows first … first+n-1 of a pass, of one sequence, the first one at that position. */
struct segment {
    int sequence, first, n, position;
};

struct session {
    const struct model *model;
    const struct weights_i8 *i8;    /* NULL: full precision */
    int sequences;                  /* B */
    int *positions;                 /* (B) tokens in the cache */
    struct arena arena;
    real *keys, *values;            /* (B,L,K,context,D) */
    real *x, *norm, *rstd, *qkv, *attended, *out, *shared, *gate_up, *h, *scores;
    real *logits;                   /* (max(B,SESSION_CHUNK),V) */
    int32_t *tokens;                /* (SESSION_CHUNK) of a pass */
    struct segment *segments;       /* (SESSION_CHUNK), n_segments: the pass */
    int n_segments;
    struct rows_i8 narrow;          /* rows of a pass, in 8 bits */
    struct moe_state moe;
};

enum { SESSION_CHUNK = 64 }; /* most tokens computed together in prefill */

/* Life cycle. A session for one sequence, and one for B of them. */
MUST_CHECK enum status session_open(struct session *session, const struct model *model,
                                    const struct weights_i8 *i8, struct err *err);
MUST_CHECK enum status session_open_batch(struct session *session, const struct model *model,
                                          const struct weights_i8 *i8, int sequences, struct err *err);
void session_release(struct session *session);

/* Operations. */

/* Forgets all tokens of all sequences. */
void session_reset(struct session *session);

/* Appends the tokens of n spans, each to a sequence of its own (position + span.n <= context), all in the same passes.
 * Returns the logits (n,V) after each span's last token, valid until the next call. */
const real *session_extend(struct session *session, const struct span *spans, int n);

/* The same for sequence 0 alone: n tokens, logits (V). */
const real *session_feed(struct session *session, const int32_t *tokens, int n);

/* Tokens of sequence 0 in the cache. */
static inline int session_position(const struct session *session)
{
    return session->positions[0];
}

/* model_score's contract, through the session; uses sequence 0 and resets
 * all. */
void session_score(struct session *session, const int32_t *tokens, const int32_t *targets, int B, int T,
                   float *logprob, uint8_t *is_argmax);

#endif
