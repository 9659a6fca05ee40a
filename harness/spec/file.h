/* SPDX-License-Identifier: Apache-2.0 */
/* file.h — reads a spec file whole. */
#ifndef HARNESS_SPEC_FILE_H
#define HARNESS_SPEC_FILE_H

#include "engine/base/err.h"
#include "engine/base/str.h"

enum { SPEC_BYTES = 1 << 20 }; /* at most */

/* Appends the file to *out, which the caller has initialised and releases. STATUS_USAGE when it is missing
 * (with the nearest spec's name), unreadable or larger than SPEC_BYTES. */
MUST_CHECK enum status file_read(struct str *out, const char *path, struct err *err);

#endif
