/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors_write.c — the checksum is hashed while the numbers pass and put into the header at the end, where
 * zeros kept its place: one pass over the numbers. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/model/safetensors.h"

/* The header's beginning up to the checksum; reading looks for the note, wherever it is. */
static const char opening[] = "{\"__metadata__\":{\"format\":\"pt\",\"producer\":\"" SAFETENSORS_PRODUCER "\",\"xxh3_128\":\"";

static const char zeros[] = "00000000000000000000000000000000";
_Static_assert(sizeof zeros == HASH_TEXT_SIZE, "zeros keep the place of a hash");

void safetensors_header_begin(struct str *header)
{
    str_append(header, opening);
    str_append(header, zeros);
    str_append_char(header, '"');
}

void safetensors_header_note(struct str *header, const char *key, const char *value)
{
    str_format(header, ",\"%s\":\"", key);
    for (; *value; value++) {
        ASSERT(*value >= ' ' && *value <= '~');
        if (*value == '"' || *value == '\\')
            str_append_char(header, '\\');
        str_append_char(header, *value);
    }
    str_append_char(header, '"');
}

void safetensors_header_tensor(struct str *header, const char *name, const char *suffix, enum dtype dtype,
                               int64_t rows, int64_t columns, int64_t *at)
{
    int64_t bytes = rows * (columns ? columns : 1) * (dtype == DTYPE_I8 ? 1 : 4);
    ASSERT(dtype == DTYPE_I8 || dtype == DTYPE_F32);
    if (*at == 0)
        str_append_char(header, '}'); /* the notes end where the tensors begin */
    str_format(header, ",\"%s%s\":{\"dtype\":\"%s\",\"shape\":[%lld", name, suffix,
               dtype == DTYPE_I8 ? "I8" : "F32", (long long)rows);
    if (columns)
        str_format(header, ",%lld", (long long)columns);
    str_format(header, "],\"data_offsets\":[%lld,%lld]}", (long long)*at, (long long)(*at + bytes));
    *at += bytes;
}

void safetensors_header_end(struct str *header)
{
    str_append_char(header, '}');
    while (header->length % 8) /* the numbers begin aligned */
        str_append_char(header, ' ');
}

enum status safetensors_create(struct safetensors_writer *w, const char *path, const struct str *header,
                               struct err *err)
{
    uint8_t length[8];
    enum status status;
    *w = (struct safetensors_writer){.checksum_at = 8 + (int64_t)strlen(opening)};
    if (!str_copy(w->path, sizeof w->path, path))
        return err_set(err, STATUS_IO, "%s: the path is too long", path);
    ASSERT(memcmp(header->text, opening, strlen(opening)) == 0);
    w->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w->fd < 0)
        return err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    w->hasher = hasher_new();
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)header->length >> (8 * i));
    status = safetensors_put(w, length, sizeof length, err);
    if (status == STATUS_OK)
        status = safetensors_put(w, header->text, header->length, err);
    return status == STATUS_OK ? STATUS_OK : safetensors_finish(w, NULL, status, err);
}

enum status safetensors_put(struct safetensors_writer *w, const void *data, size_t n, struct err *err)
{
    const char *bytes = data;
    hasher_add(w->hasher, data, n);
    while (n > 0) {
        ssize_t written = write(w->fd, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return err_set(err, STATUS_IO, "%s: %s", w->path, strerror(errno));
        bytes += written;
        n -= (size_t)written;
        w->bytes += written;
    }
    return STATUS_OK;
}

enum status safetensors_finish(struct safetensors_writer *w, char *checksum, enum status status,
                               struct err *err)
{
    char digits[HASH_TEXT_SIZE];
    hash_text(hasher_value(w->hasher), digits);
    hasher_free(w->hasher);
    if (status == STATUS_OK && pwrite(w->fd, digits, HASH_DIGITS, w->checksum_at) != HASH_DIGITS)
        status = err_set(err, STATUS_IO, "%s: the checksum could not be written", w->path);
    if (status == STATUS_OK && fsync(w->fd) != 0)
        status = err_set(err, STATUS_IO, "%s: %s", w->path, strerror(errno));
    if (close(w->fd) != 0 && status == STATUS_OK)
        status = err_set(err, STATUS_IO, "%s: %s", w->path, strerror(errno));
    if (status == STATUS_OK && checksum)
        memcpy(checksum, digits, sizeof digits);
    return status;
}
