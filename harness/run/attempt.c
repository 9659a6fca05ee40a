/* SPDX-License-Identifier: Apache-2.0 */
/* attempt.c — see attempt.h.
 *
 * Invariant: parks_sent - parks_answered is the number of PARKs still on their way there or back. An answer to
 * an old PARK is therefore never taken for the answer to the current one, however commands and answers cross. */
#include "harness/run/attempt.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/str.h"
#include "harness/run/control.h"
#include "harness/run/sysinfo.h"

enum { READS_PER_TURN = 8 };
static const double grace_s = 2; /* from SIGTERM to SIGKILL */

enum status attempt_start(struct attempt *attempt, const char *program, const struct assignment *assignment,
                          struct err *err)
{
    struct process process;
    enum status status = process_start(&process, program, assignment, err);
    if (status != STATUS_OK)
        return status;
    memset(attempt, 0, sizeof *attempt);
    attempt->state = ATTEMPT_RUNS;
    attempt->assignment = *assignment;
    attempt->process = process;
    attempt->loss = NAN;
    attempt->started = attempt->last_frame = clock_now();
    frame_reader_init(&attempt->reader);
    return STATUS_OK;
}

void attempt_release(struct attempt *attempt)
{
    process_release(&attempt->process);
    free(attempt->records);
    attempt->records = NULL;
    attempt->state = ATTEMPT_FREE;
}

/* ---- what it says ---- */

/* NULL when it is kept, otherwise why it cannot be. */
static const char *keep(struct attempt *attempt, const struct record *record)
{
    if (attempt->n_records == RECORDS_MAX)
        return "it sent more records than one trial may";
    if (attempt->n_records == attempt->capacity) {
        int capacity = attempt->capacity ? 2 * attempt->capacity : 64;
        struct record *records = realloc(attempt->records, (size_t)capacity * sizeof *records);
        if (!records)
            return "the runner has no memory for its records";
        attempt->records = records;
        attempt->capacity = capacity;
    }
    attempt->records[attempt->n_records++] = *record;
    return NULL;
}

static void take_record(struct attempt *attempt, const struct record *record)
{
    const char *complaint;
    switch (record->kind) {
    case RECORD_PROGRESS:
        attempt->step = record->step;
        attempt->steps = record->count;
        attempt->loss = record->value;
        break;
    case RECORD_PARKED:
        attempt->parks_answered++;
        break;
    case RECORD_OUTCOME:
        attempt->outcome = *record;
        attempt->told_outcome = true;
        break;
    case RECORD_WANT_EXCLUSIVE:
    case RECORD_EXCLUSIVE_DONE:
        break; /* the runner's business */
    default:
        if (record->kind == RECORD_COST && strcmp(record->name, "peak_rss_bytes") == 0)
            attempt->told_peak = true;
        complaint = keep(attempt, record);
        if (complaint)
            attempt_condemn(attempt, OUTCOME_FAILED, "%s", complaint);
    }
}

void attempt_read(struct attempt *attempt, bool to_the_end,
                  void (*take)(void *context, struct attempt *attempt, const struct record *record),
                  void *context)
{
    unsigned char bytes[FRAME_FEED_MAX];
    for (int i = 0; attempt->process.frames_fd >= 0 && (to_the_end || i < READS_PER_TURN); i++) {
        ssize_t n = read(attempt->process.frames_fd, bytes, sizeof bytes);
        struct record record;
        struct err err = ERR_INIT;
        enum status status;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) { /* it closed its end; that it ended is noticed elsewhere */
            (void)close(attempt->process.frames_fd);
            attempt->process.frames_fd = -1;
            return;
        }
        frame_reader_feed(&attempt->reader, bytes, (size_t)n);
        while ((status = frame_reader_next(&attempt->reader, &record, &err)) == STATUS_OK) {
            attempt->last_frame = clock_now();
            take_record(attempt, &record);
            take(context, attempt, &record);
        }
        if (status == STATUS_FORMAT)
            attempt_condemn(attempt, OUTCOME_FAILED, "its frame pipe carries garbage (%s)", err.text);
    }
}

/* ---- what it is told ---- */

bool attempt_stands_still(const struct attempt *attempt)
{
    return attempt->state == ATTEMPT_WAITS ||
           (attempt->parked && attempt->parks_answered == attempt->parks_sent);
}

void attempt_park(struct attempt *attempt)
{
    ASSERT(!attempt->parked);
    attempt->parked = true;
    attempt->parks_sent++;
    control_send(attempt->process.control_fd, CONTROL_PARK);
}

/* After standing still the silence so far does not count. */
static void go_on(struct attempt *attempt, enum control command)
{
    attempt->parked = false;
    attempt->last_frame = clock_now();
    control_send(attempt->process.control_fd, command);
}

void attempt_resume(struct attempt *attempt)
{
    if (attempt->parked)
        go_on(attempt, CONTROL_RESUME);
}

void attempt_go(struct attempt *attempt)
{
    ASSERT(attempt->state == ATTEMPT_WAITS);
    attempt->state = ATTEMPT_ALONE;
    go_on(attempt, CONTROL_GO);
}

void attempt_stop(struct attempt *attempt)
{
    attempt->asked_to_stop = true;
    control_send(attempt->process.control_fd, CONTROL_STOP);
}

