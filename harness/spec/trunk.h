/* SPDX-License-Identifier: Apache-2.0 */
/* trunk.h — which trials of a plan are branches of one trunk.
 *
 * After a warm-up counted in tokens the learning rate is constant until a trial's own decay, so trials that differ in
 * nothing but their tokens and how they end do the same steps up to there, bit for bit. Done once, those steps are the
 * trunk. Each branch starts where the one before it left the trunk, goes on to where its own decay begins, leaves the
 * trunk's state there for the next, and decays. A branch is the trial it would be alone: same id, same result. */
#ifndef HARNESS_SPEC_TRUNK_H
#define HARNESS_SPEC_TRUNK_H

#include "engine/base/err.h"
#include "harness/spec/id.h"
#include "harness/spec/plan.h"

/* Whether these knobs could be a branch: warm-up in tokens, a rate that is constant afterwards. */
bool trunk_possible(const struct knobs *knobs);

/* Fills trunk and flops_marginal of every trial and sorts: trunks by their longest branch, most expensive first, the
 * branches of one from the shortest. Errors are the identity hook's. */
MUST_CHECK enum status trunk_find(struct plan *plan, struct ids *ids, struct err *err);

/* Whether trial i has to wait for a branch of its trunk, by what the caller says of each trial: which have `ended`, and
 * which are `running`. Two branches at once would do the same steps twice. */
bool trunk_waits(const struct plan *plan, int i, const char *ended, const char *running);

#endif
