/* SPDX-License-Identifier: Apache-2.0 */
/* recipes_kinds.c — charts that compare kinds of models or of measurements: abilities, latency, mixtures of
 * experts and their load, shrunk models. Invariant: what is compared was trained on the same number of
 * tokens; where several numbers are on offer, the one with the most models is taken, and said. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
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

static void include(double *low, double *high, double value)
{
    *low = fmin(*low, value);
    *high = fmax(*high, value);
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

/* Rows of one task and metric at the given number of tokens; returns how many sizes there are. */
static int add_ability(const struct table *answer, int series, const char *task, const char *metric,
                       double tokens, struct drawing *out, double range[4])
{
    const struct filter filter = {"metric", metric, task, "params", "tokens", tokens};
    const struct points_query query = {.x = "params", .y = "value", .stderror = "stderr",
                                       .higher_is_better = true, .keep = passes, .context = &filter};
    struct points points;
    points_collect(&points, answer, &query);
    for (int i = 0; i < points.n; i++) {
        const struct point *p = &points.items[i];
        int row = drawing_add(out, 9, (double[]){NAN, series, NAN, tokens, p->x, p->y, p->stderror,
                                                 column_number(answer, p->row, "chance"), p->seeds});
        table_set_text(&out->rows, row, 0, metric);
        table_set_text(&out->rows, row, 2, task);
        include(&range[0], &range[1], p->x);
        if (strcmp(metric, "logprob") == 0)
            include(&range[2], &range[3], p->y);
    }
    int n = points.n;
    points_release(&points);
    return n;
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
    static const char *const names[] = {"kind", "series", "task", "tokens", "params", "value", "stderror",
                                        "chance", "seeds"};
    const char *tasks[MOST_TASKS];
    struct str titles[MOST_TASKS];
    double range[4] = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    int sizes, n = find_tasks(answer, tasks);
    double tokens = widest_tokens(answer, &sizes);
    if (sizes < 2 || n == 0) {
        str_append(&out->shortfall, "needs abilities tested at 2 sizes on the same number of tokens");
        return false;
    }
    drawing_begin_rows(out, 9, names);
    for (int i = 0; i < n; i++) {
        str_init(&titles[i]);
        text_clean(&titles[i], tasks[i]);
        for (char *c = titles[i].text; *c; c++)
            if (*c == '_')
                *c = ' ';
        add_ability(answer, i + 1, tasks[i], "exact_match", tokens, out, range);
        add_ability(answer, i + 1, tasks[i], "logprob", tokens, out, range);
    }
    if (!(range[3] >= range[2])) {
        range[2] = -1;
        range[3] = 0;
    }
    double room = fmax(0.06 * (range[3] - range[2]), 0.05);
    out->height = 74 + 270 * (n > 8 ? (n + 3) / 4 : n > 4 ? 2 : 1);
    drawing_number(out, "task_count", n);
    drawing_texts(out, "task_title", n, titles);
    drawing_number(out, "logprob_low", range[2] - room);
    drawing_number(out, "logprob_high", range[3] + room);
    drawing_number(out, "logprob_step", nice_step(range[3] - range[2] + 2 * room));
    drawing_log_panels(out, range[0], range[1]);
    str_format(&out->caption, "%d abilities at %d sizes, each trained on ", n, sizes);
    text_count(&out->caption, tokens);
    str_append(&out->caption, " tokens. Bars are one standard error over held-out items; the dashed line is chance. "
                              "Sizes are parameters without embeddings.");
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
        include(&range[0], &range[1], p->x);
        include(&range[2], &range[3], p->y);
        if (tail)
            include(&range[2], &range[3], points[2].items[i].y);
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
        str_append(&out->caption, "The band reaches from the median to the 95th percentile; dots mark the 99th.");
    } else {
        str_append(&out->shortfall, "needs latency measured at 2 sizes");
    }
    for (int i = 0; i < n; i++)
        str_release(&titles[i]);
    return enough;
}

