/* SPDX-License-Identifier: Apache-2.0 */
/* points.c — see points.h. Rows become samples, samples are sorted so that equal ones stand together, and
 * two sweeps over the sorted samples choose the best per seed and average over seeds. */
#include "harness/report/points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

struct sample {
    double series, x, seed, y, stderror;
    int row;
};

double column_number(const struct table *table, int row, const char *name)
{
    int column = table_column(table, name);
    return column < 0 ? NAN : table_number(table, row, column);
}

const char *column_text(const struct table *table, int row, const char *name)
{
    int column = table_column(table, name);
    return column < 0 ? NULL : table_text(table, row, column);
}

static int order(double a, double b)
{
    return (a > b) - (a < b);
}

static int by_place(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    int c = order(a->series, b->series);
    c = c ? c : order(a->x, b->x);
    c = c ? c : order(a->seed, b->seed);
    c = c ? c : order(a->y, b->y);
    return c ? c : order(a->row, b->row); /* the answer's order must not depend on qsort's */
}

static bool same_place(const struct sample *a, const struct sample *b)
{
    return a->series == b->series && a->x == b->x;
}

static int read_samples(struct sample *samples, const struct table *table, const struct points_query *query)
{
    int n = 0;
    for (int row = 0; row < table->n_rows; row++) {
        if (query->keep && !query->keep(table, row, query->context))
            continue;
        struct sample s = {.series = query->series ? column_number(table, row, query->series) : 0,
                           .x = column_number(table, row, query->x),
                           .y = column_number(table, row, query->y),
                           .seed = column_number(table, row, "seed"),
                           .stderror = query->stderror ? column_number(table, row, query->stderror) : NAN,
                           .row = row};
        if (!isfinite(s.series) || !isfinite(s.x) || !isfinite(s.y))
            continue;
        if (isnan(s.seed))
            s.seed = 0;
        samples[n++] = s;
    }
    qsort(samples, (size_t)n, sizeof *samples, by_place);
    return n;
}

/* Keeps one sample per series, x and seed; samples are sorted by y last, so the best stands at an end. */
static int best_settings(struct sample *samples, int n, bool higher_is_better)
{
    int kept = 0;
    for (int i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && same_place(&samples[i], &samples[j]) && samples[i].seed == samples[j].seed;)
            j++;
        samples[kept++] = samples[higher_is_better ? j - 1 : i];
    }
    return kept;
}

void points_collect(struct points *out, const struct table *table, const struct points_query *query)
{
    size_t room = (size_t)table->n_rows + 1;
    struct sample *samples = calloc(room, sizeof *samples);
    struct point *items = calloc(room, sizeof *items);
    NEED_MEMORY(samples && items);
    int n = best_settings(samples, read_samples(samples, table, query), query->higher_is_better);
    int n_points = 0;
    for (int i = 0, j; i < n; i = j) {
        struct point p = {.series = samples[i].series, .x = samples[i].x, .low = INFINITY, .high = -INFINITY,
                          .row = samples[i].row};
        double squares = 0;
        for (j = i; j < n && same_place(&samples[i], &samples[j]); j++) {
            p.y += samples[j].y;
            p.low = fmin(p.low, samples[j].y);
            p.high = fmax(p.high, samples[j].y);
            squares += samples[j].stderror * samples[j].stderror;
        }
        p.seeds = j - i;
        p.y /= p.seeds;
        p.stderror = sqrt(squares) / p.seeds;
        items[n_points++] = p;
    }
    free(samples);
    *out = (struct points){items, n_points};
}

void points_release(struct points *points)
{
    free(points->items);
    *points = (struct points){0};
}

int points_series_end(const struct points *points, int start)
{
    int end = start + 1;
    while (end < points->n && points->items[end].series == points->items[start].series)
        end++;
    return end;
}

int points_series_count(const struct points *points)
{
    int count = 0;
    for (int i = 0; i < points->n; i = points_series_end(points, i))
        count++;
    return count;
}

void points_drop_short(struct points *points, int least)
{
    int kept = 0;
    for (int i = 0, end; i < points->n; i = end) {
        end = points_series_end(points, i);
        if (end - i < least)
            continue;
        memmove(points->items + kept, points->items + i, (size_t)(end - i) * sizeof *points->items);
        kept += end - i;
    }
    points->n = kept;
}

int points_widest(const struct points *points)
{
    int best = -1, most = 0;
    for (int i = 0, end; i < points->n; i = end) {
        end = points_series_end(points, i);
        if (end - i >= most) {
            most = end - i;
            best = i;
        }
    }
    return best;
}
