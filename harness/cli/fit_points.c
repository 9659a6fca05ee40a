/* SPDX-License-Identifier: Apache-2.0 */
/* fit_points.c — see fit_points.h. A CSV of a stranger is judged row by row and nothing in it is guessed at: a cell that
 * is no number stops the fit. Of the store only trials that are done have a row; the others are counted by state. */
#include "harness/cli/fit_points.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/assert.h"
#include "harness/cli/fit_store.h"
#include "harness/store/csv.h"
#include "harness/store/store.h"

const char *const fit_n_columns[4] = {"params_total", "params_active", "params_non_embedding", "params_matmul"};

static const char *const role_names[FIT_ROLES] = {"N", "D", "C", "E", "G", "U", "P", "L", "seed", "cluster"};

/* Names a column may have when --columns does not say; letters of any case, '_' as ' '. */
static const char *const known_names[FIT_ROLES][12] = {
    {"N", "params non embedding", "params", "parameters", "model size", "params total", "model params", "num params"},
    {"D", "tokens", "training tokens", "train tokens", "num tokens", "data"},
    {"C", "train flops", "flops executed", "flops", "flop", "training flop", "training flops", "compute"},
    {"E", "experts", "num experts"},
    {"G", "granularity"},
    {"U", "unique tokens", "unique"},
    {"P", "bits", "precision"},
    {"L", "loss", "heldout loss", "val loss", "validation loss", "final loss", "eval loss"},
    {"seed"},
    {NULL},
};

static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        int x = *a == '_' ? ' ' : tolower((unsigned char)*a), y = *b == '_' ? ' ' : tolower((unsigned char)*b);
        if (x != y)
            return false;
    }
    return *a == *b;
}

int fit_find_column(const struct table *table, const char *name)
{
    int exact = table_column(table, name);
    for (int c = 0; exact < 0 && c < table->n_columns; c++)
        if (same_name(table->names[c], name))
            return c;
    return exact;
}

/* ---- Which column is what ---- */

/* One "N=Model Size*1e6" of --columns. */
static enum status read_mapping(struct fit_points *out, const char *text, size_t length, struct err *err)
{
    char item[160], *equal, *star, *end;
    if (length >= sizeof item)
        return err_set(err, STATUS_USAGE, "--columns: '%.*s' is too long", (int)length, text);
    memcpy(item, text, length);
    item[length] = 0;
    equal = strchr(item, '=');
    if (!equal || !equal[1])
        return err_set(err, STATUS_USAGE, "--columns: '%s' is not LETTER=COLUMN, as in  N=params,D=tokens,L=loss", item);
    *equal++ = 0;
    for (int role = 0; role < FIT_ROLES; role++) {
        if (strcasecmp(item, role_names[role]) != 0)
            continue;
        star = strrchr(equal, '*');
        if (star) {
            out->factor[role] = strtod(star + 1, &end);
            if (end == star + 1 || *end || !(out->factor[role] > 0.0) || isinf(out->factor[role]))
                return err_set(err, STATUS_USAGE, "--columns: '%s' is no factor", star + 1);
            *star = 0;
        }
        if (!str_copy(out->column[role], sizeof out->column[role], equal))
            return err_set(err, STATUS_USAGE, "--columns: '%s' is too long", equal);
        return STATUS_OK;
    }
    return err_set(err, STATUS_USAGE, "--columns: unknown letter '%s'; there are N D C E G U P L seed cluster", item);
}

static enum status read_mappings(struct fit_points *out, const char *text, struct err *err)
{
    enum status status = STATUS_OK;
    while (text && *text && status == STATUS_OK) {
        size_t length = strcspn(text, ",");
        status = read_mapping(out, text, length, err);
        text += length + (text[length] == ',');
    }
    return status;
}

