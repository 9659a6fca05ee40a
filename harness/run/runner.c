/* SPDX-License-Identifier: Apache-2.0 */
/* runner.c — see runner.h.
 *
 * One loop: start what may start, wait for frames, signals or the next deadline, read, reap, settle who may
 * be alone. Every attempt that was claimed reaches sink.finish exactly once, unless the sink has failed.
 *
 * Being alone: those who wait are served in the order of their tickets. While anybody waits or is alone
 * nothing is started and everybody else is parked; the first waiter goes when all the others stand still. */
#include "harness/run/runner.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/str.h"
#include "harness/run/attempt.h"
#include "harness/run/forecast.h"
#include "harness/run/wake.h"

static const double default_timeout_s = 600, default_stop_grace_s = 5, report_every_s = 0.1;

enum phase {
    PHASE_GOING,
    PHASE_ASKED, /* a signal came: trials were told to stop */
    PHASE_TOLD,  /* the grace is over: they got SIGTERM, and will get SIGKILL */
    PHASE_FAILED /* the sink cannot store: everything was killed, nothing more is handed to it */
};

struct runner {
    const struct runner_options *options;
    const struct sink *sink;
    double timeout_s, stop_grace_s;
    struct attempt *attempts; /* options->jobs slots */
    struct pollfd *looks;     /* one per slot, and the wake pipe's */
    int jobs;                 /* how many may run; falls when the system is short of processes */
    int running, started;
    bool exhausted;           /* the sink had nothing when last asked */
    bool draining;            /* the sink cannot claim: start nothing more */
    struct assignment held;   /* claimed, but cannot start just now */
    bool holds;
    int64_t next_ticket;
    enum phase phase;
    struct instant phase_until;
    enum status failure;
    struct err failure_err;
    struct forecast forecast;
    struct instant begun, reported;
    struct attempt *moved;    /* the last that said something; its slot may be free by now */
    bool news;                /* it said that since the last report */
    struct runner_result result;
};

/* Keeps the first failure. */
static void fail(struct runner *runner, enum status status, const struct err *err)
{
    if (runner->failure != STATUS_OK)
        return;
    runner->failure = status;
    runner->failure_err = *err;
}

/* ---- saying how it goes ---- */

/* about: the trial that moved, or NULL; outcome and reason when it has just ended, else reason is NULL. */
static void report(struct runner *runner, const struct attempt *about, enum outcome outcome,
                   const char *reason)
{
    const struct runner_options *options = runner->options;
    struct runner_result *result = &runner->result;
    struct forecast_running running = attempts_sum(runner->attempts, runner->options->jobs);
    struct runner_progress progress = {
        .done = result->done,
        .failed = result->failed + result->diverged + result->timeout + result->oom,
        .running = runner->running,
        .total = options->total,
        .elapsed_s = clock_since(runner->begun),
        .loss = about ? about->loss : NAN,
        .finished = reason != NULL,
        .outcome = outcome,
    };
    runner->reported = clock_now();
    runner->news = false;
    if (!options->progress)
        return;
    progress.fraction = forecast_fraction(&runner->forecast, &running, options->total, options->total_seconds);
    progress.eta_s = forecast_eta_s(&runner->forecast, &running, options->total, options->total_seconds,
                                    runner->jobs, progress.elapsed_s);
    if (about)
        (void)str_copy(progress.label, sizeof progress.label, about->assignment.label);
    if (reason)
        (void)str_copy(progress.reason, sizeof progress.reason, reason);
    options->progress(&progress, options->context);
}

/* ---- what the sink gets ---- */

static void kill_all(struct runner *runner)
{
    for (int i = 0; i < runner->options->jobs; i++)
        if (attempt_is_active(&runner->attempts[i]))
            attempt_kill(&runner->attempts[i]);
}

/* The sink could not store something: nothing that still runs could be stored either. */
static void lose_sink(struct runner *runner, enum status status, const struct err *err)
{
    runner->failure = STATUS_OK; /* a claim that failed before matters less */
    fail(runner, status, err);
    runner->phase = PHASE_FAILED;
    kill_all(runner);
}

/* Hands the end of an attempt to the sink. */
static void finish(struct runner *runner, const struct assignment *assignment, enum outcome outcome,
                   const char *reason, const struct record *records, int n)
{
    struct err err = ERR_INIT;
    enum status status;
    if (runner->phase == PHASE_FAILED)
        return;
    status = runner->sink->finish(runner->sink->context, assignment, outcome, reason, records, n, &err);
    if (status != STATUS_OK)
        lose_sink(runner, status, &err);
}

