/* SPDX-License-Identifier: Apache-2.0 */
/* findings_more.c — the findings about abilities and about shrinking; see findings.h. Both get a finding that
 * says "unknown" and leave it so when the tables hold too little. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/report/findings.h"
#include "harness/report/findings_more.h"
#include "harness/report/points.h"
#include "harness/report/text.h"

enum { MOST_TASKS = 24, MOST_PAIRS = 256 };

static void put(char *to, size_t size, struct str *text)
{
    (void)str_copy(to, size, text->text);
    str_clear(text);
}

static bool is_text(const struct table *table, int row, const char *column, const char *value)
{
    const char *text = column_text(table, row, column);
    return text && strcmp(text, value) == 0;
}

const char *findings_unit(const struct table *points)
{
    const char *unit = points->n_rows > 0 ? column_text(points, 0, "unit") : NULL;
    return unit ? unit : "nats per token";
}

const char *findings_unit_short(const struct table *points)
{
    return strcmp(findings_unit(points), "bits per byte") == 0 ? "bits/byte" : "nats";
}

double findings_between(const struct points *points, double x)
{
    for (int i = 0; i + 1 < points->n; i++) {
        const struct point *a = &points->items[i], *b = &points->items[i + 1];
        if (x >= a->x * (1 - 1e-9) && x <= b->x * (1 + 1e-9))
            return a->y + (b->y - a->y) * log(x / a->x) / log(b->x / a->x);
    }
    return NAN;
}

/* ---- abilities ---- */

struct ability {
    const char *task;
    double appears; /* smallest size from which on every size beats the best guess; NaN: none */
    double largest; /* size tested */
    int sizes;
};

static bool is_task(const struct table *table, int row, const void *context)
{
    return is_text(table, row, "task", context) && is_text(table, row, "metric", "exact_match") &&
           column_number(table, row, "params") > 0;
}

/* Above the best guess without the skill by two standard errors; an ability counts from where it never falls back. */
static struct ability look_at(const struct table *evals, const char *task, struct finding *f)
{
    const struct points_query query = {.series = "tokens", .x = "params", .y = "value", .stderror = "stderr",
                                       .higher_is_better = true, .keep = is_task, .context = task};
    struct ability ability = {.task = task, .appears = NAN};
    struct points points;
    points_collect(&points, evals, &query);
    int start = points_widest(&points);
    int end = start < 0 ? -1 : points_series_end(&points, start);
    ability.sizes = end - start;
    ability.largest = start < 0 ? NAN : points.items[end - 1].x;
    for (int i = end - 1; i >= start && start >= 0; i--) {
        const struct point *p = &points.items[i];
        double chance = column_number(evals, p->row, "chance");
        double error = isnan(p->stderror) ? 0 : p->stderror;
        if (!(p->y - 2 * error > (isnan(chance) ? 0 : chance)))
            break;
        ability.appears = p->x;
    }
    if (f && start >= 0) {
        f->n_spark = 0;
        for (int i = start; i < end && f->n_spark < FINDING_SPARK; i++) {
            f->spark_x[f->n_spark] = points.items[i].x;
            f->spark_y[f->n_spark++] = points.items[i].y;
        }
    }
    points_release(&points);
    return ability;
}

static int by_size(const void *left, const void *right)
{
    const struct ability *a = left, *b = right;
    bool known_a = isfinite(a->appears), known_b = isfinite(b->appears);
    if (known_a != known_b)
        return known_b - known_a;
    if (known_a && a->appears != b->appears)
        return a->appears < b->appears ? -1 : 1;
    return strcmp(a->task, b->task);
}

static void name_task(struct str *out, const char *task)
{
    size_t from = out->length;
    text_clean(out, task);
    for (size_t i = from; i < out->length; i++)
        if (out->text[i] == '_')
            out->text[i] = ' ';
}

/* Names abilities from..to, at most `most` of them; where they appear is told when known. */
static void list_abilities(struct str *out, const struct ability *abilities, int from, int to, int most)
{
    for (int i = from; i < to && i < from + most; i++) {
        str_append(out, i > from ? ", " : "");
        name_task(out, abilities[i].task);
        if (isfinite(abilities[i].appears)) {
            str_append(out, " from ");
            text_count(out, abilities[i].appears);
        }
    }
    if (to - from > most)
        str_format(out, " and %d more", to - from - most);
}

/* "copy from 56 k, reverse from 222 k parameters (N); not up to 222 k: addition, induction" */
static void say_abilities(struct str *out, const struct ability *abilities, int n, int there, int most)
{
    double largest = 0;
    for (int i = 0; i < n; i++)
        largest = fmax(largest, abilities[i].largest);
    list_abilities(out, abilities, 0, there, most);
    str_append(out, there ? " parameters (N)" : "");
    if (there == n)
        return;
    str_append(out, there ? "; not up to " : "none up to ");
    text_count(out, largest);
    str_append(out, there ? ": " : " parameters (N): ");
    list_abilities(out, abilities, there, n, most);
}

