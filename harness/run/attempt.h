/* SPDX-License-Identifier: Apache-2.0 */
/* attempt.h — one running trial as the runner sees it: its process, what it said, and whether it must end.
 *
 * The runner decides who runs, stands still or is alone; an attempt knows the state of one. It owns its
 * process and its records.
 *
 * An attempt that must end against its will is *condemned*: the first reason counts, the process group gets
 * SIGTERM and, after a grace, SIGKILL. How it ended is judged when it is reaped. */
#ifndef HARNESS_RUN_ATTEMPT_H
#define HARNESS_RUN_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "harness/run/clock.h"
#include "harness/run/forecast.h"
#include "harness/run/frames.h"
#include "harness/run/process.h"
#include "harness/run/runner.h"

enum attempt_state {
    ATTEMPT_FREE = 0, /* the slot holds nothing */
    ATTEMPT_RUNS,     /* computes, or stands still when parked */
    ATTEMPT_WAITS,    /* stands still until it may be alone */
    ATTEMPT_ALONE     /* everybody else stands still for it */
};

enum { REASON_SIZE = RECORD_TEXT_SIZE + 128, RECORDS_MAX = 1 << 20 };

struct attempt {
    enum attempt_state state;
    struct assignment assignment;
    struct process process;
    struct frame_reader reader;

    struct record *records; /* what the sink shall get */
    int n_records, capacity;
    bool told_peak;         /* peak_rss_bytes is among them */
    bool told_outcome;
    struct record outcome;  /* when told */
    int64_t step, steps;    /* of the last progress */
    double loss;            /* NaN before the first */

    int64_t ticket;         /* order among those who wait */
    bool parked;            /* the last command was PARK */
    int parks_sent, parks_answered;

    struct instant started, last_frame;
    bool stands;            /* stood still when last looked at */
    struct instant stands_since;
    double stood_s;

    bool asked_to_stop;
    bool condemned, killed;
    enum outcome verdict;   /* when condemned */
    char why[REASON_SIZE];
    struct instant kill_at;
};

/* Life cycle. */
MUST_CHECK enum status attempt_start(struct attempt *attempt, const char *program,
                                     const struct assignment *assignment, struct err *err);
/* Frees the slot; the process must have been reaped. */
void attempt_release(struct attempt *attempt);

/* Reads what the process has written and calls take(context, attempt, record) for each record; keeps what the
 * sink shall get. `to_the_end` reads until the pipe is empty, otherwise only a fair share. */
void attempt_read(struct attempt *attempt, bool to_the_end,
                  void (*take)(void *context, struct attempt *attempt, const struct record *record),
                  void *context);

/* Commands. */
void attempt_park(struct attempt *attempt);
void attempt_resume(struct attempt *attempt);
void attempt_go(struct attempt *attempt);
void attempt_stop(struct attempt *attempt);
void attempt_condemn(struct attempt *attempt, enum outcome verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void attempt_kill(struct attempt *attempt);

/* Condemns an attempt that said nothing for timeout_s, kills one whose grace is over. Returns the instant at
 * which it wants to be looked at again. */
struct instant attempt_watch(struct attempt *attempt, double timeout_s);

/* Whether it computes nothing: waiting, or parked with every PARK answered. */
bool attempt_stands_still(const struct attempt *attempt);
/* Seconds it has run, without those it stood still. */
double attempt_busy_s(const struct attempt *attempt);
bool attempt_is_active(const struct attempt *attempt);
/* Over the active ones of n slots: the share of the steps done, 0 … 1, and what comes of it. */
struct forecast_running attempts_sum(const struct attempt *attempts, int n);

/* Reaps the ended process and judges the attempt; may add a last record. */
enum outcome attempt_conclude(struct attempt *attempt, char reason[REASON_SIZE]);

#endif