static void settle(struct runner *runner)
{
    const struct sink *sink = runner->sink;
    struct err err = ERR_INIT;
    enum status status;
    if (runner->phase == PHASE_FAILED || !sink->settle)
        return;
    status = sink->settle(sink->context, &err);
    if (status != STATUS_OK)
        lose_sink(runner, status, &err);
}

/* ---- starting ---- */

static bool somebody_wants_silence(const struct runner *runner)
{
    for (int i = 0; i < runner->options->jobs; i++) {
        const struct attempt *attempt = &runner->attempts[i];
        if (attempt->state == ATTEMPT_WAITS || attempt->state == ATTEMPT_ALONE ||
            (attempt_is_active(attempt) && attempt->assignment.alone))
            return true;
    }
    return false;
}

static bool has_budget(struct runner *runner, double seconds)
{
    struct forecast_running running = attempts_sum(runner->attempts, runner->options->jobs);
    double end = clock_since(runner->begun) + seconds * forecast_ratio(&runner->forecast, &running);
    return end <= runner->options->budget_s;
}

/* Gets the next assignment into runner->held; STATUS_DONE when there is none to start now. */
static enum status claim(struct runner *runner, struct err *err)
{
    const struct sink *sink = runner->sink;
    enum status status = STATUS_OK;
    double seconds = 0;
    if (runner->options->budget_s > 0 && runner->started > 0) {
        if (sink->peek)
            status = sink->peek(sink->context, &seconds, err);
        else if (runner->started == runner->options->total)
            status = STATUS_DONE;
        if (status == STATUS_OK && !has_budget(runner, seconds)) {
            runner->result.out_of_budget = true;
            return STATUS_DONE;
        }
    }
    memset(&runner->held, 0, sizeof runner->held);
    if (status == STATUS_OK)
        status = sink->claim(sink->context, &runner->held, err);
    if (status == STATUS_OK)
        runner->holds = true;
    runner->exhausted = status == STATUS_DONE;
    return status;
}

static void give_back_held(struct runner *runner, const char *reason)
{
    if (runner->holds)
        finish(runner, &runner->held, OUTCOME_INTERRUPTED, reason, NULL, 0);
    runner->holds = false;
}

static struct attempt *free_slot(struct runner *runner)
{
    int i = 0;
    while (attempt_is_active(&runner->attempts[i]))
        i++;
    ASSERT(i < runner->options->jobs);
    return &runner->attempts[i];
}

/* Starts the held assignment. False when that has to wait for an end, or will never succeed. */
static bool start_held(struct runner *runner)
{
    struct err err = ERR_INIT;
    struct attempt *slot = free_slot(runner);
    enum status status = attempt_start(slot, runner->options->program, &runner->held, &err);
    if (status == STATUS_OK) {
        runner->holds = false;
        runner->running++;
        runner->started++;
        return true;
    }
    if (status == STATUS_INSUFFICIENT && runner->running > 0) {
        runner->jobs = runner->running; /* fewer at once, then; it is tried again when one ends */
        return false;
    }
    if (status == STATUS_INSUFFICIENT) /* nothing runs that could end and make room */
        status = err.status = STATUS_IO;
    fail(runner, status, &err);
    runner->draining = true;
    give_back_held(runner, err.text);
    return false;
}

static void start_more(struct runner *runner)
{
    while (runner->phase == PHASE_GOING && !runner->draining && runner->running < runner->jobs &&
           !somebody_wants_silence(runner)) {
        struct err err = ERR_INIT;
        if (!runner->holds) {
            enum status status = runner->exhausted || runner->result.out_of_budget ? STATUS_DONE
                                                                                   : claim(runner, &err);
            if (status != STATUS_OK && status != STATUS_DONE) {
                fail(runner, status, &err);
                runner->draining = true;
            }
            if (status != STATUS_OK)
                return;
        }
        if ((runner->held.alone && runner->running > 0) || !start_held(runner))
            return;
    }
}

static void schedule(struct runner *runner)
{
    start_more(runner);
    settle(runner);
}

/* ---- ending ---- */

static void count(struct runner_result *result, enum outcome outcome)
{
    int *counters[OUTCOME_COUNT] = {
        [OUTCOME_DONE] = &result->done,         [OUTCOME_FAILED] = &result->failed,
        [OUTCOME_DIVERGED] = &result->diverged, [OUTCOME_TIMEOUT] = &result->timeout,
        [OUTCOME_OOM] = &result->oom,           [OUTCOME_INTERRUPTED] = &result->interrupted,
    };
    ++*counters[outcome];
}

