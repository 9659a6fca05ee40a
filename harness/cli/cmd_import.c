/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_import.c — `isoflop import CSV`: other people's runs into the store, beside ours and never mixed up with them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "harness/cli/commands.h"
#include "harness/cli/folders.h"
#include "harness/store/csv.h"
#include "harness/store/import.h"

enum { MOST_COLUMNS = 64 };

/* One column of ours and where its figures are. */
struct mapped {
    char ours[64];
    int theirs; /* column of the file */
    double factor;
};

struct mapping {
    struct mapped columns[MOST_COLUMNS];
    int n;
    struct str text; /* as it is stored */
};

/* A unit as the end of a column's name. Different ones of one quantity need a factor between them. */
static const char *unit_of(const char *name)
{
    static const char *const units[] = {"_s",  "_ms", "_us",  "_min",   "_h",   "_hours", "_days", "_bytes", "_kb",  "_mb",
                                        "_gb", "_gib", "_mib", "_bits", "_nats", "_j",    "_kj",   "_wh",    "_kwh", "_seconds"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(name), m = strlen(units[i]);
        if (n > m && strcasecmp(name + n - m, units[i]) == 0)
            return strcmp(units[i], "_seconds") == 0 ? "_s" : units[i];
    }
    return NULL;
}

static enum status add_column(struct mapping *mapping, const char *ours, const struct table *file, const char *theirs,
                              double factor, bool has_factor, struct err *err)
{
    struct mapped *column = &mapping->columns[mapping->n];
    bool cost, integer, text;
    const char *unit = unit_of(theirs), *our_unit = unit_of(ours);
    if (!import_column(ours, &cost, &integer, &text))
        return err_set(err, STATUS_USAGE, "'%.60s' is no column that can be imported; results/README.md lists those of trial and cost",
                       ours);
    if (mapping->n == MOST_COLUMNS)
        return err_set(err, STATUS_USAGE, "more than %d columns", (int)MOST_COLUMNS);
    for (int i = 0; i < mapping->n; i++)
        if (strcmp(mapping->columns[i].ours, ours) == 0)
            return err_set(err, STATUS_USAGE, "two columns would become %s", ours);
    *column = (struct mapped){.theirs = table_column(file, theirs), .factor = factor};
    (void)str_copy(column->ours, sizeof column->ours, ours);
    if (column->theirs < 0)
        return err_set(err, STATUS_USAGE, "the file has no column '%.60s'", theirs);
    if (!has_factor && unit && our_unit && strcasecmp(unit, our_unit) != 0)
        return err_set(err, STATUS_USAGE, "%s is in %s and %s in %s: give the factor, as in  %s=%s*0.001", theirs, unit + 1, ours,
                       our_unit + 1, ours, theirs);
    str_format(&mapping->text, "%s%s=%s", mapping->n ? "," : "", ours, theirs);
    if (has_factor)
        str_format(&mapping->text, "*%.17g", factor);
    mapping->n++;
    return STATUS_OK;
}

/* "ours=theirs" or "ours=theirs*factor". */
static enum status read_pair(struct mapping *mapping, const struct table *file, char *pair, struct err *err)
{
    char *theirs = strchr(pair, '='), *star = strrchr(pair, '*'), *end = NULL;
    double factor = 1;
    if (!theirs)
        return err_set(err, STATUS_USAGE, "--columns takes ours=theirs, as in  tokens=train_tokens; not '%.60s'", pair);
    *theirs++ = 0;
    if (star && star > theirs && table_column(file, theirs) < 0) {
        *star++ = 0;
        factor = strtod(star, &end);
        if (!*star || *end || !(factor > 0) || factor > 1e300)
            return err_set(err, STATUS_USAGE, "'%.40s' is no factor", star);
    }
    return add_column(mapping, pair, file, theirs, factor, end != NULL, err);
}

static enum status read_mapping(struct mapping *mapping, const struct options *options, const struct table *file,
                                struct err *err)
{
    int n;
    const char *const *list = option_list(options, "columns", &n);
    enum status status = STATUS_OK;
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        char *copy = strdup(list[i]), *rest = copy, *pair;
        NEED_MEMORY(copy);
        while (status == STATUS_OK && (pair = strsep(&rest, ",")) != NULL)
            status = read_pair(mapping, file, pair, err);
        free(copy);
    }
    /* Without --columns, those of our names. */
    for (int c = 0; n == 0 && c < file->n_columns && status == STATUS_OK; c++) {
        bool cost, integer, text;
        if (import_column(file->names[c], &cost, &integer, &text))
            status = add_column(mapping, file->names[c], file, file->names[c], 1, false, err);
    }
    if (status == STATUS_OK && mapping->n == 0)
        status = err_set(err, STATUS_USAGE, "no column of the file has a name of ours; say which is which with --columns "
                         "heldout_loss=loss,params_total=N,tokens=D");
    return status;
}

