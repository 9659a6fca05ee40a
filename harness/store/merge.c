/* SPDX-License-Identifier: Apache-2.0 */
/* merge.c — see merge.h.
 *
 * Of each store the small tables are first copied as they are into temporary tables of the same names; what follows is SQL
 * between those (temp.) and ours (main.). Measurements, which may be many, go straight from file to file, each row with the
 * number that its attempt has here.
 * Invariant: everything between begin and end is one transaction of the one file that is written. */
#include "harness/store/merge.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/store/facts.h"
#include "harness/store/internal.h"

/* How good a state is. */
#define RANK(state) "CASE " state " WHEN 'done' THEN 2 WHEN 'pending' THEN 0 WHEN 'running' THEN 0 ELSE 1 END"

/* Rows of temp.attempt and main.attempt that are one and the same attempt. */
#define SAME(a, b) \
    a ".trial_id = " b ".trial_id AND " a ".owner = " b ".owner AND " a ".started_at = " b ".started_at AND " a \
      ".claimed_s IS " b ".claimed_s"

static const char *const staged[] = {"host", "build", "corpus", "spec", "spec_trial", "import", "trial", "attempt",
                                     "fit", "prediction", "bench_sample", "baseline"};
static const char *const measured[] = {"metric", "eval", "latency_sample", "cost", "moe_metric", "moe_load"};

enum { N_STAGED = sizeof staged / sizeof *staged, N_MEASURED = sizeof measured / sizeof *measured };

/* Hosts and builds have their numbers in each store; these find ours for the staged row x. */
#define OUR_HOST \
    "(SELECT h.host_id FROM main.host h JOIN temp.host o USING (host_key, cpu_model, logical_cpus, numa_nodes, arch," \
    " memory_bytes, kernel, isa) WHERE o.host_id = x.host_id)"
#define OUR_BUILD \
    "(SELECT b.build_id FROM main.build b JOIN temp.build o USING (version, git, compiler, flags, blas, blas_core)" \
    " WHERE o.build_id = x.build_id)"
#define OUR_SPEC \
    "(SELECT s.spec_id FROM main.spec s JOIN temp.spec o USING (name, text, command) WHERE o.spec_id = x.spec_id)"

/* What trials and attempts refer to. */
static const char sql_references[] =
    "INSERT INTO main.host SELECT NULL, host_key, cpu_model, logical_cpus, numa_nodes, arch, memory_bytes, kernel, isa"
    "  FROM temp.host WHERE true ON CONFLICT DO NOTHING;"
    "INSERT INTO main.build SELECT NULL, version, git, compiler, flags, blas, blas_core FROM temp.build WHERE true"
    "  ON CONFLICT DO NOTHING;"
    "INSERT INTO main.corpus SELECT * FROM temp.corpus WHERE true ON CONFLICT DO NOTHING;"
    "INSERT INTO main.spec SELECT NULL, name, question, claims, text, command, n_dropped, created_at FROM temp.spec WHERE true"
    "  ORDER BY spec_id ON CONFLICT DO NOTHING;"
    "INSERT INTO main.import SELECT " OUR_SPEC ", path, file_hash, source, mapping, created_at FROM temp.import x WHERE true"
    "  ON CONFLICT DO NOTHING;";

/* What becomes of each attempt: its number here, and whether it is here already (0, 1). An attempt that is done comes with
 * a trial that is done, and not to one that is done here. */
