/* SPDX-License-Identifier: Apache-2.0 */
/* child.c — see child.h.
 *
 * Invariant: each CONTROL_PARK read is answered by one RECORD_PARKED, wherever it is read. While waiting to be
 * alone the process stands still already, so a PARK there needs only its answer, and GO ends both. */
#include "harness/run/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/str.h"
#include "harness/run/control.h"
#include "harness/run/frames.h"

enum status child_begin(struct child *child, struct assignment *out, struct err *err)
{
    *child = (struct child){.frames_fd = FRAME_FD, .control_fd = STDIN_FILENO};
    if (fcntl(FRAME_FD, F_GETFD) < 0)
        return err_set(err, STATUS_USAGE,
                       "a trial process is started by the runner only; use `isoflop run` or `isoflop train`");
    (void)fcntl(FRAME_FD, F_SETFD, FD_CLOEXEC);
    (void)signal(SIGPIPE, SIG_IGN); /* a runner that is gone shows as EPIPE */
    return control_read_configuration(child->control_fd, out, err);
}

void child_send(struct child *child, const struct record *record)
{
    if (frames_write(child->frames_fd, record, NULL) != STATUS_OK)
        child->stop = true;
}

static void send_kind(struct child *child, enum record_kind kind)
{
    struct record record = {.kind = kind};
    child_send(child, &record);
}

/* ---- commands ---- */

/* Reads one command; 0 when there is none (without `block`), CONTROL_STOP at the end of the stream. */
static int read_command(struct child *child, bool block)
{
    for (;;) {
        struct pollfd look = {.fd = child->control_fd, .events = POLLIN};
        int rc = poll(&look, 1, block ? -1 : 0);
        unsigned char byte;
        if (rc == 0)
            return 0;
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc > 0) {
            ssize_t got = read(child->control_fd, &byte, 1);
            if (got == 1)
                return byte;
            if (got < 0 && (errno == EINTR || errno == EAGAIN))
                continue;
        }
        return CONTROL_STOP;
    }
}

/* Stands still until the wanted command, or STOP, comes. */
static void stand_until(struct child *child, enum control wanted)
{
    struct instant since = clock_now();
    while (!child->stop) {
        int command = read_command(child, true);
        if (command == CONTROL_STOP)
            child->stop = true;
        else if (command == CONTROL_PARK)
            send_kind(child, RECORD_PARKED);
        else if (command == (int)wanted)
            break;
    }
    child->parked_s += clock_since(since);
}

bool child_poll(struct child *child)
{
    while (!child->stop) {
        int command = read_command(child, false);
        if (command == 0)
            break;
        if (command == CONTROL_STOP) {
            child->stop = true;
        } else if (command == CONTROL_PARK) {
            send_kind(child, RECORD_PARKED);
            stand_until(child, CONTROL_RESUME);
        }
    }
    return !child->stop;
}

bool child_exclusive_begin(struct child *child)
{
    if (child->stop)
        return false;
    send_kind(child, RECORD_WANT_EXCLUSIVE);
    stand_until(child, CONTROL_GO);
    return !child->stop;
}

void child_exclusive_end(struct child *child)
{
    send_kind(child, RECORD_EXCLUSIVE_DONE);
}

/* ---- senders ---- */

static void set_name(char to[RECORD_NAME_SIZE], const char *name)
{
    bool fits = str_copy(to, RECORD_NAME_SIZE, name);
    ASSERT(fits);
}

void child_outcome(struct child *child, enum outcome outcome, const char *reason)
{
    struct record record = {.kind = RECORD_OUTCOME};
    set_name(record.name, outcome_name(outcome));
    (void)str_copy(record.text, sizeof record.text, reason);
    child_send(child, &record);
}

void child_progress(struct child *child, int64_t step, int64_t steps, double loss)
{
    struct record record = {.kind = RECORD_PROGRESS, .step = step, .count = steps, .value = loss};
    struct instant now = clock_now();
    if (child->said_progress && step != steps && clock_between(child->last_progress, now) < 0.05)
        return;
    child->said_progress = true;
    child->last_progress = now;
    child_send(child, &record);
}

void child_metric(struct child *child, int64_t step, const char *name, double value)
{
    struct record record = {.kind = RECORD_METRIC, .step = step, .value = value};
    set_name(record.name, name);
    child_send(child, &record);
}

void child_cost(struct child *child, const char *name, double value)
{
    struct record record = {.kind = RECORD_COST, .value = value};
    set_name(record.name, name);
    child_send(child, &record);
}

void child_fact(struct child *child, const char *name, double value)
{
    struct record record = {.kind = RECORD_FACT, .value = value};
    set_name(record.name, name);
    child_send(child, &record);
}

void child_text(struct child *child, const char *name, const char *text)
{
    struct record record = {.kind = RECORD_TEXT};
    set_name(record.name, name);
    (void)str_copy(record.text, sizeof record.text, text);
    child_send(child, &record);
}

void child_eval(struct child *child, int64_t step, const char *task, const char *metric, double value,
                int64_t items, double stderror, double chance)
{
    struct record record = {.kind = RECORD_EVAL, .step = step, .count = items, .value = value,
                            .stderror = stderror, .chance = chance};
    set_name(record.task, task);
    set_name(record.name, metric);
    child_send(child, &record);
}

void child_latency(struct child *child, const char *phase, int64_t batch, int64_t prompt_tokens,
                   int64_t sample, double ms)
{
    struct record record = {.kind = RECORD_LATENCY, .index = sample, .batch = batch,
                            .tokens = prompt_tokens, .value = ms};
    set_name(record.name, phase);
    child_send(child, &record);
}

void child_moe_load(struct child *child, int64_t step, int64_t layer, int64_t expert, double share)
{
    struct record record = {.kind = RECORD_MOE_LOAD, .step = step, .index = layer, .batch = expert,
                            .value = share};
    child_send(child, &record);
}
