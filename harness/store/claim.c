/* SPDX-License-Identifier: Apache-2.0 */
/* claim.c — who runs which trial: preparing a run, and claiming. Who is still alive is asked of liveness.c.
 *
 * A claim is `UPDATE … WHERE state = 'pending'` inside a transaction that holds the write lock, so that two
 * runners never get the same trial; the index attempt_running forbids it a second time. The attempt carries the
 * owner's token, without which store_finish stores nothing: a runner that was thought dead and comes back is
 * refused.
 * Invariant: a trial is running exactly when one of its attempts is. */
#include <inttypes.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/store/internal.h"

enum status store_recover(struct store *store, struct err *err)
{
    struct table owners;
    enum status status = store_dead_owners(store, &owners, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < owners.n_rows && status == STATUS_OK; i++) {
        const char *owner = table_text(&owners, i, 0);
        status = store_run(store,
                           "UPDATE trial SET state = 'pending' WHERE state = 'running' AND trial_id IN"
                           " (SELECT trial_id FROM attempt WHERE state = 'running' AND owner = ?1)",
                           &owner, 1, err);
        if (status == STATUS_OK)
            status = store_run(
                store,
                "UPDATE attempt SET state = 'stale', ended_at = " SQL_NOW ","
                " reason = 'its runner ended without a word' WHERE state = 'running' AND owner = ?1",
                &owner, 1, err);
    }
    table_release(&owners);
    return status;
}

static enum status count_pending(struct store *store, const struct plan *plan, int *out, struct err *err)
{
    struct query *query = NULL;
    int n = 0;
    enum status status = store_statement(store, SLOT_TRIAL_STATE,
                                         "SELECT state = 'pending' FROM trial"
                                         " WHERE trial_id = ?1",
                                         &query, err);
    for (int i = 0; i < plan->n_trials && status == STATUS_OK; i++) {
        query_bind_text(query, 1, plan->trials[i].id);
        status = query_step(query, err);
        if (status == STATUS_OK)
            n += query_column_integer(query, 0) != 0;
        else if (status == STATUS_DONE)
            status = err_set(err, STATUS_NOT_FOUND, "%s: has no trial %s; the plan was not put there first",
                             db_path(store->db), plan->trials[i].id);
        query_reset(query);
    }
    if (status == STATUS_OK)
        *out = n;
    return status;
}

static enum status rerun(struct store *store, const struct plan *plan, enum store_rerun which,
                         struct err *err)
{
    struct query *query = NULL;
    enum status status = store_statement(store, SLOT_RERUN,
                                         "UPDATE trial SET state = 'pending' WHERE trial_id = ?1"
                                         " AND (state IN ('failed', 'timeout', 'oom', 'skipped', 'stale')"
                                         " OR ?2 AND state IN ('done', 'diverged'))",
                                         &query, err);
    for (int i = 0; i < plan->n_trials && status == STATUS_OK; i++) {
        query_bind_text(query, 1, plan->trials[i].id);
        query_bind_integer(query, 2, which == STORE_RERUN_ALL);
        status = query_run(query, err);
    }
    return status;
}

enum status store_prepare(struct store *store, const struct plan *plan, enum store_rerun which,
                          int *n_pending, struct err *err)
{
    int n = 0;
    enum status status = db_begin(store->db, err);
    if (status != STATUS_OK)
        return status;
    store->claimed_from = NULL;
    status = store_recover(store, err);
    if (status == STATUS_OK && which != STORE_RERUN_NONE)
        status = rerun(store, plan, which, err);
    if (status == STATUS_OK)
        status = count_pending(store, plan, &n, err);
    status = store_end(store, status, err);
    if (status == STATUS_OK)
        *n_pending = n;
    return status;
}

static bool is_listed(const struct table *trials, const char *id)
{
    for (int i = 0; i < trials->n_rows; i++)
        if (strcmp(table_text(trials, i, 0), id) == 0)
            return true;
    return false;
}

