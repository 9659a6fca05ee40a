/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h — makes a store out of an empty database, and tells a store from anything else.
 *
 * The text of results/schema.sql is compiled in. A store is recognised by its application_id, its age by
 * user_version, and its tables and views by comparing their columns with those that the text makes: extra
 * tables, views and indexes of the user's own are welcome, triggers are not, since they change what is
 * stored. */
#ifndef HARNESS_STORE_SCHEMA_H
#define HARNESS_STORE_SCHEMA_H

#include "harness/store/db.h"

enum { SCHEMA_APPLICATION_ID = 0x69736670, SCHEMA_VERSION = 2 };

/* results/schema.sql, byte for byte. */
extern const char schema_text[];

/* Makes the tables when the database is empty, in one transaction; leaves any other database alone. */
MUST_CHECK enum status schema_create(struct db *db, struct err *err);

/* STATUS_CORRUPT when the database is no store, older (migrate.h) or newer than the program, or not shaped as it should be. */
MUST_CHECK enum status schema_check(struct db *db, struct err *err);

#endif
