/* SPDX-License-Identifier: Apache-2.0 */
/* threshold_points.c — see threshold_points.h. */
#include "harness/cli/threshold_points.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/cli/fit_points.h"
#include "harness/store/csv.h"

enum { TASK, X, SCORE, ITEMS, CHANCE, SEED, LOGPROB, ROLES };

static const struct {
    const char *word;       /* what --columns calls it */
    const char *names[8];   /* what a column may be called */
    double minimum, maximum;
} roles[ROLES] = {
    [TASK] = {"task", {"task", "ability", "benchmark"}, 0, 0},
    [X] = {"x", {"x", "N", "params", "parameters", "model size", "flops", "training flops", "compute"}, 1e-300, 1e300},
    [SCORE] = {"score", {"score", "accuracy", "exact match", "y", "value"}, 0, 1},
    [ITEMS] = {"n", {"n", "items", "num items"}, 1, 1e15},
    [CHANCE] = {"chance", {"chance", "random"}, 0, 1},
    [SEED] = {"seed", {"seed"}, -1e15, 1e15},
    [LOGPROB] = {"logprob", {"logprob"}, -1e300, 1e300},
};

/* Where a role is read from. */
struct mapping {
    char column[96];
    double factor;
    int index; /* -1: no column */
};

/* "score=acc*0.01,x=size" */
static enum status read_map(struct mapping *maps, const char *text, struct err *err)
{
    while (text && *text) {
        size_t length = strcspn(text, ",");
        char item[160], *equal, *star, *end;
        int role = 0;
        if (length >= sizeof item)
            return err_set(err, STATUS_USAGE, "--columns: '%.40s' is too long", text);
        memcpy(item, text, length);
        item[length] = 0;
        text += length + (text[length] == ',');
        equal = strchr(item, '=');
        if (equal)
            *equal = 0;
        while (role < ROLES && strcmp(item, roles[role].word) != 0)
            role++;
        if (!equal || role == ROLES)
            return err_set(err, STATUS_USAGE, "--columns: '%.80s' is not one of task x score n chance seed logprob = COLUMN", item);
        star = strrchr(equal + 1, '*');
        maps[role].factor = star ? strtod(star + 1, &end) : 1.0;
        if (star && (end == star + 1 || *end || !(maps[role].factor > 0.0)))
            return err_set(err, STATUS_USAGE, "--columns: '%.40s' is no factor", star + 1);
        if (star)
            *star = 0;
        if (!str_copy(maps[role].column, sizeof maps[role].column, equal + 1))
            return err_set(err, STATUS_USAGE, "--columns: '%.80s' is too long", equal + 1);
    }
    return STATUS_OK;
}

static enum status choose_columns(struct mapping *maps, const struct table *t, const char *path, bool has_items, struct err *err)
{
    for (int role = 0; role < ROLES; role++) {
        maps[role].index = *maps[role].column ? fit_find_column(t, maps[role].column) : -1;
        if (*maps[role].column && maps[role].index < 0)
            return err_set(err, STATUS_USAGE, "%s has no column '%s' (%s)", path, maps[role].column, roles[role].word);
        for (int k = 0; k < 8 && roles[role].names[k] && maps[role].index < 0; k++)
            maps[role].index = fit_find_column(t, roles[role].names[k]);
        bool needed = role == X || role == SCORE || (role == ITEMS && !has_items);
        if (needed && maps[role].index < 0)
            return err_set(err, STATUS_USAGE, "%s: which column is %s? say  --columns %s=...%s", path, roles[role].word,
                           roles[role].word, role == ITEMS ? ", or --items N: how many items a score rests on" : "");
    }
    return STATUS_OK;
}

