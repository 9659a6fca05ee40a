/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_merge.c — `isoflop merge DB...`: several stores into one. */
#include <inttypes.h>
#include <stdio.h>

#include "harness/cli/commands.h"
#include "harness/cli/folders.h"
#include "harness/cli/judge.h"
#include "harness/store/merge.h"

enum { CONFLICTS_SHOWN = 10 };

/* "isoflop: shard2.db: trial 0a1b…: heldout_loss is 2.5, here 2.4" */
static void print_conflicts(const struct table *conflicts)
{
    struct str here, there;
    str_init(&here);
    str_init(&there);
    for (int row = 0; row < conflicts->n_rows && row < CONFLICTS_SHOWN; row++) {
        str_clear(&here);
        str_clear(&there);
        table_format_cell(conflicts, row, 3, &here);
        table_format_cell(conflicts, row, 4, &there);
        (void)fprintf(stderr, "isoflop: %s: trial %s: %s is %s, here %s\n", table_text(conflicts, row, 0),
                      table_text(conflicts, row, 1), table_text(conflicts, row, 2), there.length ? there.text : "missing",
                      here.length ? here.text : "missing");
    }
    if (conflicts->n_rows > CONFLICTS_SHOWN)
        (void)fprintf(stderr, "isoflop: and %d figures more\n", conflicts->n_rows - CONFLICTS_SHOWN);
    str_release(&here);
    str_release(&there);
}

static void print_result(const struct invocation *invocation, const struct merge_result *result)
{
    if (!invocation->quiet)
        (void)fprintf(stderr, "isoflop: %" PRId64 " trials and %" PRId64 " results are new in %s; %" PRId64 " were there with the same"
                              " results\n", result->trials, result->results, invocation->db, result->agreeing);
    if (result->conflicts.n_rows > 0)
        (void)fprintf(stderr, "isoflop: of those that differ, the results that were in %s first stay\n", invocation->db);
}

int cmd_merge(struct invocation *invocation)
{
    const struct options *options = &invocation->options;
    struct merge_result result = {0};
    struct store *store = NULL;
    struct err err = ERR_INIT;
    enum status status = folders_make_for_store(invocation->db, &err);
    if (status == STATUS_OK)
        status = store_open(&store, invocation->db, STORE_WRITE, &err);
    if (status == STATUS_OK)
        status = store_merge(store, options->arguments, options->n_arguments, option_flag(options, "keep-here"), &result, &err);
    if (result.conflicts.names)
        print_conflicts(&result.conflicts);
    if (status == STATUS_OK)
        status = judge_store(store, &err);
    if (status == STATUS_OK)
        print_result(invocation, &result);
    if (result.conflicts.names)
        table_release(&result.conflicts);
    store_close(store);
    return status == STATUS_OK ? EXIT_CODE_DONE : failed(&err);
}
