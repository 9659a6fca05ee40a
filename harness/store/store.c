/* SPDX-License-Identifier: Apache-2.0 */
/* store.c — the store's life cycle, and the plans that come in. Questions are in ask.c, what happens to trials in claim.c, who is alive in liveness.c,
 * what trials leave behind in store_write.c.
 * Invariant: a store that store_open returned has our schema, and passed SQLite's check if it is not huge. */
#include "harness/store/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/base/assert.h"
#include "harness/store/internal.h"
#include "harness/store/migrate.h"
#include "harness/store/network.h"
#include "harness/store/schema.h"

enum { CHECKED_BYTES = 64 << 20 }; /* a quick check of this much takes well under a second */

static enum status check(struct db *db, const char *path, struct err *err)
{
    struct stat file;
    enum status status = schema_check(db, err);
    if (status == STATUS_OK && stat(path, &file) == 0 && file.st_size < CHECKED_BYTES)
        status = db_quick_check(db, err);
    return status;
}

/* An older store is migrated where it lies when it is opened for writing, and in memory when only for reading. */
static enum status bring_up_to_date(struct db **db, const char *path, enum store_mode mode, struct err *err)
{
    bool wanted = false;
    enum status status = migrate_wanted(*db, &wanted, err);
    if (status != STATUS_OK || !wanted)
        return status;
    if (mode == STORE_WRITE) {
        status = migrate_backup(*db, err);
    } else {
        db_close(*db);
        *db = NULL;
        status = db_open(db, path, DB_COPY, err);
    }
    if (status == STATUS_OK)
        status = migrate(*db, err);
    if (status == STATUS_OK && mode == STORE_READ)
        status = db_exec(*db, "PRAGMA query_only = ON", err);
    return status;
}

enum status store_open(struct store **out, const char *path, enum store_mode mode, struct err *err)
{
    struct db *db = NULL;
    struct store *store;
    enum status status = STATUS_OK;
    if (mode == STORE_CHANGE) {
        status = db_open(&db, path, DB_READ, err);
        if (status != STATUS_OK)
            return status;
        db_close(db);
        db = NULL;
        mode = STORE_WRITE;
    }
    if (mode == STORE_WRITE)
        status = network_check(path, err);
    if (status == STATUS_OK)
        status = db_open(&db, path, mode == STORE_READ ? DB_READ : DB_WRITE, err);
    if (status == STATUS_OK && mode == STORE_WRITE)
        status = schema_create(db, err);
    if (status == STATUS_OK)
        status = bring_up_to_date(&db, path, mode, err);
    if (status == STATUS_OK)
        status = check(db, path, err);
    if (status == STATUS_OK && mode == STORE_WRITE) /* not before: it would change somebody else's file */
        status = db_exec(db, "PRAGMA journal_mode = DELETE", err);
    if (status != STATUS_OK) {
        db_close(db);
        return status;
    }
    store = calloc(1, sizeof *store);
    NEED_MEMORY(store);
    store->db = db;
    store->lock_fd = -1;
    *out = store;
    return STATUS_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_let_go(store);
    for (int i = 0; i < SLOT_COUNT; i++)
        query_free(store->slots[i]);
    db_close(store->db);
    free(store);
}

enum status store_statement(struct store *store, enum store_slot slot, const char *sql, struct query **out,
                            struct err *err)
{
    enum status status = STATUS_OK;
    if (!store->slots[slot])
        status = db_prepare(store->db, sql, DB_TRUSTED, &store->slots[slot], err);
    if (status == STATUS_OK)
        *out = store->slots[slot];
    return status;
}

enum status store_run(struct store *store, const char *sql, const char *const *parameters, int n,
                      struct err *err)
{
    struct query *query = NULL;
    enum status status = db_prepare(store->db, sql, DB_TRUSTED, &query, err);
    if (status == STATUS_OK) {
        for (int i = 0; i < n; i++)
            query_bind_text(query, i + 1, parameters[i]);
        status = query_run(query, err);
    }
    query_free(query);
    return status;
}