void findings_abilities(const struct table *evals, struct finding *f)
{
    struct ability abilities[MOST_TASKS];
    struct str text;
    int n = 0, there = 0, most_sizes = 0;
    for (int row = 0; row < evals->n_rows; row++) {
        const char *task = column_text(evals, row, "task");
        bool known = !task || n == MOST_TASKS;
        for (int i = 0; i < n && !known; i++)
            known = strcmp(abilities[i].task, task) == 0;
        if (known)
            continue;
        abilities[n] = look_at(evals, task, NULL);
        there += isfinite(abilities[n].appears);
        most_sizes = abilities[n].sizes > most_sizes ? abilities[n].sizes : most_sizes;
        n++;
    }
    if (most_sizes < 2)
        return;
    qsort(abilities, (size_t)n, sizeof *abilities, by_size);
    (void)look_at(evals, abilities[0].task, f);
    str_init(&text);
    f->verdict = there == n ? FINDING_YES : there ? FINDING_UNCLEAR : FINDING_NO;
    f->value = abilities[0].appears;
    str_append(&text, there == n ? "Every ability appears with size"
                                 : there ? "Some abilities appear with size" : "No ability appears in this range");
    put(f->headline, sizeof f->headline, &text);
    str_format(&text, "%d of %d", there, n);
    put(f->number, sizeof f->number, &text);
    say_abilities(&text, abilities, n, there, 3);
    put(f->brief, sizeof f->brief, &text);
    say_abilities(&text, abilities, n, there, 5);
    if (text.text[0] >= 'a' && text.text[0] <= 'z')
        text.text[0] = (char)(text.text[0] - 'a' + 'A');
    str_format(&text, ". %d sizes were tested; N counts parameters without embeddings.", most_sizes);
    put(f->sentence, sizeof f->sentence, &text);
    name_task(&text, abilities[0].task);
    str_append(&text, ": answers exactly right, by parameters (N)");
    put(f->spark_label, sizeof f->spark_label, &text);
    str_append(&text, "two standard errors above the best guess without the skill");
    if (there && abilities[0].appears < abilities[0].largest)
        str_append(&text, ", from that size on");
    put(f->interval, sizeof f->interval, &text);
    str_release(&text);
}

/* ---- shrinking ---- */

struct pairs {
    int n, n_faster, n_scratch;
    double smaller[MOST_PAIRS], change[MOST_PAIRS], faster[MOST_PAIRS];
    double scratch[MOST_PAIRS]; /* loss of the child less that of a trained fp32 model with as many bytes */
};

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n == 0 ? NAN : n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Decode time of a trial at the smallest batch (rows are sorted by batch); NaN when not measured. */
static double decode_ms(const struct table *latency, const char *trial)
{
    for (int row = 0; latency && trial && row < latency->n_rows; row++)
        if (is_text(latency, row, "trial_id", trial) && is_text(latency, row, "phase", "decode"))
            return column_number(latency, row, "p50_ms");
    return NAN;
}

static int row_of(const struct table *points, const char *trial)
{
    for (int row = 0; trial && row < points->n_rows; row++)
        if (is_text(points, row, "trial_id", trial))
            return row;
    return -1;
}

struct trained_on {
    double tokens;
};

static bool is_trained_on(const struct table *table, int row, const void *context)
{
    const struct trained_on *on = context;
    return column_number(table, row, "experts") == 1 && is_text(table, row, "shrink", "none") &&
           column_number(table, row, "tokens") == on->tokens && column_number(table, row, "weight_bytes") > 0;
}

/* Loss of a dense model trained on as many tokens with as many bytes, between two that were. */
static double loss_from_scratch(const struct table *points, double tokens, double bytes)
{
    const struct trained_on on = {tokens};
    const struct points_query query = {.x = "weight_bytes", .y = "loss", .keep = is_trained_on, .context = &on};
    struct points trained;
    points_collect(&trained, points, &query);
    double loss = findings_between(&trained, bytes);
    points_release(&trained);
    return loss;
}

/* The full-precision parent of a dense int8 row; -1 for any other row. */
static int dense_parent(const struct table *points, int row)
{
    int parent = is_text(points, row, "shrink", "int8") ? row_of(points, column_text(points, row, "parent")) : -1;
    return parent >= 0 && column_number(points, parent, "experts") == 1 ? parent : -1;
}

static void collect_pairs(const struct table *points, const struct table *latency, struct pairs *out)
{
    for (int row = 0; row < points->n_rows && out->n < MOST_PAIRS; row++) {
        int parent = dense_parent(points, row);
        if (parent < 0)
            continue;
        double bytes = column_number(points, row, "weight_bytes"), loss = column_number(points, row, "loss");
        double smaller = column_number(points, parent, "weight_bytes") / bytes;
        double change = loss - column_number(points, parent, "loss");
        if (!isfinite(smaller) || !isfinite(change))
            continue;
        out->smaller[out->n] = smaller;
        out->change[out->n++] = change;
        double faster = decode_ms(latency, column_text(points, parent, "trial_id")) /
                        decode_ms(latency, column_text(points, row, "trial_id"));
        if (isfinite(faster))
            out->faster[out->n_faster++] = faster;
        double scratch = loss - loss_from_scratch(points, column_number(points, parent, "tokens"), bytes);
        if (isfinite(scratch))
            out->scratch[out->n_scratch++] = scratch;
    }
}

