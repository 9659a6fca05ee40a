/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_train.c — `isoflop train -o DIR`: trains one model by hand.
 *
 * It is a sweep of one trial: the same process, the same steps, so the model equals, to the bit, the one that `run`
 * would have made of the same knobs. With --db it goes through the store as a sweep's trial does; with -o a sink of
 * its own leaves the model in a folder and stores nothing.
 *
 * While it trains, its states lie in DIR.states/ID/ (harness/run/states.h), where ID is the trial's: other settings never
 * go on from them. They go when the model is there. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "harness/cli/bar.h"
#include "harness/cli/commands.h"
#include "harness/cli/folders.h"
#include "harness/cli/print.h"
#include "harness/cli/settings.h"
#include "harness/cli/sweep.h"
#include "harness/run/states.h"

struct training {
    const struct planned_trial *trial;
    char folder[512]; /* where the model lies afterwards */
    char states[512];        /* where its states lie meanwhile; "" in a store, which has its own place */
    double state_every_s;
    bool claimed;
    struct record *records; /* what the trial told, once it is done */
    int n;
};

/* ---- what shall be trained ---- */

/* One trial: of a spec, or of the presets and -S. */
static enum status make_plan(const struct options *o, struct plan *plan, struct err *err)
{
    int n;
    const char *const *set = option_list(o, "set", &n);
    struct knobs knobs;
    enum status status;
    if (o->n_arguments > 0) {
        status = plan_load(plan, o->arguments[0], set, n, &sweep_hooks, err);
        if (status == STATUS_OK && plan->n_trials != 1) {
            status = err_set(err, STATUS_USAGE,
                             "%s has %d trials, and one model is trained; fix its axes with -S, as in  -S "
                             "model.width=64",
                             o->arguments[0], plan->n_trials);
            plan_release(plan);
        }
        return status;
    }
    knobs_preset(&knobs);
    status = settings_apply(set, n, NULL, &knobs, err);
    return status == STATUS_OK ? plan_single(plan, "by-hand", &knobs, &sweep_hooks, err) : status;
}

static enum status check_output(const struct options *o, struct err *err)
{
    const char *folder = option_text(o, "output");
    struct str config;
    bool taken;
    if (!folder == !option_text(o, "db"))
        return err_set(err, STATUS_USAGE,
                       "where shall the model go? give either -o DIR, or --db FILE to store it as a trial");
    if (!folder || option_flag(o, "force"))
        return STATUS_OK;
    str_init(&config);
    str_format(&config, "%s/config.json", folder);
    taken = access(config.text, F_OK) == 0;
    str_release(&config);
    return taken ? err_set(err, STATUS_USAGE, "%s: there is a model already; --force replaces it", folder)
                 : STATUS_OK;
}

/* ---- training without a store ---- */

static enum status claim(void *opaque, struct assignment *out, struct err *err)
{
    struct training *t = opaque;
    (void)err;
    if (t->claimed)
        return STATUS_DONE;
    t->claimed = true;
    *out = (struct assignment){.attempt = 1,
                               .knobs = t->trial->knobs,
                               .seconds = t->trial->estimate.seconds,
                               .flops = t->trial->estimate.flops,
                               .state_every_s = t->state_every_s};
    (void)str_copy(out->id, sizeof out->id, t->trial->id);
    (void)snprintf(out->label, sizeof out->label, "width %lld, depth %lld", (long long)t->trial->knobs.width,
                   (long long)t->trial->knobs.depth);
    (void)str_copy(out->checkpoint, sizeof out->checkpoint, t->folder);
    (void)str_copy(out->state, sizeof out->state, t->states);
    return STATUS_OK;
}

/* Keeps what the trial told. */
static void keep(void *opaque, const struct record *records, int n)
{
    struct training *t = opaque;
    free(t->records);
    t->records = malloc(((size_t)n + 1) * sizeof *records);
    NEED_MEMORY(t->records);
    memcpy(t->records, records, (size_t)n * sizeof *records);
    t->n = n;
}

/* The states of a training that is over, and the folder around them. */
static void drop_states(struct training *t)
{
    states_prune(t->states, 0);
    *strrchr(t->states, '/') = 0;
    (void)rmdir(t->states);
}

static enum status finish(void *opaque, const struct assignment *a, enum outcome outcome, const char *reason,
                          const struct record *records, int n, struct err *err)
{
    (void)a;
    (void)reason; /* the bar has said it */
    (void)err;
    if (outcome == OUTCOME_DONE)
        keep(opaque, records, n);
    if (outcome == OUTCOME_DONE || outcome == OUTCOME_DIVERGED)
        drop_states(opaque);
    return STATUS_OK;
}

