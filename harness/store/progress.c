/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c — how far each spec of a store is.
 *
 * Grouping a million trials by the first spec that holds them would take SQL a search per trial and a sort. Here two
 * cursors go through indexes in the order of trial ids, side by side. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/store/internal.h"

enum { DONE, RUNNING, PENDING, OTHER, STATES };

struct count {
    int64_t spec_id; /* 0: of no spec */
    int64_t states[STATES];
    double left_s, best;
};

struct counting {
    struct count *counts;
    int n;
    int last; /* where the trial before was counted: mostly the same spec */
};

static struct count *count_of(struct counting *c, int64_t spec_id)
{
    if (c->n > 0 && c->counts[c->last].spec_id == spec_id)
        return &c->counts[c->last];
    for (c->last = 0; c->last < c->n; c->last++)
        if (c->counts[c->last].spec_id == spec_id)
            return &c->counts[c->last];
    c->counts = realloc(c->counts, ((size_t)c->n + 1) * sizeof *c->counts);
    NEED_MEMORY(c->counts);
    c->counts[c->n] = (struct count){.spec_id = spec_id, .left_s = NAN, .best = NAN};
    return &c->counts[c->n++];
}

static void add_trial(struct count *count, struct query *trials)
{
    const char *state = query_column_text(trials, 1);
    double seconds = query_column_real(trials, 2), best = query_column_real(trials, 3);
    int kind = strcmp(state, "done") == 0      ? DONE
               : strcmp(state, "running") == 0 ? RUNNING
               : strcmp(state, "pending") == 0 ? PENDING
                                               : OTHER;
    count->states[kind]++;
    if ((kind == RUNNING || kind == PENDING) && !isnan(seconds))
        count->left_s = isnan(count->left_s) ? seconds : count->left_s + seconds;
    count->best = fmin(count->best, best);
}

/* Both queries come in the order of trial ids; members may name a trial several times, the first spec first. */
static enum status count_all(struct counting *c, struct query *trials, struct query *members, struct err *err)
{
    enum status status, more = query_step(members, err);
    while ((status = query_step(trials, err)) == STATUS_OK) {
        const char *id = query_column_text(trials, 0);
        int64_t spec_id = 0;
        int order = -1;
        while (more == STATUS_OK && (order = strcmp(query_column_text(members, 0), id)) <= 0) {
            if (order == 0 && spec_id == 0)
                spec_id = query_column_integer(members, 1);
            more = query_step(members, err);
        }
        if (more != STATUS_OK && more != STATUS_DONE)
            return more;
        add_trial(count_of(c, spec_id), trials);
    }
    return status == STATUS_DONE ? STATUS_OK : status;
}

static void add_row(struct table *table, const char *spec, const struct count *count)
{
    const int64_t *n = count->states;
    int row = table_add_row(table);
    table_set_text(table, row, 0, spec);
    table_set_integer(table, row, 1, n[DONE] + n[RUNNING] + n[PENDING] + n[OTHER]);
    table_set_integer(table, row, 2, n[DONE]);
    table_set_integer(table, row, 3, n[RUNNING]);
    table_set_integer(table, row, 4, 0);
    table_set_integer(table, row, 5, n[PENDING]);
    table_set_integer(table, row, 6, n[OTHER]);
    table_set_real(table, row, 7, nearbyint(count->left_s * 10) / 10);
    table_set_real(table, row, 8, count->best);
}

/* Specs of one name, which differ in their text or overrides, are one row. */
static enum status name_all(struct store *store, struct counting *c, struct table *out, struct err *err)
{
    struct query *query = NULL;
    struct count none = {0}, sum;
    struct str name;
    enum status status = db_prepare(store->db, "SELECT name, spec_id FROM spec ORDER BY name", DB_TRUSTED, &query, err);
    str_init(&name);
    sum = none;
    for (bool ended = false; status == STATUS_OK && !ended;) {
        const char *next;
        status = query_step(query, err);
        ended = status == STATUS_DONE;
        next = status == STATUS_OK ? query_column_text(query, 0) : NULL;
        if (sum.spec_id && (ended || (next && strcmp(next, name.text) != 0))) {
            add_row(out, name.text, &sum);
            sum = none;
        }
        for (int i = 0; next && i < c->n; i++) {
            const struct count *count = &c->counts[i];
            if (count->spec_id != query_column_integer(query, 1))
                continue;
            if (!sum.spec_id)
                sum = (struct count){.spec_id = count->spec_id, .left_s = NAN, .best = NAN};
            for (int k = 0; k < STATES; k++)
                sum.states[k] += count->states[k];
            sum.left_s = isnan(sum.left_s) ? count->left_s : sum.left_s + (isnan(count->left_s) ? 0 : count->left_s);
            sum.best = fmin(sum.best, count->best);
        }
        if (next) {
            str_clear(&name);
            str_append(&name, next);
        }
    }
    for (int i = 0; status == STATUS_DONE && i < c->n; i++)
        if (c->counts[i].spec_id == 0)
            add_row(out, "", &c->counts[i]);
    str_release(&name);
    query_free(query);
    return status == STATUS_DONE ? STATUS_OK : status;
}

/* Trials whose runner died are no longer running, whatever the file says. */
static enum status set_lost(struct store *store, struct table *table, struct err *err)
{
    struct table lost;
    enum status status = store_lost(store, &lost, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < lost.n_rows; i++) {
        for (int row = 0; row < table->n_rows; row++) {
            if (strcmp(table_text(table, row, 0), table_text(&lost, i, 1)) != 0)
                continue;
            table_set_integer(table, row, 3, table_cell(table, row, 3)->integer - 1);
            table_set_integer(table, row, 4, table_cell(table, row, 4)->integer + 1);
        }
    }
    table_release(&lost);
    return STATUS_OK;
}

enum status store_progress(struct store *store, struct table *out, struct err *err)
{
    static const char *const names[] = {"spec",   "trials", "done",   "running",           "lost",
                                        "pending", "failed", "left_s", "best_bits_per_byte"};
    struct counting counting = {0};
    struct query *trials = NULL, *members = NULL;
    struct table table;
    enum status status = db_prepare(store->db,
                                    "SELECT trial_id, state, predicted_seconds, bits_per_byte FROM trial ORDER BY trial_id",
                                    DB_TRUSTED, &trials, err);
    if (status == STATUS_OK)
        status = db_prepare(store->db, "SELECT trial_id, spec_id FROM spec_trial ORDER BY trial_id, spec_id", DB_TRUSTED,
                            &members, err);
    if (status == STATUS_OK)
        status = count_all(&counting, trials, members, err);
    query_free(trials);
    query_free(members);
    table_init(&table, (int)(sizeof names / sizeof *names), names);
    if (status == STATUS_OK)
        status = name_all(store, &counting, &table, err);
    if (status == STATUS_OK)
        status = set_lost(store, &table, err);
    if (status == STATUS_OK)
        *out = table;
    else
        table_release(&table);
    free(counting.counts);
    return status;
}
