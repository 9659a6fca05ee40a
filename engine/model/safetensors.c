/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.c — reading. Invariant after safetensors_open: the tensors' byte ranges are the data section, each
 * byte in one of them, and every range is as long as its type and shape say. */
#include "engine/model/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"

/* Bits per number of the types that the format knows. */
static const struct {
    const char *name;
    enum dtype dtype;
    int bits;
} dtypes[] = {
    {"F32", DTYPE_F32, 32},      {"F16", DTYPE_F16, 16},      {"BF16", DTYPE_BF16, 16},
    {"I8", DTYPE_I8, 8},         {"BOOL", DTYPE_OTHER, 8},    {"U8", DTYPE_OTHER, 8},
    {"F8_E5M2", DTYPE_OTHER, 8}, {"F8_E4M3", DTYPE_OTHER, 8}, {"I16", DTYPE_OTHER, 16},
    {"U16", DTYPE_OTHER, 16},    {"I32", DTYPE_OTHER, 32},    {"U32", DTYPE_OTHER, 32},
    {"F64", DTYPE_OTHER, 64},    {"I64", DTYPE_OTHER, 64},    {"U64", DTYPE_OTHER, 64},
    {"C64", DTYPE_OTHER, 64},    {"F8_E8M0", DTYPE_OTHER, 8},
};

static enum status map_file(struct safetensors *f, struct err *err)
{
    struct stat info;
    enum status status = STATUS_OK;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe by that name shall not stop us */
    if (fd < 0)
        return err_set(err, STATUS_NOT_FOUND, "%s: %s", f->path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0) {
        status = err_set(err, STATUS_FORMAT, "%s: not a file with anything in it", f->path);
    } else {
        void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            status = err_set(err, STATUS_IO, "%s: %s", f->path, strerror(errno));
        else
            f->bytes = bytes;
        f->size = (size_t)info.st_size;
    }
    (void)close(fd);
    return status;
}

static enum status read_header(struct safetensors *f, struct err *err)
{
    uint64_t length = 0;
    const char *text = (const char *)f->bytes + 8;
    enum status status;
    if (f->size < 8)
        return err_set(err, STATUS_FORMAT, "%s: byte %zu: the file ends within the header's length", f->path,
                       f->size);
    for (int i = 0; i < 8; i++)
        length |= (uint64_t)f->bytes[i] << (8 * i);
    if (length > f->size - 8)
        return err_set(err, STATUS_FORMAT, "%s: byte 0: the header claims %llu bytes, the file has %zu",
                       f->path, (unsigned long long)length, f->size);
    if (length > SAFETENSORS_HEADER)
        return err_set(err, STATUS_FORMAT, "%s: byte 0: the header claims %llu bytes, %d are allowed",
                       f->path, (unsigned long long)length, SAFETENSORS_HEADER);
    status = json_parse(&f->header, text, (size_t)length, SAFETENSORS_MEMORY + f->size, f->path, 8, err);
    if (status == STATUS_OK && json_kind(f->header) != JSON_IS_OBJECT)
        status = err_set(err, STATUS_FORMAT, "%s: byte 8: the header is %s, not an object", f->path,
                         json_kind_name(json_kind(f->header)));
    f->data_at = 8 + (size_t)length;
    return status;
}

size_t safetensors_place(const struct safetensors *f, const char *name)
{
    size_t n = strlen(name);
    const char *header = (const char *)f->bytes + 8, *end = (const char *)f->bytes + f->data_at;
    for (const char *at = header; (at = memmem(at, (size_t)(end - at), name, n)) != NULL; at++)
        if (at > header && at[-1] == '"' && at + n < end && at[n] == '"')
            return (size_t)(at - 1 - (const char *)f->bytes);
    return 8;
}