/* Trained models in order of their bytes as a line, their int8 children beside it: those of the parents' tokens. */
static void spark_downscaling(const struct table *points, struct finding *f)
{
    struct trained_on on = {0};
    for (int row = 0; row < points->n_rows; row++)
        if (dense_parent(points, row) >= 0)
            on.tokens = fmax(on.tokens, column_number(points, dense_parent(points, row), "tokens"));
    const struct points_query query = {.x = "weight_bytes", .y = "loss", .keep = is_trained_on, .context = &on};
    struct points trained;
    points_collect(&trained, points, &query);
    for (int i = 0; i < trained.n && f->n_spark < FINDING_SPARK; i++) {
        f->spark_x[f->n_spark] = trained.items[i].x;
        f->spark_y[f->n_spark++] = trained.items[i].y;
    }
    points_release(&trained);
    for (int row = 0; row < points->n_rows && f->n_spark < FINDING_SPARK; row++) {
        int parent = dense_parent(points, row);
        if (parent < 0 || column_number(points, parent, "tokens") != on.tokens)
            continue;
        f->spark_x[f->n_spark] = column_number(points, row, "weight_bytes");
        f->spark_y[f->n_spark] = column_number(points, row, "loss");
        f->spark_marked[f->n_spark++] = true;
    }
    (void)snprintf(f->spark_label, sizeof f->spark_label, "loss by bytes: trained in fp32 (line), int8 copies (discs)");
}

/* ", 2.8× faster", ", but 1.3× slower", ", as fast"; nothing when it was not measured. */
static void say_speed(double faster, struct str *out)
{
    if (!isfinite(faster))
        return;
    if (faster > 0.95 && faster < 1.05)
        str_append(out, ", as fast");
    else
        str_format(out, faster > 1 ? ", %.1f\u00D7 faster" : ", but %.1f\u00D7 slower",
                   faster > 1 ? faster : 1 / faster);
}

static void say_downscaling(const struct table *points, struct pairs *pairs, struct finding *f)
{
    struct str text, speed;
    double smaller = median(pairs->smaller, pairs->n), faster = median(pairs->faster, pairs->n_faster);
    double change = median(pairs->change, pairs->n), scratch = median(pairs->scratch, pairs->n_scratch);
    int decimals = text_decimals(change, 0);
    decimals = decimals < 3 ? 3 : decimals;
    str_init(&text);
    str_init(&speed);
    say_speed(faster, &speed);
    f->value = change;
    f->verdict = isfinite(faster) && faster < 0.95 ? FINDING_UNCLEAR : FINDING_YES;
    str_format(&text, "int8 is %.1f\u00D7 smaller%s", smaller, speed.text);
    put(f->headline, sizeof f->headline, &text);
    text_number(&text, change, decimals, true);
    str_format(&text, " %s", findings_unit_short(points));
    put(f->number, sizeof f->number, &text);
    str_format(&text, "int8: %.1f\u00D7 smaller%s, loss ", smaller, speed.text);
    text_number(&text, change, decimals, true);
    put(f->brief, sizeof f->brief, &text);
    str_format(&text, "Weights in int8: %.1f\u00D7 smaller", smaller);
    str_append(&text, smaller < 3.8 ? " (not 4\u00D7: embeddings and norms stay fp32)" : "");
    str_format(&text, "%s; the loss changes by ", speed.text);
    text_number(&text, change, decimals, true);
    str_format(&text, " %s: medians of %d pair%s.", findings_unit(points), pairs->n, pairs->n == 1 ? "" : "s");
    if (pairs->n_scratch > 0) {
        str_append(&text, " Against an fp32 model trained from scratch at as many bytes (interpolated between sizes, ");
        str_format(&text, "%d of %d in range) the loss differs by ", pairs->n_scratch, pairs->n);
        text_number(&text, scratch, text_decimals(scratch, 0), true);
        str_append(&text, ".");
    }
    put(f->sentence, sizeof f->sentence, &text);
    str_append(&text, pairs->n > 1 ? "from " : "one pair: no interval");
    if (pairs->n > 1) { /* median() has sorted them */
        text_number(&text, pairs->change[0], decimals, true);
        str_append(&text, " to ");
        text_number(&text, pairs->change[pairs->n - 1], decimals, true);
        str_format(&text, ", lowest and highest of %d pairs: no interval", pairs->n);
    }
    put(f->interval, sizeof f->interval, &text);
    str_release(&text);
    str_release(&speed);
}

void findings_downscaling(const struct table *points, const struct table *latency, struct finding *f)
{
    struct pairs *pairs = calloc(1, sizeof *pairs);
    NEED_MEMORY(pairs);
    collect_pairs(points, latency, pairs);
    if (pairs->n > 0) {
        spark_downscaling(points, f);
        say_downscaling(points, pairs, f);
    }
    free(pairs);
}
