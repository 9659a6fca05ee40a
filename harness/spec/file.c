/* SPDX-License-Identifier: Apache-2.0 */
/* file.c — see file.h. The size is checked while reading, not asked beforehand: a pipe has none. */
#include "harness/spec/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/spec/suggest.h"

static enum status missing(const char *path, struct err *err)
{
    struct str hint;
    str_init(&hint);
    suggest_spec(&hint, path);
    (void)err_set(err, STATUS_USAGE, "%s: no such file%s", path, hint.text);
    str_release(&hint);
    return STATUS_USAGE;
}

enum status file_read(struct str *out, const char *path, struct err *err)
{
    enum status status = STATUS_OK;
    char block[16384];
    size_t n;
    FILE *file = fopen(path, "rb");
    if (!file && (errno == ENOENT || errno == ENOTDIR))
        return missing(path, err);
    if (!file)
        return err_set(err, STATUS_USAGE, "%s: %s", path, strerror(errno));
    while (status == STATUS_OK && (n = fread(block, 1, sizeof block, file)) > 0) {
        str_append_bytes(out, block, n);
        if (out->length > SPEC_BYTES)
            status = err_set(err, STATUS_USAGE, "%s: larger than 1 MB; this is no spec", path);
    }
    if (status == STATUS_OK && ferror(file))
        status = err_set(err, STATUS_USAGE, "%s: %s", path, strerror(errno));
    (void)fclose(file);
    return status;
}
