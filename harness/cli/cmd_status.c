/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c — `isoflop status`: how far the sweeps of a store are, and what went wrong. */
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/cli/print.h"
#include "harness/store/store.h"

enum { SPEC, RUNNING = 3, LOST = 4 }; /* columns of the answer */

/* v_trials would look up more of each trial than is asked for here. */
static const char status_sql[] =
    "SELECT coalesce(s.name, '(imported)') AS spec, count(*) AS trials,"
    " count(*) FILTER (WHERE state = 'done') AS done, count(*) FILTER (WHERE state = 'running') AS running, 0 AS lost,"
    " count(*) FILTER (WHERE state = 'pending') AS pending,"
    " count(*) FILTER (WHERE state NOT IN ('done', 'running', 'pending')) AS failed,"
    " round(sum(predicted_seconds) FILTER (WHERE state IN ('pending', 'running')), 1) AS left_s,"
    " min(bits_per_byte) AS best_bits_per_byte"
    " FROM trial t LEFT JOIN spec s ON s.spec_id = (SELECT min(m.spec_id) FROM spec_trial m WHERE m.trial_id = t.trial_id)"
    " GROUP BY 1 ORDER BY 1";

static const char trouble_sql[] =
    "SELECT substr(trial_id, 1, 12) AS trial, state, coalesce(reason, '') AS reason FROM v_trials"
    " WHERE state NOT IN ('done', 'pending', 'running') ORDER BY trial_id LIMIT 20";

/* Trials whose runner died are no longer running, whatever the file says. */
static enum status set_lost(struct store *store, struct table *table, int *n_lost, struct err *err)
{
    struct table lost;
    enum status status = store_lost(store, &lost, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < lost.n_rows; i++) {
        for (int row = 0; row < table->n_rows; row++) {
            if (strcmp(table_text(table, row, SPEC), table_text(&lost, i, 1)) != 0)
                continue;
            table_set_integer(table, row, RUNNING, table_cell(table, row, RUNNING)->integer - 1);
            table_set_integer(table, row, LOST, table_cell(table, row, LOST)->integer + 1);
        }
    }
    *n_lost = lost.n_rows;
    table_release(&lost);
    return STATUS_OK;
}

/* What people want to know besides the counts. */
static int print_trouble(struct invocation *invocation, struct store *store, int n_lost)
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
    int code, n_lost = 0;
    if (store_open(&store, invocation->db, STORE_READ, &err) != STATUS_OK)
        return failed(&err);
    if (store_query(store, status_sql, NULL, 0, &table, &err) != STATUS_OK) {
        store_close(store);
        return failed(&err);
    }
    if (set_lost(store, &table, &n_lost, &err) == STATUS_OK)
        code = print_table(invocation, &table, "isoflop.status.v1");
    else
        code = failed(&err);
    table_release(&table);
    if (code == EXIT_CODE_DONE && !invocation->json && !invocation->csv)
        code = print_trouble(invocation, store, n_lost);
    store_close(store);
    return code;
}
