/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_threshold.c — `isoflop threshold TASK|all`: the smallest size, cost or delay at which an ability is there.
 *
 * Models are comparable where they differ in the axis alone. Along a size or a delay the text is held fixed: of the
 * groups with equal data and equal tokens the one with the most sizes is taken, and the answer says how many tokens
 * that was. Along a cost, tokens are part of what is paid, and all of them count. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/analysis/threshold.h"
#include "harness/cli/commands.h"
#include "harness/cli/print.h"
#include "harness/cli/threshold_points.h"
#include "harness/store/store.h"

enum { REPLICATES = 4000, LOGISTIC_REPLICATES = 400 };

/* What --by may say: the column's SQL, and whether tokens are part of it. */
static const struct axis {
    const char *name, *sql, *says;
    bool is_cost;
} axes[] = {
    {"params_non_embedding", "t.params_non_embedding", "non-embedding parameters", false},
    {"params_total", "t.params_total", "parameters in all", false},
    {"params_active", "t.params_active", "active parameters", false},
    {"flops", "c.train_flops", "training FLOPs", true},
    {"weight_bytes", "c.weight_bytes", "bytes of weights", false},
    {"energy_j", "c.energy_j", "joules", true},
    {"latency_ms", "l.p50_ms", "milliseconds per decoded token", false},
};

/* What a file of points has: the axis is whatever its x is. */
static const struct axis axis_of_file = {"x", "", "x", true};

static const char setting[] =
    "t.data_identity, t.junk, t.task_share, t.fact_share, t.tokenizer, t.vocabulary, t.context, t.lr";

/* Dense models as trained, unless all are asked for. */
static void compose(struct str *sql, const struct axis *axis, bool all)
{
    str_format(sql,
               "WITH p AS (SELECT e.task, json_array(%s%s) AS setting, t.tokens, t.seed, %s AS x, e.value AS y, e.n,"
               " coalesce(e.chance, 0) AS chance, g.value AS logprob FROM trial t"
               " JOIN eval e ON e.trial_id = t.trial_id AND e.attempt = t.final_attempt AND e.metric = 'exact_match'"
               " LEFT JOIN eval g ON g.trial_id = t.trial_id AND g.attempt = e.attempt AND g.task = e.task"
               " AND g.step = e.step AND g.metric = 'logprob'"
               " LEFT JOIN cost c ON c.trial_id = t.trial_id AND c.attempt = t.final_attempt"
               " LEFT JOIN (SELECT trial_id, p50_ms FROM v_latency WHERE phase = 'decode' AND batch = 1) l"
               " ON l.trial_id = t.trial_id"
               " WHERE t.state = 'done' AND e.value IS NOT NULL AND (?1 IS NULL OR e.task = ?1)%s"
               " AND t.trial_id NOT IN (SELECT trial_id FROM validity WHERE verdict = 'fail')),",
               setting, axis->is_cost ? "" : ", t.tokens", axis->sql,
               all ? "" : " AND coalesce(t.shrink, 'none') = 'none' AND coalesce(t.experts, 1) = 1");
    str_append(
        sql,
        " g AS (SELECT task, setting, row_number() OVER (PARTITION BY task ORDER BY count(DISTINCT x) DESC,"
        " max(tokens) DESC, setting) AS place FROM p WHERE x > 0 GROUP BY task, setting)"
        " SELECT p.task, p.tokens, p.seed, p.x, p.y, p.n, p.chance, p.logprob FROM p"
        " JOIN g ON g.task = p.task AND g.setting = p.setting AND g.place = 1 WHERE p.x > 0"
        " ORDER BY p.task, p.x, p.seed");
}
enum { ASKED_TASK, ASKED_TOKENS, ASKED_SEED, ASKED_X, ASKED_Y, ASKED_N, ASKED_CHANCE, ASKED_LOGPROB };

static const char *const columns[] = {
    "task",     "by",         "at",      "chance",        "state",       "value",   "low",    "high",
    "interval", "n_points",   "n_sizes", "n_seeds",       "smallest",    "largest", "tokens", "shape",
    "rise",     "aicc_power", "aicc_pl", "aicc_logistic", "aicc_broken", "reason"};
enum {
    OUT_TASK,
    OUT_BY,
    OUT_AT,
    OUT_CHANCE,
    OUT_STATE,
    OUT_VALUE,
    OUT_LOW,
    OUT_HIGH,
    OUT_INTERVAL,
    OUT_POINTS,
    OUT_SIZES,
    OUT_SEEDS,
    OUT_SMALLEST,
    OUT_LARGEST,
    OUT_TOKENS,
    OUT_SHAPE,
    OUT_RISE,
    OUT_AICC,
    OUT_REASON = OUT_AICC + CURVE_FORMS
};

