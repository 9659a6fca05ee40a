/* SPDX-License-Identifier: Apache-2.0 */
/* fit_store.h — a law's points from the store: which trials are points, which are left out and why, which are doubtful.
 *
 * Left out, in this order: what did not end well, shrunk models (but for the precision law), what --where says, what
 * failed a check of validity.h (unless --include-invalid), and other learning rates than the best of a setting. Checks are judged
 * anew from what the store holds, so that what was merged or imported since the last sweep is judged too. */
#ifndef HARNESS_CLI_FIT_STORE_H
#define HARNESS_CLI_FIT_STORE_H

#include "harness/cli/fit_points.h"

/* Appends to out->left_out a trial, or with trial_id NULL a row of a file, counted from 1. `why` groups, detail (or NULL)
 * adds what is this point's own. */
void fit_leave_out(struct fit_points *out, const char *trial_id, int row, const char *why, const char *detail);

/* The rows of v_points that may be points, by trial_id, and the verdicts on them. */
MUST_CHECK enum status fit_store_read(struct fit_points *out, const struct invocation *invocation, const struct law *law,
                                      struct table *table, struct err *err);

/* Clears keep (n_rows) of what is left out, and fills out->doubts from what stays. */
void fit_store_judge(struct fit_points *out, const struct invocation *invocation, const struct law *law, const struct table *table,
                     char *keep);

#endif
