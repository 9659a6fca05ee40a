/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h — whole rows into the store's tables, for what is neither a plan nor a trial's end: fits,
 * predictions, claims, corpora, and runs that were measured elsewhere (import, merge).
 *
 * The rows' column names are columns of the table; columns left out get their default, NULL if they have
 * none. */
#ifndef HARNESS_STORE_ROWS_H
#define HARNESS_STORE_ROWS_H

#include "harness/store/store.h"

enum rows_conflict {
    ROWS_KEEP,   /* a row that is there stays as it is: for runs, which never change */
    ROWS_REPLACE /* its columns named here get the new values: for fits, predictions and claims */
};

struct rows {
    const char *table;
    const struct table *rows;
    enum rows_conflict conflict;
};

/* All sets in one transaction, in the given order; a later set may refer to an earlier one, and trial and
 * attempt to each other. STATUS_USAGE for a table or column that the schema does not have, STATUS_FORMAT for a
 * value it does not allow; then nothing is stored. */
MUST_CHECK enum status store_put_rows(struct store *store, const struct rows *sets, int n, struct err *err);

#endif
