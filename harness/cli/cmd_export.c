/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_export.c — `isoflop export VIEW`: a view or table of the store, for other programs. */
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/store/export.h"
#include "harness/store/store.h"

/* Names come from the store's own schema, never from the command line: the word is only looked up. */
static enum status find_view(struct store *store, const char *word, struct str *sql, struct err *err)
{
    static const char names[] = "SELECT name FROM sqlite_schema WHERE type IN ('view', 'table')"
                                " AND name NOT LIKE 'sqlite%' ORDER BY type DESC, name";
    struct table list;
    struct str known;
    enum status status = store_query(store, names, NULL, 0, &list, err);
    if (status != STATUS_OK)
        return status;
    str_init(&known);
    for (int i = 0; i < list.n_rows; i++) {
        const char *name = table_text(&list, i, 0);
        str_format(&known, " %s", name);
        if (strcmp(name, word) == 0)
            str_format(sql, "SELECT * FROM \"%s\" ORDER BY 1, 2, 3", name);
    }
    if (sql->length == 0)
        status = err_set(err, STATUS_USAGE, "the store has no '%s'; it has:%s", word, known.text);
    str_release(&known);
    table_release(&list);
    return status;
}

static void take_rows(void *context, const struct table *rows)
{
    export_rows(context, rows);
}

static enum status export_each(struct store *store, const char *sql, const char *schema, struct err *err)
{
    struct export document;
    enum status status;
    export_init(&document, stdout, schema);
    status = store_each(store, sql, take_rows, &document, err);
    return export_end(&document, status, err);
}

/* A Markdown table needs to know all rows before it can write the first. */
static enum status export_whole(struct store *store, const char *sql, struct err *err)
{
    struct table table;
    enum status status = store_query(store, sql, NULL, 0, &table, err);
    if (status != STATUS_OK)
        return status;
    status = export_markdown(stdout, &table, err);
    table_release(&table);
    return status;
}

int cmd_export(struct invocation *invocation)
{
    struct err err = ERR_INIT;
    struct store *store;
    struct str sql;
    enum status status = store_open(&store, invocation->db, STORE_READ, &err);
    if (status != STATUS_OK)
        return failed(&err);
    str_init(&sql);
    status = find_view(store, invocation->options.arguments[0], &sql, &err);
    if (status == STATUS_OK && option_flag(&invocation->options, "markdown") && !invocation->json)
        status = export_whole(store, sql.text, &err);
    else if (status == STATUS_OK)
        status = export_each(store, sql.text, invocation->json ? "isoflop.export.v1" : NULL, &err);
    str_release(&sql);
    store_close(store);
    return written(status, &err);
}