static void take(void *context, struct attempt *attempt, const struct record *record)
{
    struct runner *runner = context;
    runner->moved = attempt;
    runner->news = true;
    if (record->kind == RECORD_WANT_EXCLUSIVE && attempt->state == ATTEMPT_RUNS) {
        attempt->state = ATTEMPT_WAITS;
        attempt->ticket = runner->next_ticket++;
    } else if (record->kind == RECORD_EXCLUSIVE_DONE && attempt->state == ATTEMPT_ALONE) {
        attempt->state = ATTEMPT_RUNS;
    }
}

static void conclude(struct runner *runner, struct attempt *attempt)
{
    char reason[REASON_SIZE] = "";
    enum outcome outcome;
    attempt_read(attempt, true, take, runner);
    outcome = attempt_conclude(attempt, reason);
    finish(runner, &attempt->assignment, outcome, reason, attempt->records, attempt->n_records);
    if (outcome != OUTCOME_INTERRUPTED)
        forecast_add(&runner->forecast, attempt->assignment.seconds, attempt_busy_s(attempt),
                     outcome == OUTCOME_DONE);
    count(&runner->result, outcome);
    runner->running--;
    runner->exhausted = false; /* the sink may want it again */
    attempt_release(attempt);
    report(runner, attempt, outcome, reason);
}

static void reap(struct runner *runner)
{
    for (int i = 0; i < runner->options->jobs; i++) {
        struct attempt *attempt = &runner->attempts[i];
        if (attempt_is_active(attempt) && process_has_ended(&attempt->process))
            conclude(runner, attempt);
    }
}

/* ---- being alone ---- */

/* Whoever is to go next, or NULL; *taken when somebody is alone now. */
static struct attempt *first_waiter(struct runner *runner, bool *taken)
{
    struct attempt *first = NULL;
    *taken = false;
    for (int i = 0; i < runner->options->jobs; i++) {
        struct attempt *attempt = &runner->attempts[i];
        if (attempt->state == ATTEMPT_ALONE)
            *taken = true;
        if (attempt->state == ATTEMPT_WAITS && !attempt->condemned && (!first || attempt->ticket < first->ticket))
            first = attempt;
    }
    return first;
}

static void settle_silence(struct runner *runner)
{
    bool taken, silent = true;
    struct attempt *first = first_waiter(runner, &taken);
    if (taken || runner->phase != PHASE_GOING)
        return;
    for (int i = 0; i < runner->options->jobs; i++) {
        struct attempt *attempt = &runner->attempts[i];
        if (!attempt_is_active(attempt) || attempt == first)
            continue;
        if (!first) {
            attempt_resume(attempt);
        } else {
            if (attempt->state == ATTEMPT_RUNS && !attempt->parked)
                attempt_park(attempt);
            silent = silent && attempt_stands_still(attempt) && !attempt->condemned;
        }
    }
    if (first && silent)
        attempt_go(first);
}

/* ---- being stopped ---- */

static void ask_to_stop(struct runner *runner)
{
    runner->phase = PHASE_ASKED;
    runner->phase_until = clock_later(clock_now(), runner->stop_grace_s);
    for (int i = 0; i < runner->options->jobs; i++)
        if (attempt_is_active(&runner->attempts[i]))
            attempt_stop(&runner->attempts[i]);
}

static void hear_signals(struct runner *runner, struct wake *wake)
{
    int signal = 0;
    for (int asked = wake_take(wake, &signal); asked > 0; asked--) {
        if (runner->phase == PHASE_GOING) {
            runner->result.signal = signal;
            ask_to_stop(runner);
        } else {
            kill_all(runner);
        }
    }
    if (runner->phase == PHASE_GOING && runner->options->wall_s > 0 && clock_since(runner->begun) >= runner->options->wall_s) {
        runner->result.out_of_time = true;
        ask_to_stop(runner);
    }
}

static void end_grace(struct runner *runner)
{
    if (runner->phase != PHASE_ASKED || clock_is_before(clock_now(), runner->phase_until))
        return;
    runner->phase = PHASE_TOLD;
    for (int i = 0; i < runner->options->jobs; i++)
        if (attempt_is_active(&runner->attempts[i]))
            attempt_condemn(&runner->attempts[i], OUTCOME_INTERRUPTED,
                            "asked to stop, and did not within %g s", runner->stop_grace_s);
}

/* ---- the loop ---- */

static int milliseconds_until(struct instant instant)
{
    double left = clock_between(clock_now(), instant);
    return left <= 0 ? 0 : left >= 1 ? 1000 : (int)(left * 1e3) + 1;
}

