/* SPDX-License-Identifier: Apache-2.0 */
/* runners.c — so many runners on one file, and trials that do nothing: how many a second are durably done?
 *
 *   runners FILE RUNNERS TRIALS
 *
 * Each runner is a process that runs the whole sweep, as `isoflop run` does; a trial is a process too, this program
 * itself, which says done and ends. Prints the seconds from the first start to the last end, the store's opening and
 * the verdicts at the end included, or says what went wrong and returns 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/sweep.h"
#include "harness/run/child.h"

static int do_nothing(void)
{
    static struct child child;
    static struct assignment assignment;
    struct err err = ERR_INIT;
    if (child_begin(&child, &assignment, &err) != STATUS_OK)
        return 2;
    child_fact(&child, "heldout_loss", 1);
    child_cost(&child, "flops_executed", 1);
    child_outcome(&child, OUTCOME_DONE, "");
    return 0;
}

static int complain(const char *what)
{
    (void)fprintf(stderr, "runners: %s\n", what);
    return 1;
}

static void make_plan(struct plan *plan, int n)
{
    *plan = (struct plan){.name = "nothing", .n_trials = n, .trials = calloc((size_t)n, sizeof *plan->trials)};
    for (int i = 0; i < n && plan->trials; i++) {
        struct planned_trial *trial = &plan->trials[i];
        (void)snprintf(trial->id, sizeof trial->id, "%032x", i);
        knobs_preset(&trial->knobs);
        trial->knobs.seed = i;
        trial->estimate = (struct estimate){.flops = 1, .bytes = 1, .seconds = 0.01};
    }
}

static int run(const char *file, struct plan *plan)
{
    struct sweep_options options = {.db = file, .jobs = 1, .quiet = true, .program = "/proc/self/exe"};
    struct runner_result result;
    struct err err = ERR_INIT;
    int pending;
    if (sweep_run(&options, plan, &result, &pending, &err) != STATUS_OK)
        return complain(err.text);
    return result.done + result.failed == result.done ? 0 : complain("a trial failed");
}

static bool holds(struct store *store, const char *sql, const char *n)
{
    struct err err = ERR_INIT;
    struct table table;
    bool same = false;
    if (store_query(store, sql, &n, 1, &table, &err) == STATUS_OK) {
        same = table_number(&table, 0, 0) == 1;
        table_release(&table);
    }
    return same;
}

/* Every trial has one attempt, which is done. */
static int look(const char *file, const char *n)
{
    struct store *store;
    struct err err = ERR_INIT;
    bool right;
    if (store_open(&store, file, STORE_READ, &err) != STATUS_OK)
        return complain(err.text);
    right = holds(store, "SELECT count(*) = ?1 + 0 FROM trial WHERE state = 'done'", n) &&
            holds(store, "SELECT count(*) = ?1 + 0 AND min(state) = 'done' AND max(state) = 'done' AND max(attempt) = 1 FROM attempt", n);
    store_close(store);
    return right ? 0 : complain("a trial did not run exactly once");
}

int main(int argc, char **argv)
{
    struct timespec from, to;
    struct plan plan;
    int runners, code, bad = 0;
    if (argc == 2 && strcmp(argv[1], "__trial") == 0)
        return do_nothing();
    if (argc != 4)
        return complain("takes FILE RUNNERS TRIALS");
    runners = (int)strtol(argv[2], NULL, 10);
    make_plan(&plan, (int)strtol(argv[3], NULL, 10));
    if (!plan.trials)
        return complain("no memory");
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < runners; i++)
        if (fork() == 0)
            _exit(run(argv[1], &plan));
    while (wait(&code) > 0)
        bad |= code;
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    free(plan.trials);
    if (bad || look(argv[1], argv[3]))
        return 1;
    (void)printf("%.2f\n", (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9);
    return 0;
}