/* Another training into the same folder, with other knobs, that was stopped: its states' folder is appended. */
static bool find_other(const struct training *t, struct str *path)
{
    const char *own = strrchr(t->states, '/') + 1;
    int length = (int)(own - t->states);
    struct dirent *entry;
    struct str parent;
    DIR *dir;
    bool found = false;
    str_init(&parent);
    str_format(&parent, "%.*s", length, t->states);
    dir = opendir(parent.text);
    str_release(&parent);
    while (dir && !found && (entry = readdir(dir)) != NULL) {
        int64_t steps[STATES_MAX];
        str_clear(path);
        str_format(path, "%.*s%s", length, t->states, entry->d_name);
        found = *entry->d_name != '.' && strcmp(entry->d_name, own) != 0 && states_list(path->text, INT64_MAX, steps) > 0;
    }
    if (dir)
        (void)closedir(dir);
    return found;
}

/* What is to happen to those of other knobs: --force drops them too. */
static enum status settle_others(const struct options *o, const struct training *t, struct err *err)
{
    enum status status = STATUS_OK;
    struct str path;
    str_init(&path);
    while (status == STATUS_OK && find_other(t, &path)) {
        if (option_flag(o, "force"))
            states_prune(path.text, 0);
        if (!option_flag(o, "force") || access(path.text, F_OK) == 0)
            status = err_set(err, STATUS_USAGE, "a training with other knobs was stopped here, and lies in %s: the same knobs with "
                             "--resume go on, --force begins anew without it", path.text);
    }
    str_release(&path);
    return status;
}

/* Where states will lie, and what is to happen to those that are there. */
static enum status prepare_states(const struct options *o, bool quiet, struct training *t, struct err *err)
{
    int64_t steps[STATES_MAX];
    enum status status;
    int n = snprintf(t->states, sizeof t->states, "%s.states/%s", t->folder, t->trial->id);
    if (n < 0 || (size_t)n >= sizeof t->states)
        return err_set(err, STATUS_USAGE, "--output: the path is too long");
    t->state_every_s = option_seconds(o, "checkpoint-every");
    status = settle_others(o, t, err);
    if (status != STATUS_OK)
        return status;
    n = states_list(t->states, INT64_MAX, steps);
    if (n > 0 && option_flag(o, "force"))
        states_prune(t->states, 0);
    else if (n > 0 && !option_flag(o, "resume"))
        return err_set(err, STATUS_USAGE, "this training stopped after step %lld: --resume goes on, --force begins anew",
                       (long long)steps[0]);
    if (n == 0 && option_flag(o, "resume") && !quiet)
        (void)fprintf(stderr, "isoflop: there is nothing to resume; it begins at step 0\n");
    return folders_make_for(t->states, err);
}

static enum status train_into_folder(const struct invocation *invocation, struct training *t,
                                     struct runner_result *out, struct err *err)
{
    struct screen screen = screen_look(2, invocation->no_color);
    struct bar bar = bar_open(&screen, invocation->quiet);
    struct sink sink = {.context = t, .claim = claim, .finish = finish};
    struct runner_options options = {
        .jobs = 1,
        .timeout_s = option_seconds(&invocation->options, "timeout"),
        .total = 1,
        .total_seconds = t->trial->estimate.seconds,
        .program = invocation->program,
        .progress = bar_progress,
        .context = &bar,
    };
    enum status status;
    if (!str_copy(t->folder, sizeof t->folder, option_text(&invocation->options, "output")))
        return err_set(err, STATUS_USAGE, "--output: the path is too long");
    status = folders_make_for(t->folder, err);
    if (status == STATUS_OK)
        status = prepare_states(&invocation->options, invocation->quiet, t, err);
    if (status == STATUS_OK)
        status = runner_run(&options, &sink, out, err);
    bar_close(&bar);
    if (status == STATUS_OK && out->signal && !invocation->quiet)
        (void)fprintf(stderr, "isoflop: stopped; the same command with --resume goes on\n");
    return status;
}

/* ---- training as a trial of the store ---- */

static enum status train_into_store(const struct invocation *invocation, struct plan *plan,
                                    struct training *t, struct runner_result *out, struct err *err)
{
    struct sweep_options options = {
        .db = option_text(&invocation->options, "db"),
        .jobs = 1,
        .checkpoints = true,
        .rerun = STORE_RERUN_FAILED,
        .state_every_s = option_seconds(&invocation->options, "checkpoint-every"),
        .timeout_s = option_seconds(&invocation->options, "timeout"),
        .screen = screen_look(2, invocation->no_color),
        .quiet = invocation->quiet,
        .program = invocation->program,
        .told = keep,
        .told_context = t,
    };
    struct str folder;
    int pending = 0;
    enum status status = sweep_run(&options, plan, out, &pending, err);
    str_init(&folder);
    sweep_checkpoint_folder(options.db, t->trial->id, &folder);
    (void)str_copy(t->folder, sizeof t->folder, folder.text);
    str_release(&folder);
    if (status == STATUS_OK && pending == 0 && !invocation->quiet)
        (void)fprintf(stderr, "isoflop: trained already: trial %s of %s\n", t->trial->id, options.db);
    return status;
}

/* ---- what came out ---- */

/* The last number told under that name; NaN when there is none. */
static double told(const struct training *t, enum record_kind kind, const char *name)
{
    for (int i = t->n - 1; i >= 0; i--)
        if (t->records[i].kind == kind && strcmp(t->records[i].name, name) == 0)
            return t->records[i].value;
    return NAN;
}