enum status store_missing(struct store *store, const struct plan *plan, enum store_rerun which, char *missing,
                          struct err *err)
{
    struct query *query = NULL;
    struct table lost;
    enum status status = store_lost(store, &lost, err);
    if (status != STATUS_OK)
        return status;
    status = store_statement(store, SLOT_MISSING,
                             "SELECT state = 'pending' OR ?2 AND state IN ('failed', 'timeout', 'oom', 'skipped', 'stale')"
                             " OR ?3 AND state IN ('done', 'diverged') FROM trial WHERE trial_id = ?1",
                             &query, err);
    for (int i = 0; i < plan->n_trials && status == STATUS_OK; i++) {
        query_bind_text(query, 1, plan->trials[i].id);
        query_bind_integer(query, 2, which != STORE_RERUN_NONE);
        query_bind_integer(query, 3, which == STORE_RERUN_ALL);
        status = query_step(query, err);
        if (status != STATUS_OK && status != STATUS_DONE)
            break;
        missing[i] = status == STATUS_DONE || query_column_integer(query, 0) || is_listed(&lost, plan->trials[i].id);
        status = STATUS_OK;
        query_reset(query);
    }
    table_release(&lost);
    return status;
}

/* Makes the first pending trial of [from, to) running; STATUS_DONE when none is. */
static enum status take_pending(struct store *store, const struct plan *plan, int from, int to, int *index,
                                struct err *err)
{
    struct query *query = NULL;
    enum status status = store_statement(store, SLOT_CLAIM_TRIAL,
                                         "UPDATE trial SET state = 'running'"
                                         " WHERE trial_id = ?1 AND state = 'pending'",
                                         &query, err);
    for (int i = from; i < to && status == STATUS_OK; i++) {
        query_bind_text(query, 1, plan->trials[i].id);
        status = query_run(query, err);
        if (status == STATUS_OK && db_changes(store->db) == 1) {
            *index = i;
            return STATUS_OK;
        }
    }
    return status == STATUS_OK ? STATUS_DONE : status;
}

static enum status begin_attempt(struct store *store, const char *trial_id, const struct owner *owner,
                                 int64_t *attempt, struct err *err)
{
    struct query *query = NULL;
    enum status status = store_statement(
        store, SLOT_CLAIM_ATTEMPT,
        "INSERT INTO attempt (trial_id, attempt, state, owner, pid, host_id, build_id, claimed_s)"
        " VALUES (?1, (SELECT coalesce(max(attempt), 0) + 1 FROM attempt WHERE trial_id = ?1), 'running',"
        " ?2, ?3, ?4, ?5, ?6) RETURNING attempt",
        &query, err);
    if (status != STATUS_OK)
        return status;
    query_bind_text(query, 1, trial_id);
    query_bind_text(query, 2, owner->token);
    query_bind_integer(query, 3, owner->pid);
    if (owner->host_id)
        query_bind_integer(query, 4, owner->host_id);
    else
        query_bind_null(query, 4);
    if (owner->build_id)
        query_bind_integer(query, 5, owner->build_id);
    else
        query_bind_null(query, 5);
    query_bind_real(query, 6, store_monotonic_s());
    status = query_step(query, err);
    ASSERT(status != STATUS_DONE);
    if (status == STATUS_OK)
        *attempt = query_column_integer(query, 0);
    query_reset(query);
    return status;
}

/* ended may be NULL. */
static enum status turn(struct store *store, const struct ended *ended, const struct plan *plan, const struct owner *owner,
                        int *index, int64_t *attempt, struct err *err)
{
    int64_t number = 0;
    int place = 0, start = store->claimed_from == plan->trials ? store->next_claim : 0;
    enum status status;
    if (start > plan->n_trials) /* another plan at the same address */
        start = 0;
    status = db_begin(store->db, err);
    if (status != STATUS_OK)
        return status;
    if (ended)
        status = store_put_end(store, ended, owner, err);
    /* A plan lists its trials from the largest, so the first that is pending is the one to take. What was
     * given back by another runner lies before the hint and is looked for when nothing lies behind it. */
    if (status == STATUS_OK)
        status = take_pending(store, plan, start, plan->n_trials, &place, err);
    if (status == STATUS_DONE)
        status = take_pending(store, plan, 0, start, &place, err);
    if (status == STATUS_OK)
        status = begin_attempt(store, plan->trials[place].id, owner, &number, err);
    status = store_end(store, status, err);
    if (status != STATUS_OK)
        return status;
    store->claimed_from = plan->trials;
    store->next_claim = place + 1;
    *index = place;
    *attempt = number;
    return STATUS_OK;
}

enum status store_claim(struct store *store, const struct plan *plan, const struct owner *owner, int *index,
                        int64_t *attempt, struct err *err)
{
    return turn(store, NULL, plan, owner, index, attempt, err);
}

enum status store_finish_and_claim(struct store *store, const struct ended *ended, const struct plan *plan,
                                   const struct owner *owner, int *index, int64_t *attempt, struct err *err)
{
    return turn(store, ended, plan, owner, index, attempt, err);
}
