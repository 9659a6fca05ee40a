/* SPDX-License-Identifier: Apache-2.0 */
/* folders.h — making the folders that files will lie in. */
#ifndef HARNESS_CLI_FOLDERS_H
#define HARNESS_CLI_FOLDERS_H

#include "engine/base/err.h"

/* Makes a folder and those above it; one that is there already is fine. "" is the current one. */
MUST_CHECK enum status folders_make(const char *path, struct err *err);
/* Makes the folder a file will lie in. */
MUST_CHECK enum status folders_make_for(const char *file, struct err *err);
/* The same for a store, whose path is more often mistyped than meant to be new: makes one level at most, and none in
 * the root folder. STATUS_NOT_FOUND when more is missing. */
MUST_CHECK enum status folders_make_for_store(const char *db, struct err *err);

#endif
