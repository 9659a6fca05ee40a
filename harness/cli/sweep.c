/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.c — the sink between runner and store, and a sweep from its plan to its exit code.
 * Invariant: a trial's attempt is stored in one transaction, by store_finish or together with the next claim, or not at
 * all. */
#include "harness/cli/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "harness/analysis/claims.h"
#include "harness/cli/bar.h"
#include "harness/cli/folders.h"
#include "harness/cli/judge.h"
#include "harness/run/states.h"
#include "harness/run/trial.h"
#include "harness/spec/label.h"
#include "harness/spec/trunk.h"

const struct plan_hooks sweep_hooks = {
    .estimate = trial_estimate,
    .identity = trial_identity,
    .where = store_where,
    .claim_name = claim_name,
};

/* ---- the sink ---- */

struct context {
    const struct sweep_options *options;
    struct store *store;
    struct plan *plan;
    struct owner owner;
    char *ended;         /* per trial of the plan: its attempt has ended, or is running */
    char *running;       /* per trial: it is running */
    int *tries;          /* per trial: attempts of this run */
    int again[OUTCOME_COUNT]; /* ends that did not stand, because the trial was put back */
    char *starved;       /* per trial: ran out of memory, and is tried once more when nothing runs beside it */
    struct {
        struct assignment assignment;
        struct record *records; /* owned; NULL: nothing is put aside */
        int n;
    } aside;             /* a trial that is done: stored together with the next claim, or by settle */
};

static int plan_index(const struct plan *plan, const char *id)
{
    for (int i = 0; i < plan->n_trials; i++)
        if (strcmp(plan->trials[i].id, id) == 0)
            return i;
    return -1;
}

/* A trial that is done, or would only diverge again, needs its states no more; a trunk's go with its last branch. */
static void drop_states(struct context *c, const struct assignment *a, enum outcome outcome)
{
    int i = plan_index(c->plan, a->id);
    bool needed = outcome == OUTCOME_INTERRUPTED;
    if (*a->state && (outcome == OUTCOME_DONE || outcome == OUTCOME_DIVERGED))
        states_prune(a->state, 0);
    if (i < 0)
        return;
    for (int k = 0; k < c->plan->n_trials && *a->trunk; k++)
        if (strcmp(c->plan->trials[k].trunk, c->plan->trials[i].trunk) == 0)
            needed = needed || !c->ended[k] || c->running[k];
    if (*a->trunk && !needed)
        states_prune(a->trunk, 0);
}

static void aside_is_stored(struct context *c)
{
    if (c->options->told)
        c->options->told(c->options->told_context, c->aside.records, c->aside.n);
    drop_states(c, &c->aside.assignment, OUTCOME_DONE);
    free(c->aside.records);
    c->aside.records = NULL;
}

static struct ended what_is_aside(const struct context *c)
{
    const struct assignment *a = &c->aside.assignment;
    return (struct ended){a->id, a->attempt, OUTCOME_DONE, "", c->aside.records, c->aside.n};
}

static enum status claim_one(struct context *c, const struct plan *plan, int *index, int64_t *attempt, struct err *err)
{
    struct ended ended = what_is_aside(c);
    enum status status = c->aside.records ? store_finish_and_claim(c->store, &ended, plan, &c->owner, index, attempt, err)
                                          : store_claim(c->store, plan, &c->owner, index, attempt, err);
    if (status == STATUS_OK && c->aside.records)
        aside_is_stored(c);
    return status;
}

/* Claims the first trial of the plan that is pending and waits for no branch of its trunk. */
static enum status claim_branch(struct context *c, int *index, int64_t *attempt, struct err *err)
{
    for (int i = 0; i < c->plan->n_trials; i++) {
        struct plan only = *c->plan;
        enum status status;
        int none;
        if (c->ended[i] || trunk_waits(c->plan, i, c->ended, c->running))
            continue;
        only.trials = &c->plan->trials[i];
        only.n_trials = 1;
        status = claim_one(c, &only, &none, attempt, err);
        *index = i;
        if (status != STATUS_DONE)
            return status;
        c->ended[i] = 1; /* done before, or another runner's */
    }
    return STATUS_DONE;
}