static void map_rows(const struct mapping *mapping, const struct table *file, struct table *out)
{
    const char *names[MOST_COLUMNS];
    for (int i = 0; i < mapping->n; i++)
        names[i] = mapping->columns[i].ours;
    table_init(out, mapping->n, names);
    for (int r = 0; r < file->n_rows; r++) {
        int row = table_add_row(out);
        for (int i = 0; i < mapping->n; i++) {
            const struct cell *cell = table_cell(file, r, mapping->columns[i].theirs);
            if (cell->kind == CELL_TEXT)
                table_set_text(out, row, i, cell->text);
            else if (cell->kind == CELL_INTEGER && mapping->columns[i].factor == 1)
                table_set_integer(out, row, i, cell->integer);
            else
                table_set_real(out, row, i, table_number(file, r, mapping->columns[i].theirs) * mapping->columns[i].factor);
        }
    }
}

/* The table and the hash of the file's bytes. */
static enum status read_file(const char *path, struct table *out, char hash[HASH_TEXT_SIZE], struct err *err)
{
    FILE *file = fopen(path, "rbe");
    struct hasher *hasher = hasher_new();
    char bytes[4096];
    size_t n;
    enum status status;
    if (!file) {
        hasher_free(hasher);
        return err_set(err, STATUS_NOT_FOUND, "%s: %s", path, strerror(errno));
    }
    while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
        hasher_add(hasher, bytes, n);
    hash_text(hasher_value(hasher), hash);
    hasher_free(hasher);
    rewind(file);
    status = csv_read_table(file, path, out, err);
    (void)fclose(file);
    return status;
}

/* The name of the spec: --as, or the file's without folder and ending. */
static void name_of(const struct invocation *invocation, char *out, size_t size)
{
    const char *path = invocation->options.arguments[0], *slash = strrchr(path, '/');
    char *dot;
    (void)str_copy(out, size, option_given(&invocation->options, "as") ? option_text(&invocation->options, "as")
                                                                       : slash ? slash + 1 : path);
    dot = strrchr(out, '.');
    if (dot && dot != out && !option_given(&invocation->options, "as"))
        *dot = 0;
}

static enum status import_table(struct invocation *invocation, const struct table *file, const char *hash, struct err *err)
{
    struct mapping mapping = {.n = 0};
    struct table rows = {0};
    struct store *store = NULL;
    char name[129];
    int n_new = 0;
    const char *source = option_given(&invocation->options, "source") ? option_text(&invocation->options, "source") : "";
    struct import import = {.name = name, .path = invocation->options.arguments[0], .file_hash = hash, .source = source};
    enum status status;
    name_of(invocation, name, sizeof name);
    if (!str_is_name(name))
        return err_set(err, STATUS_USAGE, "'%.60s' is no name: letters, digits and . _ - only; give another with --as", name);
    str_init(&mapping.text);
    status = read_mapping(&mapping, &invocation->options, file, err);
    import.mapping = mapping.text.text;
    if (status == STATUS_OK)
        map_rows(&mapping, file, &rows);
    if (status == STATUS_OK)
        status = folders_make_for_store(invocation->db, err);
    if (status == STATUS_OK)
        status = store_open(&store, invocation->db, STORE_WRITE, err);
    if (status == STATUS_OK)
        status = store_import(store, &import, &rows, &n_new, err);
    if (status == STATUS_OK && !invocation->quiet)
        (void)fprintf(stderr, "isoflop: %d of %d rows are new; of %d columns %d were taken: %s\n", n_new, rows.n_rows,
                      file->n_columns, mapping.n, mapping.text.text);
    store_close(store);
    if (rows.names)
        table_release(&rows);
    str_release(&mapping.text);
    return status;
}

int cmd_import(struct invocation *invocation)
{
    struct err err = ERR_INIT;
    struct table file;
    char hash[HASH_TEXT_SIZE];
    enum status status = read_file(invocation->options.arguments[0], &file, hash, &err);
    if (status != STATUS_OK)
        return failed(&err);
    status = import_table(invocation, &file, hash, &err);
    table_release(&file);
    return status == STATUS_OK ? EXIT_CODE_DONE : failed(&err);
}