static enum status read_cell(const struct table *t, const struct mapping *map, int role, int row, double otherwise, double *out,
                             struct err *err)
{
    const struct cell *cell = map->index < 0 ? NULL : table_cell(t, row, map->index);
    *out = otherwise;
    if (!cell || (cell->kind == CELL_NULL && role > ITEMS))
        return STATUS_OK;
    if (cell->kind == CELL_NULL || (cell->kind == CELL_TEXT && !fit_read_number(cell->text, out)))
        return err_set(err, STATUS_USAGE, "row %d: %s (column %s) is '%.60s', no number", row + 1, roles[role].word,
                       t->names[map->index], cell->kind == CELL_TEXT ? cell->text : "");
    if (cell->kind != CELL_TEXT)
        *out = table_number(t, row, map->index);
    *out *= map->factor;
    if (!(*out >= roles[role].minimum && *out <= roles[role].maximum))
        return err_set(err, STATUS_USAGE, "row %d: %s is %g, not between %g and %g%s", row + 1, roles[role].word, *out,
                       roles[role].minimum, roles[role].maximum, role == SCORE ? "; of per cent, say  score=COLUMN*0.01" : "");
    return STATUS_OK;
}

struct point {
    const char *task;
    double x, seed, score, items, chance, logprob;
};

static int by_place(const void *a, const void *b)
{
    const struct point *p = a, *q = b;
    int order = strcmp(p->task, q->task);
    if (order)
        return order;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->seed > q->seed) - (p->seed < q->seed);
}

static enum status read_points(struct point *points, int *n, const struct table *t, const struct mapping *maps, double items,
                               const char *task, struct err *err)
{
    enum status status = STATUS_OK;
    for (int row = 0; row < t->n_rows && status == STATUS_OK; row++) {
        const char *own = maps[TASK].index < 0 ? NULL : table_text(t, row, maps[TASK].index);
        struct point p = {.task = own ? own : "all"};
        const struct {
            int role;
            double otherwise, *out;
        } cells[] = {{X, 0, &p.x},      {SCORE, 0, &p.score},          {ITEMS, items, &p.items}, {CHANCE, 0, &p.chance},
                     {SEED, 0, &p.seed}, {LOGPROB, (double)NAN, &p.logprob}};
        if (task && strcmp(p.task, task) != 0)
            continue;
        for (size_t i = 0; i < sizeof cells / sizeof *cells && status == STATUS_OK; i++)
            status = read_cell(t, &maps[cells[i].role], cells[i].role, row, cells[i].otherwise, cells[i].out, err);
        points[(*n)++] = p;
    }
    return status;
}

static void fill(struct table *out, const struct point *points, int n)
{
    static const char *const names[] = {"task", "tokens", "seed", "x", "y", "n", "chance", "logprob"};
    table_init(out, 8, names);
    for (int i = 0; i < n; i++) {
        const struct point *p = &points[i];
        int row = table_add_row(out);
        table_set_text(out, row, 0, p->task);
        table_set_real(out, row, 2, p->seed);
        table_set_real(out, row, 3, p->x);
        table_set_real(out, row, 4, p->score);
        table_set_real(out, row, 5, p->items);
        table_set_real(out, row, 6, p->chance);
        table_set_real(out, row, 7, p->logprob);
    }
}

enum status threshold_points_read(struct table *out, const struct invocation *invocation, const char *path, const char *task,
                                  struct err *err)
{
    struct mapping maps[ROLES] = {0};
    struct table t;
    double items = option_given(&invocation->options, "items") ? option_real(&invocation->options, "items") : (double)NAN;
    int n = 0;
    for (int role = 0; role < ROLES; role++)
        maps[role].factor = 1.0;
    enum status status = read_map(maps, option_text(&invocation->options, "columns"), err);
    if (status != STATUS_OK)
        return status;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!file)
        return err_set(err, STATUS_NOT_FOUND, "%s: %s", path, strerror(errno));
    status = csv_read_table(file, path, &t, err);
    if (file != stdin)
        (void)fclose(file);
    if (status != STATUS_OK)
        return status;
    struct point *points = malloc(((size_t)t.n_rows + 1) * sizeof *points);
    NEED_MEMORY(points);
    status = choose_columns(maps, &t, path, !isnan(items), err);
    if (status == STATUS_OK && (status = read_points(points, &n, &t, maps, items, task, err)) != STATUS_OK)
        status = err_prefix(err, "%s", path);
    if (status == STATUS_OK && n == 0)
        status = err_set(err, STATUS_INSUFFICIENT, "%s has no row%s%s", path, task ? " of " : "", task ? task : "");
    if (status == STATUS_OK) {
        qsort(points, (size_t)n, sizeof *points, by_place);
        fill(out, points, n);
    }
    free(points);
    table_release(&t);
    return status;
}
