/* SPDX-License-Identifier: Apache-2.0 */
/* import.h — other people's runs as trials that are done, kept apart from ours: their ids begin with "import-", a spec of
 * their own holds them, table import says where they come from. */
#ifndef HARNESS_STORE_IMPORT_H
#define HARNESS_STORE_IMPORT_H

#include "harness/store/store.h"

struct import {
    const char *name;      /* of the spec that will hold them */
    const char *path;      /* the file, as it was named */
    const char *file_hash; /* of its bytes: the same row of the same file is the same trial */
    const char *source;
    const char *mapping;
};

/* Whether a column can be imported, of table trial or of table cost; *cost says which, *integer that it takes whole numbers,
 * *text that it takes one of a knob's words. */
bool import_column(const char *column, bool *cost, bool *integer, bool *text);

/* Stores each row as a trial that is done, all or none. The table's columns are columns as import_column knows them; cells
 * are checked here: STATUS_FORMAT with "path:line: " for a value that the column does not take. *n_new is how many rows
 * the store did not have. */
MUST_CHECK enum status store_import(struct store *store, const struct import *import, const struct table *rows, int *n_new,
                                    struct err *err);

#endif
