/* SPDX-License-Identifier: Apache-2.0 */
/* sample.h — drawing the next token from logits.
 *
 * Tokens are ranked by logit, the lower token first among equals. They are thinned out in this order:
 *
 *   temperature T   p[v] = exp(logit[v] / T) / sum; 0 takes the first of the ranking and draws nothing
 *   top-k           the first k of the ranking, and p anew over them (Fan, Lewis & Dauphin 2018, sec. 5.3)
 *   top-p           the shortest beginning of the ranking whose p add up to at least P, and p anew over it; at
 *                   least one token (nucleus; Holtzman et al. 2020, eq. 2 and 3) */
#ifndef ENGINE_MODEL_SAMPLE_H
#define ENGINE_MODEL_SAMPLE_H

#include <stdint.h>

#include "engine/base/real.h"
#include "engine/base/rng.h"

struct sampling {
    double temperature; /* >= 0 */
    int top_k;          /* 0, or V and more: all */
    double top_p;       /* 0 … 1; 1: all */
};

/* Room for one token of a ranking. */
struct candidate {
    int32_t token;
    double weight; /* exp((logit - largest) / T) */
};

/* Draws a token from logits (V); scratch (V). At most V log V comparisons and one number from rng, none at
 * temperature 0. */
int32_t sample_token(const real *logits, int V, const struct sampling *how, struct candidate *scratch,
                     struct rng *rng);

/* The tokens that may be drawn, at temperature > 0: fills the first entries of candidates (V) and returns how many, at
 * least 1. They stand in order of rank where top-k or top-p may leave any out, otherwise in order of token. *sum gets
 * the sum of their weights. */
int sample_candidates(const real *logits, int V, const struct sampling *how, struct candidate *candidates,
                      double *sum);

#endif
