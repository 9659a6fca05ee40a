/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eval.c — `isoflop eval MODEL`: loss on held-out text and abilities, as a trial measures them at its end, of any
 * model and on any text. For a model just trained, with nothing said, the numbers are those of its trial. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/heldout.h"
#include "harness/analysis/stats.h"
#include "harness/cli/commands.h"
#include "harness/cli/ids.h"
#include "harness/cli/loaded.h"
#include "harness/cli/print.h"
#include "harness/cli/settings.h"
#include "harness/run/trial.h"
#include "harness/store/export.h"

#define CONFIDENCE 0.95

enum { TASK, METRIC, VALUE, STDERR, LOW, HIGH, CHANCE, N, COLUMNS };
static const char *const columns[COLUMNS] = {"task", "metric", "value",  "stderr",
                                             "low",  "high",   "chance", "n"};

/* One number with its interval; NaN is missing. */
struct measure {
    const char *task, *metric;
    double value, stderror, low, high, chance;
    int64_t n;
};

static void add(struct table *table, const struct measure *m)
{
    int row = table_add_row(table);
    table_set_text(table, row, TASK, m->task);
    table_set_text(table, row, METRIC, m->metric);
    table_set_real(table, row, VALUE, m->value);
    table_set_real(table, row, STDERR, m->stderror);
    table_set_real(table, row, LOW, m->low);
    table_set_real(table, row, HIGH, m->high);
    table_set_real(table, row, CHANCE, m->chance);
    table_set_integer(table, row, N, m->n);
}

/* The interval of a mean by the normal distribution. */
static struct measure mean_measure(const char *task, const char *metric, double value, double stderror,
                                   int64_t n)
{
    double reach = stats_normal_quantile(0.5 + CONFIDENCE / 2) * stderror;
    return (struct measure){task, metric, value, stderror, value - reach, value + reach, NAN, n};
}

/* ---- held-out text ---- */

static struct measure perplexity_of(const struct measure *loss)
{
    struct measure m = *loss;
    m.metric = "perplexity";
    m.value = exp(loss->value);
    m.stderror = m.value * loss->stderror; /* to first order */
    m.low = exp(loss->low);
    m.high = exp(loss->high);
    return m;
}

static void add_heldout(struct table *table, const struct heldout *h, const struct source *source)
{
    double floor = source_entropy_floor(source), per_byte = (double)h->tokens / (double)h->bytes / M_LN2;
    struct measure loss = mean_measure("heldout", "loss", h->loss, h->stderror, h->tokens);
    struct measure bits =
        mean_measure("heldout", "bits_per_byte", h->loss * per_byte, h->stderror * per_byte, h->tokens);
    struct measure excess = mean_measure("heldout", "excess_nats", h->loss - floor, h->stderror, h->tokens);
    struct measure perplexity = perplexity_of(&loss);
    add(table, &loss);
    add(table, &bits);
    add(table, &perplexity);
    if (isfinite(floor))
        add(table, &excess);
}

static enum status evaluate_heldout(struct loaded *loaded, const struct knobs *knobs,
                                    const struct source *source, struct table *table, struct err *err)
{
    struct scorer scorer = loaded_scorer(loaded);
    struct heldout_plan plan = {
        .context = loaded->config.context,
        .windows = trial_heldout_windows(knobs),
        .data_seed = (uint64_t)knobs->data_seed,
    };
    struct heldout h;
    if (!heldout_evaluate(source, &plan, &scorer, &h))
        return err_set(err, STATUS_INTERRUPTED, "stopped");
    add_heldout(table, &h, source);
    return STATUS_OK;
}

/* ---- abilities ---- */

/* Whether a comma-separated list has the name; everything has it when the list is NULL. */
static bool lists(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; at && *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
        if (strcspn(at, ",") == n && strncmp(at, name, n) == 0)
            return true;
    return !list;
}

static const char *task_name(int i, const void *context)
{
    (void)context;
    return i < task_count() ? task_at(i)->name : NULL;
}

