/* SPDX-License-Identifier: Apache-2.0 */
/* recipes_kinds.c — charts of what models can do and what using them costs: abilities and latency. Invariant: abilities
 * that are compared were trained on the same number of tokens; where several numbers are on offer, the one with
 * the most models is taken, and said. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/analysis/stats.h"
#include "harness/report/recipes.h"
#include "harness/report/text.h"

static bool is_text(const struct table *table, int row, const char *column, const char *value)
{
    const char *text = column_text(table, row, column);
    return text && strcmp(text, value) == 0;
}

/* What a row must be to count: any member left NULL or NaN does not matter. */
struct filter {
    const char *kind_column, *kind;   /* a text column and its value */
    const char *task;
    const char *positive;             /* a column that goes on a logarithmic axis */
    const char *equal_column;
    double equal;
};

static bool passes(const struct table *table, int row, const void *context)
{
    const struct filter *filter = context;
    return (!filter->kind || is_text(table, row, filter->kind_column, filter->kind)) &&
           (!filter->task || is_text(table, row, "task", filter->task)) &&
           (!filter->positive || column_number(table, row, filter->positive) > 0) &&
           (!filter->equal_column || column_number(table, row, filter->equal_column) == filter->equal);
}

/* ---- abilities ---- */

enum { MOST_TASKS = 16 };

/* Distinct tasks in the order of the answer, which the SQL sorts. */
static int find_tasks(const struct table *answer, const char *tasks[MOST_TASKS])
{
    int n = 0;
    for (int row = 0; row < answer->n_rows; row++) {
        const char *task = column_text(answer, row, "task");
        bool known = !task;
        for (int i = 0; i < n && !known; i++)
            known = strcmp(tasks[i], task) == 0;
        if (!known && n < MOST_TASKS)
            tasks[n++] = task;
    }
    return n;
}

/* Bars of a point: for a share the Wilson interval, which is honest also at 0 of n, where the standard error is 0; for
 * a mean one standard error. NaN where nothing is known. */
static void ability_bars(const struct point *p, bool is_share, double items, double *low, double *high)
{
    struct err err = ERR_INIT;
    struct interval interval;
    *low = p->y - p->stderror;
    *high = p->y + p->stderror;
    if (!is_share || !(items >= 1))
        return;
    int n = (int)lround(items * p->seeds);
    if (stats_wilson((int)lround(p->y * n), n, 0.95, &interval, &err) == STATUS_OK) {
        *low = interval.low;
        *high = interval.high;
    }
}

/* Rows of one task and metric at the given number of tokens; returns the items each was scored on. */
static double add_ability(const struct table *answer, int series, const char *task, const char *metric,
                          double tokens, struct drawing *out, double range[4])
{
    const struct filter filter = {"metric", metric, task, "params", "tokens", tokens};
    const struct points_query query = {.x = "params", .y = "value", .stderror = "stderr",
                                       .higher_is_better = true, .keep = passes, .context = &filter};
    bool is_share = strcmp(metric, "exact_match") == 0;
    double items = NAN;
    struct points points;
    points_collect(&points, answer, &query);
    for (int i = 0; i < points.n; i++) {
        const struct point *p = &points.items[i];
        double low, high, chance = column_number(answer, p->row, "chance");
        items = column_number(answer, p->row, "n");
        ability_bars(p, is_share, items, &low, &high);
        int row = drawing_add(out, 11, (double[]){NAN, series, NAN, tokens, p->x, p->y, low, high, chance, items,
                                                  p->seeds});
        table_set_text(&out->rows, row, 0, metric);
        table_set_text(&out->rows, row, 2, task);
        recipe_include(&range[0], &range[1], p->x);
        for (int k = 0; !is_share && k < 4; k++) {
            double value = (const double[]){p->y, low, high, chance}[k];
            if (isfinite(value))
                recipe_include(&range[2], &range[3], value);
        }
    }
    points_release(&points);
    return items;
}

/* The number of tokens at which the most sizes were tested. */
static double widest_tokens(const struct table *answer, int *sizes)
{
    const struct filter filter = {"metric", "exact_match", NULL, "params", NULL, NAN};
    const struct points_query query = {.series = "tokens", .x = "params", .y = "value",
                                       .higher_is_better = true, .keep = passes, .context = &filter};
    struct points points;
    points_collect(&points, answer, &query);
    int start = points_widest(&points);
    double tokens = start < 0 ? NAN : points.items[start].series;
    *sizes = start < 0 ? 0 : points_series_end(&points, start) - start;
    points_release(&points);
    return tokens;
}

/* A step of 1, 2 or 5 times a power of ten that cuts the range into two to four. */
static double nice_step(double range)
{
    double unit = pow(10, floor(log10(range / 2)));
    double steps = range / unit / 3;
    return unit * (steps < 1.5 ? 1 : steps < 3.5 ? 2 : 5);
}