enum status store_end(struct store *store, enum status status, struct err *err)
{
    if (status == STATUS_OK)
        return db_commit(store->db, err);
    db_rollback(store->db);
    return status;
}

double store_monotonic_s(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return NAN;
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Runs an insert that does nothing when the row is there, and a select that finds it; both take the same
 * parameters, bound by bind. */
static enum status insert_or_find(struct store *store, const char *insert, const char *select,
                                  void (*bind)(struct query *query, const void *row), const void *row,
                                  int64_t *id, struct err *err)
{
    struct query *inserting = NULL, *selecting = NULL;
    enum status status = db_prepare(store->db, insert, DB_TRUSTED, &inserting, err);
    if (status == STATUS_OK)
        status = db_prepare(store->db, select, DB_TRUSTED, &selecting, err);
    if (status == STATUS_OK) {
        bind(inserting, row);
        bind(selecting, row);
        status = query_run(inserting, err);
    }
    if (status == STATUS_OK)
        status = query_step(selecting, err);
    ASSERT(status != STATUS_DONE); /* it was just put there, and nothing deletes it */
    if (status == STATUS_OK)
        *id = query_column_integer(selecting, 0);
    query_free(selecting);
    query_free(inserting);
    return status;
}

static void bind_host(struct query *query, const void *row)
{
    const struct host_info *host = row;
    query_bind_text(query, 1, host->key);
    query_bind_text(query, 2, host->cpu_model);
    query_bind_integer(query, 3, host->logical_cpus);
    query_bind_integer(query, 4, host->numa_nodes);
    query_bind_text(query, 5, host->arch);
    query_bind_integer(query, 6, host->memory_bytes);
    query_bind_text(query, 7, host->kernel);
    query_bind_text(query, 8, host->isa);
}

enum status store_host(struct store *store, const struct host_info *host, int64_t *id, struct err *err)
{
    return insert_or_find(
        store,
        "INSERT INTO host (host_key, cpu_model, logical_cpus, numa_nodes, arch, memory_bytes, kernel, isa)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        "SELECT host_id FROM host WHERE (host_key, cpu_model, logical_cpus, numa_nodes, arch, memory_bytes,"
        " kernel, isa) = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        bind_host, host, id, err);
}

static void bind_build(struct query *query, const void *row)
{
    const struct build_info *build = row;
    query_bind_text(query, 1, build->version);
    query_bind_text(query, 2, build->git);
    query_bind_text(query, 3, build->compiler);
    query_bind_text(query, 4, build->flags);
    query_bind_text(query, 5, build->blas);
    query_bind_text(query, 6, build->blas_core);
}

enum status store_build(struct store *store, const struct build_info *build, int64_t *id, struct err *err)
{
    return insert_or_find(
        store,
        "INSERT INTO build (version, git, compiler, flags, blas, blas_core) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        " ON CONFLICT DO NOTHING",
        "SELECT build_id FROM build WHERE (version, git, compiler, flags, blas, blas_core) = (?1, ?2, ?3, "
        "?4, ?5, ?6)",
        bind_build, build, id, err);
}

static void bind_spec(struct query *query, const void *row)
{
    const struct plan *plan = row;
    struct str claims;
    query_bind_text(query, 1, plan->name);
    query_bind_text(query, 2, plan->text ? plan->text : "");
    query_bind_text(query, 3, plan->command ? plan->command : "");
    if (query_parameters(query) == 3) /* the one that finds */
        return;
    str_init(&claims);
    for (int i = 0; i < plan->n_claims; i++)
        str_format(&claims, "%s%s", i ? " " : "", plan->claims[i]);
    query_bind_text(query, 4, plan->question ? plan->question : "");
    query_bind_text(query, 5, claims.text);
    query_bind_integer(query, 6, plan->n_dropped);
    str_release(&claims);
}

enum status store_put_spec(struct store *store, const struct plan *plan, int64_t *id, struct err *err)
{
    return insert_or_find(store,
                          "INSERT INTO spec (name, text, command, question, claims, n_dropped) VALUES (?1, ?2, ?3, "
                          "?4, ?5, ?6) ON CONFLICT DO NOTHING",
                          "SELECT spec_id FROM spec WHERE (name, text, command) = (?1, ?2, ?3)", bind_spec, plan, id, err);
}

/* The insert for a trial: its id, every knob, and what is known beforehand (bind_estimate). */
static void trial_sql(struct str *sql)
{
    str_append(sql, "INSERT INTO trial (trial_id");
    for (int i = 0; i < knob_count(); i++)
        str_format(sql, ", %s", knob_at(i)->column);
    str_append(sql, ", params_total, params_active, params_non_embedding, params_matmul, predicted_flops,"
                    " predicted_seconds, predicted_bytes) VALUES (?1");
    for (int i = 2; i <= 1 + knob_count() + 7; i++)
        str_format(sql, ", ?%d", i);
    str_append(sql, ") ON CONFLICT DO NOTHING");
}

static void bind_knob(struct query *query, int parameter, const struct knob *knob, const struct knobs *knobs)
{
    switch (knob->type) {
    case KNOB_INTEGER:
    case KNOB_BOOL: /* ranges end far below 2^53, so the double is exact */
        query_bind_integer(query, parameter, (int64_t)knob_number(knob, knobs));
        break;
    case KNOB_REAL:
        query_bind_real(query, parameter, knob_number(knob, knobs));
        break;
    case KNOB_CHOICE:
    case KNOB_TEXT:
        query_bind_text(query, parameter, (const char *)knobs + knob->offset);
        break;
    }
}

/* An estimate of 0 says that nobody has estimated. */
static void bind_estimate(struct query *query, int first, const struct estimate *estimate)
{
    const int64_t params[] = {estimate->params_total, estimate->params_active, estimate->params_non_embedding,
                              estimate->params_matmul};
    for (int i = 0; i < 4; i++) {
        if (params[i] > 0)
            query_bind_integer(query, first + i, params[i]);
        else
            query_bind_null(query, first + i);
    }
    query_bind_real(query, first + 4, estimate->flops > 0 ? estimate->flops : NAN);
    query_bind_real(query, first + 5, estimate->seconds > 0 ? estimate->seconds : NAN);
    if (estimate->bytes > 0 && estimate->bytes < 9e18)
        query_bind_integer(query, first + 6, (int64_t)estimate->bytes);
    else
        query_bind_null(query, first + 6);
}

static enum status put_trials(struct store *store, const struct plan *plan, int64_t spec_id, struct err *err)
{
    struct query *trial = NULL, *member = NULL;
    struct str sql;
    enum status status;
    str_init(&sql);
    trial_sql(&sql);
    status = store_statement(store, SLOT_PUT_TRIAL, sql.text, &trial, err);
    str_release(&sql);
    if (status == STATUS_OK)
        status = store_statement(store, SLOT_PUT_MEMBER,
                                 "INSERT INTO spec_trial (trial_id, spec_id, position)"
                                 " VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                                 &member, err);
    for (int i = 0; i < plan->n_trials && status == STATUS_OK; i++) {
        const struct planned_trial *planned = &plan->trials[i];
        query_bind_text(trial, 1, planned->id);
        for (int k = 0; k < knob_count(); k++)
            bind_knob(trial, 2 + k, knob_at(k), &planned->knobs);
        bind_estimate(trial, 2 + knob_count(), &planned->estimate);
        status = query_run(trial, err);
        if (status != STATUS_OK)
            break;
        query_bind_text(member, 1, planned->id);
        query_bind_integer(member, 2, spec_id);
        query_bind_integer(member, 3, i);
        status = query_run(member, err);
    }
    return status;
}

enum status store_put_plan(struct store *store, const struct plan *plan, struct err *err)
{
    int64_t spec_id = 0;
    enum status status = db_begin(store->db, err);
    if (status != STATUS_OK)
        return status;
    status = store_put_spec(store, plan, &spec_id, err);
    if (status == STATUS_OK)
        status = put_trials(store, plan, spec_id, err);
    return store_end(store, status, err);
}
