/* SPDX-License-Identifier: Apache-2.0 */
/* child.h — a trial process's side of the pipes: it says what it measures and hears what it shall do.
 *
 * The process calls child_poll at every step boundary; there it stands still when the runner wants silence
 * for somebody's latency measurement, and there it learns that it shall stop. Senders return nothing: when
 * the runner is gone, there is nobody to tell, and the next child_poll says stop.
 *
 * A struct child owns nothing that needs releasing. Names are compiled-in and fit RECORD_NAME_SIZE (ASSERT);
 * texts and reasons are cut to what a record holds. */
#ifndef HARNESS_RUN_CHILD_H
#define HARNESS_RUN_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "harness/run/clock.h"
#include "harness/run/record.h"
#include "harness/run/runner.h"

struct child {
    int frames_fd, control_fd;
    bool stop;              /* the runner asked to stop, or is gone */
    double parked_s;        /* time stood still so far: not the trial's own, subtract it from its wall time */
    bool said_progress;
    struct instant last_progress;
};

/* Life cycle. Reads the configuration from standard input into *out (what control.h says) and
 * ignores SIGPIPE. STATUS_USAGE when no runner stands behind this process. */
MUST_CHECK enum status child_begin(struct child *child, struct assignment *out, struct err *err);
/* The last word: how the trial ended, and why ("" for done). Exit with 0 afterwards. */
void child_outcome(struct child *child, enum outcome outcome, const char *reason);

/* At every step boundary: true to go on, false to stop. Parks as long as the runner asks. Costs one poll. */
MUST_CHECK bool child_poll(struct child *child);
/* Waits until nothing else runs; false to stop (then there is nothing to end). The waiting counts as parked. */
MUST_CHECK bool child_exclusive_begin(struct child *child);
void child_exclusive_end(struct child *child);

/* Senders. */
void child_send(struct child *child, const struct record *record);
/* Sends at most twenty a second, the first and the last step always. loss is NaN before the first. */
void child_progress(struct child *child, int64_t step, int64_t steps, double loss);
void child_metric(struct child *child, int64_t step, const char *name, double value);
void child_cost(struct child *child, const char *name, double value);
void child_fact(struct child *child, const char *name, double value);
void child_text(struct child *child, const char *name, const char *text);
void child_eval(struct child *child, int64_t step, const char *task, const char *metric, double value,
                int64_t items, double stderror, double chance);
void child_latency(struct child *child, const char *phase, int64_t batch, int64_t prompt_tokens,
                   int64_t sample, double ms);
void child_moe_load(struct child *child, int64_t step, int64_t layer, int64_t expert, double share);

#endif
