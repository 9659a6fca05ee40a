/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue.c — one table of columns reads every row. Invariant: each model in the catalogue has passed size_check. */
#include "harness/cli/catalogue.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/store/csv.h"

extern const char models_text[]; /* experiments/models.csv, made by the Makefile */

static const struct { const char *name; size_t offset; } number_columns[] = {
    {"layers", offsetof(struct architecture, layers)},
    {"width", offsetof(struct architecture, width)},
    {"heads", offsetof(struct architecture, heads)},
    {"kv_heads", offsetof(struct architecture, kv_heads)},
    {"head_size", offsetof(struct architecture, head_size)},
    {"ffn", offsetof(struct architecture, ffn)},
    {"vocabulary", offsetof(struct architecture, vocabulary)},
    {"context", offsetof(struct architecture, context)},
    {"position_rows", offsetof(struct architecture, position_rows)},
    {"norms", offsetof(struct architecture, norms)},
    {"experts", offsetof(struct architecture, experts)},
    {"experts_per_token", offsetof(struct architecture, experts_per_token)},
    {"shared_experts", offsetof(struct architecture, shared_experts)},
    {"expert_ffn", offsetof(struct architecture, expert_ffn)},
    {"dense_layers", offsetof(struct architecture, dense_layers)},
};

/* A word and the flags it sets; a column takes the words that have a row here. */
static const struct { const char *column, *word; size_t offset; int value; } word_columns[] = {
    {"positions", "rotary", offsetof(struct architecture, positions), SIZE_ROTARY},
    {"positions", "learned", offsetof(struct architecture, positions), SIZE_LEARNED},
    {"positions", "relative", offsetof(struct architecture, positions), SIZE_RELATIVE},
    {"gated", "yes", offsetof(struct architecture, gated), 1},
    {"gated", "no", offsetof(struct architecture, gated), 0},
    {"biases", "none", offsetof(struct architecture, biases), 0},
    {"biases", "all", offsetof(struct architecture, biases), 1},
    {"biases", "qkv", offsetof(struct architecture, qkv_biases), 1},
    {"norm", "rms", offsetof(struct architecture, norm_biases), 0},
    {"norm", "layer", offsetof(struct architecture, norm_biases), 1},
    {"final_norm", "yes", offsetof(struct architecture, final_norm), 1},
    {"final_norm", "no", offsetof(struct architecture, final_norm), 0},
    {"qk_norm", "none", offsetof(struct architecture, qk_norm), SIZE_QK_NONE},
    {"qk_norm", "width", offsetof(struct architecture, qk_norm), SIZE_QK_WIDTH},
    {"qk_norm", "head", offsetof(struct architecture, qk_norm), SIZE_QK_HEAD},
    {"tied", "yes", offsetof(struct architecture, tied), 1},
    {"tied", "no", offsetof(struct architecture, tied), 0},
};

static enum status read_numbers(struct architecture *a, const struct table *rows, int row, struct err *err)
{
    for (size_t i = 0; i < sizeof number_columns / sizeof *number_columns; i++) {
        int column = table_column(rows, number_columns[i].name);
        const struct cell *cell = column < 0 ? NULL : table_cell(rows, row, column);
        if (!cell || cell->kind != CELL_INTEGER)
            return err_set(err, STATUS_FORMAT, "%s takes a whole number", number_columns[i].name);
        memcpy((char *)a + number_columns[i].offset, &cell->integer, sizeof cell->integer);
    }
    return STATUS_OK;
}

/* The first row of word_columns for that column and word, or of the column alone when word is NULL; -1: none. */
static int word_row(const char *column, const char *word)
{
    int n = (int)(sizeof word_columns / sizeof *word_columns);
    for (int i = 0; i < n; i++)
        if (strcmp(word_columns[i].column, column) == 0 && (!word || strcmp(word_columns[i].word, word) == 0))
            return i;
    return -1;
}

static enum status read_words(struct architecture *a, const struct table *rows, int row, struct err *err)
{
    for (size_t i = 0; i < sizeof word_columns / sizeof *word_columns; i++) {
        const char *name = word_columns[i].column, *word;
        int column = table_column(rows, name), found;
        if (word_row(name, NULL) != (int)i)
            continue; /* another word of a column that was read already */
        word = column < 0 ? NULL : table_text(rows, row, column);
        found = word ? word_row(name, word) : -1;
        if (found < 0)
            return err_set(err, STATUS_FORMAT, "%s does not take '%s'; experiments/README.md lists the columns", name,
                           word ? word : "");
        if (strcmp(name, "positions") == 0)
            a->positions = (enum size_positions)word_columns[found].value;
        else if (strcmp(name, "qk_norm") == 0)
            a->qk_norm = (enum size_qk_norm)word_columns[found].value;
        else
            *((bool *)a + word_columns[found].offset) = word_columns[found].value != 0;
    }
    return STATUS_OK;
}

