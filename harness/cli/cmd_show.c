/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_show.c — `isoflop show TRIAL`: all about one trial. */
#include <stdio.h>

#include "harness/cli/commands.h"
#include "harness/cli/models.h"
#include "harness/cli/print.h"
#include "harness/store/store.h"

/* One section of `show`: a title and what the query gives for the trial. A query of one row stands on end. */
struct section {
    const char *title, *sql;
    bool upright;
};

static const struct section sections[] = {
    {"trial", "SELECT * FROM v_trials WHERE trial_id = ?1", true},
    {"cost", "SELECT * FROM v_costs WHERE trial_id = ?1", true},
    {"abilities", "SELECT task, metric, value, stderr, chance, n FROM v_evals WHERE trial_id = ?1 ORDER BY metric, task",
     false},
    {"latency", "SELECT phase, batch, prompt_tokens, p50_ms, p95_ms, p99_ms, tokens_per_s FROM v_latency"
     " WHERE trial_id = ?1 ORDER BY phase DESC", false},
    {"experts", "SELECT step, layer, max_over_mean, effective_share, dead_share, dropped_share FROM v_moe"
     " WHERE trial_id = ?1 AND step = (SELECT max(step) FROM v_moe WHERE trial_id = ?1) ORDER BY layer", false},
    {"attempts", "SELECT attempt, state, coalesce(reason, '') AS reason, started_at, wall_s FROM attempt"
     " WHERE trial_id = ?1 ORDER BY attempt", false},
};

static void print_upright(const struct table *table)
{
    struct str text;
    str_init(&text);
    for (int c = 0; table->n_rows > 0 && c < table->n_columns; c++) {
        if (table_cell(table, 0, c)->kind == CELL_NULL)
            continue;
        str_clear(&text);
        table_format_cell(table, 0, c, &text);
        (void)printf("  %-24s %s\n", table->names[c], text.text);
    }
    str_release(&text);
}

int cmd_show(struct invocation *invocation)
{
    struct err err = ERR_INIT;
    struct store *store;
    struct str id;
    int code = EXIT_CODE_DONE;
    enum status status = store_open(&store, invocation->db, STORE_READ, &err);
    if (status != STATUS_OK)
        return failed(&err);
    str_init(&id);
    status = models_trial_id(store, invocation->options.arguments[0], &id, &err);
    for (size_t i = 0; status == STATUS_OK && code == EXIT_CODE_DONE && i < sizeof sections / sizeof *sections; i++) {
        const char *parameter = id.text;
        struct table table;
        if (i > 0 && (invocation->json || invocation->csv))
            break; /* a document is one table: the trial's */
        status = store_query(store, sections[i].sql, &parameter, 1, &table, &err);
        if (status != STATUS_OK)
            break;
        if (!invocation->json && !invocation->csv)
            (void)printf("%s%s\n", i > 0 ? "\n" : "", sections[i].title);
        if (sections[i].upright && !invocation->json && !invocation->csv)
            print_upright(&table);
        else
            code = print_table(invocation, &table, "isoflop.show.v1");
        table_release(&table);
    }
    str_release(&id);
    store_close(store);
    return status == STATUS_OK ? code : failed(&err);
}
