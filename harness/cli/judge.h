/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h — what the store says about itself: the validity of its trials, how predictions did, and the claims they
 * bear on.
 *
 * All are functions of what is stored, so judging twice gives the same rows. `run` and `shrink` judge when they have run
 * something; `claims` judges again, which also takes in what was merged or imported. */
#ifndef HARNESS_CLI_JUDGE_H
#define HARNESS_CLI_JUDGE_H

#include "engine/base/table.h"
#include "harness/store/store.h"

/* Writes table validity, every check of every trial that is done, then what came out of predicted trials, then table
 * claim. The store is open for writing. */
MUST_CHECK enum status judge_store(struct store *store, struct err *err);

/* Every check of every trial that is done, as the store now stands; nothing is written. The caller releases the table
 * (trial_id, check_name, verdict, reason). */
MUST_CHECK enum status judge_trials(struct store *store, struct table *verdicts, struct err *err);

#endif
