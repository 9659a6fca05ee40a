/* SPDX-License-Identifier: Apache-2.0 */
/* json.h — reading JSON that strangers wrote (RFC 8259): a bounded text becomes a tree of values.
 *
 * The tree belongs to whoever parsed it and is freed as a whole; texts and values live as long as the tree. Refused
 * with the byte where it went wrong: what is not JSON, invalid UTF-8, the character NUL, a key given twice, numbers
 * that no int64_t or double holds, deep nesting, and texts whose tree could need more memory than allowed — known
 * by a look over the text before anything is allocated. Every getter takes NULL for a value that is not there, so
 * that look-ups chain. */
#ifndef ENGINE_BASE_JSON_H
#define ENGINE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

struct json;

enum json_kind {
    JSON_IS_MISSING, /* the value NULL: no such member */
    JSON_IS_NULL,
    JSON_IS_BOOL,
    JSON_IS_INTEGER,
    JSON_IS_REAL,
    JSON_IS_TEXT,
    JSON_IS_ARRAY,
    JSON_IS_OBJECT,
};

enum { JSON_DEEPEST = 64 };

/* Life cycle. place is the file's name for messages; first_byte is where text begins in it. memory: the most bytes
 * the tree may take. STATUS_FORMAT when refused. */
MUST_CHECK enum status json_parse(struct json **out, const char *text, size_t length, size_t memory,
                                  const char *place, size_t first_byte, struct err *err);
void json_free(struct json *json); /* NULL is allowed */

/* The same for a whole file of at most `longest` bytes; STATUS_NOT_FOUND when there is none. */
MUST_CHECK enum status json_read(struct json **out, const char *path, size_t longest, size_t memory,
                                 struct err *err);

/* An upper bound of the memory that the tree of such a text takes, in bytes. */
size_t json_memory(const char *text, size_t length);

/* Looking. */
enum json_kind json_kind(const struct json *value);
const char *json_kind_name(enum json_kind kind); /* "an object", "no value", … */

/* True, and *out written, when the value is of that kind; json_get_real takes integers too. */
bool json_get_bool(const struct json *value, bool *out);
bool json_get_integer(const struct json *value, int64_t *out);
bool json_get_real(const struct json *value, double *out);
bool json_get_text(const struct json *value, const char **out);

/* Members of an object, elements of an array; 0 for everything else. */
size_t json_count(const struct json *value);
/* NULL when it is not there, or value is of another kind. */
const struct json *json_member(const struct json *object, const char *key);
const struct json *json_item(const struct json *array, size_t i);

/* Goes over an object's members in the order of the text: start with {0}; false past the last one. */
struct json_walk {
    void *position;
    bool started;
    const char *key;
    const struct json *value;
};
bool json_next(const struct json *object, struct json_walk *walk);

#endif
