/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c — samples of benchmark runs, and the names that runs are given.
 * Invariant: a baseline names a run that has samples. */
#include <string.h>

#include "harness/store/internal.h"

static enum status check_name(const char *what, const char *name, struct err *err)
{
    if (str_is_name(name))
        return STATUS_OK;
    return err_set(err, STATUS_USAGE,
                   "a %s is 1 to 128 letters, digits, '.', '_' or '-', and begins with neither "
                   "'.' nor '-'",
                   what);
}

static void bind_sample(struct query *query, const struct bench_sample *sample)
{
    query_bind_text(query, 4, sample->bench);
    query_bind_text(query, 5, sample->name);
    query_bind_text(query, 6, sample->metric);
    query_bind_text(query, 7, sample->unit);
    query_bind_integer(query, 8, sample->exact);
    query_bind_integer(query, 9, sample->block);
    query_bind_real(query, 10, sample->value);
}

static enum status put_samples(struct store *store, const char *run_id, const struct owner *owner,
                               const struct bench_sample *samples, int n, struct err *err)
{
    struct query *query = NULL;
    enum status status = store_statement(
        store, SLOT_BENCH,
        "INSERT INTO bench_sample (run_id, host_id, build_id, bench, name, metric, unit, exact, block, value)"
        " VALUES (?1, nullif(?2, 0), nullif(?3, 0), ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        &query, err);
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        query_bind_text(query, 1, run_id);
        query_bind_integer(query, 2, owner->host_id);
        query_bind_integer(query, 3, owner->build_id);
        bind_sample(query, &samples[i]);
        status = query_run(query, err);
    }
    return status;
}

enum status store_put_bench(struct store *store, const char *run_id, const struct owner *owner,
                            const struct bench_sample *samples, int n, struct err *err)
{
    enum status status = check_name("run's id", run_id, err);
    if (status == STATUS_OK)
        status = db_begin(store->db, err);
    if (status != STATUS_OK)
        return status;
    status = put_samples(store, run_id, owner, samples, n, err);
    return store_end(store, status, err);
}

static enum status require_run(struct store *store, const char *run_id, struct err *err)
{
    struct query *query = NULL;
    enum status status = db_prepare(store->db, "SELECT 1 FROM bench_sample WHERE run_id = ?1 LIMIT 1",
                                    DB_TRUSTED, &query, err);
    if (status == STATUS_OK) {
        query_bind_text(query, 1, run_id);
        status = query_step(query, err);
        if (status == STATUS_DONE)
            status =
                err_set(err, STATUS_NOT_FOUND, "%s: has no benchmark run '%s'", db_path(store->db), run_id);
    }
    query_free(query);
    return status;
}

enum status store_put_baseline(struct store *store, const char *name, const char *run_id, struct err *err)
{
    const char *const parameters[] = {name, run_id};
    enum status status = check_name("baseline's name", name, err);
    if (status == STATUS_OK)
        status = db_begin(store->db, err);
    if (status != STATUS_OK)
        return status;
    status = require_run(store, run_id, err);
    if (status == STATUS_OK)
        status = store_run(store,
                           "INSERT INTO baseline (name, run_id) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE"
                           " SET run_id = excluded.run_id, created_at = " SQL_NOW,
                           parameters, 2, err);
    return store_end(store, status, err);
}
