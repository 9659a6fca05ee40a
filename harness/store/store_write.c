/* SPDX-License-Identifier: Apache-2.0 */
/* store_write.c — the end of an attempt: its state and everything it measured, in one transaction.
 *
 * Rows of measurements are inserted as they come; single figures (RECORD_FACT, RECORD_COST, RECORD_TEXT) are
 * gathered first and become one UPDATE of the trial and one row of table cost. A figure that comes twice
 * counts as it came last, as after a resume.
 * Invariant: nothing is written before the attempt was found running and the owner's; whatever fails later
 * rolls all of it back. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/store/facts.h"
#include "harness/store/internal.h"

/* How each outcome is written. The state of an attempt; the state of its trial. */
static const struct {
    const char *attempt, *trial;
} ends[OUTCOME_COUNT] = {
    [OUTCOME_DONE] = {"done", "done"},
    [OUTCOME_FAILED] = {"failed", "failed"},
    [OUTCOME_DIVERGED] = {"diverged", "diverged"},
    [OUTCOME_TIMEOUT] = {"timeout", "timeout"},
    [OUTCOME_OOM] = {"oom", "oom"},
    [OUTCOME_INTERRUPTED] = {"interrupted", "pending"},
};

/* One attempt that ends, and its single figures as they are gathered. Texts point into the records. */
struct ending {
    struct store *store;
    const char *trial_id;
    int64_t attempt;
    double facts[MOST_FACTS];
    double costs[MOST_FACTS];
    const char *trial_texts[MOST_FACTS];
    const char *cost_texts[MOST_FACTS];
    bool has_cost;
};

/* Every row of a measurement begins with the trial and the attempt. */
static void bind_attempt(struct query *query, const struct ending *ending)
{
    query_bind_text(query, 1, ending->trial_id);
    query_bind_integer(query, 2, ending->attempt);
}

static enum status put_metric(struct ending *ending, const struct record *record, struct err *err)
{
    struct query *query = NULL;
    enum status status =
        store_statement(ending->store, SLOT_METRIC,
                        "INSERT OR REPLACE INTO metric"
                        " (trial_id, attempt, step, name, value) VALUES (?1, ?2, ?3, ?4, ?5)",
                        &query, err);
    if (status != STATUS_OK)
        return status;
    bind_attempt(query, ending);
    query_bind_integer(query, 3, record->step);
    query_bind_text(query, 4, record->name);
    query_bind_real(query, 5, record->value);
    return query_run(query, err);
}

static enum status put_eval(struct ending *ending, const struct record *record, struct err *err)
{
    struct query *query = NULL;
    enum status status = store_statement(ending->store, SLOT_EVAL,
                                         "INSERT OR REPLACE INTO eval"
                                         " (trial_id, attempt, step, task, metric, value, n, stderr, chance)"
                                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                                         &query, err);
    if (status != STATUS_OK)
        return status;
    bind_attempt(query, ending);
    query_bind_integer(query, 3, record->step);
    query_bind_text(query, 4, record->task);
    query_bind_text(query, 5, record->name);
    query_bind_real(query, 6, record->value);
    query_bind_integer(query, 7, record->count);
    query_bind_real(query, 8, record->stderror);
    query_bind_real(query, 9, record->chance);
    return query_run(query, err);
}

