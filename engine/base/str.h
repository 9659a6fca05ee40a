/* SPDX-License-Identifier: Apache-2.0 */
/* str.h — growing text, and the few string questions that several rooms ask.
 *
 * A struct str always holds a terminated string, also when empty, and owns its memory. Running out of
 * memory for text is treated as a bug (ASSERT): there is no useful message left to build then. */
#ifndef ENGINE_BASE_STR_H
#define ENGINE_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct str {
    char *text;
    size_t length;
    size_t capacity;
};

void str_init(struct str *str);
void str_release(struct str *str);
void str_clear(struct str *str);
void str_append(struct str *str, const char *text);
void str_append_bytes(struct str *str, const char *bytes, size_t n);
void str_append_char(struct str *str, char c);
void str_format(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_vformat(struct str *str, const char *format, va_list args);

/* The candidate nearest to word by edit distance (insert, delete, replace, swap neighbours), or NULL when
 * none is near enough to be what was meant. candidate(i, context) returns NULL past the last one. */
const char *str_nearest(const char *word, const char *(*candidate)(int i, const void *context),
                        const void *context);

/* [A-Za-z0-9._-]{1,128}, no leading dot or dash: fit to be a file name or an identifier. */
bool str_is_name(const char *text);

/* Copies at most size - 1 bytes and terminates; false when the text did not fit. */
bool str_copy(char *to, size_t size, const char *from);

/* The shortest decimal that reads back as the same double; "nan", "inf", "-inf" otherwise. size >= 32. */
void str_from_double(char *to, size_t size, double value);

#endif
