/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h — what the files of this room share behind store.h. Nobody outside includes it, save the tests
 * of this room.
 *
 * A statement that is run often is prepared once per connection and kept in a slot until the store closes. */
#ifndef HARNESS_STORE_INTERNAL_H
#define HARNESS_STORE_INTERNAL_H

#include "harness/store/db.h"
#include "harness/store/store.h"

enum store_slot {
    SLOT_PUT_TRIAL,
    SLOT_PUT_MEMBER,
    SLOT_TRIAL_STATE,
    SLOT_MISSING,
    SLOT_RERUN,
    SLOT_CLAIM_TRIAL,
    SLOT_CLAIM_ATTEMPT,
    SLOT_END_ATTEMPT,
    SLOT_RELEASE_TRIAL,
    SLOT_END_TRIAL,
    SLOT_PUT_CORPUS,
    SLOT_METRIC,
    SLOT_EVAL,
    SLOT_LATENCY,
    SLOT_MOE_LOAD,
    SLOT_MOE_METRIC,
    SLOT_COST,
    SLOT_BENCH,
    SLOT_COUNT
};

struct store {
    struct db *db;
    struct query *slots[SLOT_COUNT];
    int lock_fd; /* holds this runner's lock (liveness.c); -1: none */
    /* Where store_claim goes on looking: what lies before was not pending when last seen. Only a hint. */
    const struct planned_trial *claimed_from;
    int next_claim;
};

/* The slot's statement, prepared from sql the first time. It belongs to the store. */
MUST_CHECK enum status store_statement(struct store *store, enum store_slot slot, const char *sql,
                                       struct query **out, struct err *err);

/* The same with every parameter a text, run to its end: for statements that are run once. */
MUST_CHECK enum status store_run(struct store *store, const char *sql, const char *const *parameters, int n,
                                 struct err *err);

/* Inserts or finds the plan's spec, within the caller's transaction. */
MUST_CHECK enum status store_put_spec(struct store *store, const struct plan *plan, int64_t *id, struct err *err);

/* Ends the transaction: commits on STATUS_OK, otherwise rolls back and passes status on. */
MUST_CHECK enum status store_end(struct store *store, enum status status, struct err *err);

/* What store_finish does, within the caller's transaction. */
MUST_CHECK enum status store_put_end(struct store *store, const struct ended *ended, const struct owner *owner,
                                     struct err *err);

/* Seconds of the clock that does not jump; comparable within one boot of the machine. */
double store_monotonic_s(void);

/* Whether the runner that made this owner token still runs; pid is used when the token tells nothing. */
bool store_owner_alive(const struct store *store, const char *token, int64_t pid);

/* The owners of running attempts that are gone: one column, owner. The table is the caller's to release. */
MUST_CHECK enum status store_dead_owners(struct store *store, struct table *out, struct err *err);

/* Takes back what the owners that are gone were running, within the caller's transaction. */
MUST_CHECK enum status store_recover(struct store *store, struct err *err);

/* Gives up the lock of store_hold, if there is one. */
void store_let_go(struct store *store);

/* The present moment in SQL, as every table has it. */
#define SQL_NOW "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

#endif
