/* SPDX-License-Identifier: Apache-2.0 */
/* fake_trial.h — what the runner's test starts instead of a real trial: the test program itself, called with
 * "__trial". The knob `seed` chooses what it does; `checkpoint` names a folder it may write into. Included by
 * test_runner.c only. */
#ifndef TESTS_HARNESS_FAKE_TRIAL_H
#define TESTS_HARNESS_FAKE_TRIAL_H

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "harness/run/child.h"

enum act {
    ACT_QUICK = 1,     /* some records, done */
    ACT_SLOW,          /* 20 steps of 5 ms, marks each, then done */
    ACT_EXIT_7,
    ACT_ABORT,
    ACT_KILL_ITSELF,
    ACT_HANG,          /* one progress, then nothing */
    ACT_STAND,         /* SIGSTOP */
    ACT_DEAF_HANG,     /* hangs and ignores SIGTERM */
    ACT_DIVERGE,
    ACT_GARBAGE,       /* prints on the frame pipe, then hangs */
    ACT_DONE_EXIT_3,
    ACT_NO_WORD,       /* exit 0 without an outcome */
    ACT_LIE,           /* says it was interrupted */
    ACT_MANY,          /* 20 000 records */
    ACT_ALONE,         /* steps, then 10 steps alone, then steps */
    ACT_ALONE_LONG,    /* the same, alone for a second and a half */
    ACT_ALONE_CRASH,   /* dies while alone */
    ACT_ALARM,         /* steps, until SIGALRM kills it after 0.4 s, parked or not */
    ACT_STOPPABLE,     /* goes on until it is asked to stop */
    ACT_INTERRUPT,     /* sends its runner SIGINT, then as STOPPABLE */
    ACT_TERMINATE_TWICE,
    ACT_ORPHAN,        /* leaves a process behind in its group */
    ACT_SURROUNDINGS   /* reports descriptors, environment, group */
};

static const char *marks_folder;

static void pause_ms(int ms)
{
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    while (nanosleep(&time, &time) != 0) {
    }
}

/* Appends "<sign> <pid>\n" to the folder's file of marks, in one write. */
static void mark(char sign)
{
    char path[600], line[32];
    int n = snprintf(line, sizeof line, "%c %ld\n", sign, (long)getpid()), fd;
    (void)snprintf(path, sizeof path, "%s/marks", marks_folder);
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (fd < 0 || write(fd, line, (size_t)n) != n)
        _exit(99);
    (void)close(fd);
}

/* Steps of 5 ms with a mark each; false when asked to stop. */
static bool make_steps(struct child *child, int from, int to, char sign)
{
    for (int step = from; step < to; step++) {
        if (!child_poll(child))
            return false;
        child_progress(child, step + 1, 40, 2.0 / (step + 1));
        pause_ms(5);
        mark(sign); /* at the end, so that a step that reaches into somebody's silence shows */
    }
    return true;
}

static void act_alone(struct child *child, enum act act)
{
    if (!make_steps(child, 0, 10, 'w') || !child_exclusive_begin(child))
        return;
    mark('[');
    for (int step = 10; step < 20; step++) {
        mark('a');
        child_latency(child, "decode", 1, 16, step, 0.5);
        pause_ms(act == ACT_ALONE_LONG ? 150 : 10);
        if (act == ACT_ALONE_CRASH)
            abort();
    }
    mark(']');
    child_exclusive_end(child);
    if (make_steps(child, 20, 30, 'w')) {
        child_cost(child, "parked_s", child->parked_s);
        child_outcome(child, OUTCOME_DONE, "");
    }
}

static void act_surroundings(struct child *child)
{
    char text[64] = "";
    int open_fds = 0, fd = open("/proc/self/oom_score_adj", O_RDONLY);
    if (fd >= 0 && read(fd, text, sizeof text - 1) > 0)
        child_cost(child, "oom_score_adj", (double)strtol(text, NULL, 10));
    (void)close(fd);
    for (fd = 0; fd < 256; fd++)
        open_fds += fcntl(fd, F_GETFD) >= 0;
    child_cost(child, "open_fds", open_fds);
    child_cost(child, "leads_group", getpgrp() == getpid());
    child_text(child, "blas_threads", getenv("OPENBLAS_NUM_THREADS"));
    child_outcome(child, OUTCOME_DONE, "");
}