static const char sql_number_attempts[] =
    "CREATE TEMP TABLE numbered AS"
    " SELECT x.trial_id, x.attempt, m.attempt AS number, 1 AS present FROM temp.attempt x JOIN main.attempt m ON " SAME("m", "x") ";"
    "INSERT INTO temp.numbered"
    " SELECT x.trial_id, x.attempt, coalesce((SELECT max(m.attempt) FROM main.attempt m WHERE m.trial_id = x.trial_id), 0)"
    "  + row_number() OVER (PARTITION BY x.trial_id ORDER BY x.attempt), 0"
    " FROM temp.attempt x JOIN temp.trial t ON t.trial_id = x.trial_id JOIN main.trial o ON o.trial_id = x.trial_id"
    " WHERE x.state <> 'running' AND (x.state <> 'done' OR (t.state = 'done' AND o.state <> 'done'))"
    "  AND NOT EXISTS (SELECT 1 FROM main.attempt m WHERE " SAME("m", "x") ");"
    "CREATE INDEX temp.numbered_by_attempt ON numbered (trial_id, attempt);"
    /* Trials that were done by different attempts: their results have to be the same. */
    "CREATE TEMP TABLE doubly AS SELECT t.trial_id, t.final_attempt AS there, o.final_attempt AS here"
    " FROM temp.trial t JOIN main.trial o ON o.trial_id = t.trial_id WHERE t.state = 'done' AND o.state = 'done' AND NOT EXISTS"
    "  (SELECT 1 FROM temp.numbered n WHERE n.trial_id = t.trial_id AND n.attempt = t.final_attempt AND n.present);"
    "CREATE INDEX temp.doubly_by_trial ON doubly (trial_id);";

static const char sql_attempts[] =
    "INSERT INTO main.attempt (trial_id, attempt, state, reason, owner, pid, host_id, build_id, started_at, ended_at, claimed_s,"
    " wall_s) SELECT x.trial_id, n.number, x.state, x.reason, x.owner, x.pid, " OUR_HOST ", " OUR_BUILD ", x.started_at,"
    " x.ended_at, x.claimed_s, x.wall_s FROM temp.attempt x JOIN temp.numbered n USING (trial_id, attempt) WHERE NOT n.present;";

/* Fits have names that no other fit takes, and benchmark runs too. */
static const char sql_others[] =
    "INSERT INTO main.spec_trial SELECT " OUR_SPEC ", trial_id, position FROM temp.spec_trial x WHERE true ON CONFLICT DO NOTHING;"
    "INSERT INTO main.fit SELECT * FROM temp.fit WHERE true ON CONFLICT DO NOTHING;"
    "INSERT INTO main.prediction SELECT * FROM temp.prediction WHERE true ON CONFLICT DO NOTHING;"
    "INSERT INTO main.bench_sample SELECT NULL, run_id, " OUR_HOST ", " OUR_BUILD ", bench, name, metric, unit, exact, block, value,"
    " measured_at FROM temp.bench_sample x WHERE run_id NOT IN (SELECT run_id FROM main.bench_sample) ORDER BY sample_id;"
    "INSERT INTO main.baseline SELECT * FROM temp.baseline WHERE true ON CONFLICT DO NOTHING;";

struct merger {
    struct store *to;
    struct store *from;
    const char *path;
    struct merge_result *result;
};

/* The columns of one of our tables, by commas; returns how many. */
static enum status list_columns(struct db *db, const char *table, struct str *out, int *n, struct err *err)
{
    struct query *query = NULL;
    enum status status = db_prepare(db, "SELECT name FROM pragma_table_info(?1, 'main')", DB_TRUSTED, &query, err);
    *n = 0;
    if (status == STATUS_OK)
        query_bind_text(query, 1, table);
    while (status == STATUS_OK && (status = query_step(query, err)) == STATUS_OK)
        str_format(out, "%s%s", (*n)++ ? ", " : "", query_column_text(query, 0));
    query_free(query);
    return status == STATUS_DONE ? STATUS_OK : status;
}

/* Runs `into` here once for each row of `question` there, the row's columns being its first parameters. */
static enum status copy_each(const struct merger *m, const char *question, const char *into, struct err *err)
{
    struct query *select = NULL, *insert = NULL;
    enum status status = db_prepare(m->from->db, question, DB_TRUSTED, &select, err);
    if (status == STATUS_OK)
        status = db_prepare(m->to->db, into, DB_TRUSTED, &insert, err);
    while (status == STATUS_OK && (status = query_step(select, err)) == STATUS_OK) {
        for (int i = 0; i < query_columns(select); i++)
            query_bind_column(insert, i + 1, select, i);
        status = query_run(insert, err);
    }
    query_free(insert);
    query_free(select);
    return status == STATUS_DONE ? STATUS_OK : status;
}

static void append_parameters(struct str *sql, int first, int last)
{
    for (int i = first; i <= last; i++)
        str_format(sql, "%s?%d", i > first ? ", " : "", i);
}

