/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.h — what `run` and `shrink` share: a plan, a store and a runner, wired together.
 *
 * Only this file and the commands know both sides. The store is opened here and closed before returning;
 * nothing is written when the plan cannot run on this machine. */
#ifndef HARNESS_CLI_SWEEP_H
#define HARNESS_CLI_SWEEP_H

#include "harness/cli/commands.h"
#include "harness/run/runner.h"
#include "harness/spec/plan.h"
#include "harness/store/store.h"

/* What a plan needs to know of the engine and of SQL. */
extern const struct plan_hooks sweep_hooks;

struct sweep_options {
    const char *db;
    int jobs;
    int retries;         /* further tries for a trial that crashed or timed out */
    double timeout_s;
    double wall_s;       /* of the whole run; 0: no end */
    int64_t memory_limit_bytes; /* of one trial; 0: none */
    double budget_s;     /* 0: none; otherwise small trials go first */
    enum store_rerun rerun;
    double state_every_s; /* between the states of a trial in training; 0: only when it is stopped */
    bool checkpoints;    /* keep the trained models beside the store */
    struct screen screen; /* of standard error, for the bar */
    bool quiet;
    const char *program;
    /* Optional: what a trial told, once it is done and stored. */
    void (*told)(void *context, const struct record *records, int n);
    void *told_context;
};

/* Fills the predicted seconds of every trial from the calibration of this machine and build, kept in the user's cache
 * (the file calibration; without it all is measured anew). What it lacks is measured in a child process, so that the
 * caller computes nothing itself. *flops_per_s (may be NULL) gets the training rate of the trial in the plan's middle. */
void sweep_calibrate(struct plan *plan, double *flops_per_s);

/* Refuses a plan with trials that need more memory than is free, or than limit_bytes unless that is 0 (STATUS_USAGE). */
MUST_CHECK enum status sweep_check_memory(const struct plan *plan, int jobs, int64_t limit_bytes, struct err *err);

/* One line on standard error when the trials that run at once have more threads with work than this process may use
 * processors: their times would measure each other. */
void sweep_warn_crowded(const struct plan *plan, int jobs);

/* keep[i] becomes 1 for trials that sweep_run would run, 0 for the others. Changes nothing; without a store all would. */
MUST_CHECK enum status sweep_missing(const struct sweep_options *options, const struct plan *plan, char *keep,
                                     struct err *err);

/* Runs what is missing of the plan. *pending is what there was to run; when that is nothing, *out counts what the store
 * has of the plan, so that a failure is not forgotten by asking twice. */
MUST_CHECK enum status sweep_run(const struct sweep_options *options, struct plan *plan, struct runner_result *out,
                                 int *pending, struct err *err);

/* The exit code of a finished sweep: 0, 3, 75, 130 or 143. */
int sweep_exit_code(const struct runner_result *result);

/* Fills owner and the store's rows for this machine and this program. */
MUST_CHECK enum status sweep_owner(struct store *store, struct owner *out, struct err *err);

/* Appends the folder where a trial's model goes: in a folder of the store's own, beside it. */
void sweep_checkpoint_folder(const char *db, const char *trial_id, struct str *out);
/* Appends the folder where a trial's model lies: that one, or, when only this is there, the folder checkpoints/ that all
 * stores of version 1 shared. */
void sweep_model_folder(const char *db, const char *trial_id, struct str *out);

/* Appends the folder of the states of a trial or a trunk, in a folder of the store's own beside it. */
void sweep_state_folder(const char *db, const char *id, struct str *out);

#endif
