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

enum { MOST_TASKS = 24, MOST_NAMED = 2, MOST_PAIRS = 256 };

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

/* ---- abilities ---- */

struct ability {
    const char *task;
    double appears; /* smallest size from which on every size is above chance; NaN: none */
    int sizes;
    double tokens;
};

static bool is_task(const struct table *table, int row, const void *context)
{
    return is_text(table, row, "task", context) && is_text(table, row, "metric", "exact_match") &&
           column_number(table, row, "params") > 0;
}

/* Above chance by two standard errors; an ability counts from where it never falls back. */
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
    ability.tokens = start < 0 ? NAN : points.items[start].series;
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

/* "copy appears near 30 k parameters, sort near 60 k; addition does not in this range" */
static void say_abilities(struct str *out, const struct ability *abilities, int n, int most)
{
    int there = 0, missing = 0;
    for (int i = 0; i < n && isfinite(abilities[i].appears); i++)
        there++;
    for (int i = 0; i < there && i < most; i++) {
        str_append(out, i ? ", " : "");
        name_task(out, abilities[i].task);
        str_format(out, "%s near ", i ? "" : " appears");
        text_count(out, abilities[i].appears);
    }
    if (there > most)
        str_format(out, ", %d more", there - most);
    missing = n - there;
    if (missing > 0) {
        str_append(out, there ? "; " : "");
        for (int i = there; i < n && i < there + most; i++) {
            str_append(out, i > there ? ", " : "");
            name_task(out, abilities[i].task);
        }
        if (missing > most)
            str_format(out, " and %d more", missing - most);
        str_format(out, " %s not%s in this range", missing > 1 ? "do" : "does", there ? "" : " appear");
    }
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
    str_format(&text, there ? "%d of %d abilities appear" : "No ability appears in this range", there, n);
    put(f->headline, sizeof f->headline, &text);
    str_format(&text, "%d of %d", there, n);
    put(f->number, sizeof f->number, &text);
    say_abilities(&text, abilities, n, 1 + (there < 2));
    put(f->brief, sizeof f->brief, &text);
    say_abilities(&text, abilities, n, 4);
    str_format(&text, " (parameters without embeddings, %d sizes).", most_sizes);
    if (text.text[0] >= 'a' && text.text[0] <= 'z')
        text.text[0] = (char)(text.text[0] - 'a' + 'A');
    put(f->sentence, sizeof f->sentence, &text);
    str_append(&text, "above chance by two standard errors, and at every larger size");
    put(f->interval, sizeof f->interval, &text);
    str_release(&text);
}

/* ---- shrinking ---- */

struct pairs {
    int n, n_faster;
    double smaller[MOST_PAIRS], change[MOST_PAIRS], faster[MOST_PAIRS];
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

static void collect_pairs(const struct table *points, const struct table *latency, struct finding *f, struct pairs *out)
{
    for (int row = 0; row < points->n_rows && out->n < MOST_PAIRS; row++) {
        int parent = is_text(points, row, "shrink", "int8") ? row_of(points, column_text(points, row, "parent")) : -1;
        if (parent < 0)
            continue;
        double bytes = column_number(points, row, "weight_bytes");
        double smaller = column_number(points, parent, "weight_bytes") / bytes;
        double loss = column_number(points, row, "loss");
        double change = loss - column_number(points, parent, "loss");
        if (!isfinite(smaller) || !isfinite(change))
            continue;
        out->smaller[out->n] = smaller;
        out->change[out->n++] = change;
        double faster = decode_ms(latency, column_text(points, parent, "trial_id")) /
                        decode_ms(latency, column_text(points, row, "trial_id"));
        if (isfinite(faster))
            out->faster[out->n_faster++] = faster;
        if (f->n_spark < FINDING_SPARK) {
            f->spark_x[f->n_spark] = bytes;
            f->spark_y[f->n_spark] = loss;
            f->spark_marked[f->n_spark++] = true;
        }
        if (f->n_spark < FINDING_SPARK) {
            f->spark_x[f->n_spark] = column_number(points, parent, "weight_bytes");
            f->spark_y[f->n_spark++] = column_number(points, parent, "loss");
        }
    }
}

void findings_downscaling(const struct table *points, const struct table *latency, struct finding *f)
{
    struct pairs *pairs = calloc(1, sizeof *pairs);
    struct str text, speed;
    ASSERT(pairs);
    collect_pairs(points, latency, f, pairs);
    if (pairs->n == 0) {
        free(pairs);
        return;
    }
    str_init(&text);
    str_init(&speed);
    double smaller = median(pairs->smaller, pairs->n), faster = median(pairs->faster, pairs->n_faster);
    double change = median(pairs->change, pairs->n);
    double low = pairs->change[0], high = pairs->change[pairs->n - 1];
    int decimals = text_decimals(change, 0);
    decimals = decimals < 3 ? 3 : decimals;
    if (isfinite(faster))
        str_format(&speed, faster >= 1 ? ", %.1f\u00D7 faster" : ", but %.1f\u00D7 slower",
                   faster >= 1 ? faster : 1 / faster);
    f->value = change;
    f->verdict = isfinite(faster) && faster < 1 ? FINDING_UNCLEAR : FINDING_YES;
    str_format(&text, "int8 is %.1f\u00D7 smaller%s", smaller, speed.text);
    put(f->headline, sizeof f->headline, &text);
    text_number(&text, change, decimals, true);
    str_append(&text, " nats");
    put(f->number, sizeof f->number, &text);
    str_format(&text, "int8: %.1f\u00D7 smaller%s, loss ", smaller, speed.text);
    text_number(&text, change, decimals, true);
    put(f->brief, sizeof f->brief, &text);
    str_format(&text, "Weights in int8 take %.1f times fewer bytes", smaller);
    if (isfinite(faster))
        str_format(&text, ", decode %.1f times %s", faster >= 1 ? faster : 1 / faster, faster >= 1 ? "faster" : "slower");
    str_append(&text, ", and change the loss by ");
    text_number(&text, change, decimals, true);
    str_format(&text, " nats per token: medians of %d pair%s.", pairs->n, pairs->n == 1 ? "" : "s");
    put(f->sentence, sizeof f->sentence, &text);
    if (pairs->n > 1) {
        str_append(&text, "loss [");
        text_number(&text, low, decimals, true);
        str_append(&text, ", ");
        text_number(&text, high, decimals, true);
        str_format(&text, "] over %d pairs", pairs->n);
    } else {
        str_append(&text, "one pair: no interval");
    }
    put(f->interval, sizeof f->interval, &text);
    str_release(&text);
    str_release(&speed);
    free(pairs);
}
