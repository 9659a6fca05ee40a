/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c — `isoflop status`: how far the sweeps of a store are, and what went wrong. */
#include <math.h>
#include <stdio.h>

#include "harness/cli/commands.h"
#include "harness/cli/print.h"
#include "harness/report/text.h"
#include "harness/store/store.h"

static const char trouble_sql[] =
    "SELECT substr(trial_id, 1, 12) AS trial, state, coalesce(reason, '') AS reason FROM v_trials"
    " WHERE state NOT IN ('done', 'pending', 'running') ORDER BY trial_id LIMIT 20";

/* Trials of no spec were imported. Returns how many trials are lost. */
static int64_t label_rows(struct table *table)
{
    int64_t lost = 0;
    for (int row = 0; row < table->n_rows; row++) {
        lost += table_cell(table, row, table_column(table, "lost"))->integer;
        if (!*table_text(table, row, 0))
            table_set_text(table, row, 0, "(imported)");
    }
    return lost;
}

/* The same for people, in 80 columns: shorter heads, and the time that is left as one says it. */
static void shorten(struct table *table)
{
    static const char *const heads[][2] = {{"left_s", "left"}, {"best_bits_per_byte", "best bits/byte"}};
    int left = table_column(table, "left_s");
    struct str text;
    str_init(&text);
    for (int row = 0; row < table->n_rows; row++) {
        double seconds = table_number(table, row, left);
        str_clear(&text);
        if (isnan(seconds))
            continue;
        text_duration(&text, seconds);
        table_set_text(table, row, left, text.text);
    }
    str_release(&text);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        table_rename(table, table_column(table, heads[i][0]), heads[i][1]);
}

/* What people want to know besides the counts. */
static int print_trouble(struct invocation *invocation, struct store *store, int64_t n_lost)
{
    struct err err = ERR_INIT;
    struct table table;
    int code = EXIT_CODE_DONE;
    if (store_query(store, trouble_sql, NULL, 0, &table, &err) != STATUS_OK)
        return failed(&err);
    if (table.n_rows > 0) {
        (void)putchar('\n');
        code = print_table(invocation, &table, "");
    }
    table_release(&table);
    if (n_lost > 0)
        (void)fprintf(stderr, "isoflop: lost: their runner died while they ran; `isoflop run` takes them up again\n");
    return code;
}

int cmd_status(struct invocation *invocation)
{
    struct err err = ERR_INIT;
    struct store *store;
    struct table table;
    int64_t n_lost;
    int code;
    if (store_open(&store, invocation->db, STORE_READ, &err) != STATUS_OK)
        return failed(&err);
    if (store_progress(store, &table, &err) != STATUS_OK) {
        store_close(store);
        return failed(&err);
    }
    n_lost = label_rows(&table);
    if (!invocation->json && !invocation->csv)
        shorten(&table);
    code = print_table(invocation, &table, "isoflop.status.v1");
    table_release(&table);
    if (code == EXIT_CODE_DONE && !invocation->json && !invocation->csv)
        code = print_trouble(invocation, store, n_lost);
    store_close(store);
    return code;
}