/* Copies a table row by row into the same table of `into` (temp or main): its columns from the `first` on are parameters,
 * between what stands before them and after. */
static enum status copy_table(const struct merger *m, const char *table, const char *into, const char *before, int first,
                              const char *after, struct err *err)
{
    struct str columns, question, sql;
    int n;
    enum status status;
    str_init(&columns);
    str_init(&question);
    str_init(&sql);
    status = list_columns(m->to->db, table, &columns, &n, err);
    if (status == STATUS_OK) {
        str_format(&question, "SELECT %s FROM %s", columns.text, table);
        str_format(&sql, "INSERT INTO %s.%s (%s) %s", into, table, columns.text, before);
        append_parameters(&sql, first, n);
        str_append(&sql, after);
        status = copy_each(m, question.text, sql.text, err);
    }
    str_release(&columns);
    str_release(&question);
    str_release(&sql);
    return status;
}

static enum status stage(const struct merger *m, const char *table, struct err *err)
{
    struct str sql;
    enum status status;
    str_init(&sql);
    str_format(&sql, "CREATE TEMP TABLE %s AS SELECT * FROM main.%s WHERE false", table, table);
    status = db_exec(m->to->db, sql.text, err);
    str_release(&sql);
    return status == STATUS_OK ? copy_table(m, table, "temp", "VALUES (", 1, ")", err) : status;
}

/* Takes the rows of a table of measurements whose attempts are taken; trial_id and attempt are the first two columns. */
static enum status copy_measured(const struct merger *m, const char *table, struct err *err)
{
    return copy_table(m, table, "main", "SELECT ?1, number, ", 3,
                      " FROM temp.numbered WHERE trial_id = ?1 AND attempt = ?2 AND NOT present", err);
}

/* ---- trials ---- */

/* What a column of a trial holds that is new here: it comes as it was planned, until its attempts are taken. */
static const char *value_of_new(const char *column)
{
    return strcmp(column, "state") == 0                                              ? "'pending'"
           : strcmp(column, "final_attempt") == 0 || strcmp(column, "checkpoint") == 0 ? "NULL"
                                                                                     : column;
}

static enum status put_trials(const struct merger *m, struct err *err)
{
    struct query *names = NULL;
    struct str columns, values, sql;
    enum status status = db_prepare(m->to->db, "SELECT name FROM pragma_table_info('trial', 'main')", DB_TRUSTED, &names, err);
    str_init(&columns);
    str_init(&values);
    str_init(&sql);
    while (status == STATUS_OK && (status = query_step(names, err)) == STATUS_OK) {
        const char *name = query_column_text(names, 0);
        str_format(&columns, "%s%s", columns.length ? ", " : "", name);
        str_format(&values, "%s%s", values.length ? ", " : "", value_of_new(name));
    }
    query_free(names);
    str_format(&sql, "INSERT INTO main.trial (%s) SELECT %s FROM temp.trial WHERE trial_id NOT IN (SELECT trial_id FROM main.trial)",
               columns.text, values.text);
    if (status == STATUS_DONE)
        status = db_exec(m->to->db, "CREATE UNIQUE INDEX temp.trial_by_id ON trial (trial_id)", err);
    if (status == STATUS_OK)
        status = db_exec(m->to->db, sql.text, err);
    if (status == STATUS_OK)
        m->result->trials += db_changes(m->to->db);
    str_release(&columns);
    str_release(&values);
    str_release(&sql);
    return status;
}

static void append_told(struct str *sql, const struct fact *(*at)(int i))
{
    const struct fact *fact;
    for (int i = 0; (fact = at(i)) != NULL; i++)
        if (strcmp(fact->column, "checkpoint") != 0)
            str_format(sql, fact->planned ? ", %s = coalesce(t.%s, trial.%s)" : ", %s = t.%s", fact->column, fact->column,
                       fact->column);
}