static void print_point(const struct training *t, int64_t step, double train_loss, double heldout_loss)
{
    (void)printf("%8lld %12lld %12.4f %14.4f\n", (long long)step,
                 (long long)(step * t->trial->knobs.batch_tokens), train_loss, heldout_loss);
}

static void print_curve(const struct training *t)
{
    double train_loss = NAN;
    (void)printf("%8s %12s %12s %14s\n", "step", "tokens", "train loss", "held-out loss");
    for (int i = 0; i < t->n; i++) {
        const struct record *r = &t->records[i];
        if (r->kind == RECORD_METRIC && strcmp(r->name, "train_loss") == 0)
            train_loss = r->value;
        else if (r->kind == RECORD_METRIC && strcmp(r->name, "heldout_loss") == 0)
            print_point(t, r->step, train_loss, r->value);
    }
    print_point(t, (int64_t)told(t, RECORD_COST, "steps"), train_loss, told(t, RECORD_FACT, "heldout_loss"));
}

static void print_people(const struct training *t)
{
    char params[32], rate[32];
    double floor = told(t, RECORD_FACT, "entropy_floor"), loss = told(t, RECORD_FACT, "heldout_loss");
    print_curve(t);
    print_count_text(params, sizeof params, told(t, RECORD_FACT, "params_total"));
    print_count_text(rate, sizeof rate, told(t, RECORD_COST, "tokens_per_s"));
    (void)printf("\nheld-out loss  %.4f nats per token, standard error %.2g\n", loss,
                 told(t, RECORD_FACT, "heldout_stderr"));
    if (isfinite(floor))
        (void)printf("above entropy  %.4f nats per token\n", loss - floor);
    (void)printf("bits per byte  %.4f\ntraining       %s parameters, %.3g s, %s tokens per second\n"
                 "model          %s\n",
                 told(t, RECORD_FACT, "bits_per_byte"), params, told(t, RECORD_COST, "train_s"), rate, t->folder);
}

/* One row, under the store's names. */
static int print_row(const struct invocation *invocation, const struct training *t)
{
    static const struct {
        const char *name;
        enum record_kind kind;
        bool whole;
    } numbers[] = {
        {"steps", RECORD_COST, true},           {"params_total", RECORD_FACT, true},
        {"train_loss", RECORD_METRIC, false},   {"heldout_loss", RECORD_FACT, false},
        {"heldout_stderr", RECORD_FACT, false}, {"entropy_floor", RECORD_FACT, false},
        {"bits_per_byte", RECORD_FACT, false},  {"flops_executed", RECORD_COST, false},
        {"train_s", RECORD_COST, false},        {"tokens_per_s", RECORD_COST, false},
        {"peak_rss_bytes", RECORD_COST, true},
    };
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    const char *names[NUMBERS + 3] = {"model", "trial_id", "tokens"};
    struct table table;
    int code;
    for (int i = 0; i < NUMBERS; i++)
        names[i + 3] = numbers[i].name;
    table_init(&table, NUMBERS + 3, names);
    (void)table_add_row(&table);
    table_set_text(&table, 0, 0, t->folder);
    table_set_text(&table, 0, 1, t->trial->id);
    table_set_integer(&table, 0, 2, t->trial->knobs.tokens);
    for (int i = 0; i < NUMBERS; i++) {
        double number = told(t, numbers[i].kind, numbers[i].name);
        if (numbers[i].whole && isfinite(number))
            table_set_integer(&table, 0, i + 3, (int64_t)number);
        else
            table_set_real(&table, 0, i + 3, number);
    }
    code = print_table(invocation, &table, "isoflop.train.v1");
    table_release(&table);
    return code;
}

static int train(struct invocation *invocation, struct plan *plan, struct training *t)
{
    struct runner_result result = {0};
    struct err err = ERR_INIT;
    enum status status;
    int code;
    sweep_calibrate(plan, NULL);
    t->trial = &plan->trials[0];
    status = sweep_check_memory(plan, 1, 0, &err);
    if (status == STATUS_OK && !invocation->quiet)
        sweep_warn_crowded(plan, 1);
    if (status == STATUS_OK)
        status = option_text(&invocation->options, "db")
                     ? train_into_store(invocation, plan, t, &result, &err)
                     : train_into_folder(invocation, t, &result, &err);
    if (status != STATUS_OK)
        return failed(&err);
    code = sweep_exit_code(&result);
    if (t->n > 0 && (invocation->json || invocation->csv))
        return print_row(invocation, t);
    if (t->n > 0)
        print_people(t);
    return code;
}

int cmd_train(struct invocation *invocation)
{
    struct training training = {0};
    struct err err = ERR_INIT;
    struct plan plan;
    int code;
    if (check_output(&invocation->options, &err) != STATUS_OK ||
        make_plan(&invocation->options, &plan, &err) != STATUS_OK)
        return failed(&err);
    code = train(invocation, &plan, &training);
    free(training.records);
    plan_release(&plan);
    return code;
}