/* The folders of an assignment. */
static void set_folders(const struct context *c, const struct planned_trial *trial, struct assignment *out)
{
    struct str folder;
    str_init(&folder);
    sweep_checkpoint_folder(c->options->db, trial->id, &folder);
    if (c->options->checkpoints)
        (void)str_copy(out->checkpoint, sizeof out->checkpoint, folder.text);
    if (*trial->knobs.parent) {
        str_clear(&folder);
        sweep_model_folder(c->options->db, trial->knobs.parent, &folder);
        (void)str_copy(out->parent, sizeof out->parent, folder.text);
    } else {
        str_clear(&folder);
        sweep_state_folder(c->options->db, trial->id, &folder);
        (void)str_copy(out->state, sizeof out->state, folder.text);
    }
    if (*trial->trunk) {
        str_clear(&folder);
        sweep_state_folder(c->options->db, trial->trunk, &folder);
        (void)str_copy(out->trunk, sizeof out->trunk, folder.text);
    }
    str_release(&folder);
}

static enum status claim(void *opaque, struct assignment *out, struct err *err)
{
    struct context *c = opaque;
    const struct planned_trial *trial;
    int index = 0;
    int64_t attempt = 0;
    enum status status = c->plan->shares_trunks ? claim_branch(c, &index, &attempt, err)
                                                : claim_one(c, c->plan, &index, &attempt, err);
    if (status != STATUS_OK)
        return status;
    trial = &c->plan->trials[index];
    c->ended[index] = c->running[index] = 1;
    c->tries[index]++;
    *out = (struct assignment){.attempt = attempt, .knobs = trial->knobs, .seconds = trial->estimate.seconds,
                               .flops = trial->estimate.flops, .state_every_s = c->options->state_every_s,
                               .memory_limit_bytes = c->options->memory_limit_bytes, .alone = c->starved[index]};
    (void)str_copy(out->id, sizeof out->id, trial->id);
    plan_label(c->plan, index, out->label, sizeof out->label);
    set_folders(c, trial, out);
    return STATUS_OK;
}

/* The next claim goes to the first trial in the plan's order that is still pending; this run's own trials are
 * known, another runner's are not, so the answer may be a trial that is gone by then. */
static enum status peek(void *opaque, double *seconds, struct err *err)
{
    struct context *c = opaque;
    (void)err;
    for (int i = 0; i < c->plan->n_trials; i++) {
        if (!c->ended[i] && !trunk_waits(c->plan, i, c->ended, c->running)) {
            *seconds = c->plan->trials[i].estimate.seconds;
            return STATUS_OK;
        }
    }
    return STATUS_DONE;
}

/* Energy counters belong to the whole machine: with several jobs the figure is nobody's and is left out. */
static int without_energy(struct record *records, int n)
{
    int kept = 0;
    for (int i = 0; i < n; i++)
        if (strncmp(records[i].name, "energy_", 7) != 0)
            records[kept++] = records[i];
    return kept;
}

/* Puts a trial back that crashed or hung, as often as asked; a divergence would only happen again. Without memory it is
 * tried once more, alone: what others held may have been what it lacked. */
static enum status retry(struct context *c, const struct assignment *a, enum outcome outcome, struct err *err)
{
    int i = plan_index(c->plan, a->id), pending;
    struct plan only = *c->plan;
    bool worth = outcome == OUTCOME_FAILED || outcome == OUTCOME_TIMEOUT;
    if (i >= 0 && outcome == OUTCOME_OOM) {
        worth = !c->starved[i];
        c->starved[i] = 1;
    }
    if (!worth || i < 0 || c->tries[i] > c->options->retries)
        return STATUS_OK;
    only.trials = &c->plan->trials[i];
    only.n_trials = 1;
    c->ended[i] = 0;
    c->again[outcome]++;
    return store_prepare(c->store, &only, STORE_RERUN_FAILED, &pending, err);
}

static enum status settle(void *opaque, struct err *err)
{
    struct context *c = opaque;
    const struct ended e = what_is_aside(c);
    enum status status;
    if (!e.records)
        return STATUS_OK;
    status = store_finish(c->store, e.trial_id, e.attempt, &c->owner, e.outcome, e.reason, e.records, e.n, err);
    if (status == STATUS_OK)
        aside_is_stored(c);
    return status;
}