/* A trial whose state is better there gets it, with what its attempt told. */
static enum status promote(const struct merger *m, struct err *err)
{
    static const char count[] = "SELECT count(*) FROM main.trial WHERE state = 'done'";
    int64_t before = 0, after = 0;
    struct str sql;
    enum status status = db_integer(m->to->db, count, &before, err);
    str_init(&sql);
    str_append(&sql, "UPDATE main.trial SET state = t.state, final_attempt = coalesce(n.number, trial.final_attempt)");
    append_told(&sql, fact_at);
    append_told(&sql, trial_text_at);
    str_append(&sql, " FROM temp.trial t LEFT JOIN temp.numbered n ON n.trial_id = t.trial_id AND n.attempt = t.final_attempt"
                     " WHERE t.trial_id = trial.trial_id AND " RANK("t.state") " > " RANK("trial.state"));
    if (status == STATUS_OK)
        status = db_exec(m->to->db, sql.text, err);
    if (status == STATUS_OK)
        status = db_integer(m->to->db, count, &after, err);
    m->result->results += after - before;
    str_release(&sql);
    return status;
}

/* ---- conflicts ---- */

/* Trials that a living runner of this store is at cannot get another state or further attempts. */
static enum status refuse_running(const struct merger *m, struct err *err)
{
    int64_t n = 0;
    enum status status = db_integer(m->to->db, "SELECT count(DISTINCT trial_id) FROM temp.numbered JOIN main.trial USING (trial_id)"
                                               " WHERE state = 'running' AND NOT present", &n, err);
    if (status == STATUS_OK && n > 0)
        status = err_set(err, STATUS_IO, "%s: %" PRId64 " of the trials of %s are running there just now; merge when they have ended",
                         db_path(m->to->db), n, m->path);
    return status;
}

/* Single figures of the trials that are done here and there; those of a clock are not among them. */
static enum status compare_facts(const struct merger *m, struct err *err)
{
    enum status status = STATUS_OK;
    const struct fact *fact;
    struct str sql;
    str_init(&sql);
    for (int i = 0; (fact = fact_at(i)) != NULL; i++)
        str_format(&sql,
                   "INSERT INTO temp.conflict SELECT d.trial_id, '%s', o.%s, t.%s FROM temp.doubly d JOIN main.trial o USING (trial_id)"
                   " JOIN temp.trial t USING (trial_id) WHERE o.%s IS NOT t.%s;", fact->column, fact->column, fact->column,
                   fact->column, fact->column);
    status = db_exec(m->to->db, sql.text, err);
    str_release(&sql);
    return status;
}

/* Scores and curves: what both measured has to be equal. */
static enum status compare_measured(const struct merger *m, struct err *err)
{
    static const char evals[] =
        "INSERT INTO temp.conflict SELECT ?1, ?3 || ' ' || ?4, e.value, ?6 FROM temp.doubly d JOIN main.eval e ON e.trial_id ="
        " d.trial_id AND e.attempt = d.here WHERE d.trial_id = ?1 AND d.there = ?2 AND e.task = ?3 AND e.metric = ?4 AND"
        " e.step = ?5 AND e.value IS NOT ?6";
    static const char metrics[] =
        "INSERT INTO temp.conflict SELECT ?1, ?3 || ' at step ' || ?4, e.value, ?5 FROM temp.doubly d JOIN main.metric e ON"
        " e.trial_id = d.trial_id AND e.attempt = d.here WHERE d.trial_id = ?1 AND d.there = ?2 AND e.name = ?3 AND e.step = ?4"
        " AND e.value IS NOT ?5";
    enum status status = copy_each(m, "SELECT trial_id, attempt, task, metric, step, value FROM eval", evals, err);
    if (status == STATUS_OK)
        status = copy_each(m, "SELECT trial_id, attempt, name, step, value FROM metric", metrics, err);
    return status;
}

static enum status note_conflicts(const struct merger *m, struct err *err)
{
    struct table *out = &m->result->conflicts;
    struct query *query = NULL;
    enum status status = db_prepare(m->to->db, "SELECT ?1, trial_id, figure, here, there FROM temp.conflict ORDER BY 2, 3",
                                    DB_TRUSTED, &query, err);
    if (status == STATUS_OK)
        query_bind_text(query, 1, m->path);
    while (status == STATUS_OK && (status = query_step(query, err)) == STATUS_OK) {
        int row = table_add_row(out);
        for (int i = 0; i < out->n_columns && status == STATUS_OK; i++)
            status = query_column_cell(query, i, out, row, err);
    }
    query_free(query);
    return status == STATUS_DONE ? STATUS_OK : status;
}

