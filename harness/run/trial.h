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

/* What a trial's parts take on one core, in processor seconds. */
struct trial_speed {
    double start_s;  /* until it trains: the text, what is watched for, memory */
    double step_s;   /* an optimiser step, with its text */
    double window_s; /* scoring one held-out window */
    double tasks;    /* abilities that are asked about */
};

/* Measures them here and now, on the trial's own shape and text; a tenth of a second, or a few steps. Of a large model a
 * part of a step is measured, and scaled by FLOPs. False when that cannot be: too large, or no text. */
bool trial_measure_speed(const struct knobs *knobs, struct trial_speed *out);
/* Appends what the speed depends on: trials with one text have one speed, on one machine and build. */
void trial_speed_key(const struct knobs *knobs, struct str *out);
/* Seconds of a trial that executes so many steps itself. */
double trial_predict(const struct knobs *knobs, const struct trial_speed *speed, double steps);

/* The hidden command `__trial`. Returns the process's exit code; the outcome itself went to the runner. */
int trial_main(void);

/* Appends the path of something kept in the user's cache: "$XDG_CACHE_HOME/isoflop/name". */
void trial_cache(const char *name, struct str *out);
/* The folder of the corpora that `make corpora` fills, which {corpora} in data.path stands for. */
void trial_corpora_folder(struct str *out);

#endif