/* ---- mixtures of experts ---- */

enum { LABEL_Y = 9 }; /* column of the chart's rows */

static bool is_moe(const struct table *table, int row)
{
    return column_number(table, row, "experts") > 1;
}

struct kind_filter {
    bool moe;
    double tokens; /* NaN: any */
};

static bool is_kind(const struct table *table, int row, const void *context)
{
    const struct kind_filter *filter = context;
    return is_moe(table, row) == filter->moe && column_number(table, row, "params_active") > 0 &&
           (isnan(filter->tokens) || column_number(table, row, "tokens") == filter->tokens);
}

/* Dense rows at the chosen tokens, then mixtures; one point per active size and per (experts, top-k). */
static int add_dense(const struct table *answer, double tokens, struct drawing *out, double range[4])
{
    const struct kind_filter filter = {false, tokens};
    const struct points_query query = {.x = "params_active", .y = "loss", .keep = is_kind, .context = &filter};
    struct points points;
    points_collect(&points, answer, &query);
    for (int i = 0; i < points.n; i++) {
        const struct point *p = &points.items[i];
        bool bars = p->seeds > 1;
        int row = drawing_add(out, 9, (double[]){NAN, p->x, column_number(answer, p->row, "params_total"), p->y,
                                                 bars ? p->low : NAN, bars ? p->high : NAN, NAN, NAN, tokens});
        table_set_text(&out->rows, row, 0, "dense");
        include(&range[0], &range[1], p->x);
        include(&range[2], &range[3], p->low);
        include(&range[2], &range[3], p->high);
    }
    int n = points.n;
    points_release(&points);
    return n;
}

static int add_moe(const struct table *answer, double tokens, struct drawing *out, double range[4])
{
    const struct kind_filter filter = {true, tokens};
    const struct points_query query = {.series = "params_total", .x = "params_active", .y = "loss",
                                       .keep = is_kind, .context = &filter};
    struct points points;
    double most = 1;
    points_collect(&points, answer, &query);
    for (int i = 0; i < points.n; i++)
        most = fmax(most, points.items[i].series);
    for (int i = 0; i < points.n; i++) {
        const struct point *p = &points.items[i];
        char label[64];
        bool bars = p->seeds > 1;
        (void)snprintf(label, sizeof label, "%.0f\u00D7top-%.0f", column_number(answer, p->row, "experts"),
                       column_number(answer, p->row, "experts_per_token"));
        int row = drawing_add(out, 10, (double[]){NAN, p->x, p->series, p->y, bars ? p->low : NAN,
                                                  bars ? p->high : NAN, 1 + 2.2 * sqrt(p->series / most), NAN, tokens,
                                                  p->y});
        table_set_text(&out->rows, row, 0, "moe");
        table_set_text(&out->rows, row, 7, label);
        include(&range[0], &range[1], p->x);
        include(&range[2], &range[3], p->low);
        include(&range[2], &range[3], p->high);
    }
    int n = points.n;
    points_release(&points);
    return n;
}

/* Tokens with the most mixtures. */
static double moe_tokens(const struct table *answer)
{
    const struct kind_filter filter = {true, NAN};
    const struct points_query query = {.series = "tokens", .x = "params_total", .y = "loss", .keep = is_kind,
                                       .context = &filter};
    struct points points;
    points_collect(&points, answer, &query);
    int start = points_widest(&points);
    double tokens = start < 0 ? NAN : points.items[start].series;
    points_release(&points);
    return tokens;
}

/* Labels of discs that lie one above the other would cover each other: from the highest down, away from the dense
 * line, each keeps its distance from those beside it. span is the height of the axis. */
