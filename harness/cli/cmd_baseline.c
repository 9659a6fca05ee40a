/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_baseline.c — `isoflop baseline set NAME [RUN]`, `isoflop baseline list`: names for benchmark runs. */
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/cli/print.h"
#include "harness/cli/runs.h"

static const char list_sql[] =
    "SELECT b.name, b.run_id, count(*) AS samples, min(s.measured_at) AS measured_at, h.host_key AS host, u.git AS \"commit\""
    " FROM baseline b JOIN bench_sample s ON s.run_id = b.run_id JOIN host h ON h.host_id = s.host_id"
    " JOIN build u ON u.build_id = s.build_id GROUP BY b.name ORDER BY b.name";

static int list(struct invocation *invocation)
{
    struct err err = ERR_INIT;
    struct store *store;
    struct table table;
    int code;
    enum status status = store_open(&store, invocation->db, STORE_READ, &err);
    if (status != STATUS_OK)
        return failed(&err);
    status = store_query(store, list_sql, NULL, 0, &table, &err);
    store_close(store);
    if (status != STATUS_OK)
        return failed(&err);
    code = print_table(invocation, &table, "isoflop.baseline.v1");
    table_release(&table);
    return code;
}

static int set(struct invocation *invocation, const char *name, const char *word)
{
    struct err err = ERR_INIT;
    struct store *store;
    char run_id[96];
    enum status status;
    if (!str_is_name(name)) {
        (void)err_set(&err, STATUS_USAGE, "'%s' is no name: letters, digits, '.', '_' and '-' only", name);
        return failed(&err);
    }
    status = store_open(&store, invocation->db, STORE_CHANGE, &err);
    if (status != STATUS_OK)
        return failed(&err);
    status = runs_find(store, word, run_id, sizeof run_id, &err);
    if (status == STATUS_OK)
        status = store_put_baseline(store, name, run_id, &err);
    store_close(store);
    if (status != STATUS_OK)
        return failed(&err);
    if (!invocation->quiet)
        (void)printf("%s is run %s\n", name, run_id);
    return EXIT_CODE_DONE;
}

int cmd_baseline(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    struct err err = ERR_INIT;
    if (strcmp(o->arguments[0], "list") == 0 && o->n_arguments == 1)
        return list(invocation);
    if (strcmp(o->arguments[0], "set") == 0 && o->n_arguments >= 2)
        return set(invocation, o->arguments[1], o->n_arguments == 3 ? o->arguments[2] : NULL);
    (void)err_set(&err, STATUS_USAGE, "baseline takes  set NAME [RUN]  or  list");
    return failed(&err);
}