/* What the row's figures rest on, and what is open. */
static void explain(const struct threshold *t, const struct threshold_forms *forms, char *out, size_t size)
{
    const char *where = t->state == THRESHOLD_NOT_REACHED ? "not reached by the largest; "
                        : t->state == THRESHOLD_BELOW     ? "the smallest reaches it already; "
                        : t->state == THRESHOLD_CHANCE    ? "guessing reaches it: choose a higher --at; "
                                                          : "";
    const char *kind = t->n_seeds > 1 ? "interval over seeds" : "one seed: interval over items (Wilson)";
    int best = -1;
    for (int f = 0; f < CURVE_FORMS; f++)
        if (!isnan(forms->curves[f].aicc) && (best < 0 || forms->curves[f].aicc < forms->curves[best].aicc))
            best = f;
    if (best < 0)
        (void)snprintf(out, size, "%s%s; too few points to weigh forms", where, kind);
    else
        (void)snprintf(out, size, "%s%s; best form by AICc: %s", where, kind, curve_name((enum curve_form)best));
}

static void fill(struct table *out, int row, const struct threshold *t, const struct threshold_forms *forms)
{
    char reason[200];
    table_set_text(out, row, OUT_STATE, threshold_state_name(t->state));
    table_set_real(out, row, OUT_VALUE, t->value);
    table_set_real(out, row, OUT_LOW, t->low > 0 ? t->low : NAN);
    table_set_real(out, row, OUT_HIGH, isfinite(t->high) ? t->high : NAN);
    if (t->state != THRESHOLD_CHANCE)
        table_set_text(out, row, OUT_INTERVAL, t->n_seeds > 1 ? "seeds" : "items");
    table_set_integer(out, row, OUT_POINTS, t->n_points);
    table_set_integer(out, row, OUT_SIZES, t->n_sizes);
    table_set_integer(out, row, OUT_SEEDS, t->n_seeds);
    table_set_text(out, row, OUT_SHAPE, threshold_shape_name(forms->shape));
    if (t->state == THRESHOLD_REACHED) /* a rise that was not seen is no figure */
        table_set_real(out, row, OUT_RISE, forms->rise);
    for (int f = 0; f < CURVE_FORMS; f++)
        table_set_real(out, row, OUT_AICC + f, forms->curves[f].aicc);
    explain(t, forms, reason, sizeof reason);
    table_set_text(out, row, OUT_REASON, reason);
}

/* The rows from..end of the answer are one task's. */
static enum status judge_task(const struct table *asked, int from, int end, const struct axis *axis,
                              const struct threshold_settings *wanted, struct table *out, struct err *err)
{
    struct threshold_point *points = malloc((size_t)(end - from) * sizeof *points);
    struct threshold_settings settings = *wanted;
    struct threshold_forms forms;
    struct threshold t;
    int row = table_add_row(out);
    enum status status;
    NEED_MEMORY(points);
    for (int r = from; r < end; r++)
        points[r - from] = (struct threshold_point){
            .x = table_number(asked, r, ASKED_X),
            .y = table_number(asked, r, ASKED_Y),
            .items = table_number(asked, r, ASKED_N),
            .seed = table_number(asked, r, ASKED_SEED),
            .logprob = table_number(asked, r, ASKED_LOGPROB),
        };
    settings.chance = table_number(asked, from, ASKED_CHANCE);
    table_set_text(out, row, OUT_TASK, table_text(asked, from, ASKED_TASK));
    table_set_text(out, row, OUT_BY, axis->name);
    table_set_real(out, row, OUT_AT, settings.at);
    table_set_real(out, row, OUT_CHANCE, settings.chance);
    table_set_real(out, row, OUT_SMALLEST, points[0].x);
    table_set_real(out, row, OUT_LARGEST, points[end - from - 1].x);
    if (!axis->is_cost)
        table_set_real(out, row, OUT_TOKENS, table_number(asked, from, ASKED_TOKENS));
    status = threshold_find(points, end - from, &settings, &t, err);
    if (status == STATUS_OK)
        status = threshold_weigh(points, end - from, settings.chance, &forms, err);
    if (status == STATUS_OK)
        fill(out, row, &t, &forms);
    free(points);
    return status == STATUS_OK ? status : err_prefix(err, "%s", table_text(asked, from, ASKED_TASK));
}

static enum status judge_all(const struct table *asked, const struct axis *axis,
                             const struct threshold_settings *settings, struct table *out, struct err *err)
{
    enum status status = STATUS_OK;
    table_init(out, (int)(sizeof columns / sizeof *columns), columns);
    for (int from = 0, end; from < asked->n_rows && status == STATUS_OK; from = end) {
        const char *task = table_text(asked, from, ASKED_TASK);
        for (end = from; end < asked->n_rows && strcmp(table_text(asked, end, ASKED_TASK), task) == 0;)
            end++;
        status = judge_task(asked, from, end, axis, settings, out, err);
    }
    return status;
}