static void spread_labels(struct drawing *out, double span)
{
    double line = 0.055 * span;
    bool moved = true;
    for (int round = 0; moved && round < 100; round++) {
        moved = false;
        for (int a = 0; a < out->rows.n_rows; a++) {
            for (int b = 0; b < out->rows.n_rows; b++) {
                double ya = table_number(&out->rows, a, LABEL_Y), yb = table_number(&out->rows, b, LABEL_Y);
                double apart = log(table_number(&out->rows, a, 1) / table_number(&out->rows, b, 1));
                if (a != b && fabs(apart) < 0.3 && (ya > yb || (ya == yb && a < b)) && ya - yb < 0.999 * line) {
                    table_set_real(&out->rows, b, LABEL_Y, ya - line);
                    moved = true;
                }
            }
        }
    }
}

bool recipe_experts(const struct table *answer, struct drawing *out)
{
    static const char *const names[] = {"kind", "params_active", "params_total", "loss", "low", "high", "radius",
                                        "label", "tokens", "label_y"};
    double range[4] = {INFINITY, 0, INFINITY, -INFINITY}, tokens = moe_tokens(answer);
    drawing_begin_rows(out, 10, names);
    int dense = isnan(tokens) ? 0 : add_dense(answer, tokens, out, range);
    int moe = isnan(tokens) ? 0 : add_moe(answer, tokens, out, range);
    if (dense < 2 || moe < 1) {
        str_append(&out->shortfall, "needs a mixture of experts and 2 dense sizes on the same number of tokens");
        return false;
    }
    drawing_log_axis(out, 'x', range[0], range[1] * 1.25, false);
    drawing_loss_axis(out, range[2], range[3], recipe_floor(answer));
    spread_labels(out, range[3] - (recipe_floor(answer) < range[2] ? recipe_floor(answer) : range[2]));
    str_format(&out->caption, "%d mixture%s of experts beside %d dense models, all trained on ", moe,
               moe == 1 ? "" : "s", dense);
    text_count(&out->caption, tokens);
    str_append(&out->caption, " tokens. A disc below the line beats a dense model with equal active parameters; "
                              "its area grows with all its parameters.");
    return true;
}

/* ---- load of the experts ---- */

static int descending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

/* The answer holds one trial, sorted by layer. */
bool recipe_moe_load(const struct table *answer, struct drawing *out)
{
    static const char *const names[] = {"series", "layer", "rank", "share"};
    struct str titles[RECIPE_MOST_SERIES];
    double shares[1024], busiest = 0, idlest = 1;
    int n = 0, experts = 0;
    drawing_begin_rows(out, 4, names);
    for (int row = 0, end; row < answer->n_rows && n < RECIPE_MOST_SERIES; row = end) {
        double layer = column_number(answer, row, "layer");
        int count = 0;
        for (end = row; end < answer->n_rows && column_number(answer, end, "layer") == layer; end++)
            if (count < 1024 && isfinite(column_number(answer, end, "share")))
                shares[count++] = column_number(answer, end, "share");
        end = end > row ? end : row + 1;
        if (count < 2)
            continue;
        qsort(shares, (size_t)count, sizeof *shares, descending);
        str_init(&titles[n]);
        str_format(&titles[n++], "layer %.0f", layer);
        for (int i = 0; i < count; i++)
            drawing_add(out, 4, (double[]){n, layer, i + 1, shares[i]});
        busiest = fmax(busiest, shares[0]);
        idlest = fmin(idlest, shares[count - 1]);
        experts = count > experts ? count : experts;
    }
    if (n == 0) {
        str_append(&out->shortfall, "needs a trained mixture of experts");
        return false;
    }
    recipe_series(out, n, titles);
    drawing_number(out, "expert_count", experts);
    drawing_number(out, "equal_share", 100.0 / experts);
    str_format(&out->caption, "Of %d experts the busiest gets %.0f %% of the tokens and the idlest %.0f %%; "
                              "equal shares would be %.0f %% (dashed).",
               experts, 100 * busiest, 100 * idlest, 100.0 / experts);
    for (int i = 0; i < n; i++)
        str_release(&titles[i]);
    return true;
}

/* ---- shrunk models ---- */

