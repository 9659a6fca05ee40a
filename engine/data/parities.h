/* SPDX-License-Identifier: Apache-2.0 */
/* parities.h — multitask sparse parity (Michaud et al. 2023, "The quantization model of neural scaling", section 3).
 *
 * A sample names one of endlessly many tasks, shows bits, and asks for the parity of those few of them that belong to the
 * task. Tasks are drawn by Zipf's law, p(i) = i^-s / zeta(s) with s = 1 + alpha. Whoever can do the first K of them and
 * guesses the others has the loss
 *
 *   L(K) = ln 2 * sum_{i > K} p(i), which falls as K^-alpha.
 *
 * When each task takes the same number of parameters, L ~ N^-alpha; when each takes the same number of examples,
 * K^-s ~ 1 / D and L ~ D^-(alpha / (1 + alpha)): exponents that are known beforehand, made of jumps.
 *
 * Tasks beyond the last go by one name, and their answers are coin tosses: so the tail of the sum is there although the
 * names are not, and L(K) is a power of K without an end. It is the entropy floor, which is therefore exact.
 *
 * A sample is parities_tokens tokens: the task, the bits (a token tells its place too), a sign that is always the same,
 * the answer. The name comes first and the sign last, so that with one layer attention cannot look at places that depend
 * on the task: what is left is a perceptron with one hidden layer over all bits and the name, as in the paper. One sample
 * in PARITIES_HELDOUT_ONE_IN, by a hash of task and bits, is held out and never trained on. Plain data. */
#ifndef ENGINE_DATA_PARITIES_H
#define ENGINE_DATA_PARITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/rng.h"

enum {
    PARITIES_MOST_TASKS = 250,
    PARITIES_FEWEST_BITS = 4,
    PARITIES_MOST_BITS = 56,
    PARITIES_MOST_PLACES = 8,
    PARITIES_HELDOUT_ONE_IN = 8
};

struct parities_config {
    uint64_t seed; /* which places belong to a task, and which samples are held out */
    int tasks;     /* that have a name of their own */
    int bits;      /* shown */
    int places;    /* that count */
    double zipf;   /* s, above 1 */
};

struct parities {
    struct parities_config config;
    uint64_t mask[PARITIES_MOST_TASKS];           /* the places that count, all different */
    double cumulative[PARITIES_MOST_TASKS + 1];   /* of p; the last, for those beyond, is 1 */
};

/* STATUS_USAGE when there are no so many different tasks, or not so many tokens in a vocabulary of this size. */
MUST_CHECK enum status parities_init(struct parities *out, const struct parities_config *config, int vocabulary,
                                     struct err *err);

/* Tokens of a sample, its answer included. */
int parities_tokens(const struct parities *parities);
/* One sample of the training part or of the held-out one; returns its task, tasks standing for one beyond. */
int parities_draw(const struct parities *parities, struct rng *rng, bool heldout, int32_t *tokens);
/* The same of a given task, one that has a name. */
void parities_draw_of(const struct parities *parities, int task, struct rng *rng, bool heldout, int32_t *tokens);

double parities_probability(const struct parities *parities, int task); /* of a task; `tasks`: of all beyond */
double parities_floor(const struct parities *parities);                 /* nats per answer */

#endif
