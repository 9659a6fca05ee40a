/* SPDX-License-Identifier: Apache-2.0 */
/* record.h — what a trial process tells the runner, and the runner the store: one flat struct per fact.
 *
 * Plain data, no pointers. Which fields count is said per kind; the others are zero. A number that was not
 * measured is NaN, which the store writes as NULL. */
#ifndef HARNESS_RUN_RECORD_H
#define HARNESS_RUN_RECORD_H

#include <stdint.h>

enum record_kind {
    RECORD_PROGRESS = 1, /* step, count (steps in all), value (train loss): for the bar and the watchdog */
    RECORD_METRIC,       /* step, name, value */
    RECORD_EVAL,         /* step, task, name (metric), value, count (items), stderror, chance */
    RECORD_LATENCY,      /* name (phase: prefill, decode), batch, tokens (prompt), index (sample), value (ms) */
    RECORD_COST,         /* name (column of table cost), value */
    RECORD_FACT,         /* name (derived column of table trial: params_total, …), value */
    RECORD_TEXT,         /* name (text column of trial or cost: blas_core, energy_method …), text */
    RECORD_MOE_LOAD,     /* step, index (layer), batch (expert), value (share of routed slots) */
    RECORD_MOE_METRIC,   /* step, index (layer), name, value */
    RECORD_WANT_EXCLUSIVE, /* child asks that nothing else runs; it waits for CONTROL_GO */
    RECORD_PARKED,       /* child stands still after CONTROL_PARK */
    RECORD_EXCLUSIVE_DONE,
    RECORD_OUTCOME,      /* name (done, diverged, failed, oom), text (reason); the last record of a trial */
    RECORD_KIND_COUNT
};

enum { RECORD_NAME_SIZE = 48, RECORD_TEXT_SIZE = 512 };

struct record {
    enum record_kind kind;
    int64_t step;
    int64_t count;
    int64_t index;
    int64_t batch;
    int64_t tokens;
    double value;
    double stderror;
    double chance;
    char name[RECORD_NAME_SIZE];
    char task[RECORD_NAME_SIZE];
    char text[RECORD_TEXT_SIZE];
};

/* How a trial process ended: a state of table trial. */
enum outcome {
    OUTCOME_DONE,
    OUTCOME_FAILED,   /* crashed, or a check failed */
    OUTCOME_DIVERGED, /* loss not finite, or far above where it began */
    OUTCOME_TIMEOUT,
    OUTCOME_OOM,
    OUTCOME_INTERRUPTED, /* the sweep was asked to stop: the trial goes back to pending */
    OUTCOME_COUNT
};

const char *outcome_name(enum outcome outcome);
/* OUTCOME_COUNT when the name is unknown. */
enum outcome outcome_from_name(const char *name);

#endif
