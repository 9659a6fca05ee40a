/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_show.c — `isoflop show TRIAL`: all about one trial. */
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/cli/help.h"
#include "harness/cli/models.h"
#include "harness/cli/print.h"
#include "harness/run/trial.h"
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
    {"validity", "SELECT check_name, verdict, reason FROM v_validity WHERE trial_id = ?1"
     " ORDER BY CASE verdict WHEN 'fail' THEN 0 WHEN 'warn' THEN 1 WHEN 'pass' THEN 2 ELSE 3 END, check_name", false},
    {"attempts", "SELECT attempt, state, started_at, wall_s, coalesce(reason, '') AS reason FROM attempt"
     " WHERE trial_id = ?1 ORDER BY attempt", false},
};

/* Knobs that stand for a choice when they are 0, and what was chosen. */
static int64_t chosen(const struct knobs *knobs, const char *column)
{
    struct config c;
    if (!knobs)
        return 0;
    trial_config(knobs, &c);
    return strcmp(column, "heads") == 0 ? c.heads : strcmp(column, "kv_heads") == 0 ? c.kv_heads
           : strcmp(column, "ffn") == 0 ? knobs_ffn(knobs)
           : strcmp(column, "micro_batch") == 0 ? trial_score_sequences(knobs) : 0;
}

static void print_upright(const struct table *table, const struct knobs *knobs)
{
    enum { VALUES_AT = 27 };
    struct str text, lines;
    str_init(&text);
    str_init(&lines);
    for (int c = 0; table->n_rows > 0 && c < table->n_columns; c++) {
        if (table_cell(table, 0, c)->kind == CELL_NULL)
            continue;
        str_clear(&text);
        if (table_cell(table, 0, c)->kind == CELL_REAL)
            str_format(&text, "%.6g", table_number(table, 0, c)); /* --csv and --json have them all */
        else
            table_format_cell(table, 0, c, &text);
        if (strcmp(text.text, "0") == 0 && chosen(knobs, table->names[c]) > 0)
            str_format(&text, ": %lld", (long long)chosen(knobs, table->names[c]));
        str_clear(&lines);
        str_format(&lines, "  %-24s ", table->names[c]);
        help_wrap(&lines, *text.text ? text.text : "\n", VALUES_AT, VALUES_AT);
        (void)fputs(lines.text, stdout);
    }
    str_release(&lines);
    str_release(&text);
}

int cmd_show(struct invocation *invocation)
{
    struct err err = ERR_INIT;
    struct store *store;
    struct err unknown = ERR_INIT; /* of a trial whose knobs are not all ours */
    struct knobs knobs;
    bool known = false;
    struct str id;
    int code = EXIT_CODE_DONE;
    enum status status = store_open(&store, invocation->db, STORE_READ, &err);
    if (status != STATUS_OK)
        return failed(&err);
    str_init(&id);
    status = models_trial_id(store, invocation->options.arguments[0], &id, &err);
    if (status == STATUS_OK)
        known = models_knobs(store, id.text, &knobs, &unknown) == STATUS_OK;
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
            print_upright(&table, known ? &knobs : NULL);
        else
            code = print_table(invocation, &table, "isoflop.show.v1");
        table_release(&table);
    }
    str_release(&id);
    store_close(store);
    return status == STATUS_OK ? code : failed(&err);
}
