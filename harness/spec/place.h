/* SPDX-License-Identifier: Apache-2.0 */
/* place.h — where in a spec something was written, and errors that say so.
 *
 * A place is a line and a column of the file, counted from 1, or the -S override that said it. Plain data:
 * its strings belong to whoever reads the spec. */
#ifndef HARNESS_SPEC_PLACE_H
#define HARNESS_SPEC_PLACE_H

#include "engine/base/err.h"

struct place {
    const char *path;     /* the spec as the user named it */
    const char *override; /* "model.width=64,96" when -S said it, else NULL */
    int line, column;
};

/* STATUS_USAGE with "path:line:column: text" or "-S override: text". */
enum status place_error(const struct place *place, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts the place in front of a text that somebody who knew no place has written. Returns err->status. */
enum status place_prefix(const struct place *place, struct err *err);

#endif
