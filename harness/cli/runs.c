/* SPDX-License-Identifier: Apache-2.0 */
/* runs.c — see runs.h. A name wins over an equal run id: names are what people choose. */
#include "harness/cli/runs.h"

static const char newest_sql[] = "SELECT run_id FROM bench_sample ORDER BY sample_id DESC LIMIT 1";
static const char named_sql[] =
    "SELECT run_id, 0 AS place FROM baseline WHERE name = ?1"
    " UNION ALL SELECT DISTINCT run_id, 1 FROM bench_sample WHERE run_id = ?1 ORDER BY place LIMIT 1";

enum status runs_find(struct store *store, const char *word, char *run_id, size_t size, struct err *err)
{
    struct table found;
    enum status status = store_query(store, word ? named_sql : newest_sql, &word, word ? 1 : 0, &found, err);
    if (status != STATUS_OK)
        return status;
    if (found.n_rows == 0)
        status = word ? err_set(err, STATUS_NOT_FOUND, "no baseline and no benchmark run '%s'; isoflop baseline list", word)
                      : err_set(err, STATUS_NOT_FOUND, "no benchmark run in this store yet; type: isoflop bench");
    else
        (void)str_copy(run_id, size, table_text(&found, 0, 0));
    table_release(&found);
    return status;
}