static void act_orphan(struct child *child)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause_ms(1000);
    child_cost(child, "orphan", pid);
    child_outcome(child, OUTCOME_DONE, "");
}

static void act_stoppable(struct child *child)
{
    while (child_poll(child))
        pause_ms(2);
    child_metric(child, 1, "last", 1);
}

static void act_many(struct child *child)
{
    for (int i = 0; i < 20000; i++)
        child_metric(child, i, "loss", i);
    child_outcome(child, OUTCOME_DONE, "");
}

static void act_quick(struct child *child, const char *id)
{
    child_fact(child, "params_total", 12);
    child_text(child, "blas_core", id);
    child_metric(child, 3, "loss", NAN);
    child_eval(child, 3, "copy", "exact_match", 0.5, 100, 0.05, 0.1);
    child_moe_load(child, 3, 1, 2, 0.25);
    child_cost(child, "peak_rss_bytes", 4096);
    child_progress(child, 40, 40, 1.5);
    child_outcome(child, OUTCOME_DONE, "");
}

static void hang(void)
{
    for (;;)
        pause_ms(1000);
}

static void act_by_signal(struct child *child, enum act act)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (act == ACT_ABORT)
        abort();
    if (act == ACT_KILL_ITSELF)
        (void)raise(SIGKILL);
    if (act == ACT_STAND)
        (void)raise(SIGSTOP);
    if (act == ACT_DEAF_HANG)
        (void)signal(SIGTERM, SIG_IGN);
    if (act == ACT_INTERRUPT) {
        (void)kill(getppid(), SIGINT);
        act_stoppable(child);
    }
    if (act == ACT_TERMINATE_TWICE) {
        pause_ms(100);
        (void)kill(getppid(), SIGTERM);
        pause_ms(100);
        (void)kill(getppid(), SIGTERM);
        hang();
    }
}

static int fake_trial(void)
{
    struct child child;
    struct assignment assignment;
    enum act act;
    if (child_begin(&child, &assignment, NULL) != STATUS_OK)
        return 98;
    marks_folder = assignment.checkpoint;
    act = (enum act)assignment.knobs.seed;
    switch (act) {
    case ACT_QUICK: act_quick(&child, assignment.id); break;
    case ACT_SLOW:
        if (make_steps(&child, 0, 20, 'w'))
            child_outcome(&child, OUTCOME_DONE, "");
        break;
    case ACT_EXIT_7: return 7;
    case ACT_HANG:
        mark('h');
        child_progress(&child, 5, 10, 1);
        hang();
        break;
    case ACT_DEAF_HANG:
        act_by_signal(&child, act);
        hang();
        break;
    case ACT_DIVERGE: child_outcome(&child, OUTCOME_DIVERGED, "loss is nan at step 17"); break;
    case ACT_GARBAGE:
        if (write(3, "step 1 loss 2.0\n", 16) == 16)
            hang();
        break;
    case ACT_DONE_EXIT_3: child_outcome(&child, OUTCOME_DONE, ""); return 3;
    case ACT_NO_WORD: break;
    case ACT_LIE: child_outcome(&child, OUTCOME_INTERRUPTED, ""); break;
    case ACT_MANY: act_many(&child); break;
    case ACT_ALONE:
    case ACT_ALONE_LONG:
    case ACT_ALONE_CRASH: act_alone(&child, act); break;
    case ACT_ALARM:
        (void)setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_usec = 400000}}, NULL);
        (void)make_steps(&child, 0, 1000, 'w');
        break;
    case ACT_STOPPABLE: act_stoppable(&child); break;
    case ACT_ORPHAN: act_orphan(&child); break;
    case ACT_SURROUNDINGS: act_surroundings(&child); break;
    default: act_by_signal(&child, act);
    }
    return 0;
}

#endif
