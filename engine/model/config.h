/* SPDX-License-Identifier: Apache-2.0 */
/* config.h — the shape of a model and what else decides its numbers. Plain data.
 *
 * The Llama family: RMSNorm, rotary positions, causal attention with grouped key/value heads, SwiGLU, no biases;
 * with experts > 1 Mixtral's mixture of experts in place of the feed-forward layer.
 *
 * Parametrisation. `standard`: one learning rate, initial weights by fan-in. `mup`: the maximal update parametrisation
 * for Adam (Yang 2022, table 3) in a width that every inner size grows with at a fixed head size; the two are the same
 * model at width = base_width. With r = base_width / width:
 *
 *   kind                          initial std                    rate   as in table 3
 *   embedding, gains              constant                       1      input weights and biases
 *   attention, feed-forward       1 / sqrt(fan-in)               r      hidden weights
 *   head, router                  r times that at base_width     r      output weights: from a width to a fixed size
 *   tied embedding                constant                       1      input weights, and in the head:
 *   final gain above it           r, not 1                       r      the output multiplier of table 8
 *
 * A tied head needs logits multiplied by r (table 8); as the final norm stands right before it, the multiplier is put
 * into that norm's gain, with the rate that leaves Adam's steps the same (lemma J.1): others can read such a model.
 * Attention keeps 1 / sqrt(D): with a fixed head size that is table 8's 1 / D up to a constant. Weight decay takes
 * rate times decay from a weight at each step; the decay is divided by the factor on the rate, so that weights forget
 * at one speed whatever the width (Wang & Aitchison 2024, sec. 3). */
#ifndef ENGINE_MODEL_CONFIG_H
#define ENGINE_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/real.h"
#include "engine/layers/rope.h"

/* Raised whenever the same settings would give other bits; part of every trial's id. */
#define ENGINE_VERSION "4"

struct config {
    int vocabulary;   /* V */
    int context;      /* longest sequence, T */
    int depth;        /* L */
    int width;        /* C */
    int heads;        /* H */
    int kv_heads;     /* K, divides H */
    int head_size;    /* D; 0: width / heads */
    int ffn;          /* F of a dense layer or of one expert */
    int experts;      /* E; 1: dense unless routed */
    int experts_per_token; /* k */
    int shared_experts;    /* experts that every token visits, as one layer of that many times ffn (Dai 2024, eq. 9) */
    double capacity;       /* training: an expert serves this times its even share of a micro-batch; 0: all (moe.h) */
    bool routed;      /* a router even for one expert; always true when experts > 1 */
    bool gate_all;    /* expert weights by the softmax over all logits (moe.h) */
    bool qk_norm;     /* queries and keys are normalised per head before the rotation (norm.h) */
    bool tied;        /* the head is the embedding */
    bool mup;         /* maximal update parametrisation, see above */
    int base_width;   /* where mup and standard agree */
    int window;       /* tokens that attention was made to look back; a context must not be longer. 0: all of it */
    double rope_base;
    struct rope_scaling rope_scaling;
    double norm_eps;
    double load_balance, router_z; /* weights of the auxiliary losses (moe.h) */
};

/* D, the size of a head. */
static inline int config_head_size(const struct config *c)
{
    return c->head_size ? c->head_size : c->width / c->heads;
}

/* A row of queries, and of what attention makes of them: H D, which need not be C. */
static inline int config_query_size(const struct config *c)
{
    return c->heads * config_head_size(c);
}

/* A row of queries, keys and values. */
static inline int config_qkv_size(const struct config *c)
{
    return (c->heads + 2 * c->kv_heads) * config_head_size(c);
}

/* Width of the feed-forward layer that all tokens share beside the experts; 0: there is none. */
static inline int config_shared_ffn(const struct config *c)
{
    return c->shared_experts * c->ffn;
}

/* Width of the feed-forward layer that every token visits: the dense one, or the shared experts. */
static inline int config_common_ffn(const struct config *c)
{
    return c->routed ? config_shared_ffn(c) : c->ffn;
}

/* Refuses shapes that do not fit together or overflow (STATUS_FORMAT), naming the field. */
MUST_CHECK enum status config_check(const struct config *config, struct err *err);

/* Refuses a context that attention would not have looked at as a whole (STATUS_FORMAT). Apart from config_check, because
 * whoever opens a model may lower the context that it claims. */
MUST_CHECK enum status config_check_window(const struct config *config, struct err *err);

/* The trainable tensors, in the order of tensors.def. */
enum tensor_id {
#define TENSOR(name, layers, count, rows, columns, kind) TENSOR_##name,
#include "engine/model/tensors.def"
#undef TENSOR
    TENSOR_COUNT
};

enum tensor_kind { KIND_EMBED, KIND_NORM, KIND_HIDDEN, KIND_RESIDUAL, KIND_ROUTER, KIND_HEAD };

struct tensor_info {
    const char *name;
    enum tensor_id id;
    enum tensor_kind kind;
    int64_t layers;   /* L or 1 */
    int64_t count;    /* matrices per layer: 1, or E */
    int64_t rows, columns;
    int64_t size;     /* layers * count * rows * columns */
    int64_t offset;   /* of the first number in the block of parameters */
};

/* Fills info for all tensors; returns the number of parameters in all. */
int64_t config_tensors(const struct config *config, struct tensor_info info[TENSOR_COUNT]);

/* A tensor's first values: the standard deviation of a matrix, about 0; the value of a norm's gains. */
double config_init_std(const struct config *config, const struct tensor_info *tensor);
double config_init_gain(const struct config *config, const struct tensor_info *tensor);

/* The factor on the learning rate. */
double config_rate_factor(const struct config *config, const struct tensor_info *tensor);

#endif