/* Sets index[role]: what --columns, --n and --cluster say, else a name that is known. -1: no column. */
static enum status choose_columns(struct fit_points *out, const struct invocation *invocation, const struct table *table,
                                  int *index, struct err *err)
{
    const char *cluster = option_text(&invocation->options, "cluster");
    for (int role = 0; role < FIT_ROLES; role++)
        out->factor[role] = 1.0;
    enum status status = read_mappings(out, option_text(&invocation->options, "columns"), err);
    if (status != STATUS_OK)
        return status;
    if (!*out->column[LAW_N] && (option_given(&invocation->options, "n") || table_column(table, out->convention) >= 0))
        (void)str_copy(out->column[LAW_N], sizeof out->column[LAW_N], out->convention);
    if (cluster && !str_copy(out->column[FIT_CLUSTER], sizeof out->column[FIT_CLUSTER], cluster))
        return err_set(err, STATUS_USAGE, "--cluster: the name is too long");
    for (int role = 0; role < FIT_ROLES; role++) {
        index[role] = -1;
        if (*out->column[role]) {
            index[role] = fit_find_column(table, out->column[role]);
            if (index[role] < 0)
                return err_set(err, STATUS_USAGE, "%s has no column '%s' (%s)", out->source, out->column[role], role_names[role]);
            continue;
        }
        for (int i = 0; i < 12 && known_names[role][i] && index[role] < 0; i++)
            index[role] = fit_find_column(table, known_names[role][i]);
        out->guessed[role] = index[role] >= 0;
        if (index[role] >= 0)
            (void)str_copy(out->column[role], sizeof out->column[role], table->names[index[role]]);
    }
    if (!option_given(&invocation->options, "n") && strcmp(out->column[LAW_N], out->convention) != 0)
        (void)str_copy(out->convention, sizeof out->convention, out->column[LAW_N]);
    return STATUS_OK;
}

/* ---- Numbers ---- */

bool fit_read_number(const char *text, double *out)
{
    static const struct {
        const char *word;
        double factor;
    } words[] = {{"k", 1e3},     {"M", 1e6},      {"B", 1e9},       {"G", 1e9},   {"T", 1e12},     {"million", 1e6},
                 {"billion", 1e9}, {"trillion", 1e12}, {"flops", 1}, {"flop", 1}, {"tokens", 1}, {"params", 1},
                 {"parameters", 1}, {"nats", 1}, {"bits", 1}};
    char digits[64], *end;
    size_t n = 0;
    while (isspace((unsigned char)*text))
        text++;
    for (; *text && strchr("+-.,_0123456789eE", *text) && n + 1 < sizeof digits; text++) {
        if ((*text == 'e' || *text == 'E') && !strchr("+-0123456789", text[1] ? text[1] : 'x'))
            break;
        if (*text != ',' && *text != '_')
            digits[n++] = *text;
    }
    digits[n] = 0;
    *out = strtod(digits, &end);
    if (n == 0 || *end)
        return false;
    while (*text) {
        size_t length;
        bool known = false;
        text += strspn(text, " \t");
        length = strcspn(text, " \t");
        for (size_t i = 0; i < sizeof words / sizeof *words && length && !known; i++) {
            bool exact = strlen(words[i].word) == 1 && i > 0;
            known = strlen(words[i].word) == length &&
                    (exact ? strncmp(text, words[i].word, length) : strncasecmp(text, words[i].word, length)) == 0;
            *out *= known ? words[i].factor : 1.0;
        }
        if (length && !known)
            return false;
        text += length;
    }
    return true;
}

static enum status read_cell(struct fit_points *out, const struct table *table, int row, int role, int column, double *value,
                             struct err *err)
{
    const struct cell *cell = table_cell(table, row, column);
    if (cell->kind == CELL_NULL) {
        *value = (double)NAN;
        return STATUS_OK;
    }
    if (cell->kind != CELL_TEXT)
        *value = table_number(table, row, column);
    else if (!fit_read_number(cell->text, value) && strcasecmp(cell->text, "nan") != 0)
        return err_set(err, STATUS_USAGE, "%s: row %d: %s (column %s) is '%.60s', no number", out->source, row + 1, role_names[role],
                       table->names[column], cell->text);
    else if (strcasecmp(cell->text, "nan") == 0)
        *value = (double)NAN;
    *value *= out->factor[role];
    return STATUS_OK;
}

/* ---- Clusters ---- */

bool fit_same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* The runs of one setting, whatever their seeds, are one cluster; or those that agree in a column of the user's. */
static bool same_cluster(const struct fit_points *out, const struct table *table, const int *kept, int column, int i, int j)
{
    if (column >= 0) {
        const char *a = table_text(table, kept[i], column), *b = table_text(table, kept[j], column);
        return a && b ? strcmp(a, b) == 0 : fit_same_number(table_number(table, kept[i], column), table_number(table, kept[j], column));
    }
    for (int v = 0; v < LAW_VARIABLES; v++)
        if (v != LAW_C && out->points.x[v] && !fit_same_number(out->points.x[v][i], out->points.x[v][j]))
            return false;
    return true;
}

static void make_clusters(struct fit_points *out, const struct table *table, const int *kept, int column)
{
    int n = out->points.n, n_clusters = 0;
    int *first = malloc(((size_t)n + 1) * sizeof *first);
    NEED_MEMORY(first);
    for (int i = 0; i < n; i++) {
        int c = 0;
        while (c < n_clusters && !same_cluster(out, table, kept, column, i, first[c]))
            c++;
        if (c == n_clusters)
            first[n_clusters++] = i;
        out->numbers[i] = c;
    }
    free(first);
    out->points.n_clusters = n_clusters;
    out->points.cluster = out->numbers;
}

