/* SPDX-License-Identifier: Apache-2.0 */
/* heldout.h — loss on text that was not trained on.
 *
 * A window is a context of tokens and their successors. Only the second half of its tokens counts, each of which has at
 * least half a context before it: the loss of a model that reads on, not of one that has just begun. The text
 * does not depend on a replicate's seed, so all models of a sweep answer the same questions. */
#ifndef ENGINE_DATA_HELDOUT_H
#define ENGINE_DATA_HELDOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/data/source.h"
#include "engine/data/world.h"
#include "engine/tasks/task.h"

enum { HELDOUT_CONTEXT_MAX = 8192 };

struct heldout_plan {
    int context; /* T, at most HELDOUT_CONTEXT_MAX */
    int64_t windows;
    uint64_t data_seed;
    bool (*after)(void *context,
                  int rows); /* called after every batch of windows; false to stop. May be NULL */
    void *after_context;
};

struct heldout {
    double loss;     /* nats per token, the mean over windows */
    double stderror; /* of that mean, from the spread between windows; NaN for a single one */
    int64_t tokens;  /* counted */
    int64_t bytes;   /* that they stand for */
    double part_loss[WORLD_PARTS]; /* nats per token by part of the world's mixture, over its tokens; NaN for none */
    int64_t part_tokens[WORLD_PARTS];
};

/* The scorer takes at least one window at a time. False when `after` stopped it: then *out is not the whole. */
MUST_CHECK bool heldout_evaluate(const struct source *source, const struct heldout_plan *plan,
                                 const struct scorer *scorer, struct heldout *out);

#endif
