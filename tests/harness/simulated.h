/* SPDX-License-Identifier: Apache-2.0 */
/* simulated.h — a world for the runner in which time, processes and signals are made up: it defines what clock.h, process.h
 * and wake.h declare, in place of the files of those names, which the linker then leaves out. Included by
 * test_simulator.c only.
 *
 * A trial is a row of a table that writes real frames into a real pipe when its time has come. The world moves on only
 * when the runner waits. Everything that happens follows from the seed. At a chosen call into the world the whole process
 * is killed, as by kill -9. */
#ifndef TESTS_HARNESS_SIMULATED_H
#define TESTS_HARNESS_SIMULATED_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/hash.h"
#include "engine/base/str.h"
#include "harness/run/clock.h"
#include "harness/run/control.h"
#include "harness/run/frames.h"
#include "harness/run/process.h"
#include "harness/run/wake.h"

enum { ACTORS = 8, STEPS = 6 };

enum fate { FATE_DONE, FATE_CRASH, FATE_EXIT, FATE_HANG, FATE_DEAF, FATE_OOM, FATE_GARBAGE, FATE_LIE, FATES };

struct actor {
    bool active, ended, parked, waits, alone, stop, wants_silence;
    enum fate fate;
    int at; /* step at which fate strikes */
    int frames, control;
    int step;
    int64_t next_ns;
    struct process_end end;
    char id[TRIAL_ID_SIZE];
};

static struct world {
    uint64_t seed, draws;
    int64_t now_ns;
    int64_t calls, killed_at; /* calls into the world; the one that kills the process, 0: none */
    int signals;              /* that ask to stop and were not taken yet */
    bool calm;                /* no faults */
    FILE *says;               /* for violations */
    struct actor actors[ACTORS];
} world;

static uint64_t draw(uint64_t below)
{
    uint64_t key[2] = {world.seed, world.draws++};
    return hash_bytes(key, sizeof key).low % below;
}

static void violation(const char *what)
{
    (void)fprintf(world.says, "ISOFLOP_SEED=%llu ISOFLOP_SIMULATIONS=1: %s\n", (unsigned long long)world.seed, what);
    (void)fflush(world.says);
    _exit(10);
}

static void enter(void)
{
    if (++world.calls == world.killed_at)
        (void)raise(SIGKILL);
}

/* What a trial measures: a function of its id and the step, whoever runs it. */
static double measured(const char *id, int step)
{
    return (double)(hash_bytes(id, strlen(id)).low % 1000003) / (double)(7 + step);
}

/* ---- clock.h ---- */

struct instant clock_now(void)
{
    enter();
    world.now_ns += 1000;
    return (struct instant){world.now_ns};
}

double clock_between(struct instant from, struct instant to)
{
    return (double)(to.ns - from.ns) * 1e-9;
}

double clock_since(struct instant from)
{
    return clock_between(from, clock_now());
}

struct instant clock_later(struct instant from, double seconds)
{
    return (struct instant){from.ns + (int64_t)(seconds * 1e9)};
}

bool clock_is_before(struct instant a, struct instant b)
{
    return a.ns < b.ns;
}

double clock_cpu_s(void)
{
    return 0;
}

void clock_utc_text(char *to, size_t size)
{
    (void)str_copy(to, size, "2026-01-01T00:00:00Z");
}

/* ---- process.h: the number of a process is its place in the table, from 1 ---- */

static struct actor *actor_of(const struct process *process)
{
    return &world.actors[process->pid - 1];
}

static void nobody_is_alone_but(const struct actor *actor)
{
    for (int i = 0; i < ACTORS; i++)
        if (world.actors[i].active && !world.actors[i].ended && world.actors[i].alone && &world.actors[i] != actor)
            violation("something ran beside a trial that was alone");
}

