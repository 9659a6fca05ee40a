/* SPDX-License-Identifier: Apache-2.0 */
/* place.c — see place.h. A message is one line, whatever it quotes; a long override is shortened, so that
 * there is room for what is wrong with it. */
#include "harness/spec/place.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { OVERRIDE_SHOWN = 120 };

enum status place_prefix(const struct place *place, struct err *err)
{
    for (char *c = err ? err->text : NULL; c && *c; c++)
        if (*c == '\n' || *c == '\t' || *c == '\r')
            *c = ' ';
    if (!place->override)
        return err_prefix(err, "%s:%d:%d", place->path, place->line, place->column);
    return err_prefix(err, "-S %.*s%s", OVERRIDE_SHOWN, place->override,
                      strlen(place->override) > OVERRIDE_SHOWN ? "…" : "");
}

enum status place_error(const struct place *place, struct err *err, const char *format, ...)
{
    struct err local = {.status = STATUS_USAGE};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(local.text, sizeof local.text, format, args);
    va_end(args);
    if (err) {
        *err = local;
        (void)place_prefix(place, err);
    }
    return STATUS_USAGE;
}
