/* SPDX-License-Identifier: Apache-2.0 */
/* merge.h — several stores into one: the shards of a sweep that ran on several machines, or stores that were kept apart.
 *
 * A trial is the same trial wherever it ran, by its id. The better state counts: done before every other end, any end before
 * none. Attempts are taken over with all they measured and numbered behind those that are there; one that is there already,
 * by its owner and the moment it was claimed, is not taken again, so merging twice changes nothing. What still runs
 * elsewhere is taken as not begun. Of a trial that is done in both, the results are compared, and one attempt counts.
 * Fits, predictions and benchmark runs come along; validity and claims are for the caller to judge again; models stay
 * where they are. */
#ifndef HARNESS_STORE_MERGE_H
#define HARNESS_STORE_MERGE_H

#include "harness/store/store.h"

struct merge_result {
    int64_t trials;   /* that were not there */
    int64_t results;  /* trials that are done now and were not */
    int64_t agreeing; /* trials that were done here and there, with equal results */
    /* Trials with different results: columns store, trial_id, figure, here, there; one row for each figure that differs. */
    struct table conflicts;
};

/* Merges the stores at the paths, which are only read, in one transaction: all or nothing. With a conflict nothing is
 * merged (STATUS_FORMAT), unless keep_here: then the result that is there stays, and the other one is left out. result is
 * filled on success and on a conflict, and then its table is the caller's to release. */
MUST_CHECK enum status store_merge(struct store *store, const char *const *paths, int n, bool keep_here,
                                   struct merge_result *result, struct err *err);

#endif
