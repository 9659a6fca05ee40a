/* SPDX-License-Identifier: Apache-2.0 */
/* str.c — see str.h. Invariant: text[length] == 0 and length < capacity, or text is the shared empty string. */
#include "engine/base/str.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

static char empty[1];

void str_init(struct str *str)
{
    *str = (struct str){.text = empty};
}

void str_release(struct str *str)
{
    if (str->capacity)
        free(str->text);
    str_init(str);
}

void str_clear(struct str *str)
{
    str->length = 0;
    if (str->capacity)
        str->text[0] = 0;
}

static void reserve(struct str *str, size_t more)
{
    size_t wanted = str->length + more + 1;
    ASSERT(wanted > str->length);
    if (wanted > str->capacity) {
        size_t capacity = wanted + wanted / 2 + 32;
        char *text = realloc(str->capacity ? str->text : NULL, capacity);
        ASSERT(text);
        text[str->length] = 0;
        str->text = text;
        str->capacity = capacity;
    }
}

void str_append_bytes(struct str *str, const char *bytes, size_t n)
{
    reserve(str, n);
    memcpy(str->text + str->length, bytes, n);
    str->length += n;
    str->text[str->length] = 0;
}

void str_append(struct str *str, const char *text)
{
    str_append_bytes(str, text, strlen(text));
}

void str_append_char(struct str *str, char c)
{
    str_append_bytes(str, &c, 1);
}

void str_vformat(struct str *str, const char *format, va_list args)
{
    va_list again;
    int n;
    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    ASSERT(n >= 0);
    reserve(str, (size_t)n);
    (void)vsnprintf(str->text + str->length, (size_t)n + 1, format, args);
    str->length += (size_t)n;
}

void str_format(struct str *str, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_vformat(str, format, args);
    va_end(args);
}

enum { LONGEST_WORD = 64 };

/* Damerau's restricted edit distance over two short words, row by row. */
static int edit_distance(const char *a, const char *b)
{
    int rows[3][LONGEST_WORD + 1];
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n > LONGEST_WORD || m > LONGEST_WORD)
        return LONGEST_WORD;
    for (int j = 0; j <= m; j++)
        rows[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_above[j - 2] + 1 < best)
                best = two_above[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *str_nearest(const char *word, const char *(*candidate)(int i, const void *context),
                        const void *context)
{
    const char *best = NULL, *name;
    int limit = (int)(strlen(word) + 1) / 3; /* a third of the letters may be wrong, and one always */
    if (limit < 1)
        limit = 1;
    for (int i = 0; (name = candidate(i, context)) != NULL; i++) {
        int distance = edit_distance(word, name);
        if (distance <= limit) {
            limit = distance - 1;
            best = name;
        }
    }
    return best;
}

bool str_is_name(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n > 128 || text[0] == '.' || text[0] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
            return false;
    return true;
}

bool str_copy(char *to, size_t size, const char *from)
{
    size_t n = strlen(from);
    ASSERT(size > 0);
    if (n >= size) {
        memcpy(to, from, size - 1);
        to[size - 1] = 0;
        return false;
    }
    memcpy(to, from, n + 1);
    return true;
}

void str_from_double(char *to, size_t size, double value)
{
    if (isnan(value)) {
        (void)snprintf(to, size, "nan");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(to, size, "%.*g", digits, value);
        if (strtod(to, NULL) == value)
            return;
    }
}