/* Condemns and kills what is overdue; returns how long to wait at most, in ms. */
static int watch(struct runner *runner)
{
    struct instant next = clock_later(clock_now(), 1);
    if (runner->phase == PHASE_ASKED && clock_is_before(runner->phase_until, next))
        next = runner->phase_until;
    for (int i = 0; i < runner->options->jobs; i++)
        if (attempt_is_active(&runner->attempts[i])) {
            struct instant wanted = attempt_watch(&runner->attempts[i], runner->timeout_s);
            if (clock_is_before(wanted, next))
                next = wanted;
        }
    return milliseconds_until(next);
}

static void wait_and_read(struct runner *runner, struct wake *wake, int timeout_ms)
{
    int jobs = runner->options->jobs, rc;
    for (int i = 0; i < jobs; i++) {
        struct attempt *attempt = &runner->attempts[i];
        /* A negative descriptor is passed over by poll. */
        runner->looks[i] = (struct pollfd){.fd = attempt_is_active(attempt) ? attempt->process.frames_fd : -1,
                                           .events = POLLIN};
    }
    rc = wake_wait(wake, runner->looks, jobs, timeout_ms);
    for (int i = 0; i < jobs && rc > 0; i++)
        if (runner->looks[i].revents)
            attempt_read(&runner->attempts[i], false, take, runner);
}

static void report_now_and_then(struct runner *runner)
{
    double since = clock_since(runner->reported);
    struct attempt *about = runner->moved;
    if (since < report_every_s || (since < 1 && !runner->news))
        return;
    /* When the one that moved last has ended, any that runs is better than none. */
    for (int i = 0; i < runner->options->jobs && about && !attempt_is_active(about); i++)
        if (attempt_is_active(&runner->attempts[i]))
            about = &runner->attempts[i];
    report(runner, about && attempt_is_active(about) ? about : NULL, OUTCOME_DONE, NULL);
}

static void loop(struct runner *runner, struct wake *wake)
{
    for (;;) {
        schedule(runner);
        if (runner->running == 0)
            break;
        wait_and_read(runner, wake, watch(runner));
        hear_signals(runner, wake);
        reap(runner);
        end_grace(runner);
        settle_silence(runner);
        report_now_and_then(runner);
    }
    give_back_held(runner, "asked to stop");
}

static enum status check_options(const struct runner_options *options, struct err *err)
{
    if (options->jobs < 1 || options->jobs > RUNNER_JOBS_MAX)
        return err_set(err, STATUS_USAGE, "%d jobs: from 1 to %d are possible", options->jobs,
                       (int)RUNNER_JOBS_MAX);
    if (!(options->timeout_s >= 0) || !(options->budget_s >= 0) || !(options->wall_s >= 0) ||
        !(options->stop_grace_s >= 0))
        return err_set(err, STATUS_USAGE, "a timeout, a budget, a wall and a grace are seconds, 0 or more");
    if (access(options->program, X_OK) != 0)
        return err_set(err, STATUS_NOT_FOUND, "cannot start trials with %s: %s", options->program,
                       strerror(errno));
    return STATUS_OK;
}

enum status runner_run(const struct runner_options *options, const struct sink *sink,
                       struct runner_result *out, struct err *err)
{
    struct runner runner = {.options = options, .sink = sink, .begun = clock_now()};
    struct wake wake;
    enum status status = check_options(options, err);
    if (status != STATUS_OK)
        return status;
    runner.jobs = options->jobs;
    runner.timeout_s = options->timeout_s > 0 ? options->timeout_s : default_timeout_s;
    runner.stop_grace_s = options->stop_grace_s > 0 ? options->stop_grace_s : default_stop_grace_s;
    runner.reported = runner.begun;
    runner.attempts = calloc((size_t)options->jobs, sizeof *runner.attempts);
    runner.looks = calloc((size_t)options->jobs + 1, sizeof *runner.looks);
    if (!runner.attempts || !runner.looks) {
        status = err_set(err, STATUS_MEMORY, "no memory for %d jobs; try -j 1", options->jobs);
        goto done;
    }
    status = wake_open(&wake, err);
    if (status != STATUS_OK)
        goto done;
    loop(&runner, &wake);
    wake_close(&wake);
    status = runner.failure;
    if (status != STATUS_OK) {
        if (err)
            *err = runner.failure_err;
        goto done;
    }
    runner.result.elapsed_s = clock_since(runner.begun);
    *out = runner.result;
done:
    free(runner.attempts);
    free(runner.looks);
    return status;
}
