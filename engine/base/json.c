/* SPDX-License-Identifier: Apache-2.0 */
/* json.c — the only user of jansson. Its parser recurses once per level and takes a few hundred bytes for the
 * smallest container, so a first look over the text bounds both before it may begin. */
#include "engine/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/assert.h"

/* More than jansson 2.14 takes for one value, its place in the container, and the allocator's own part. An object
 * begins with 8 buckets, an array with 8 slots; growing doubles them. */
enum { BYTES_PER_CONTAINER = 512, BYTES_PER_VALUE = 224 };

/* What a look over the text finds. */
struct survey {
    size_t containers, values; /* at most */
    size_t depth, deepest;
    size_t too_deep_at; /* byte of the first bracket below JSON_DEEPEST */
};

/* Counts brackets and separators outside strings. Of a text that is no JSON it says nothing useful and nothing
 * harmful: the parser will refuse that. */
static struct survey look_over(const char *text, size_t length)
{
    struct survey s = {.values = 1};
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            s.containers++;
            if (++s.depth > s.deepest)
                s.deepest = s.depth;
            if (s.depth == JSON_DEEPEST + 1 && !s.too_deep_at)
                s.too_deep_at = i;
        } else if (c == '}' || c == ']') {
            s.depth -= s.depth > 0;
        } else if (c == ',') {
            s.values++;
        }
    }
    s.values += s.containers; /* the first of each has no comma */
    return s;
}

static size_t memory_of(const struct survey *s, size_t length)
{
    size_t containers, values, sum;
    if (__builtin_mul_overflow(s->containers, BYTES_PER_CONTAINER, &containers) ||
        __builtin_mul_overflow(s->values, BYTES_PER_VALUE, &values) ||
        __builtin_add_overflow(containers, values, &sum) || __builtin_add_overflow(sum, 2 * length, &sum))
        return SIZE_MAX;
    return sum;
}

size_t json_memory(const char *text, size_t length)
{
    struct survey survey = look_over(text, length);
    return memory_of(&survey, length);
}

enum status json_parse(struct json **out, const char *text, size_t length, size_t memory, const char *place,
                       size_t first_byte, struct err *err)
{
    struct survey survey = look_over(text, length);
    json_error_t where;
    json_t *root;
    if (survey.deepest > JSON_DEEPEST)
        return err_set(err, STATUS_FORMAT, "%s: byte %zu: nested deeper than %d levels", place,
                       first_byte + survey.too_deep_at, JSON_DEEPEST);
    if (memory_of(&survey, length) > memory)
        return err_set(
            err, STATUS_FORMAT,
            "%s: byte %zu: %zu values in %zu bytes could need %zu bytes of memory, allowed are %zu", place,
            first_byte, survey.values, length, memory_of(&survey, length), memory);
    root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    for (char *c = where.text; !root && *c; c++)
        if (*c < ' ' || *c > '~') /* the parser quotes the text, and messages go to terminals */
            *c = '?';
    if (!root)
        return err_set(err, STATUS_FORMAT, "%s: byte %zu: %s", place, first_byte + (size_t)where.position,
                       where.text);
    *out = (struct json *)root;
    return STATUS_OK;
}

/* Reads up to n bytes; -1 on failure. */
static ssize_t read_all(int fd, char *to, size_t n)
{
    size_t at = 0;
    while (at < n) {
        ssize_t got = read(fd, to + at, n - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        at += (size_t)got;
    }
    return (ssize_t)at;
}

enum status json_read(struct json **out, const char *path, size_t longest, size_t memory, struct err *err)
{
    struct stat info;
    char *text = NULL;
    ssize_t length = -1;
    enum status status = STATUS_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe by that name shall not stop us */
    if (fd < 0)
        return err_set(err, STATUS_NOT_FOUND, "%s: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        status = err_set(err, STATUS_FORMAT, "%s: not a file", path);
    } else if ((size_t)info.st_size > longest) {
        status = err_set(err, STATUS_FORMAT, "%s: %lld bytes, at most %zu are read", path,
                         (long long)info.st_size, longest);
    } else {
        text = malloc((size_t)info.st_size + 1);
        NEED_MEMORY(text);
        length = read_all(fd, text, (size_t)info.st_size);
        if (length < 0)
            status = err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    }
    (void)close(fd);
    if (status == STATUS_OK)
        status = json_parse(out, text, (size_t)length, memory, path, 0, err);
    free(text);
    return status;
}

static const json_t *theirs(const struct json *value)
{
    return (const json_t *)value;
}

static const struct json *ours(const json_t *value)
{
    return (const struct json *)value;
}

void json_free(struct json *json)
{
    json_decref((json_t *)json);
}

enum json_kind json_kind(const struct json *value)
{
    if (!value)
        return JSON_IS_MISSING;
    switch (json_typeof(theirs(value))) {
    case JSON_OBJECT:
        return JSON_IS_OBJECT;
    case JSON_ARRAY:
        return JSON_IS_ARRAY;
    case JSON_STRING:
        return JSON_IS_TEXT;
    case JSON_INTEGER:
        return JSON_IS_INTEGER;
    case JSON_REAL:
        return JSON_IS_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_IS_BOOL;
    case JSON_NULL:
        break;
    }
    return JSON_IS_NULL;
}

const char *json_kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_IS_MISSING] = "no value",   [JSON_IS_NULL] = "null",
        [JSON_IS_BOOL] = "true or false", [JSON_IS_INTEGER] = "a whole number",
        [JSON_IS_REAL] = "a number",      [JSON_IS_TEXT] = "a text",
        [JSON_IS_ARRAY] = "an array",     [JSON_IS_OBJECT] = "an object",
    };
    return names[kind];
}

bool json_get_bool(const struct json *value, bool *out)
{
    if (json_kind(value) != JSON_IS_BOOL)
        return false;
    *out = json_is_true(theirs(value));
    return true;
}

bool json_get_integer(const struct json *value, int64_t *out)
{
    if (json_kind(value) != JSON_IS_INTEGER)
        return false;
    *out = json_integer_value(theirs(value));
    return true;
}

bool json_get_real(const struct json *value, double *out)
{
    if (json_kind(value) != JSON_IS_INTEGER && json_kind(value) != JSON_IS_REAL)
        return false;
    *out = json_number_value(theirs(value));
    return true;
}

bool json_get_text(const struct json *value, const char **out)
{
    if (json_kind(value) != JSON_IS_TEXT)
        return false;
    *out = json_string_value(theirs(value));
    return true;
}

size_t json_count(const struct json *value)
{
    const json_t *it = theirs(value);
    return json_is_object(it) ? json_object_size(it) : json_is_array(it) ? json_array_size(it) : 0;
}

const struct json *json_member(const struct json *object, const char *key)
{
    return ours(json_object_get(theirs(object), key));
}

const struct json *json_item(const struct json *array, size_t i)
{
    return ours(json_array_get(theirs(array), i));
}

bool json_next(const struct json *object, struct json_walk *walk)
{
    json_t *it = (json_t *)(uintptr_t)object; /* the iterator of an object that nobody changes */
    walk->position = walk->started ? json_object_iter_next(it, walk->position) : json_object_iter(it);
    walk->started = true;
    if (!walk->position)
        return false;
    walk->key = json_object_iter_key(walk->position);
    walk->value = ours(json_object_iter_value(walk->position));
    return true;
}
