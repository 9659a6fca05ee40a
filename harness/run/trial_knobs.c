/* SPDX-License-Identifier: Apache-2.0 */
/* trial_knobs.c — the file isoflop.knobs in a model's folder: the canonical text of the knobs it was made by. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/run/trial.h"

enum { KNOBS_BYTES_MAX = 1 << 16 };

static void path_of(const char *folder, struct str *out)
{
    str_format(out, "%s/isoflop.knobs", folder);
}

enum status trial_write_knobs(const char *folder, const struct knobs *knobs, struct err *err)
{
    struct str path, text;
    FILE *file;
    enum status status = STATUS_OK;
    str_init(&path);
    str_init(&text);
    path_of(folder, &path);
    knobs_canonical(knobs, &text);
    file = fopen(path.text, "we");
    if (!file || fwrite(text.text, 1, text.length, file) != text.length)
        status = err_set(err, STATUS_IO, "%s: %s", path.text, strerror(errno));
    if (file && fclose(file) != 0 && status == STATUS_OK)
        status = err_set(err, STATUS_IO, "%s: %s", path.text, strerror(errno));
    str_release(&path);
    str_release(&text);
    return status;
}

enum status trial_read_knobs(const char *folder, struct knobs *out, struct err *err)
{
    char text[KNOBS_BYTES_MAX];
    struct str path;
    FILE *file;
    size_t n = 0;
    enum status status = STATUS_OK;
    str_init(&path);
    path_of(folder, &path);
    file = fopen(path.text, "re");
    if (!file)
        status = err_set(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "%s: %s", path.text,
                         strerror(errno));
    else
        n = fread(text, 1, sizeof text - 1, file);
    text[n] = 0;
    if (file && (ferror(file) || n == sizeof text - 1 || strlen(text) < n))
        status = err_set(err, STATUS_FORMAT, "%s: these are no knobs", path.text);
    if (status == STATUS_OK && knobs_from_canonical(text, out, err) != STATUS_OK) {
        status = err->status;
        (void)err_prefix(err, "%s", path.text);
    }
    if (file)
        (void)fclose(file);
    str_release(&path);
    return status;
}
