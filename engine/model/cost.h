/* SPDX-License-Identifier: Apache-2.0 */
/* cost.h — what a model costs, from its shape alone: pure functions, no measurement.
 *
 * FLOPs are those of matrix products, a multiply-add counting two (Kaplan 2020, sec. 2.1, but exact: attention by
 * causal blocks as attention.h computes it, the head included, the embedding look-up excluded). They equal the
 * counter of engine/math/blas.h exactly; every trial checks it.
 *
 * What capacity-limited experts drop (moe.h) depends on the data and is known only afterwards: the formulas are those
 * of a dropless pass, and cost_dropped_flops says what the pairs dropped in training take off. Planned FLOPs, a
 * budget of FLOPs and 6 N D count nothing off. */
#ifndef ENGINE_MODEL_COST_H
#define ENGINE_MODEL_COST_H

#include <stdint.h>

#include "engine/model/config.h"

/* The conventions of counting parameters; always say which. With E experts of width F, k of them visited, and s shared
 * ones, a feed-forward layer holds (E + s) 3 C F numbers, and (k + s) 3 C F are active. So granularity G, when it
 * stands for E G experts of width F / G of which k G are visited, changes neither, only the router's size (Krajewski
 * 2024, sec. 3). */
struct param_counts {
    int64_t total;         /* every trainable number */
    int64_t active;        /* total less the experts a token does not visit */
    int64_t non_embedding; /* total less embedding and head (Kaplan's N) */
    int64_t matmul;        /* active ones that take part in matrix products: no embedding look-up, no gains */
};

struct param_counts cost_params(const struct config *config);

/* Forward pass over B sequences of T tokens. A backward pass costs exactly twice as much. */
double cost_forward_flops(const struct config *config, int B, int T);
/* Training on `steps` steps of `sequences` sequences of T tokens. */
double cost_train_flops(const struct config *config, int64_t steps, int64_t sequences, int T);
/* Forward and backward products that `dropped` pairs of token and expert would have had. */
double cost_dropped_flops(const struct config *config, int64_t dropped);
/* The rule of thumb 6 N D with N = matmul parameters, D = tokens. */
double cost_6nd(const struct config *config, double tokens);

#endif