static enum status finish(void *opaque, const struct assignment *a, enum outcome outcome, const char *reason,
                          const struct record *records, int n, struct err *err)
{
    struct context *c = opaque;
    struct record *all = malloc(((size_t)n + 1) * sizeof *all);
    int i = plan_index(c->plan, a->id);
    enum status status;
    NEED_MEMORY(all);
    if (n > 0) /* an attempt that never spoke has no records at all */
        memcpy(all, records, (size_t)n * sizeof *all);
    if (c->options->jobs > 1)
        n = without_energy(all, n);
    if (outcome == OUTCOME_DONE && *a->checkpoint) {
        all[n] = (struct record){.kind = RECORD_TEXT, .name = "checkpoint"};
        /* Relative to the store, so that both can be moved together. */
        const char *slash = strrchr(c->options->db, '/');
        (void)snprintf(all[n].text, sizeof all[n].text, "%s.checkpoints/%s", slash ? slash + 1 : c->options->db, a->id);
        n++;
    }
    if (i >= 0)
        c->running[i] = 0;
    status = settle(c, err);
    if (status == STATUS_OK && outcome == OUTCOME_DONE) {
        c->aside.assignment = *a;
        c->aside.records = all;
        c->aside.n = n;
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = store_finish(c->store, a->id, a->attempt, &c->owner, outcome, reason, all, n, err);
    free(all);
    if (status == STATUS_OK)
        status = retry(c, a, outcome, err);
    if (status == STATUS_OK)
        drop_states(c, a, outcome);
    return status;
}

/* ---- the sweep ---- */

struct turn {
    double seconds;
    int index; /* in the plan */
};

static int by_seconds(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->seconds != y->seconds)
        return x->seconds < y->seconds ? -1 : 1;
    return x->index - y->index;
}

/* A budget is best spent on many small trials first; otherwise the longest go first, so that none is left running alone
 * at the end, and those of equal length in the plan's order. Branches of a trunk keep theirs, which trunk.h made. */
static void put_in_turn(struct plan *plan, bool smallest_first)
{
    int n = plan->n_trials;
    struct turn *turns = calloc((size_t)n + 1, sizeof *turns);
    struct planned_trial *trials = calloc((size_t)n + 1, sizeof *trials);
    NEED_MEMORY(turns && trials);
    for (int i = 0; i < n; i++) {
        double seconds = plan->trials[i].estimate.seconds;
        turns[i] = (struct turn){smallest_first ? seconds : -seconds, i};
    }
    qsort(turns, (size_t)n, sizeof *turns, by_seconds);
    for (int i = 0; i < n; i++)
        trials[i] = plan->trials[turns[i].index];
    memcpy(plan->trials, trials, (size_t)n * sizeof *trials);
    free(turns);
    free(trials);
}

/* The store's folder, and beside it those for the models and for states. */
static enum status make_folders(const struct sweep_options *options, struct err *err)
{
    struct str file;
    enum status status;
    str_init(&file);
    sweep_checkpoint_folder(options->db, "x", &file);
    status = folders_make_for_store(options->db, err);
    if (status == STATUS_OK && options->checkpoints)
        status = folders_make_for(file.text, err);
    str_clear(&file);
    sweep_state_folder(options->db, "x", &file);
    if (status == STATUS_OK)
        status = folders_make_for(file.text, err);
    str_release(&file);
    return status;
}

/* Nobody needs it when no state is left. */
static void drop_state_folder(const struct sweep_options *options)
{
    struct str folder;
    str_init(&folder);
    sweep_state_folder(options->db, "", &folder);
    (void)rmdir(folder.text);
    str_release(&folder);
}

enum status sweep_missing(const struct sweep_options *options, const struct plan *plan, char *keep, struct err *err)
{
    struct store *store;
    enum status status;
    memset(keep, 1, (size_t)plan->n_trials);
    if (access(options->db, F_OK) != 0)
        return STATUS_OK;
    status = store_open(&store, options->db, STORE_READ, err);
    if (status != STATUS_OK)
        return status;
    status = store_missing(store, plan, options->rerun, keep, err);
    store_close(store);
    return status;
}

static double pending_seconds(const struct plan *plan)
{
    double sum = 0;
    for (int i = 0; i < plan->n_trials; i++)
        sum += plan->trials[i].estimate.seconds;
    return sum;
}