static enum status check_tasks(const char *list, struct err *err)
{
    char name[64];
    for (const char *at = list; at && *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
        bool known = false;
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
        for (int i = 0; i < task_count(); i++)
            known = known || strcmp(task_at(i)->name, name) == 0;
        if (!known && strcmp(list, "none") != 0) {
            const char *nearest = str_nearest(name, task_name, NULL);
            return err_set(err, STATUS_USAGE, "--tasks: there is no task '%s'%s%s%s", name,
                           nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        }
    }
    return STATUS_OK;
}

/* What is asked, and where the answers go: figures into table, single items into items. */
struct asking {
    const struct knobs *knobs;
    const char *list; /* of tasks; NULL: those the text holds */
    struct scorer scorer;
    struct table *table, *items;
};

enum { ITEM_TASK, ITEM_PROMPT, ITEM_ANSWER, ITEM_EXACT, ITEM_LOGPROB, ITEM_COLUMNS };
static const char *const item_columns[ITEM_COLUMNS] = {"task", "prompt", "answer", "exact_match", "logprob"};

/* One item as a row; the line end, which every answer has, is left out. */
static void add_item(void *context, const struct task *task, const struct item *item, bool exact, double logprob)
{
    struct table *items = context;
    int row = table_add_row(items);
    char answer[ITEM_ANSWER_SIZE];
    (void)snprintf(answer, sizeof answer, "%.*s", (int)strcspn(item->answer, "\n"), item->answer);
    table_set_text(items, row, ITEM_TASK, task->name);
    table_set_text(items, row, ITEM_PROMPT, item->prompt);
    table_set_text(items, row, ITEM_ANSWER, answer);
    table_set_integer(items, row, ITEM_EXACT, exact);
    table_set_real(items, row, ITEM_LOGPROB, logprob);
}

static enum status write_items(const char *path, const struct table *items, struct err *err)
{
    FILE *file = fopen(path, "w");
    enum status status;
    if (!file)
        return err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    status = export_csv(file, items, err);
    if (fclose(file) != 0 && status == STATUS_OK)
        status = err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    return status;
}

static enum status evaluate_task(const struct task *task, const struct facts *facts, const struct asking *asking,
                                 struct err *err)
{
    const struct knobs *knobs = asking->knobs;
    const struct exam exam = {(int)knobs->items, (int)knobs->shots, add_item, asking->items};
    struct task_score s;
    const struct task_figure *right = &s.figures[METRIC_EXACT_MATCH], *smooth = &s.figures[METRIC_LOGPROB];
    struct interval exact;
    struct measure measured;
    enum status status = task_evaluate(task, facts, &exam, &asking->scorer, &s, err);
    if (status == STATUS_INSUFFICIENT)
        return STATUS_OK; /* its questions do not fit the model's context: nothing was measured */
    if (status == STATUS_OK)
        status = stats_wilson((int)lround(right->value * right->n), right->n, CONFIDENCE, &exact, err);
    if (status != STATUS_OK)
        return status;
    measured = (struct measure){task->name, "exact_match", right->value,  right->stderror,
                                exact.low,  exact.high,    right->chance, right->n};
    add(asking->table, &measured);
    measured = mean_measure(task->name, "logprob", smooth->value, smooth->stderror, smooth->n);
    measured.chance = smooth->chance;
    add(asking->table, &measured);
    return STATUS_OK;
}

/* The tasks that the list names, or without one those that the world's text holds. */
static enum status evaluate_in(const struct world *world, const struct asking *asking, struct err *err)
{
    const char *list = asking->list;
    const struct task_choice *choice = world_tasks(world);
    const struct facts *facts = world_facts(world);
    enum status status = STATUS_OK;
    for (int i = 0; i < (list ? task_count() : choice->n) && status == STATUS_OK; i++) {
        const struct task *task = list ? task_at(i) : choice->tasks[i];
        if (lists(list, task->name) && task_items(task, facts) > 0)
            status = evaluate_task(task, facts, asking, err);
    }
    return status;
}

/* A text file says nothing about these tasks' form, so there they are measured only when asked for. */
static enum status evaluate_tasks(struct loaded *loaded, const struct asking *asking, struct err *err)
{
    const char *list = asking->list;
    struct knobs asked = *asking->knobs;
    struct source *world;
    enum status status;
    if (list && strcmp(list, "none") != 0 && !loaded_reads_bytes(loaded))
        return err_set(err, STATUS_USAGE, "--tasks: their answers are bytes, the model's tokens are not");
    if (!loaded_reads_bytes(loaded) || (!list && strcmp(asked.data_source, "world") != 0))
        return STATUS_OK;
    status = knob_parse(knob_find("data.source"), "world", &asked, err);
    if (status == STATUS_OK)
        status = trial_source(&asked, &world, err);
    if (status != STATUS_OK)
        return status;
    status = evaluate_in(source_world(world), asking, err);
    source_free(world);
    return status;
}

/* ---- what is said ---- */

static void print_people(const struct table *table)
{
    (void)printf("%-16s %-13s %9s  %-20s %9s %6s\n", "task", "metric", "value", "95 % interval", "chance",
                 "n");
    for (int r = 0; r < table->n_rows; r++) {
        char interval[32] = "", chance[16] = "";
        if (isfinite(table_number(table, r, LOW)))
            (void)snprintf(interval, sizeof interval, "%.4g to %.4g", table_number(table, r, LOW),
                           table_number(table, r, HIGH));
        if (isfinite(table_number(table, r, CHANCE)))
            (void)snprintf(chance, sizeof chance, "%.4g", table_number(table, r, CHANCE));
        (void)printf("%-16s %-13s %9.5g  %-20s %9s %6lld\n", table_text(table, r, TASK),
                     table_text(table, r, METRIC), table_number(table, r, VALUE), interval, chance,
                     (long long)table_cell(table, r, N)->integer);
    }
}

static void say_data(const struct invocation *invocation, const struct loaded *loaded,
                     const struct knobs *knobs, const struct source *source)
{
    struct str identity;
    if (invocation->quiet)
        return;
    str_init(&identity);
    source_identity(source, &identity);
    (void)fprintf(stderr, "isoflop: %lld windows of %d tokens: %s\n", (long long)trial_heldout_windows(knobs),
                  loaded->config.context, identity.text);
    if (!loaded->knows_knobs && !option_given(&invocation->options, "data") &&
        !option_given(&invocation->options, "set"))
        (void)fprintf(stderr,
                      "isoflop: %s does not say what it was trained on; give --data FILE or -S data.…=…\n",
                      loaded->folder.text);
    str_release(&identity);
}

/* ---- what is asked ---- */

/* A context that nobody asked for is the model's own where it was trained here; of another's claim only so much, because
 * a window of it would take its time. */
enum { FOREIGN_CONTEXT = 1024 };

static enum status choose_context(const struct options *o, const struct loaded *loaded, int most, int *out, struct err *err)
{
    const struct config *c = &loaded->config;
    int usual = loaded->knows_knobs || c->context < FOREIGN_CONTEXT ? c->context : FOREIGN_CONTEXT;
    if (c->window && usual > c->window)
        usual = c->window;
    *out = usual < most ? usual : most;
    if (!option_given(o, "context"))
        return STATUS_OK;
    if (option_integer(o, "context") > (c->context < most ? c->context : most))
        return err_set(err, STATUS_USAGE, "--context: the model knows %d tokens at once, and %d are measured", c->context,
                       c->context < most ? c->context : most);
    *out = (int)option_integer(o, "context");
    return STATUS_OK;
}

/* The text and the amounts: what the model was made by, then what the command line says. */
static enum status eval_knobs(const struct options *o, const struct loaded *loaded, struct knobs *out,
                              struct err *err)
{
    int n;
    const char *const *set = option_list(o, "set", &n);
    int context;
    enum status status = choose_context(o, loaded, HELDOUT_CONTEXT_MAX, &context, err);
    *out = loaded->knobs;
    out->context = context;
    if (status == STATUS_OK)
        status = settings_apply(set, n, "data eval", out, err);
    if (status == STATUS_OK && option_given(o, "data"))
        status = settings_text(option_text(o, "data"), out, err);
    if (option_given(o, "items"))
        out->items = option_integer(o, "items");
    if (option_given(o, "tokens"))
        out->heldout_tokens = option_integer(o, "tokens");
    return status;
}

/* Our own models are scored as their trials scored them. Others may have contexts for which the training forward pass
 * takes far more memory than the session. */
static struct loaded_use use_for(const struct loaded *loaded, const struct knobs *knobs)
{
    return (struct loaded_use){.context = (int)knobs->context,
                               .sequences = loaded->knows_knobs ? trial_score_sequences(knobs) : 0};
}

/* The text, in the model's own tokens. */
static enum status open_source(struct loaded *loaded, const struct knobs *knobs, struct source **out, struct err *err)
{
    struct knobs bytes = *knobs;
    enum status status = knob_parse(knob_find("data.tokenizer"), "bytes", &bytes, err);
    bool is_text = strcmp(knobs->data_source, "text") == 0;
    struct tokenizer *tokenizer = loaded->tokenizer;
    if (status == STATUS_OK && !loaded_reads_bytes(loaded) && !is_text)
        status = err_set(err, STATUS_USAGE, "%s: the world is made of bytes, the model's tokens are not; give --data FILE",
                         loaded->folder.text);
    if (status == STATUS_OK)
        status = trial_source(&bytes, out, err);
    if (status != STATUS_OK || loaded_reads_bytes(loaded))
        return status;
    loaded->tokenizer = NULL; /* the source's from here on */
    return source_tokenize(*out, tokenizer, err);
}

/* ---- tokens by their numbers ---- */

static enum status check_alone(const struct options *o, struct err *err)
{
    static const char *const others[] = {"data", "set", "tokens", "tasks", "items"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (option_given(o, others[i]))
            return err_set(err, STATUS_USAGE, "--ids is all that is measured; leave --%s out", others[i]);
    return STATUS_OK;
}

static void add_ids(struct table *table, const struct ids_loss *found)
{
    struct measure loss = mean_measure("ids", "loss", found->loss, found->stderror, found->tokens);
    struct measure perplexity = perplexity_of(&loss);
    add(table, &loss);
    add(table, &perplexity);
}

static enum status check_finite(double loss, const struct loaded *loaded, struct err *err)
{
    return isfinite(loss) ? STATUS_OK
                          : err_set(err, STATUS_FORMAT, "%s: its loss is no number; are its weights?", loaded->folder.text);
}

/* The loss of a file of tokens, all of it: what they stand for does not matter. */
static enum status evaluate_ids(struct invocation *invocation, struct loaded *loaded, struct table *table, struct err *err)
{
    const struct options *o = &invocation->options;
    const char *path = option_text(o, "ids");
    struct ids_loss found;
    struct scorer scorer;
    int32_t *tokens = NULL;
    int64_t n = 0;
    int context;
    enum status status = check_alone(o, err);
    if (status == STATUS_OK)
        status = choose_context(o, loaded, HELDOUT_CONTEXT_MAX, &context, err);
    if (status == STATUS_OK)
        status = ids_read(path, loaded->config.vocabulary, &tokens, &n, err);
    if (status == STATUS_OK) {
        context = n - 1 < context ? (int)(n - 1) : context;
        status = loaded_read(loaded, (struct loaded_use){.context = context}, err);
    }
    if (status == STATUS_OK) {
        if (!invocation->quiet)
            (void)fprintf(stderr, "isoflop: %lld tokens of %s in windows of %d\n", (long long)n, path, context);
        scorer = loaded_scorer(loaded);
        ids_score(tokens, n, context, &scorer, &found);
        add_ids(table, &found);
        status = check_finite(found.loss, loaded, err);
    }
    free(tokens);
    return status;
}

/* ---- the command ---- */

static enum status evaluate(struct invocation *invocation, struct loaded *loaded, struct source **source,
                            struct table *table, struct table *items, struct err *err)
{
    const struct options *o = &invocation->options;
    struct knobs knobs;
    enum status status = loaded_find(loaded, invocation->db, o->arguments[0], err);
    if (status == STATUS_OK && option_text(o, "ids"))
        return evaluate_ids(invocation, loaded, table, err);
    if (status == STATUS_OK)
        status = loaded_find_text(loaded, err);
    if (status == STATUS_OK)
        status = check_tasks(option_text(o, "tasks"), err);
    if (status == STATUS_OK)
        status = eval_knobs(o, loaded, &knobs, err);
    if (status == STATUS_OK)
        status = open_source(loaded, &knobs, source, err);
    if (status == STATUS_OK)
        status = loaded_read(loaded, use_for(loaded, &knobs), err);
    if (status != STATUS_OK)
        return status;
    say_data(invocation, loaded, &knobs, *source);
    status = evaluate_heldout(loaded, &knobs, *source, table, err);
    if (status == STATUS_OK) {
        const struct asking asking = {&knobs, option_text(o, "tasks"), loaded_scorer(loaded), table, items};
        status = evaluate_tasks(loaded, &asking, err);
    }
    if (status == STATUS_OK && option_given(o, "save-items"))
        status = write_items(option_text(o, "save-items"), items, err);
    return status;
}

int cmd_eval(struct invocation *invocation)
{
    struct loaded loaded;
    struct source *source = NULL;
    struct table table, items;
    struct err err = ERR_INIT;
    int code = EXIT_CODE_DONE;
    table_init(&table, COLUMNS, columns);
    table_init(&items, ITEM_COLUMNS, item_columns);
    if (evaluate(invocation, &loaded, &source, &table, &items, &err) != STATUS_OK)
        code = failed(&err);
    else if (invocation->json || invocation->csv)
        code = print_table(invocation, &table, "isoflop.eval.v1");
    else
        print_people(&table);
    source_free(source);
    loaded_release(&loaded);
    table_release(&table);
    table_release(&items);
    return code;
}
