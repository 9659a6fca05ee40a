/* SPDX-License-Identifier: Apache-2.0 */
/* models.h — finding a trained model by what people call it: a folder, a trial id, or the beginning of one. */
#ifndef HARNESS_CLI_MODELS_H
#define HARNESS_CLI_MODELS_H

#include "engine/base/err.h"
#include "engine/base/str.h"
#include "harness/spec/knobs.h"
#include "harness/store/store.h"

/* Appends the full id of the one trial whose id begins with word. "best" is the trained model with the lowest
 * held-out loss. STATUS_NOT_FOUND for none, STATUS_USAGE for several. */
MUST_CHECK enum status models_trial_id(struct store *store, const char *word, struct str *id, struct err *err);

/* The folder of a model: word itself when it is a folder with a config.json, else the trial's. */
MUST_CHECK enum status models_folder(const char *db, const char *word, struct str *folder, struct err *err);

/* The knobs of a stored trial. */
MUST_CHECK enum status models_knobs(struct store *store, const char *trial_id, struct knobs *out, struct err *err);

#endif
