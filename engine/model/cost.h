/* SPDX-License-Identifier: Apache-2.0 */
/* cost.h — what a model costs, from its shape alone: pure functions, no measurement.
 *
 * FLOPs are those of matrix products, a multiply-add counting two (Kaplan 2020, sec. 2.1, but exact: attention by
 * causal blocks as attention.h computes it, the head included, the embedding look-up excluded). They equal the
 * counter of engine/math/blas.h exactly; every trial checks it. */
#ifndef ENGINE_MODEL_COST_H
#define ENGINE_MODEL_COST_H

#include <stdint.h>

#include "engine/model/config.h"

/* The conventions of counting parameters; always say which. */
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
/* The rule of thumb 6 N D with N = matmul parameters, D = tokens. */
double cost_6nd(const struct config *config, double tokens);

#endif
