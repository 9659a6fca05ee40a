/* SPDX-License-Identifier: Apache-2.0 */
/* threshold_points.h — anybody's scores for `threshold`: a CSV with a row per model and ability, under its own column names. */
#ifndef HARNESS_CLI_THRESHOLD_POINTS_H
#define HARNESS_CLI_THRESHOLD_POINTS_H

#include "engine/base/table.h"
#include "harness/cli/commands.h"

/* Fills out (task, tokens, seed, x, y, n, chance, logprob), sorted by task, x and seed; task NULL: all. Scores are shares from 0 to
 * 1, or become that by a factor in --columns. A cell that is no number, or a share outside, is STATUS_USAGE with its row. The
 * caller releases the table on success. */
MUST_CHECK enum status threshold_points_read(struct table *out, const struct invocation *invocation, const char *path, const char *task,
                                             struct err *err);

#endif
