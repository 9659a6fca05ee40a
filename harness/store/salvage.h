/* SPDX-License-Identifier: Apache-2.0 */
/* salvage.h — what can still be read of a damaged store, as a new one. */
#ifndef HARNESS_STORE_SALVAGE_H
#define HARNESS_STORE_SALVAGE_H

#include "engine/base/err.h"
#include "engine/base/table.h"

/* Makes the store `out`, which must not exist, from all rows of `path` that can be read and that the schema allows; `path`
 * is only read. Rows that refer to something that is lost are left out; a trial whose result is lost becomes pending.
 * report: one row per table with the columns table, rows, whole (0 or 1: whether every page of it could be read); the
 * caller's to release. STATUS_CORRUPT when not even the list of tables can be read; then nothing is left at `out`. */
MUST_CHECK enum status salvage(const char *path, const char *out, struct table *report, struct err *err);

#endif
