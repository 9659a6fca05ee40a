/* SPDX-License-Identifier: Apache-2.0 */
/* runner.h — runs trials as child processes and hands what they say to a sink.
 *
 * The runner knows processes, pipes and time; it knows neither engine nor store. A trial is "argv[0]
 * __trial" with the canonical knobs on its standard input and framed records on descriptor 3. At most
 * `jobs` run at once; when one asks to be alone (latency), the others are parked at their next step
 * boundary and go on afterwards. A finished trial's records reach the sink in one call. */
#ifndef HARNESS_RUN_RUNNER_H
#define HARNESS_RUN_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "harness/run/record.h"
#include "harness/spec/plan.h"

enum { RUNNER_JOBS_MAX = 1024 };

/* One trial to run, as the sink hands it out. */
struct assignment {
    char id[TRIAL_ID_SIZE];
    int64_t attempt;        /* number of this attempt, from 1 */
    char label[160];        /* for the bar: "width 96, 8 experts, seed 1" */
    struct knobs knobs;
    double seconds;         /* predicted, 0 when unknown */
    double flops;           /* predicted */
    char checkpoint[512];   /* folder where the trial leaves its model; "" for nowhere */
    char parent[512];       /* folder of the parent's checkpoint (shrink); "" for none */
    char state[512];        /* folder for its training states, and of those to go on from; "" for none */
    char trunk[512];        /* folder of the states it shares with the other branches of its trunk; "" for none */
    double state_every_s;   /* seconds between states; 0: only when it is stopped */
    int64_t memory_limit_bytes; /* data it may hold (RLIMIT_DATA); 0: as much as the system gives */
    bool alone;             /* starts when nothing else runs, and nothing starts beside it (after an oom) */
};

struct sink {
    void *context;
    /* The next trial to run: STATUS_DONE when none is left. Claims it and begins an attempt. Asked again after
     * every end, so a sink that puts a failed trial back gets it retried. */
    enum status (*claim)(void *context, struct assignment *out, struct err *err);
    /* Optional, used with budget_s only: the predicted seconds (0: unknown) of the trial that the next claim
     * would hand out, claiming nothing. STATUS_DONE when none is left. A sink under a budget does well to hand
     * out small trials first: the first that does not fit ends the run. Without it, trials are started until
     * the budget is used up. */
    enum status (*peek)(void *context, double *seconds, struct err *err);
    /* The end of an attempt: outcome, reason ("" for done) and what it measured (METRIC, EVAL, LATENCY, COST,
     * FACT, TEXT, MOE_LOAD, MOE_METRIC, in the order sent), to be stored in one transaction. An error ends the run. */
    enum status (*finish)(void *context, const struct assignment *assignment, enum outcome outcome,
                          const char *reason, const struct record *records, int n, struct err *err);
    /* Optional: a sink that stores an end together with the next claim. Called before the runner waits for anything, so
     * that what finish has put aside is stored by then. An error ends the run. */
    enum status (*settle)(void *context, struct err *err);
};

/* What the runner says while it works; draws nothing itself. Called at most ten times a second and at
 * every end of a trial, and at least about once a second. */
struct runner_progress {
    int done, failed, running, total; /* failed: ended otherwise than done, interrupted ones aside */
    double fraction;        /* of the predicted work, 0 … 1 */
    double eta_s;           /* NaN while unknown */
    double elapsed_s;
    char label[160];        /* the trial that moved last */
    double loss;            /* its training loss; NaN before the first */
    bool finished;          /* this trial has just ended */
    enum outcome outcome;   /* how, when finished */
    char reason[256];
};

struct runner_options {
    int jobs;               /* 1 … RUNNER_JOBS_MAX */
    double timeout_s;       /* of one trial without progress; 0: 600 */
    double budget_s;        /* no new trial is started whose predicted end lies beyond; 0: none. At least one
                             * trial is always started, and what runs when the budget ends finishes */
    double wall_s;          /* after so long the run stops as if it had been asked to; 0: never */
    double stop_grace_s;    /* from the first signal to SIGTERM for trials that still run; 0: 5 */
    int total;              /* trials this run has to do, for the bar */
    double total_seconds;   /* their predicted seconds, for the ETA */
    const char *program;    /* path of the program to start */
    void (*progress)(const struct runner_progress *progress, void *context);
    void *context;
};

struct runner_result {
    int done, failed, diverged, timeout, oom, interrupted;
    bool out_of_time;       /* stopped because of wall_s */
    bool out_of_budget;     /* stopped starting because of budget_s */
    int signal;             /* the signal that asked to stop, or 0 */
    double elapsed_s;
};

/* Runs until the sink has no more, the budget is spent, or a signal asks to stop: SIGINT, SIGTERM, SIGHUP, or
 * SIGUSR1 (a cluster's warning); one that is ignored on entry stays ignored. The first lets trials end at
 * their next step boundary, for a few seconds, the second kills them; both leave them OUTCOME_INTERRUPTED.
 * Children die with the thread that called this, so it should be the main one, and the process should have
 * no other. STATUS_OK also when trials failed: that is in *out. When the sink cannot store an attempt,
 * nothing more is started, what runs is killed unstored, and the sink's error is returned; when it cannot
 * claim, what runs may finish first. */
MUST_CHECK enum status runner_run(const struct runner_options *options, const struct sink *sink,
                                  struct runner_result *out, struct err *err);

#endif
