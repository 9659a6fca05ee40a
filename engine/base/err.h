/* SPDX-License-Identifier: Apache-2.0 */
/* err.h — the text of an operating error, written once where it is detected.
 *
 * A function that can fail takes a struct err * as its last parameter and returns an enum status.
 * On success the struct is untouched, so calls chain; on failure it holds what went wrong, where, and
 * the way out. Callers pass it up; only a command prints it. */
#ifndef ENGINE_BASE_ERR_H
#define ENGINE_BASE_ERR_H

#include "engine/base/status.h"

struct err {
    enum status status;
    char text[1024];
};

#define ERR_INIT ((struct err){STATUS_OK, ""})

/* Fills err (which may be NULL) and returns status, so that `return err_set(…)` is one line. The arguments may
 * include the text that err already holds. */
enum status err_set(struct err *err, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of the text, for a caller that knows the place better. Returns err->status. */
enum status err_prefix(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
