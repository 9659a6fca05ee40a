/* SPDX-License-Identifier: Apache-2.0 */
/* model.h — a transformer in memory: weights, gradients, activations, and its forward and backward pass.
 *
 * One block of memory per model, computed beforehand (model_bytes) and sealed when open: no pass allocates.
 * Parameters are one run of numbers in the order of tensors.def; gradients and moments have the same layout.
 * Not thread-safe: one model, one thread; train.h puts several to work on one model's weights. */
#ifndef ENGINE_MODEL_MODEL_H
#define ENGINE_MODEL_MODEL_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/layers/moe.h"
#include "engine/model/config.h"

/* Pointers to the first number of every tensor of one block. */
struct tensors {
#define TENSOR(name, layers, count, rows, columns, kind) real *name;
#include "engine/model/tensors.def"
#undef TENSOR
};

/* What one layer's forward pass leaves for its backward pass; n = B T rows. */
struct layer_activations {
    real *x;        /* (n,C) input */
    real *norm1;    /* (n,C) */
    real *rstd1;    /* (n) */
    real *qkv;      /* (n,(H+2K)D), rotated */
    real *p;        /* (B,H,T,T) */
    real *attended; /* (n,HD) */
    real *mid;      /* (n,C): x + attention */
    real *norm2;    /* (n,C) */
    real *rstd2;    /* (n) */
    real *q_raw, *q_rstd; /* (n,HD), (n,H): queries before their norm, if there is one */
    real *k_raw, *k_rstd; /* (n,KD), (n,K) */
    real *gate_up;  /* (n,2F) of the layer that every token visits: the dense one, or the shared experts */
    real *h;        /* (n,F) of it */
    struct moe_state moe; /* routed */
};

struct model {
    struct config config;
    struct tensor_info info[TENSOR_COUNT];
    int64_t n_params;
    real *params;    /* (n_params) */
    real *gradients; /* (n_params), training only */
    real *moment1;   /* (n_params), training only: AdamW */
    real *moment2;
    struct tensors w, d; /* views of params and gradients */
    int max_sequences;
    struct arena arena;
    struct layer_activations *layers; /* (L) */
    real *last, *norm, *rstd;         /* (n,C), (n,C), (n): after the last layer */
    real *out, *shared, *dx, *dnorm, *dqkv, *dh, *dhead, *scores; /* scratch; out (n, larger of C and HD) */
    real *dslots, *dx_slots, *dlogits;           /* scratch, routed */
    real *logits, *losses;                       /* (HEAD_ROWS,V), (HEAD_ROWS) */
    real *cosine, *sine;                         /* (context,D/2) */
    int64_t *chosen;  /* (L,E), training: pairs that chose each expert since the owner last set them to zero */
    int64_t *dropped; /* (L): those of them that were dropped */
    bool trains;
    bool owns_weights; /* else params are another model's, and there are no moments */
};

/* The head works on blocks of rows, so that a full matrix of logits never exists. */
enum { HEAD_ROWS = 128 };

/* LANE: activations and gradients only, to train another model's weights beside it. */
enum model_use { MODEL_TRAIN, MODEL_SCORE, MODEL_LANE };

/* Bytes of the one block; SIZE_MAX when the shape overflows. */
size_t model_bytes(const struct config *config, int max_sequences, enum model_use use);

/* Life cycle. max_sequences: the most sequences of `context` tokens in one pass; 0, for MODEL_SCORE:
 * none, the weights are there for a session (infer.h). Weights are zero until model_init_weights or a checkpoint fills
 * them. */
MUST_CHECK enum status model_open(struct model *model, const struct config *config, int max_sequences,
                                  enum model_use use, struct err *err);
void model_release(struct model *model);
void model_init_weights(struct model *model, uint64_t seed);

/* What a mixture over n tokens keeps, for a model's layer and for a session. */
void moe_layout(struct moe_state *state, const struct config *config, size_t n, struct arena *arena);
/* For train.c. Gives a lane the weights of a model of the same shape, which must outlive it; lets the backward pass
 * add to other gradients, (n_params) of the caller's. */
void model_share_weights(struct model *lane, const struct model *model);
void model_point_gradients(struct model *model, real *gradients);

/* Operations. */

/* Adds scale * d(sum of losses)/d(parameters) to the gradients, plus the auxiliary losses' part weighted by
 * scale * B T. tokens, targets (B,T), B <= max_sequences, T <= context. Returns the sum of the B T losses in
 * nats; *aux (may be NULL) gets the sum over layers of the auxiliary losses. The experts' capacity is that of these
 * B T tokens, one micro-batch; who chose whom is added to chosen and dropped. */
double model_forward_backward(struct model *model, const int32_t *tokens, const int32_t *targets, int B, int T,
                              double scale, double *aux);
void model_zero_gradients(struct model *model);

/* Scores B sequences of T tokens: logprob[b T + t] = log p(targets[b T + t] | tokens[b T … b T + t]);
 * is_argmax (may be NULL) says whether that target is the model's first choice (the lower token wins a tie).
 * targets < 0: left out, both outputs 0. All (B,T); B T <= model_max_tokens, T <= context. Dropless, as inference is:
 * what a sequence gets does not depend on the others of its batch. */
void model_score(struct model *model, const int32_t *tokens, const int32_t *targets, int B, int T, float *logprob,
                 uint8_t *is_argmax);
int model_max_tokens(const struct model *model);

/* How often each expert was chosen in the last pass, as shares of all choices: (L,E). Routed models only. */
void model_expert_load(const struct model *model, double *load);

#endif