static enum status compare(const struct merger *m, struct err *err)
{
    int64_t doubly = 0, differing = 0;
    enum status status = db_exec(m->to->db, "CREATE TEMP TABLE conflict (trial_id TEXT, figure TEXT, here, there)", err);
    if (status == STATUS_OK)
        status = db_integer(m->to->db, "SELECT count(*) FROM temp.doubly", &doubly, err);
    if (status == STATUS_OK && doubly > 0)
        status = compare_facts(m, err);
    if (status == STATUS_OK && doubly > 0)
        status = compare_measured(m, err);
    if (status == STATUS_OK)
        status = note_conflicts(m, err);
    if (status == STATUS_OK)
        status = db_integer(m->to->db, "SELECT count(DISTINCT trial_id) FROM temp.conflict", &differing, err);
    m->result->agreeing += doubly - differing;
    return status;
}

/* ---- a store, and all of them ---- */

static enum status merge_staged(const struct merger *m, struct err *err)
{
    enum status status = db_exec(m->to->db, sql_references, err);
    if (status == STATUS_OK)
        status = put_trials(m, err);
    if (status == STATUS_OK)
        status = db_exec(m->to->db, sql_number_attempts, err);
    if (status == STATUS_OK)
        status = refuse_running(m, err);
    if (status == STATUS_OK)
        status = compare(m, err);
    if (status == STATUS_OK)
        status = db_exec(m->to->db, sql_attempts, err);
    for (int i = 0; i < N_MEASURED && status == STATUS_OK; i++)
        status = copy_measured(m, measured[i], err);
    if (status == STATUS_OK)
        status = promote(m, err);
    return status == STATUS_OK ? db_exec(m->to->db, sql_others, err) : status;
}

static enum status merge_one(const struct merger *m, struct err *err)
{
    enum status status = STATUS_OK;
    struct str drop;
    for (int i = 0; i < N_STAGED && status == STATUS_OK; i++)
        status = stage(m, staged[i], err);
    if (status == STATUS_OK)
        status = merge_staged(m, err);
    str_init(&drop);
    str_append(&drop, "DROP TABLE temp.numbered; DROP TABLE temp.doubly; DROP TABLE temp.conflict;");
    for (int i = 0; i < N_STAGED; i++)
        str_format(&drop, "DROP TABLE temp.%s;", staged[i]);
    if (status == STATUS_OK)
        status = db_exec(m->to->db, drop.text, err);
    str_release(&drop);
    return status;
}

/* The reader sees the file as it was when it began, whoever writes to it. */
static enum status merge_path(struct merger *m, struct err *err)
{
    struct stat from, to;
    enum status status = store_open(&m->from, m->path, STORE_READ, err);
    if (status != STATUS_OK)
        return status;
    if (stat(m->path, &from) == 0 && stat(db_path(m->to->db), &to) == 0 && from.st_ino == to.st_ino && from.st_dev == to.st_dev)
        status = err_set(err, STATUS_USAGE, "%s is the store that is merged into; give it with --db only", m->path);
    if (status == STATUS_OK)
        status = db_exec(m->from->db, "BEGIN", err);
    if (status == STATUS_OK)
        status = merge_one(m, err);
    store_close(m->from);
    return status;
}

enum status store_merge(struct store *store, const char *const *paths, int n, bool keep_here, struct merge_result *result,
                        struct err *err)
{
    static const char *const names[] = {"store", "trial_id", "figure", "here", "there"};
    struct merger m = {.to = store, .result = result};
    enum status status = db_begin(store->db, err);
    if (status != STATUS_OK)
        return status;
    *result = (struct merge_result){0};
    table_init(&result->conflicts, 5, names);
    status = store_recover(store, err);
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        m.path = paths[i];
        status = merge_path(&m, err);
    }
    if (status == STATUS_OK && result->conflicts.n_rows > 0 && !keep_here)
        status = err_set(err, STATUS_FORMAT, "%s: trials are done here and in another store with different results; nothing was merged",
                         db_path(store->db));
    store->claimed_from = NULL;
    status = store_end(store, status, err);
    if (status != STATUS_OK && !(status == STATUS_FORMAT && result->conflicts.n_rows > 0))
        table_release(&result->conflicts);
    return status;
}
