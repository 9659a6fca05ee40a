/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c — `isoflop status`: how far the sweeps of a store are, and what went wrong. */
#include <stdio.h>

#include "harness/cli/commands.h"
#include "harness/cli/print.h"
#include "harness/store/store.h"

static const char status_sql[] =
    "SELECT coalesce(spec, '(imported)') AS spec, count(*) AS trials,"
    " count(*) FILTER (WHERE state = 'done') AS done, count(*) FILTER (WHERE state = 'running') AS running,"
    " count(*) FILTER (WHERE state = 'pending') AS pending,"
    " count(*) FILTER (WHERE state NOT IN ('done', 'running', 'pending')) AS failed,"
    " round(sum(predicted_seconds) FILTER (WHERE state IN ('pending', 'running')), 1) AS left_s,"
    " min(bits_per_byte) AS best_bits_per_byte FROM v_trials GROUP BY 1 ORDER BY 1";

static const char trouble_sql[] =
    "SELECT substr(trial_id, 1, 12) AS trial, state, coalesce(reason, '') AS reason FROM v_trials"
    " WHERE state NOT IN ('done', 'pending', 'running') ORDER BY trial_id LIMIT 20";

int cmd_status(struct invocation *invocation)
{
    struct err err = ERR_INIT;
    struct store *store;
    struct table table;
    int code;
    if (store_open(&store, invocation->db, STORE_READ, &err) != STATUS_OK)
        return failed(&err);
    if (store_query(store, status_sql, NULL, 0, &table, &err) != STATUS_OK) {
        store_close(store);
        return failed(&err);
    }
    code = print_table(invocation, &table, "isoflop.status.v1");
    table_release(&table);
    if (code == EXIT_CODE_DONE && !invocation->json && !invocation->csv) {
        if (store_query(store, trouble_sql, NULL, 0, &table, &err) != STATUS_OK) {
            store_close(store);
            return failed(&err);
        }
        if (table.n_rows > 0) {
            (void)putchar('\n');
            code = print_table(invocation, &table, "");
        }
        table_release(&table);
    }
    store_close(store);
    return code;
}