/* ---- Rows to points ---- */

/* A column that was found by its name alone, that the law does not need and that holds text is not what it seemed. */
static void forget_text(struct fit_points *out, const struct law *law, const struct table *table, int *index)
{
    for (int role = 0; role < FIT_CLUSTER; role++) {
        bool needed = role == FIT_LOSS || role == LAW_N || role == LAW_D || (role == LAW_C && index[LAW_D] < 0) ||
                      (role < LAW_VARIABLES && law->variables & 1u << role);
        double value;
        for (int row = 0; row < table->n_rows && index[role] >= 0 && out->guessed[role] && !needed; row++) {
            const char *text = table_text(table, row, index[role]);
            if (text && !fit_read_number(text, &value)) {
                index[role] = -1;
                *out->column[role] = 0;
            }
        }
    }
}

/* C from 6 N D, or D from C, where a file has but one of them. */
static void derive(struct fit_points *out, const int *index)
{
    int n = out->points.n;
    double *N = out->values, *D = N + n, *C = D + n;
    bool has_D = index[LAW_D] >= 0, has_C = index[LAW_C] >= 0;
    for (int i = 0; i < n && has_D != has_C; i++) {
        if (has_D)
            C[i] = 6.0 * N[i] * D[i];
        else
            D[i] = C[i] / (6.0 * N[i]);
    }
    if (has_D != has_C && index[LAW_N] >= 0)
        (void)str_copy(out->column[has_D ? LAW_C : LAW_D], sizeof out->column[0], has_D ? "6 N D" : "C / 6 N");
    for (int v = 0; v < LAW_VARIABLES; v++)
        out->points.x[v] = index[v] >= 0 || (v == LAW_D && has_C) || (v == LAW_C && has_D) ? N + (size_t)v * (size_t)n : NULL;
}

static enum status fill(struct fit_points *out, const struct table *table, const char *keep, const int *index, struct err *err)
{
    size_t room = (size_t)table->n_rows + 1;
    int *kept = malloc(room * sizeof *kept), n = 0;
    enum status status = STATUS_OK;
    out->values = calloc(FIT_ROLES * room, sizeof *out->values);
    out->numbers = calloc(2 * room, sizeof *out->numbers);
    NEED_MEMORY(kept && out->values && out->numbers);
    for (int row = 0; row < table->n_rows; row++)
        if (keep[row])
            kept[n++] = row;
    out->points.n = n;
    for (int role = 0; role < FIT_CLUSTER; role++)
        for (int i = 0; i < n && index[role] >= 0 && status == STATUS_OK; i++)
            status = read_cell(out, table, kept[i], role, index[role], &out->values[(size_t)role * (size_t)n + (size_t)i], err);
    if (out->judged) {
        out->trial = calloc(room, sizeof *out->trial);
        NEED_MEMORY(out->trial);
    }
    for (int i = 0; i < n; i++) {
        out->numbers[n + i] = kept[i] + 1;
        if (out->judged)
            out->trial[i] = table_text(table, kept[i], table_column(table, "trial_id"));
    }
    if (status == STATUS_OK && (index[LAW_N] < 0 || index[FIT_LOSS] < 0))
        status = err_set(err, STATUS_USAGE, "%s: which column is %s? say  --columns N=...,D=...,L=...", out->source,
                         index[LAW_N] < 0 ? "N" : "L");
    if (status == STATUS_OK) {
        derive(out, index);
        out->points.loss = out->values + (size_t)FIT_LOSS * (size_t)n;
        out->points.replicate = index[FIT_SEED] >= 0 ? out->values + (size_t)FIT_SEED * (size_t)n : NULL;
        out->points.row = out->numbers + n;
        out->points.trial = out->trial;
        make_clusters(out, table, kept, index[FIT_CLUSTER]);
    }
    free(kept);
    return status;
}

/* N in every way it is counted, where D does not hang on N and every row has a number. */
static void read_other_N(struct fit_points *out, const struct table *table, const char *keep, const int *index)
{
    int n = out->points.n;
    for (int i = 0; i < 4 && index[LAW_D] >= 0 && n > 0; i++) {
        int column = table_column(table, fit_n_columns[i]), at = 0;
        double *N = column < 0 ? NULL : malloc((size_t)n * sizeof *N);
        bool whole = N != NULL;
        for (int row = 0; row < table->n_rows && whole; row++) {
            if (!keep[row])
                continue;
            N[at] = table_number(table, row, column);
            whole = N[at++] > 0;
        }
        if (whole)
            out->other_N[i] = N;
        else
            free(N);
    }
}