/* A row of the unshrunk parent of `row`, or -1. */
static int parent_row(const struct table *answer, int row)
{
    const char *parent = column_text(answer, row, "parent");
    for (int i = 0; parent && i < answer->n_rows; i++)
        if (is_text(answer, i, "trial_id", parent) && is_text(answer, i, "shrink", "none"))
            return i;
    return -1;
}

/* The number of tokens whose models were shrunk most often. */
static double shrunk_tokens(const struct table *answer)
{
    double best = NAN;
    int most = 0;
    for (int row = 0; row < answer->n_rows; row++) {
        double tokens = column_number(answer, row, "tokens");
        int n = 0;
        for (int i = 0; i < answer->n_rows; i++)
            n += is_text(answer, i, "shrink", "int8") && parent_row(answer, i) >= 0 &&
                 column_number(answer, parent_row(answer, i), "tokens") == tokens;
        if (n > most || (n == most && n > 0 && tokens > best)) {
            most = n;
            best = tokens;
        }
    }
    return best;
}

static int add_children(const struct table *answer, double tokens, struct drawing *out, double range[4],
                        double *worst)
{
    int n = 0;
    for (int row = 0; row < answer->n_rows; row++) {
        int parent = is_text(answer, row, "shrink", "int8") ? parent_row(answer, row) : -1;
        if (parent < 0 || column_number(answer, parent, "tokens") != tokens)
            continue;
        double bytes = column_number(answer, row, "weight_bytes"), loss = column_number(answer, row, "loss");
        double from_bytes = column_number(answer, parent, "weight_bytes"), from = column_number(answer, parent, "loss");
        if (!(bytes > 0) || !(from_bytes > 0) || !isfinite(loss) || !isfinite(from))
            continue;
        int added = drawing_add(out, 5, (double[]){NAN, bytes, loss, from_bytes, from});
        table_set_text(&out->rows, added, 0, "int8");
        include(&range[0], &range[1], bytes);
        include(&range[0], &range[1], from_bytes);
        include(&range[2], &range[3], loss);
        include(&range[2], &range[3], from);
        *worst = n ? fmax(*worst, loss - from) : loss - from;
        n++;
    }
    return n;
}

bool recipe_downscaling(const struct table *answer, struct drawing *out)
{
    static const char *const names[] = {"kind", "bytes", "loss", "parent_bytes", "parent_loss"};
    double range[4] = {INFINITY, 0, INFINITY, -INFINITY}, worst = 0, tokens = shrunk_tokens(answer);
    const struct filter filter = {"shrink", "none", NULL, "weight_bytes", "tokens", tokens};
    const struct points_query query = {.x = "weight_bytes", .y = "loss", .keep = passes, .context = &filter};
    struct points points;
    drawing_begin_rows(out, 5, names);
    int children = add_children(answer, tokens, out, range, &worst);
    if (children == 0) {
        str_append(&out->shortfall, "needs a shrunk model and its parent");
        return false;
    }
    points_collect(&points, answer, &query);
    for (int i = 0; i < points.n; i++) {
        int row = drawing_add(out, 3, (double[]){NAN, points.items[i].x, points.items[i].y});
        table_set_text(&out->rows, row, 0, "fp32");
        include(&range[0], &range[1], points.items[i].x);
        include(&range[2], &range[3], points.items[i].y);
    }
    drawing_log_axis(out, 'x', range[0], range[1], false);
    drawing_loss_axis(out, range[2], range[3], recipe_floor(answer));
    str_format(&out->caption, "%d model%s shrunk to int8; the largest change of loss is ", children,
               children == 1 ? "" : "s");
    text_number(&out->caption, worst, text_decimals(worst, 0), true);
    str_append(&out->caption, " nats per token. The line joins models trained at full precision on ");
    text_count(&out->caption, tokens);
    str_append(&out->caption, " tokens: what the same bytes buy without shrinking.");
    points_release(&points);
    return true;
}
