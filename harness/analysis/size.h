/* SPDX-License-Identifier: Apache-2.0 */
/* size.h — what a language model is and costs, from its shape alone, also one that nobody here can train.
 *
 * A struct architecture describes decoder-only transformers of several families: GPT (learned positions, layer norms,
 * biases), Transformer-XL's relative positions, Llama, and mixtures of experts with shared and fine-grained experts.
 * Nothing is typed in that can be counted: a parameter count is the sum of the matrices the shape implies.
 * For the engine's own family the counts equal engine/model/cost.h; a test holds the two together.
 *
 * Stateless, pure; plain data. */
#ifndef HARNESS_ANALYSIS_SIZE_H
#define HARNESS_ANALYSIS_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"

/* Data */

enum size_positions {
    SIZE_ROTARY,  /* nothing learned: rotary, ALiBi, fixed sinusoids */
    SIZE_LEARNED, /* one learned vector per position */
    SIZE_RELATIVE /* Transformer-XL (Dai 2019, sec. 3.3): a C x C matrix and two vectors per layer */
};

enum size_qk_norm {
    SIZE_QK_NONE,
    SIZE_QK_WIDTH, /* one gain per channel of all queries, and of all keys (OLMoE) */
    SIZE_QK_HEAD   /* one gain per channel of a head, shared by all heads (Qwen3) */
};

struct architecture {
    int64_t layers, width;         /* L, C */
    int64_t heads, kv_heads;       /* H, K */
    int64_t head_size;             /* D; H D need not be C */
    int64_t ffn;                   /* F of a dense layer */
    int64_t vocabulary;            /* V */
    int64_t context;               /* T */
    int64_t position_rows;         /* learned positions: rows of their table */
    int64_t experts;               /* E; 1: dense */
    int64_t experts_per_token;     /* k */
    int64_t shared_experts;        /* experts every token visits besides its k */
    int64_t expert_ffn;            /* F of one expert */
    int64_t dense_layers;          /* mixtures: layers that are dense all the same */
    int64_t norms;                 /* per layer: 2; 1 where attention and feed-forward share one */
    enum size_positions positions;
    enum size_qk_norm qk_norm;
    bool gated;                    /* three matrices in a feed-forward layer (SwiGLU, GeGLU), not two */
    bool biases;                   /* on every matrix of a layer */
    bool qkv_biases;               /* on queries, keys and values only */
    bool norm_biases;              /* layer norm with gain and bias, not gain alone */
    bool final_norm;               /* one more norm before the head */
    bool tied;                     /* the head is the embedding */
};

/* The four conventions of N (DESIGN.md, section 2). */
struct size_counts {
    int64_t total;
    int64_t active;        /* total less the experts that a token does not visit */
    int64_t non_embedding; /* total less embedding, learned positions and an untied head (Kaplan 2020, table 1) */
    int64_t matmul;        /* active ones that take part in matrix products */
};

/* Operations */

/* Refuses shapes that do not fit together or overflow (STATUS_FORMAT), naming the field. */
MUST_CHECK enum status size_check(const struct architecture *a, struct err *err);

/* Of a checked shape. */
struct size_counts size_params(const struct architecture *a);

/* FLOPs of one sequence of T tokens forward, multiply-adds counting two: 2 T params_matmul for the matrices, and
 * 4 T^2 H D per layer for attention's two products over the full square (Hoffmann 2022, appendix F counts so);
 * causal counts the lower triangle with its diagonal alone, 2 T (T+1) H D. Forward and backward: three times that. */
double size_forward_flops(const struct architecture *a, int64_t T, bool causal);

/* Bytes of keys and values one token leaves in the cache, at so many bytes a number: 2 L K D. */
double size_cache_bytes(const struct architecture *a, double bytes_per_number);

#endif
