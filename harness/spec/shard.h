/* SPDX-License-Identifier: Apache-2.0 */
/* shard.h — parts of a plan: those that are still to run, or one machine's share. */
#ifndef HARNESS_SPEC_SHARD_H
#define HARNESS_SPEC_SHARD_H

#include "harness/spec/plan.h"

/* Leaves the trials whose keep[i] is not 0, in their order. */
void plan_keep(struct plan *plan, const char *keep);

/* Leaves the index-th of n shares, from 1. Trials are dealt like cards in the plan's order, which begins with the largest,
 * so that every share gets its part of the large ones; a trunk's branches stay together. All shares together are the
 * plan, and no trial is in two: the same spec and overrides give the same shares on every machine. */
void plan_shard(struct plan *plan, int index, int n);

/* Reads "i/n", 1 <= i <= n <= 10000. STATUS_USAGE with a text for people. */
MUST_CHECK enum status shard_parse(const char *text, int *index, int *n, struct err *err);

#endif