/* Names are quoted in messages: what a terminal could act on becomes a question mark. */
static const char *printable(const char *name, char to[64])
{
    size_t i = 0;
    for (; i < 63 && name[i]; i++)
        to[i] = name[i];
    to[i] = 0;
    for (char *c = to; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return to;
}

#define REFUSE(...) refuse(f, t->name, err, __VA_ARGS__)

static enum status refuse(const struct safetensors *f, const char *name, struct err *err, const char *format,
                          ...) __attribute__((format(printf, 4, 5)));

static enum status refuse(const struct safetensors *f, const char *name, struct err *err, const char *format,
                          ...)
{
    char said[256], shown[64];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(said, sizeof said, format, args);
    va_end(args);
    return err_set(err, STATUS_FORMAT, "%s: byte %zu: tensor '%s': %s", f->path, safetensors_place(f, name),
                   printable(name, shown), said);
}

/* Type and shape; *bytes is what they need. */
static enum status read_shape(const struct safetensors *f, struct safetensors_tensor *t,
                              const struct json *entry, int64_t *bytes, struct err *err)
{
    const struct json *shape = json_member(entry, "shape");
    const char *dtype = NULL;
    size_t kind = 0, n_kinds = sizeof dtypes / sizeof *dtypes;
    int64_t bits;
    if (!json_get_text(json_member(entry, "dtype"), &dtype))
        return REFUSE("its dtype is %s, not a text", json_kind_name(json_kind(json_member(entry, "dtype"))));
    while (kind < n_kinds && strcmp(dtypes[kind].name, dtype) != 0)
        kind++;
    if (kind == n_kinds)
        return REFUSE("its dtype '%.16s' is unknown", dtype);
    if (json_kind(shape) != JSON_IS_ARRAY || json_count(shape) > SAFETENSORS_DIMENSIONS)
        return REFUSE("its shape is not an array of at most %d numbers", SAFETENSORS_DIMENSIONS);
    t->dtype = dtypes[kind].dtype;
    t->n_dimensions = (int)json_count(shape);
    bits = dtypes[kind].bits;
    for (int i = 0; i < t->n_dimensions; i++) {
        if (!json_get_integer(json_item(shape, (size_t)i), &t->shape[i]) || t->shape[i] < 0)
            return REFUSE("number %d of its shape is not a whole number from 0 on", i + 1);
        if (__builtin_mul_overflow(bits, t->shape[i], &bits))
            return REFUSE("its shape is larger than any file");
    }
    *bytes = bits / 8;
    return STATUS_OK;
}

static enum status read_tensor(const struct safetensors *f, struct safetensors_tensor *t,
                               const struct json *entry, struct err *err)
{
    const struct json *offsets = json_member(entry, "data_offsets");
    int64_t bytes = 0, first, past, data = (int64_t)(f->size - f->data_at);
    enum status status;
    if (json_kind(entry) != JSON_IS_OBJECT)
        return REFUSE("described by %s, not an object", json_kind_name(json_kind(entry)));
    status = read_shape(f, t, entry, &bytes, err);
    if (status != STATUS_OK)
        return status;
    if (json_count(offsets) != 2 || !json_get_integer(json_item(offsets, 0), &first) ||
        !json_get_integer(json_item(offsets, 1), &past))
        return REFUSE("its data_offsets are not two whole numbers");
    if (first < 0 || past < first || past > data)
        return REFUSE("it claims bytes %lld to %lld of the %lld after the header", (long long)first,
                      (long long)past, (long long)data);
    if (past - first != bytes)
        return REFUSE("its shape needs %lld bytes, its data_offsets give %lld", (long long)bytes,
                      (long long)(past - first));
    t->first = first + (int64_t)f->data_at;
    t->past = past + (int64_t)f->data_at;
    return STATUS_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct safetensors_tensor *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->past < y->past ? -1 : x->past > y->past;
}

static int by_name(const void *a, const void *b)
{
    const struct safetensors_tensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* Sorted by place, each tensor begins where the one before ends, and the last ends with the file. */
static enum status check_cover(struct safetensors *f, struct err *err)
{
    int64_t at = (int64_t)f->data_at;
    char shown[64];
    qsort(f->tensors, f->n, sizeof *f->tensors, by_place);
    for (size_t i = 0; i < f->n; i++) {
        const struct safetensors_tensor *t = &f->tensors[i];
        if (t->first != at)
            return err_set(err, STATUS_FORMAT, "%s: byte %lld: tensor '%s' %s", f->path,
                           (long long)(t->first < at ? t->first : at), printable(t->name, shown),
                           t->first < at ? "overlaps the tensor before it" : "leaves a hole before it");
        at = t->past;
    }
    if (at != (int64_t)f->size)
        return err_set(err, STATUS_FORMAT, "%s: byte %lld: the last tensor '%s' ends here, the file at %zu",
                       f->path, (long long)at, f->n ? printable(f->tensors[f->n - 1].name, shown) : "",
                       f->size);
    qsort(f->tensors, f->n, sizeof *f->tensors, by_name);
    return STATUS_OK;
}

static enum status read_notes(const struct safetensors *f, struct err *err)
{
    const struct json *notes = json_member(f->header, "__metadata__");
    struct json_walk walk = {0};
    if (!notes)
        return STATUS_OK;
    if (json_kind(notes) != JSON_IS_OBJECT)
        return err_set(err, STATUS_FORMAT, "%s: byte %zu: __metadata__ is %s, not an object", f->path,
                       safetensors_place(f, "__metadata__"), json_kind_name(json_kind(notes)));
    while (json_next(notes, &walk))
        if (json_kind(walk.value) != JSON_IS_TEXT)
            return err_set(err, STATUS_FORMAT, "%s: byte %zu: a value of __metadata__ is %s, not a text",
                           f->path, safetensors_place(f, walk.key), json_kind_name(json_kind(walk.value)));
    return STATUS_OK;
}

static enum status read_tensors(struct safetensors *f, struct err *err)
{
    struct json_walk walk = {0};
    enum status status = read_notes(f, err);
    f->tensors = calloc(json_count(f->header) + 1, sizeof *f->tensors);
    NEED_MEMORY(f->tensors);
    while (status == STATUS_OK && json_next(f->header, &walk)) {
        if (strcmp(walk.key, "__metadata__") == 0)
            continue;
        f->tensors[f->n].name = walk.key;
        status = read_tensor(f, &f->tensors[f->n], walk.value, err);
        f->n++;
    }
    return status == STATUS_OK ? check_cover(f, err) : status;
}

enum status safetensors_open(struct safetensors *out, const char *path, struct err *err)
{
    struct safetensors f = {0};
    enum status status;
    if (!str_copy(f.path, sizeof f.path, path))
        return err_set(err, STATUS_NOT_FOUND, "%s: the path is too long", path);
    status = map_file(&f, err);
    if (status == STATUS_OK)
        status = read_header(&f, err);
    if (status == STATUS_OK)
        status = read_tensors(&f, err);
    if (status == STATUS_OK)
        *out = f;
    else
        safetensors_close(&f);
    return status;
}

void safetensors_close(struct safetensors *f)
{
    free(f->tensors);
    json_free(f->header);
    if (f->bytes)
        (void)munmap((void *)(uintptr_t)f->bytes, f->size);
    *f = (struct safetensors){0};
}

struct safetensors_tensor *safetensors_find(const struct safetensors *f, const char *name)
{
    struct safetensors_tensor key = {.name = name};
    return f->n ? bsearch(&key, f->tensors, f->n, sizeof key, by_name) : NULL;
}

const char *safetensors_note(const struct safetensors *f, const char *key)
{
    const char *text = NULL;
    (void)json_get_text(json_member(json_member(f->header, "__metadata__"), key), &text);
    return text;
}

enum status safetensors_verify(const struct safetensors *f, bool required, struct err *err)
{
    static const char zeros[HASH_DIGITS + 1] = "00000000000000000000000000000000";
    const char *told = safetensors_note(f, "xxh3_128"), *producer = safetensors_note(f, "producer");
    const uint8_t *digits = NULL;
    char found[HASH_TEXT_SIZE];
    struct hasher *hasher;
    size_t at;
    if (told && strlen(told) == HASH_DIGITS)
        digits = memmem(f->bytes + 8, f->data_at - 8, told, HASH_DIGITS);
    if (!digits && (required || (producer && strcmp(producer, SAFETENSORS_PRODUCER) == 0)))
        return err_set(err, STATUS_CORRUPT, "%s: byte 8: its checksum is missing", f->path);
    if (!digits)
        return STATUS_OK;
    at = (size_t)(digits - f->bytes);
    hasher = hasher_new();
    hasher_add(hasher, f->bytes, at);
    hasher_add(hasher, zeros, HASH_DIGITS);
    hasher_add(hasher, digits + HASH_DIGITS, f->size - at - HASH_DIGITS);
    hash_text(hasher_value(hasher), found);
    hasher_free(hasher);
    if (strcmp(found, told) != 0)
        return err_set(err, STATUS_CORRUPT, "%s: byte %zu: the checksum there is %s, that of the file is %s",
                       f->path, at, told, found);
    return STATUS_OK;
}