/* ---- Where rows come from ---- */

static enum status read_file(const char *path, struct table *table, struct err *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!file)
        return err_set(err, STATUS_NOT_FOUND, "%s: %s", path, strerror(errno));
    enum status status = csv_read_table(file, path, table, err);
    if (file != stdin)
        (void)fclose(file);
    if (status == STATUS_FORMAT) /* a wrong file is a wrong word on the command line */
        err->status = status = STATUS_USAGE;
    return status;
}

/* ---- All together ---- */

static void open_tables(struct fit_points *out)
{
    static const char *const left_out[] = {"point", "trial_id", "why", "detail"};
    static const char *const doubts[] = {"check_name", "verdict", "n", "reason"};
    table_init(&out->left_out, FIT_OUT_COLUMNS, left_out);
    table_init(&out->doubts, FIT_DOUBT_COLUMNS, doubts);
    str_init(&out->excluded);
}

/* Rows that --where drops. */
static enum status filter(struct fit_points *out, const char *where, char *keep, struct err *err)
{
    int id = table_column(&out->rows, "trial_id");
    enum status status = where ? store_where(where, &out->rows, keep, err) : STATUS_OK;
    for (int row = 0; row < out->rows.n_rows && status == STATUS_OK; row++) {
        if (!keep[row])
            fit_leave_out(out, out->judged ? table_text(&out->rows, row, id) : NULL, row + 1, "by --where", NULL);
    }
    return status;
}

/* "3 diverged; 2 shrunk", in the order in which reasons came. */
static void summarise(struct fit_points *out)
{
    static const char *const names[] = {"why", "n"};
    const struct table *t = &out->left_out;
    struct table groups;
    table_init(&groups, 2, names);
    for (int row = 0; row < t->n_rows; row++) {
        const char *why = table_text(t, row, FIT_OUT_WHY);
        int at = 0;
        while (at < groups.n_rows && strcmp(table_text(&groups, at, 0), why) != 0)
            at++;
        if (at == groups.n_rows) {
            (void)table_add_row(&groups);
            table_set_text(&groups, at, 0, why);
            table_set_integer(&groups, at, 1, 0);
        }
        table_set_integer(&groups, at, 1, (int64_t)table_number(&groups, at, 1) + 1);
    }
    for (int at = 0; at < groups.n_rows; at++)
        str_format(&out->excluded, "%s%.0f %s", at ? "; " : "", table_number(&groups, at, 1), table_text(&groups, at, 0));
    out->n_excluded = t->n_rows;
    table_release(&groups);
}

enum status fit_points_read(struct fit_points *out, const struct invocation *invocation, const struct law *law, struct err *err)
{
    const struct options *o = &invocation->options;
    const char *n = option_text(o, "n");
    char *keep = NULL;
    int index[FIT_ROLES];
    enum status status;
    *out = (struct fit_points){.source = o->n_arguments ? o->arguments[0] : invocation->db, .judged = o->n_arguments == 0};
    open_tables(out);
    (void)snprintf(out->convention, sizeof out->convention, "%s%s", strncmp(n, "params_", 7) == 0 ? "" : "params_", n);
    status = out->judged ? fit_store_read(out, invocation, law, &out->rows, err) : read_file(out->source, &out->rows, err);
    if (status != STATUS_OK)
        return status;
    keep = malloc((size_t)out->rows.n_rows + 1);
    NEED_MEMORY(keep);
    memset(keep, 1, (size_t)out->rows.n_rows + 1);
    status = filter(out, option_text(o, "where"), keep, err);
    if (status == STATUS_OK) {
        if (out->judged)
            fit_store_judge(out, invocation, law, &out->rows, keep);
        summarise(out);
        status = choose_columns(out, invocation, &out->rows, index, err);
    }
    if (status == STATUS_OK) {
        forget_text(out, law, &out->rows, index);
        status = fill(out, &out->rows, keep, index, err);
    }
    if (status == STATUS_OK)
        read_other_N(out, &out->rows, keep, index);
    free(keep);
    return status;
}

void fit_points_release(struct fit_points *points)
{
    str_release(&points->excluded);
    table_release(&points->left_out);
    table_release(&points->doubts);
    table_release(&points->verdicts);
    table_release(&points->rows);
    free(points->values);
    free(points->numbers);
    free(points->trial);
    for (int i = 0; i < 4; i++)
        free(points->other_N[i]);
}
