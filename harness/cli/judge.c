/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c — see judge.h. Claims leave out trials whose validity failed, so validity is judged and stored first. */
#include "harness/cli/judge.h"

#include <stdlib.h>

#include "engine/base/assert.h"
#include "harness/analysis/claims.h"
#include "harness/analysis/validity.h"
#include "harness/run/clock.h"
#include "harness/spec/knobs.h"
#include "harness/store/rows.h"

enum status judge_trials(struct store *store, struct table *verdicts, struct err *err)
{
    const char **columns = calloc((size_t)knob_count(), sizeof *columns);
    struct table trials;
    struct str sql;
    enum status status;
    NEED_MEMORY(columns);
    for (int i = 0; i < knob_count(); i++)
        columns[i] = knob_at(i)->column;
    str_init(&sql);
    validity_sql(&sql, columns, knob_count());
    status = store_query(store, sql.text, NULL, 0, &trials, err);
    if (status == STATUS_OK) {
        validity_judge(&trials, verdicts);
        table_release(&trials);
    }
    str_release(&sql);
    free(columns);
    return status;
}

static enum status judge_validity(struct store *store, struct err *err)
{
    struct table verdicts;
    struct rows set = {.table = "validity", .rows = &verdicts, .conflict = ROWS_REPLACE};
    enum status status = judge_trials(store, &verdicts, err);
    if (status != STATUS_OK)
        return status;
    status = store_put_rows(store, &set, 1, err);
    table_release(&verdicts);
    return status;
}

static const char *const columns[] = {"claim", "sentence", "source", "rule",     "verdict", "quantity",
                                      "value", "low",      "high",   "n_points", "reason",  "decided_at"};

static void add_row(struct table *table, const struct claim *claim, const struct claim_result *result, const char *now)
{
    int row = table_add_row(table), c = 0;
    table_set_text(table, row, c++, claim->name);
    table_set_text(table, row, c++, claim->sentence);
    table_set_text(table, row, c++, claim->source);
    table_set_text(table, row, c++, claim->rule);
    table_set_text(table, row, c++, claim_verdict_name(result->verdict));
    table_set_text(table, row, c++, claim->quantity);
    table_set_real(table, row, c++, result->value);
    table_set_real(table, row, c++, result->low);
    table_set_real(table, row, c++, result->high);
    table_set_integer(table, row, c++, result->n_points);
    table_set_text(table, row, c++, result->reason);
    table_set_text(table, row, c++, now);
}

static enum status judge_claims(struct store *store, struct err *err)
{
    struct table verdicts;
    struct rows set = {.table = "claim", .rows = &verdicts, .conflict = ROWS_REPLACE};
    char now[CLOCK_TEXT_SIZE];
    const struct claim *claim;
    enum status status = STATUS_OK;
    clock_utc_text(now, sizeof now);
    table_init(&verdicts, (int)(sizeof columns / sizeof *columns), columns);
    for (int i = 0; status == STATUS_OK && (claim = claim_at(i)) != NULL; i++) {
        struct claim_result result;
        struct table answer;
        status = store_query(store, claim->sql, NULL, 0, &answer, err);
        if (status != STATUS_OK) {
            (void)err_prefix(err, "claim %s", claim->name);
            break;
        }
        claim_judge(claim, &answer, &result);
        add_row(&verdicts, claim, &result, now);
        table_release(&answer);
    }
    if (status == STATUS_OK)
        status = store_put_rows(store, &set, 1, err);
    table_release(&verdicts);
    return status;
}

/* Puts what came out beside what was predicted of it, once. */
static enum status score_predictions(struct store *store, struct err *err)
{
    static const char came_out[] =
        "SELECT p.fit_id, p.trial_id, p.metric, t.heldout_loss AS observed,"
        " strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS scored_at"
        " FROM prediction p JOIN trial t ON t.trial_id = p.trial_id WHERE t.state = 'done'"
        " AND p.metric = 'heldout_loss' AND p.observed IS NULL AND t.heldout_loss IS NOT NULL";
    struct table observed;
    struct rows set = {.table = "prediction", .rows = &observed, .conflict = ROWS_REPLACE};
    enum status status = store_query(store, came_out, NULL, 0, &observed, err);
    if (status != STATUS_OK)
        return status;
    status = store_put_rows(store, &set, 1, err);
    table_release(&observed);
    return status;
}

enum status judge_store(struct store *store, struct err *err)
{
    enum status status = judge_validity(store, err);
    if (status == STATUS_OK)
        status = score_predictions(store, err);
    return status == STATUS_OK ? judge_claims(store, err) : status;
}