static const char *text_of(const struct table *rows, int row, const char *name)
{
    int column = table_column(rows, name);
    const char *text = column < 0 ? NULL : table_text(rows, row, column);
    return text ? text : "";
}

static double number_of(const struct table *rows, int row, const char *name)
{
    int column = table_column(rows, name);
    return column < 0 ? NAN : table_number(rows, row, column);
}

static enum status read_model(struct catalogue_model *m, const struct table *rows, int row, struct err *err)
{
    enum status status;
    double year = number_of(rows, row, "year");
    *m = (struct catalogue_model){.name = text_of(rows, row, "name"), .tokens = number_of(rows, row, "tokens"),
                                  .year = year > 0 && year < 9999 ? (int64_t)year : 0,
                                  .note = text_of(rows, row, "note"), .source = text_of(rows, row, "source")};
    if (!str_is_name(m->name))
        return err_set(err, STATUS_FORMAT, "'%s' is not a name: letters, digits, dot, dash and underscore", m->name);
    status = read_numbers(&m->shape, rows, row, err);
    if (status == STATUS_OK)
        status = read_words(&m->shape, rows, row, err);
    return status == STATUS_OK ? size_check(&m->shape, err) : status;
}

static enum status read_file(struct table *out, const char *path, struct err *err)
{
    FILE *file = path ? fopen(path, "re") : fmemopen((void *)(uintptr_t)models_text, strlen(models_text), "r");
    enum status status;
    if (!file)
        return err_set(err, STATUS_NOT_FOUND, "%s: %s", path ? path : "models.csv", strerror(errno));
    status = csv_read_table(file, path ? path : "models.csv", out, err);
    (void)fclose(file);
    return status;
}

enum status catalogue_open(struct catalogue *out, const char *path, struct err *err)
{
    struct catalogue c = {0};
    enum status status = read_file(&c.rows, path, err);
    if (status != STATUS_OK)
        return status;
    c.models = calloc((size_t)c.rows.n_rows + 1, sizeof *c.models);
    NEED_MEMORY(c.models);
    for (c.n = 0; c.n < c.rows.n_rows; c.n++) {
        status = read_model(&c.models[c.n], &c.rows, c.n, err);
        if (status != STATUS_OK) {
            int line = c.n + 2; /* the header is line 1 */
            status = err_prefix(err, "%s:%d", path ? path : "models.csv", line);
            catalogue_release(&c);
            return status;
        }
    }
    *out = c;
    return STATUS_OK;
}

void catalogue_release(struct catalogue *catalogue)
{
    free(catalogue->models);
    table_release(&catalogue->rows);
    *catalogue = (struct catalogue){0};
}

static const char *name_at(int i, const void *context)
{
    const struct catalogue *catalogue = context;
    return i < catalogue->n ? catalogue->models[i].name : NULL;
}

enum status catalogue_find(const struct catalogue *catalogue, const char *name, const struct catalogue_model **out,
                           struct err *err)
{
    const char *nearest;
    for (int i = 0; i < catalogue->n; i++) {
        if (strcmp(catalogue->models[i].name, name) == 0) {
            *out = &catalogue->models[i];
            return STATUS_OK;
        }
    }
    nearest = str_nearest(name, name_at, catalogue);
    return err_set(err, STATUS_NOT_FOUND, "no model '%s' in the catalogue, and no such folder%s%s%s", name,
                   nearest ? "; did you mean '" : "; isoflop size lists the catalogue", nearest ? nearest : "",
                   nearest ? "'?" : "");
}

struct architecture catalogue_shape(const struct config *c)
{
    return (struct architecture){
        .layers = c->depth,
        .width = c->width,
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .head_size = config_head_size(c),
        .ffn = c->ffn,
        .vocabulary = c->vocabulary,
        .context = c->context,
        .experts = c->experts,
        .experts_per_token = c->experts_per_token,
        .shared_experts = c->shared_experts,
        .expert_ffn = c->ffn,
        .norms = 2,
        .qk_norm = c->qk_norm ? SIZE_QK_HEAD : SIZE_QK_NONE,
        .gated = true,
        .final_norm = true,
        .tied = c->tied,
    };
}
