/* SPDX-License-Identifier: Apache-2.0 */
/* runs.h — finding a benchmark run by what people call it. */
#ifndef HARNESS_CLI_RUNS_H
#define HARNESS_CLI_RUNS_H

#include "harness/store/store.h"

/* The run a word stands for: a baseline's name, a run id, or (NULL) the newest run. STATUS_NOT_FOUND when there is
 * none. */
MUST_CHECK enum status runs_find(struct store *store, const char *word, char *run_id, size_t size, struct err *err);

#endif
