/* SPDX-License-Identifier: Apache-2.0 */
/* err.c — see err.h. Truncation is fine here: a message cut at 1 KiB still says where and what. */
#include "engine/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[STATUS_COUNT] = {
    [STATUS_OK] = "ok",
    [STATUS_DONE] = "done",
    [STATUS_USAGE] = "usage",
    [STATUS_NOT_FOUND] = "not found",
    [STATUS_IO] = "input/output",
    [STATUS_FORMAT] = "format",
    [STATUS_MEMORY] = "memory",
    [STATUS_CORRUPT] = "corrupt",
    [STATUS_INSUFFICIENT] = "insufficient",
    [STATUS_INTERRUPTED] = "interrupted",
};

const char *status_name(enum status status)
{
    return (unsigned)status < STATUS_COUNT ? names[status] : "unknown";
}

enum status err_set(struct err *err, enum status status, const char *format, ...)
{
    if (err) {
        char text[sizeof err->text]; /* the arguments may point into err->text */
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof text, format, args);
        va_end(args);
        err->status = status;
        memcpy(err->text, text, strlen(text) + 1);
    }
    return status;
}

enum status err_prefix(struct err *err, const char *format, ...)
{
    char prefix[512];
    char old[sizeof err->text];
    va_list args;
    if (!err)
        return STATUS_IO;
    va_start(args, format);
    (void)vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    memcpy(old, err->text, sizeof old);
    (void)snprintf(err->text, sizeof err->text, "%.*s: %.*s", (int)sizeof prefix, prefix,
                   (int)(sizeof old - sizeof prefix - 4), old);
    return err->status;
}