bool recipe_abilities(const struct table *answer, struct drawing *out)
{
    static const char *const names[] = {"kind", "series", "task", "tokens", "params", "value", "low", "high",
                                        "chance", "items", "seeds"};
    const char *tasks[MOST_TASKS];
    struct str titles[MOST_TASKS];
    double range[4] = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    int sizes, n = find_tasks(answer, tasks);
    double tokens = widest_tokens(answer, &sizes);
    if (sizes < 2 || n == 0) {
        str_append(&out->shortfall, "needs abilities tested at 2 sizes on the same number of tokens");
        return false;
    }
    drawing_begin_rows(out, 11, names);
    for (int i = 0; i < n; i++) {
        str_init(&titles[i]);
        text_clean(&titles[i], tasks[i]);
        for (char *c = titles[i].text; *c; c++)
            if (*c == '_')
                *c = ' ';
        double items = add_ability(answer, i + 1, tasks[i], "exact_match", tokens, out, range);
        if (items >= 1)
            str_format(&titles[i], " (n = %.0f)", items);
        (void)add_ability(answer, i + 1, tasks[i], "logprob", tokens, out, range);
    }
    if (!(range[3] >= range[2])) {
        range[2] = -1;
        range[3] = 0;
    }
    double room = fmax(0.06 * (range[3] - range[2]), 0.05);
    out->height = 102 + 300 * (n > 8 ? (n + 3) / 4 : n > 4 ? 2 : 1);
    drawing_number(out, "task_count", n);
    drawing_texts(out, "task_title", n, titles);
    drawing_number(out, "logprob_low", range[2] - room);
    drawing_number(out, "logprob_high", range[3] + room);
    drawing_number(out, "logprob_step", nice_step(range[3] - range[2] + 2 * room));
    drawing_log_panels(out, range[0], range[1]);
    str_format(&out->caption, "%d abilities at %d sizes, each trained on ", n, sizes);
    text_count(&out->caption, tokens);
    str_append(&out->caption, " tokens. Above: the share of n held-out items answered exactly right, with its 95 % "
                              "Wilson interval. Below: the mean log-probability of the right answer, in nats per answer byte, "
                              "with one standard error. Dashed: the best guess without the skill, which knows the form "
                              "of the answer and what the prompt gives away; a model yet to learn those lies below it.");
    for (int i = 0; i < n; i++)
        str_release(&titles[i]);
    return true;
}

/* ---- latency ---- */

static int add_phase(const struct table *answer, const char *phase, double batch, int series,
                     struct drawing *out, double range[4], struct str *title)
{
    const struct filter filter = {"phase", phase, NULL, "params", "batch", batch};
    struct points_query query = {.x = "params", .y = "p50_ms", .keep = passes, .context = &filter};
    struct points points[3];
    static const char *const columns[] = {"p50_ms", "p95_ms", "p99_ms"};
    for (int i = 0; i < 3; i++) {
        query.y = columns[i];
        points_collect(&points[i], answer, &query);
    }
    int n = points[0].n;
    /* A percentile that one size lacks would shift the others: then the median stands alone. */
    bool band = points[1].n == n, tail = points[2].n == n;
    for (int i = 0; i < n; i++) {
        const struct point *p = &points[0].items[i];
        drawing_add(out, 7, (double[]){series, NAN, batch, p->x, p->y, band ? points[1].items[i].y : NAN,
                                       tail ? points[2].items[i].y : NAN});
        table_set_text(&out->rows, out->rows.n_rows - 1, 1, phase);
        recipe_include(&range[0], &range[1], p->x);
        recipe_include(&range[2], &range[3], p->y);
        if (tail)
            recipe_include(&range[2], &range[3], points[2].items[i].y);
    }
    str_init(title);
    str_append(title, phase);
    if (n > 0 && strcmp(phase, "prefill") == 0) {
        double prompt = column_number(answer, points[0].items[0].row, "prompt_tokens");
        if (isfinite(prompt))
            str_format(title, ", %.0f tokens", prompt);
    } else if (strcmp(phase, "decode") == 0) {
        str_append(title, ", per token");
    }
    if (n >= 2) {
        str_format(&out->caption, "%s takes ", strcmp(phase, "decode") == 0 ? "Decoding one token" : "Prefill");
        str_format(&out->caption, "%.2g ms at ", points[0].items[0].y);
        text_count(&out->caption, points[0].items[0].x);
        str_format(&out->caption, " parameters and %.2g ms at ", points[0].items[n - 1].y);
        text_count(&out->caption, points[0].items[n - 1].x);
        str_append(&out->caption, " (median). ");
    }
    for (int i = 0; i < 3; i++)
        points_release(&points[i]);
    return n;
}

bool recipe_latency(const struct table *answer, struct drawing *out)
{
    static const char *const names[] = {"series", "phase", "batch", "params", "p50_ms", "p95_ms", "p99_ms"};
    double range[4] = {INFINITY, 0, INFINITY, 0}, batch = INFINITY;
    struct str titles[2];
    for (int row = 0; row < answer->n_rows; row++)
        batch = fmin(batch, column_number(answer, row, "batch"));
    drawing_begin_rows(out, 7, names);
    int n = 0, most = 0;
    static const char *const phases[] = {"prefill", "decode"};
    for (int i = 0; i < 2; i++) {
        int sizes = add_phase(answer, phases[i], batch, n + 1, out, range, &titles[n]);
        most = sizes > most ? sizes : most;
        if (sizes > 0)
            n++;
        else
            str_release(&titles[n]);
    }
    bool enough = most >= 2 && range[2] > 0;
    if (enough) {
        recipe_series(out, n, titles);
        drawing_log_axis(out, 'x', range[0], range[1], false);
        drawing_log_axis(out, 'y', range[2], range[3], false);
        str_format(&out->key_title, "batch %.0f", batch);
        str_append(&out->caption, "The band reaches from the median to the 95th percentile; the dotted line is the "
                                  "99th. Other load on the machine is not controlled and shows there first.");
    } else {
        str_append(&out->shortfall, "needs latency measured at 2 sizes");
    }
    for (int i = 0; i < n; i++)
        str_release(&titles[i]);
    return enough;
}