void attempt_condemn(struct attempt *attempt, enum outcome verdict, const char *format, ...)
{
    va_list args;
    if (attempt->condemned)
        return;
    attempt->condemned = true;
    attempt->verdict = verdict;
    va_start(args, format);
    (void)vsnprintf(attempt->why, sizeof attempt->why, format, args);
    va_end(args);
    process_signal(&attempt->process, SIGTERM);
    process_signal(&attempt->process, SIGCONT); /* a stopped process would not hear it */
    attempt->kill_at = clock_later(clock_now(), grace_s);
}

void attempt_kill(struct attempt *attempt)
{
    attempt->killed = true;
    process_signal(&attempt->process, SIGKILL);
}

/* ---- time ---- */

static void note_standing(struct attempt *attempt)
{
    bool stands = attempt_stands_still(attempt);
    if (stands && !attempt->stands)
        attempt->stands_since = clock_now();
    if (!stands && attempt->stands)
        attempt->stood_s += clock_since(attempt->stands_since);
    attempt->stands = stands;
}

struct instant attempt_watch(struct attempt *attempt, double timeout_s)
{
    struct instant now = clock_now(), deadline;
    note_standing(attempt);
    if (attempt->condemned) {
        if (!attempt->killed && !clock_is_before(now, attempt->kill_at))
            attempt_kill(attempt);
        return attempt->killed ? clock_later(now, 1) : attempt->kill_at;
    }
    if (attempt->stands)
        return clock_later(now, timeout_s);
    deadline = clock_later(attempt->last_frame, timeout_s);
    if (clock_is_before(now, deadline))
        return deadline;
    attempt_condemn(attempt, OUTCOME_TIMEOUT, "no word for %.3g s after step %lld", timeout_s,
                    (long long)attempt->step);
    return attempt->kill_at;
}

double attempt_busy_s(const struct attempt *attempt)
{
    double busy = clock_since(attempt->started) - attempt->stood_s;
    return attempt->stands ? busy - clock_since(attempt->stands_since) : busy;
}

bool attempt_is_active(const struct attempt *attempt)
{
    return attempt->state != ATTEMPT_FREE;
}

struct forecast_running attempts_sum(const struct attempt *attempts, int n)
{
    struct forecast_running sum = {0};
    for (const struct attempt *attempt = attempts; attempt < attempts + n; attempt++) {
        double fraction = attempt->steps > 0 ? (double)attempt->step / (double)attempt->steps : 0;
        if (!attempt_is_active(attempt))
            continue;
        fraction = fmin(fmax(fraction, 0), 1);
        sum.n++;
        sum.fractions += fraction;
        sum.done_s += fraction * attempt->assignment.seconds;
        if (attempt->assignment.seconds > 0)
            sum.busy_s += attempt_busy_s(attempt);
    }
    return sum;
}

/* ---- how it ended ---- */

static enum outcome judge_signal(const struct attempt *attempt, int signal, char reason[REASON_SIZE])
{
    if (signal == SIGKILL) {
        (void)snprintf(reason, REASON_SIZE, "killed by the system after step %lld (out of memory?)",
                       (long long)attempt->step);
        return OUTCOME_OOM;
    }
    (void)snprintf(reason, REASON_SIZE, "killed by signal %d (%s) after step %lld", signal, strsignal(signal),
                   (long long)attempt->step);
    return OUTCOME_FAILED;
}

/* Its own word counts, except that done needs exit code 0, and that only we interrupt. */
static enum outcome judge_word(const struct attempt *attempt, int code, char reason[REASON_SIZE])
{
    enum outcome outcome = outcome_from_name(attempt->outcome.name);
    (void)str_copy(reason, REASON_SIZE, attempt->outcome.text);
    if (outcome == OUTCOME_COUNT || (outcome == OUTCOME_INTERRUPTED && !attempt->asked_to_stop)) {
        (void)snprintf(reason, REASON_SIZE, "ended with the impossible outcome '%.40s'", attempt->outcome.name);
        return OUTCOME_FAILED;
    }
    if (outcome == OUTCOME_DONE && code != 0) {
        (void)snprintf(reason, REASON_SIZE, "exit code %d after it had said done", code);
        return OUTCOME_FAILED;
    }
    return outcome;
}

static enum outcome judge(const struct attempt *attempt, const struct process_end *end,
                          char reason[REASON_SIZE])
{
    bool has_word = attempt->told_outcome && !end->by_signal;
    if (attempt->condemned && !(has_word && attempt->verdict == OUTCOME_INTERRUPTED)) {
        (void)str_copy(reason, REASON_SIZE, attempt->why);
        return attempt->verdict;
    }
    if (has_word)
        return judge_word(attempt, end->code, reason);
    if (attempt->asked_to_stop) {
        (void)str_copy(reason, REASON_SIZE, "asked to stop");
        return OUTCOME_INTERRUPTED;
    }
    if (end->by_signal)
        return judge_signal(attempt, end->code, reason);
    (void)snprintf(reason, REASON_SIZE, "exit code %d after step %lld, without saying why", end->code,
                   (long long)attempt->step);
    return OUTCOME_FAILED;
}

enum outcome attempt_conclude(struct attempt *attempt, char reason[REASON_SIZE])
{
    struct process_end end;
    process_reap(&attempt->process, &end);
    note_standing(attempt);
    /* A trial that died could not tell its peak. The system's figure is at least the runner's own peak, so it
     * says something about the trial only when it is larger. */
    if (!attempt->told_peak && end.peak_rss_bytes > sysinfo_peak_rss_bytes()) {
        struct record record = {.kind = RECORD_COST, .name = "peak_rss_bytes",
                                .value = (double)end.peak_rss_bytes};
        (void)keep(attempt, &record);
    }
    return judge(attempt, &end, reason);
}