enum status process_start(struct process *out, const char *program, const struct assignment *assignment, struct err *err)
{
    int frames[2], control[2], i = 0;
    (void)program;
    enter();
    nobody_is_alone_but(NULL);
    if (!world.calm && draw(20) == 0)
        return err_set(err, STATUS_INSUFFICIENT, "no process left just now");
    while (world.actors[i].active)
        i++;
    if (pipe2(frames, O_CLOEXEC | O_NONBLOCK) != 0 || pipe2(control, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set(err, STATUS_IO, "no pipes");
    world.actors[i] = (struct actor){.active = true,
                                     .fate = world.calm || draw(2) ? FATE_DONE : (enum fate)draw(FATES),
                                     .at = (int)draw(STEPS),
                                     .wants_silence = draw(3) == 0,
                                     .frames = frames[1],
                                     .control = control[0],
                                     .next_ns = world.now_ns + (int64_t)draw(20000000)};
    (void)str_copy(world.actors[i].id, sizeof world.actors[i].id, assignment->id);
    *out = (struct process){.pid = i + 1, .frames_fd = frames[0], .control_fd = control[1]};
    return STATUS_OK;
}

void process_release(struct process *process)
{
    if (process->frames_fd >= 0)
        (void)close(process->frames_fd);
    (void)close(process->control_fd);
}

static void end_actor(struct actor *actor, bool by_signal, int code)
{
    if (actor->ended)
        return;
    actor->ended = true;
    actor->end = (struct process_end){.by_signal = by_signal, .code = code};
    (void)close(actor->frames);
    (void)close(actor->control);
}

void process_signal(const struct process *process, int signal)
{
    struct actor *actor = actor_of(process);
    if (signal == SIGKILL || (signal == SIGTERM && actor->fate != FATE_DEAF))
        end_actor(actor, true, signal);
}

bool process_has_ended(const struct process *process)
{
    return actor_of(process)->ended;
}

void process_reap(const struct process *process, struct process_end *out)
{
    enter();
    *out = actor_of(process)->end;
    actor_of(process)->active = false;
}

/* ---- what a trial does when its time has come ---- */

static void say(struct actor *actor, struct record record)
{
    if (frames_write(actor->frames, &record, NULL) != STATUS_OK)
        violation("a frame did not fit the pipe");
}

static void hear(struct actor *actor)
{
    char command;
    while (read(actor->control, &command, 1) == 1) {
        if (command == CONTROL_PARK && !actor->waits)
            actor->parked = true;
        if (command == CONTROL_PARK)
            say(actor, (struct record){.kind = RECORD_PARKED});
        if (command == CONTROL_RESUME || command == CONTROL_GO)
            actor->parked = false;
        if (command == CONTROL_GO && actor->waits) {
            actor->waits = false;
            actor->alone = true;
        }
        if (command == CONTROL_STOP)
            actor->stop = true;
    }
}

static void strike(struct actor *actor)
{
    switch (actor->fate) {
    case FATE_CRASH: end_actor(actor, true, SIGSEGV); break;
    case FATE_EXIT: end_actor(actor, false, 7); break;
    case FATE_OOM: end_actor(actor, true, SIGKILL); break;
    case FATE_LIE:
        say(actor, (struct record){.kind = RECORD_OUTCOME, .name = "interrupted"});
        end_actor(actor, false, 0);
        break;
    case FATE_GARBAGE:
        if (write(actor->frames, "step 1", 6) != 6)
            violation("the pipe is full");
        actor->next_ns = INT64_MAX;
        break;
    default: actor->next_ns = INT64_MAX; /* hangs */
    }
}

static void say_results(struct actor *actor)
{
    say(actor, (struct record){.kind = RECORD_FACT, .name = "heldout_loss", .value = measured(actor->id, 0)});
    say(actor, (struct record){.kind = RECORD_COST, .name = "flops_executed", .value = 1});
    say(actor, (struct record){.kind = RECORD_OUTCOME, .name = "done"});
    end_actor(actor, false, 0);
}

static void act(struct actor *actor)
{
    actor->next_ns = world.now_ns + 1000000 + (int64_t)draw(30000000);
    hear(actor);
    if (actor->stop) {
        say(actor, (struct record){.kind = RECORD_OUTCOME, .name = "interrupted"});
        end_actor(actor, false, 0);
        return;
    }
    if ((actor->parked || actor->waits) && (actor->fate == FATE_CRASH || actor->fate == FATE_OOM) && draw(4) == 0) {
        strike(actor); /* one can be killed while it stands still, too */
        return;
    }
    if (actor->parked || actor->waits)
        return;
    nobody_is_alone_but(actor);
    if (actor->fate != FATE_DONE && actor->step == actor->at) {
        strike(actor);
        return;
    }
    if (actor->alone && actor->step == 4) {
        actor->alone = false;
        say(actor, (struct record){.kind = RECORD_EXCLUSIVE_DONE});
    }
    if (actor->step == STEPS) {
        say_results(actor);
        return;
    }
    actor->step++;
    say(actor, (struct record){.kind = RECORD_PROGRESS, .step = actor->step, .count = STEPS, .value = 1});
    say(actor, (struct record){.kind = RECORD_METRIC, .step = actor->step, .name = "train_loss",
                               .value = measured(actor->id, actor->step)});
    if (actor->wants_silence && actor->step == 2) {
        actor->waits = true;
        say(actor, (struct record){.kind = RECORD_WANT_EXCLUSIVE});
    }
}

/* ---- wake.h ---- */

enum status wake_open(struct wake *wake, struct err *err)
{
    (void)wake, (void)err;
    (void)signal(SIGPIPE, SIG_IGN);
    return STATUS_OK;
}

void wake_close(struct wake *wake)
{
    (void)wake;
}

int wake_take(struct wake *wake, int *signal)
{
    int n = world.signals;
    (void)wake;
    world.signals = 0;
    if (n > 0)
        *signal = SIGTERM;
    return n;
}

int wake_wait(struct wake *wake, struct pollfd *looks, int n, int timeout_ms)
{
    int64_t until = world.now_ns + (int64_t)timeout_ms * 1000000;
    (void)wake;
    enter();
    for (int i = 0; i < ACTORS; i++)
        if (world.actors[i].active && !world.actors[i].ended && world.actors[i].next_ns < until)
            until = world.actors[i].next_ns;
    world.now_ns = until > world.now_ns ? until : world.now_ns;
    for (int i = 0; i < ACTORS; i++)
        if (world.actors[i].active && !world.actors[i].ended && world.actors[i].next_ns <= world.now_ns)
            act(&world.actors[i]);
    world.signals += !world.calm && draw(300) == 0;
    return poll(looks, (nfds_t)n, 0);
}

#endif