static enum status put_latency(struct ending *ending, const struct record *record, struct err *err)
{
    struct query *query = NULL;
    enum status status = store_statement(
        ending->store, SLOT_LATENCY,
        "INSERT OR REPLACE INTO latency_sample"
        " (trial_id, attempt, phase, batch, prompt_tokens, sample, ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &query, err);
    if (status != STATUS_OK)
        return status;
    bind_attempt(query, ending);
    query_bind_text(query, 3, record->name);
    query_bind_integer(query, 4, record->batch);
    query_bind_integer(query, 5, record->tokens);
    query_bind_integer(query, 6, record->index);
    query_bind_real(query, 7, record->value);
    return query_run(query, err);
}

static enum status put_moe_load(struct ending *ending, const struct record *record, struct err *err)
{
    struct query *query = NULL;
    enum status status =
        store_statement(ending->store, SLOT_MOE_LOAD,
                        "INSERT OR REPLACE INTO moe_load"
                        " (trial_id, attempt, step, layer, expert, share) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        &query, err);
    if (status != STATUS_OK)
        return status;
    bind_attempt(query, ending);
    query_bind_integer(query, 3, record->step);
    query_bind_integer(query, 4, record->index);
    query_bind_integer(query, 5, record->batch);
    query_bind_real(query, 6, record->value);
    return query_run(query, err);
}

static enum status put_moe_metric(struct ending *ending, const struct record *record, struct err *err)
{
    struct query *query = NULL;
    enum status status =
        store_statement(ending->store, SLOT_MOE_METRIC,
                        "INSERT OR REPLACE INTO moe_metric"
                        " (trial_id, attempt, step, layer, name, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        &query, err);
    if (status != STATUS_OK)
        return status;
    bind_attempt(query, ending);
    query_bind_integer(query, 3, record->step);
    query_bind_integer(query, 4, record->index);
    query_bind_text(query, 5, record->name);
    query_bind_real(query, 6, record->value);
    return query_run(query, err);
}

static enum status unknown_name(const struct ending *ending, const char *what, const char *name,
                                struct err *err)
{
    return err_set(err, STATUS_FORMAT, "trial %s: no column for %s '%s'; nothing of this attempt was stored",
                   ending->trial_id, what, name);
}

/* Keeps a number for its column. */
static enum status gather_number(const struct ending *ending, const struct record *record,
                                 const struct fact *(*at)(int i), const char *what, double *values,
                                 struct err *err)
{
    int i = fact_find(at, record->name);
    if (i < 0)
        return unknown_name(ending, what, record->name, err);
    if (at(i)->integer && !isnan(record->value) &&
        !(record->value == trunc(record->value) && fabs(record->value) <= 0x1p53))
        return err_set(err, STATUS_FORMAT, "trial %s: %s '%s' takes a whole number, not %g", ending->trial_id,
                       what, record->name, record->value);
    values[i] = record->value;
    return STATUS_OK;
}

static enum status gather_text(struct ending *ending, const struct record *record, struct err *err)
{
    int i = fact_find(trial_text_at, record->name);
    if (i >= 0) {
        ending->trial_texts[i] = record->text;
        return STATUS_OK;
    }
    i = fact_find(cost_text_at, record->name);
    if (i < 0)
        return unknown_name(ending, "text", record->name, err);
    ending->cost_texts[i] = record->text;
    ending->has_cost = true;
    return STATUS_OK;
}

static bool is_terminated(const struct record *record)
{
    return memchr(record->name, 0, sizeof record->name) && memchr(record->task, 0, sizeof record->task) &&
           memchr(record->text, 0, sizeof record->text);
}

static enum status put_record(struct ending *ending, const struct record *record, struct err *err)
{
    if (!is_terminated(record))
        return err_set(err, STATUS_FORMAT, "trial %s: a record's text has no end", ending->trial_id);
    switch (record->kind) {
    case RECORD_METRIC:
        return put_metric(ending, record, err);
    case RECORD_EVAL:
        return put_eval(ending, record, err);
    case RECORD_LATENCY:
        return put_latency(ending, record, err);
    case RECORD_MOE_LOAD:
        return put_moe_load(ending, record, err);
    case RECORD_MOE_METRIC:
        return put_moe_metric(ending, record, err);
    case RECORD_FACT:
        return gather_number(ending, record, fact_at, "fact", ending->facts, err);
    case RECORD_COST:
        ending->has_cost = true;
        return gather_number(ending, record, cost_at, "cost", ending->costs, err);
    case RECORD_TEXT:
        return gather_text(ending, record, err);
    case RECORD_PROGRESS: /* between child and runner; nothing to keep */
    case RECORD_WANT_EXCLUSIVE:
    case RECORD_PARKED:
    case RECORD_EXCLUSIVE_DONE:
    case RECORD_OUTCOME:
        return STATUS_OK;
    case RECORD_KIND_COUNT:
        break;
    }
    return err_set(err, STATUS_FORMAT, "trial %s: a record of unknown kind %d", ending->trial_id,
                   (int)record->kind);
}

static void bind_number(struct query *query, int parameter, const struct fact *fact, double value)
{
    if (fact->integer && !isnan(value))
        query_bind_integer(query, parameter, (int64_t)value);
    else
        query_bind_real(query, parameter, value);
}

static enum status put_cost(struct ending *ending, struct err *err)
{
    struct query *query = NULL;
    struct str sql;
    const struct fact *fact;
    int parameter = 2;
    enum status status;
    str_init(&sql);
    str_append(&sql, "INSERT INTO cost (trial_id, attempt");
    for (int i = 0; (fact = cost_at(i)) != NULL; i++, parameter++)
        str_format(&sql, ", %s", fact->column);
    for (int i = 0; (fact = cost_text_at(i)) != NULL; i++, parameter++)
        str_format(&sql, ", %s", fact->column);
    str_append(&sql, ") VALUES (?1, ?2");
    for (int i = 3; i <= parameter; i++)
        str_format(&sql, ", ?%d", i);
    str_append(&sql, ")");
    status = store_statement(ending->store, SLOT_COST, sql.text, &query, err);
    str_release(&sql);
    if (status != STATUS_OK)
        return status;
    bind_attempt(query, ending);
    parameter = 3;
    for (int i = 0; (fact = cost_at(i)) != NULL; i++, parameter++)
        bind_number(query, parameter, fact, ending->costs[i]);
    for (int i = 0; cost_text_at(i) != NULL; i++, parameter++)
        query_bind_text(query, parameter, ending->cost_texts[i]);
    return query_run(query, err);
}

/* The data's row must be there before a trial refers to it. */
static enum status put_corpus(struct ending *ending, struct err *err)
{
    struct query *query = NULL;
    const char *identity = ending->trial_texts[fact_find(trial_text_at, "data_identity")];
    enum status status;
    if (!identity)
        return STATUS_OK;
    status = store_statement(ending->store, SLOT_PUT_CORPUS,
                             "INSERT INTO corpus (data_identity, data_source, data_path)"
                             " SELECT ?1, data_source, nullif(data_path, '') FROM trial WHERE trial_id = ?2"
                             " ON CONFLICT DO NOTHING",
                             &query, err);
    if (status != STATUS_OK)
        return status;
    query_bind_text(query, 1, identity);
    query_bind_text(query, 2, ending->trial_id);
    return query_run(query, err);
}

static void end_trial_sql(struct str *sql)
{
    const struct fact *fact;
    int parameter = 4;
    str_append(sql, "UPDATE trial SET state = ?2, final_attempt = coalesce(?3, final_attempt)");
    for (int i = 0; (fact = fact_at(i)) != NULL; i++, parameter++) {
        if (fact->planned)
            str_format(sql, ", %s = coalesce(?%d, %s)", fact->column, parameter, fact->column);
        else
            str_format(sql, ", %s = ?%d", fact->column, parameter);
    }
    for (int i = 0; (fact = trial_text_at(i)) != NULL; i++, parameter++)
        str_format(sql, ", %s = ?%d", fact->column, parameter);
    str_append(sql, " WHERE trial_id = ?1 AND state = 'running'");
}

static enum status end_trial(struct ending *ending, enum outcome outcome, struct err *err)
{
    struct query *query = NULL;
    struct str sql;
    const struct fact *fact;
    int parameter = 4;
    enum status status = put_corpus(ending, err);
    if (status != STATUS_OK)
        return status;
    str_init(&sql);
    end_trial_sql(&sql);
    status = store_statement(ending->store, SLOT_END_TRIAL, sql.text, &query, err);
    str_release(&sql);
    if (status != STATUS_OK)
        return status;
    query_bind_text(query, 1, ending->trial_id);
    query_bind_text(query, 2, ends[outcome].trial);
    if (outcome == OUTCOME_DONE)
        query_bind_integer(query, 3, ending->attempt);
    else
        query_bind_null(query, 3);
    for (int i = 0; (fact = fact_at(i)) != NULL; i++, parameter++)
        bind_number(query, parameter, fact, ending->facts[i]);
    for (int i = 0; trial_text_at(i) != NULL; i++, parameter++)
        query_bind_text(query, parameter, ending->trial_texts[i]);
    return query_run(query, err);
}

/* An interrupted trial is as if it had not been begun: an earlier result of it stays. */
static enum status release_trial(struct ending *ending, struct err *err)
{
    struct query *query = NULL;
    enum status status = store_statement(ending->store, SLOT_RELEASE_TRIAL,
                                         "UPDATE trial SET state = 'pending'"
                                         " WHERE trial_id = ?1 AND state = 'running'",
                                         &query, err);
    if (status != STATUS_OK)
        return status;
    ending->store->claimed_from = NULL;
    query_bind_text(query, 1, ending->trial_id);
    return query_run(query, err);
}

/* The fence: only the owner of a running attempt gets past it. */
static enum status end_attempt(struct ending *ending, const struct owner *owner, enum outcome outcome,
                               const char *reason, struct err *err)
{
    struct query *query = NULL;
    enum status status =
        store_statement(ending->store, SLOT_END_ATTEMPT,
                        "UPDATE attempt SET state = ?4, reason = nullif(?5, ''), ended_at = " SQL_NOW
                        ", wall_s = max(?6 - claimed_s, 0)"
                        " WHERE trial_id = ?1 AND attempt = ?2 AND owner = ?3 AND state = 'running'",
                        &query, err);
    if (status != STATUS_OK)
        return status;
    bind_attempt(query, ending);
    query_bind_text(query, 3, owner->token);
    query_bind_text(query, 4, ends[outcome].attempt);
    query_bind_text(query, 5, reason);
    query_bind_real(query, 6, store_monotonic_s());
    status = query_run(query, err);
    if (status == STATUS_OK && db_changes(ending->store->db) != 1)
        status = err_set(err, STATUS_CORRUPT,
                         "trial %s: attempt %" PRId64 " is no longer this runner's; its result is not "
                         "stored",
                         ending->trial_id, ending->attempt);
    return status;
}

static enum status put_all(struct ending *ending, enum outcome outcome, const struct record *records, int n,
                           struct err *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; i < n && status == STATUS_OK; i++)
        status = put_record(ending, &records[i], err);
    if (status == STATUS_OK && ending->has_cost)
        status = put_cost(ending, err);
    if (status != STATUS_OK)
        return status;
    status = outcome == OUTCOME_INTERRUPTED ? release_trial(ending, err) : end_trial(ending, outcome, err);
    if (status == STATUS_OK && db_changes(ending->store->db) != 1)
        status = err_set(err, STATUS_CORRUPT, "trial %s: is not running although its attempt %" PRId64 " is",
                         ending->trial_id, ending->attempt);
    return status;
}

enum status store_put_end(struct store *store, const struct ended *ended, const struct owner *owner, struct err *err)
{
    struct ending ending = {.store = store, .trial_id = ended->trial_id, .attempt = ended->attempt};
    enum status status;
    ASSERT(ended->outcome >= 0 && ended->outcome < OUTCOME_COUNT);
    for (int i = 0; i < MOST_FACTS; i++)
        ending.facts[i] = ending.costs[i] = NAN;
    status = end_attempt(&ending, owner, ended->outcome, ended->reason, err);
    return status == STATUS_OK ? put_all(&ending, ended->outcome, ended->records, ended->n, err) : status;
}

enum status store_finish(struct store *store, const char *trial_id, int64_t attempt,
                         const struct owner *owner, enum outcome outcome, const char *reason,
                         const struct record *records, int n, struct err *err)
{
    struct ended ended = {trial_id, attempt, outcome, reason, records, n};
    enum status status = db_begin(store->db, err);
    if (status != STATUS_OK)
        return status;
    return store_end(store, store_put_end(store, &ended, owner, err), err);
}