static void print_people(const struct table *t, const struct axis *axis, double at)
{
    (void)printf("%s at which exact match reaches %g\n\n%-16s %12s %22s %7s %9s  %s\n", axis->says, at, "ability",
                 "threshold", "95 %", "shape", "10-90 %", "");
    for (int r = 0; r < t->n_rows; r++) {
        const char *state = table_text(t, r, OUT_STATE);
        double value = table_number(t, r, OUT_VALUE), low = table_number(t, r, OUT_LOW),
               high = table_number(t, r, OUT_HIGH);
        double rise = table_number(t, r, OUT_RISE);
        char text[24] = "-", interval[48] = "-", rises[16] = "-";
        if (!isnan(value))
            (void)snprintf(text, sizeof text, "%s%.4g", *state == 'n' ? "> " : *state == 'b' ? "<= " : "", value);
        if (!isnan(low) && !isnan(high))
            (void)snprintf(interval, sizeof interval, "%.4g to %.4g", low, high);
        else if (!isnan(low))
            (void)snprintf(interval, sizeof interval, "%.4g or more", low);
        else if (!isnan(high))
            (void)snprintf(interval, sizeof interval, "%.4g or less", high);
        if (!isnan(rise))
            (void)snprintf(rises, sizeof rises, rise < 1000 ? "x %.3g" : "x > 1000", rise);
        (void)printf("%-16s %12s %22s %7s %9s  %s\n", table_text(t, r, OUT_TASK), text, interval,
                     table_text(t, r, OUT_SHAPE), rises, table_text(t, r, OUT_REASON));
    }
}

static const struct axis *find_axis(const char *name)
{
    size_t i = 0;
    while (strcmp(axes[i].name, name) != 0)
        i++;
    return &axes[i];
}

/* The tasks that were scored, for a word that is none of them. */
static enum status nothing_found(struct store *store, const char *task, const struct axis *axis, struct err *err)
{
    struct table list;
    struct str known;
    enum status status = store_query(store, "SELECT DISTINCT task FROM v_evals ORDER BY 1", NULL, 0, &list, err);
    bool scored = task == NULL;
    if (status != STATUS_OK)
        return status;
    str_init(&known);
    for (int i = 0; i < list.n_rows; i++) {
        str_format(&known, " %s", table_text(&list, i, 0));
        scored = scored || strcmp(table_text(&list, i, 0), task) == 0;
    }
    if (list.n_rows == 0)
        status = err_set(err, STATUS_INSUFFICIENT, "no trial of this store was scored in an ability");
    else if (scored)
        status =
            err_set(err, STATUS_INSUFFICIENT, "no scored trial of this store has %s; try another --by", axis->says);
    else
        status = err_set(err, STATUS_USAGE, "no ability '%.60s' was scored; there are:%s", task, known.text);
    str_release(&known);
    table_release(&list);
    return status;
}

static enum status ask(const char *db, const char *task, const struct axis *axis, bool all, struct table *out,
                       struct err *err)
{
    struct store *store;
    struct str sql;
    enum status status = store_open(&store, db, STORE_READ, err);
    if (status != STATUS_OK)
        return status;
    str_init(&sql);
    compose(&sql, axis, all);
    status = store_query(store, sql.text, &task, 1, out, err);
    if (status == STATUS_OK && out->n_rows == 0) {
        table_release(out);
        status = nothing_found(store, task, axis, err);
    }
    str_release(&sql);
    store_close(store);
    return status;
}

int cmd_threshold(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    const struct axis *axis = find_axis(option_text(o, "by"));
    const char *task = strcmp(o->arguments[0], "all") == 0 ? NULL : o->arguments[0];
    struct threshold_settings settings = {.at = option_real(o, "at")};
    struct err err = ERR_INIT;
    struct table asked, answer;
    int code = EXIT_CODE_DONE;
    settings.logistic = strcmp(option_text(o, "method"), "logistic") == 0;
    settings.replicates = settings.logistic ? LOGISTIC_REPLICATES : REPLICATES;
    const char *file = option_text(o, "points");
    axis = file ? &axis_of_file : axis;
    enum status status = file ? threshold_points_read(&asked, invocation, file, task, &err)
                              : ask(invocation->db, task, axis, option_flag(o, "all-models"), &asked, &err);
    if (status != STATUS_OK)
        return failed(&err);
    if (judge_all(&asked, axis, &settings, &answer, &err) != STATUS_OK)
        code = failed(&err);
    else if (invocation->json || invocation->csv)
        code = print_table(invocation, &answer, "isoflop.threshold.v1");
    else
        print_people(&answer, axis, settings.at);
    table_release(&answer);
    table_release(&asked);
    return code;
}
