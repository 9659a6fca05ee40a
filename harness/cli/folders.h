/* SPDX-License-Identifier: Apache-2.0 */
/* folders.h — making the folders that files will lie in. */
#ifndef HARNESS_CLI_FOLDERS_H
#define HARNESS_CLI_FOLDERS_H

#include "engine/base/err.h"

/* Makes a folder and those above it; one that is there already is fine. "" is the current one. */
MUST_CHECK enum status folders_make(const char *path, struct err *err);
/* Makes the folder a file will lie in. */
MUST_CHECK enum status folders_make_for(const char *file, struct err *err);

#endif
