/* SPDX-License-Identifier: Apache-2.0 */
/* ids.h — tokens by their numbers: what a model can be asked without anybody saying what its tokens stand for.
 *
 * Written as decimal numbers with white space or commas between. */
#ifndef HARNESS_CLI_IDS_H
#define HARNESS_CLI_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/tasks/task.h"

/* White space and commas. */
extern const char ids_gap[];

/* The number at *at, which moves past it and the gap behind it; false, and *at where it was, for anything else than a
 * number of 0 … vocabulary-1 with its end. */
bool ids_next(const char **at, int vocabulary, int32_t *out);

/* Reads the file ("-": standard input); *tokens is malloc'ed, the caller's. STATUS_FORMAT with line and column for what
 * is no token of this vocabulary, and for fewer than two tokens: nothing would be foretold. */
MUST_CHECK enum status ids_read(const char *path, int vocabulary, int32_t **tokens, int64_t *n, struct err *err);

struct ids_loss {
    double loss;     /* nats per token */
    double stderror; /* of it, from the spread between windows (a ratio estimator: Cochran 1977, ch. 6); NaN for one */
    int64_t tokens;  /* foretold: all but the first */
};

/* The loss of the n tokens read in windows of at most T, each beginning half a window after the one before: every token
 * but the first is foretold once, from at least half a window wherever there is so much before it. T <= n - 1. */
void ids_score(const int32_t *tokens, int64_t n, int T, const struct scorer *scorer, struct ids_loss *out);

#endif
