/* SPDX-License-Identifier: Apache-2.0 */
/* states.h — the folders in which a training in progress keeps its states: FOLDER/STEP/, one per state.
 *
 * What lies in them is trial_state.c's business. A trial has a folder of its own, which goes when the trial is
 * done; trials that share a trunk have another in common. Folders hold files only, and nobody else's. */
#ifndef HARNESS_RUN_STATES_H
#define HARNESS_RUN_STATES_H

#include <stdint.h>

#include "engine/base/str.h"

enum { STATES_MAX = 64 };

/* The steps of the states in a folder up to `most`, newest first, STATES_MAX at most; returns how many. A folder that
 * is not there has none. */
int states_list(const char *folder, int64_t most, int64_t steps[STATES_MAX]);

/* Appends the folder of one state. */
void states_path(const char *folder, int64_t step, struct str *out);

/* Removes all but the newest `keep` states; with 0 the folder too. What cannot be removed stays. */
void states_prune(const char *folder, int keep);

#endif
