/* SPDX-License-Identifier: Apache-2.0 */
/* migrate.h — an older store becomes one of the present version, in one transaction, with a copy kept of what it was. */
#ifndef HARNESS_STORE_MIGRATE_H
#define HARNESS_STORE_MIGRATE_H

#include <stdbool.h>

#include "harness/store/db.h"

/* Whether the database is a store of an older version that can be migrated. */
MUST_CHECK enum status migrate_wanted(struct db *db, bool *out, struct err *err);

/* Migrates the database in one transaction; one that is not wanted any more is left alone. STATUS_CORRUPT when it does
 * not have the shape of its version; then nothing was changed. */
MUST_CHECK enum status migrate(struct db *db, struct err *err);

/* Writes the database as it is to PATH.vN.backup, N its version, durably and as a whole, before it is migrated. */
MUST_CHECK enum status migrate_backup(struct db *db, struct err *err);

#endif