static enum status run_pending(struct context *c, int pending, struct runner_result *out, struct err *err)
{
    const struct sweep_options *o = c->options;
    struct bar bar = bar_open(&o->screen, o->quiet);
    struct sink sink = {.context = c, .claim = claim, .peek = peek, .finish = finish, .settle = settle};
    struct runner_options options = {
        .jobs = o->jobs,
        .timeout_s = o->timeout_s,
        .budget_s = o->budget_s,
        .wall_s = o->wall_s,
        .total = pending,
        .total_seconds = pending_seconds(c->plan) * pending / c->plan->n_trials,
        .program = o->program,
        .progress = bar_progress,
        .context = &bar,
    };
    enum status status = runner_run(&options, &sink, out, err);
    bar_close(&bar);
    if (status != STATUS_OK)
        return status;
    /* The runner counts attempts, a sweep counts trials. */
    out->failed -= c->again[OUTCOME_FAILED];
    out->timeout -= c->again[OUTCOME_TIMEOUT];
    out->oom -= c->again[OUTCOME_OOM];
    return status;
}

/* Nothing is left to run: what is in the store is the outcome, and a trial that failed before is still a failed one. */
static enum status count_standing(struct store *store, const struct plan *plan, struct runner_result *out, struct err *err)
{
    static const char sql[] =
        "SELECT count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state IN ('failed', 'stale')),"
        " count(*) FILTER (WHERE state = 'diverged'), count(*) FILTER (WHERE state = 'timeout'),"
        " count(*) FILTER (WHERE state = 'oom') FROM trial WHERE trial_id IN"
        " (SELECT trial_id FROM spec_trial JOIN spec USING (spec_id) WHERE name = ?1 AND text = ?2 AND command = ?3)";
    const char *const which[] = {plan->name, plan->text ? plan->text : "", plan->command ? plan->command : ""};
    int *const counts[] = {&out->done, &out->failed, &out->diverged, &out->timeout, &out->oom};
    struct table states;
    enum status status = store_query(store, sql, which, 3, &states, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < states.n_columns; i++)
        *counts[i] = (int)table_number(&states, 0, i);
    table_release(&states);
    return STATUS_OK;
}

enum status sweep_run(const struct sweep_options *options, struct plan *plan, struct runner_result *out, int *pending,
                      struct err *err)
{
    struct context c = {.options = options, .plan = plan};
    enum status status = make_folders(options, err);
    *out = (struct runner_result){0};
    if (status != STATUS_OK)
        return status;
    c.ended = calloc((size_t)plan->n_trials, 1);
    c.running = calloc((size_t)plan->n_trials, 1);
    c.tries = calloc((size_t)plan->n_trials, sizeof *c.tries);
    c.starved = calloc((size_t)plan->n_trials, 1);
    NEED_MEMORY(c.ended && c.running && c.tries && c.starved);
    status = store_open(&c.store, options->db, STORE_WRITE, err);
    if (status == STATUS_OK)
        status = sweep_owner(c.store, &c.owner, err);
    if (status == STATUS_OK)
        store_hold(c.store, &c.owner);
    if (status == STATUS_OK)
        status = store_put_plan(c.store, plan, err);
    if (options->budget_s > 0 || !plan->shares_trunks) /* after it, so that the store has them in the plan's order everywhere */
        put_in_turn(plan, options->budget_s > 0);
    if (status == STATUS_OK)
        status = store_prepare(c.store, plan, options->rerun, pending, err);
    if (status == STATUS_OK)
        status = *pending > 0 ? run_pending(&c, *pending, out, err) : count_standing(c.store, plan, out, err);
    if (status == STATUS_OK && *pending > 0 && out->signal == 0) /* else nothing has changed since it was judged */
        status = judge_store(c.store, err);
    store_close(c.store);
    drop_state_folder(options);
    free(c.ended);
    free(c.running);
    free(c.tries);
    free(c.starved);
    free(c.aside.records);
    return status;
}

int sweep_exit_code(const struct runner_result *result)
{
    if (result->signal)
        return exit_code(STATUS_INTERRUPTED, result->signal);
    if (result->out_of_time)
        return EXIT_CODE_RESUMABLE;
    return result->failed + result->diverged + result->timeout + result->oom > 0 ? EXIT_CODE_TRIALS_FAILED
                                                                               : EXIT_CODE_DONE;
}
