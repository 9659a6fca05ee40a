/* SPDX-License-Identifier: Apache-2.0 */
/* trial.h — the harness's only door into the engine: what a trial costs, what it is, and running it.
 *
 * trial_main is the child's side of runner.h: it reads its assignment, trains or shrinks, measures, and tells the
 * runner in records. It is the only long-running code that computes; everything it reports it has measured. */
#ifndef HARNESS_RUN_TRIAL_H
#define HARNESS_RUN_TRIAL_H

#include "engine/model/config.h"
#include "harness/spec/plan.h"

/* The model a trial's knobs describe. The knobs must have passed knobs_check. */
void trial_config(const struct knobs *knobs, struct config *out);

/* Optimiser steps: from the FLOP budget when one is given, otherwise from the tokens; at least 1. */
int64_t trial_steps(const struct knobs *knobs);

/* The hooks of plan.h. Identity opens the data: it fails where the file is missing. */
enum status trial_estimate(const struct knobs *knobs, struct estimate *out, struct err *err);
enum status trial_identity(const struct knobs *knobs, struct str *out, struct err *err);

/* What measuring a model by hand has in common with measuring a trial: the text, opened; how many held-out windows are
 * scored, and how many of them together. The same numbers give the same bits. */
struct source;
MUST_CHECK enum status trial_source(const struct knobs *knobs, struct source **out, struct err *err);
int64_t trial_heldout_windows(const struct knobs *knobs);
int trial_score_sequences(const struct knobs *knobs);

/* The knobs of a trained model lie beside it in its folder, so that whoever finds it knows what it has learnt from.
 * Reading: STATUS_NOT_FOUND where there are none. */
MUST_CHECK enum status trial_write_knobs(const char *folder, const struct knobs *knobs, struct err *err);
MUST_CHECK enum status trial_read_knobs(const char *folder, struct knobs *out, struct err *err);

/* Measures this machine for predictions: FLOP/s of one training step at the given width, on one core (a short
 * run in this process; about 50 ms). */
double trial_calibrate(int64_t width);

/* The hidden command `__trial`. Returns the process's exit code; the outcome itself went to the runner. */
int trial_main(void);

/* The folder of the corpora that `make corpora` fills, which {corpora} in data.path stands for. */
void trial_corpora_folder(struct str *out);

#endif
