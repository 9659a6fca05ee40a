/* SPDX-License-Identifier: Apache-2.0 */
/* str.c — see str.h. Invariant: text[length] == 0 and length < capacity, or text is the shared empty string. */
#include "engine/base/str.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
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
        NEED_MEMORY(text);
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
    reserve(str, 31); /* most fit, and need not be formatted twice */
    va_copy(again, args);
    n = vsnprintf(str->text + str->length, str->capacity - str->length, format, again);
    va_end(again);
    ASSERT(n >= 0);
    if ((size_t)n >= str->capacity - str->length) {
        reserve(str, (size_t)n);
        (void)vsnprintf(str->text + str->length, (size_t)n + 1, format, args);
    }
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

/* ---- numbers as text ---- */

__extension__ typedef unsigned __int128 wide;

/* The whole number nearest to m * 2^e * 10^k, for 0 <= k <= 21, and whether it, divided by 10^k, reads back as the double
 * m * 2^e: m of 53 bits.
 *
 * m * 2^e * 10^k = m * 5^k * 2^(e + k): an integer of at most 53 + 49 bits, shifted. Its rounding to a whole number and
 * the distance of that are therefore exact, and a decimal reads back when it lies within half the distance to the next
 * double, which is 5^k in the same units. */
static bool round_decimal(uint64_t m, int e, int k, uint64_t *out)
{
    static const uint64_t fives[] = {1, 5, 25, 125, 625, 3125, 15625, 78125, 390625, 1953125, 9765625, 48828125, 244140625,
                                     1220703125, 6103515625, 30517578125, 152587890625, 762939453125, 3814697265625,
                                     19073486328125, 95367431640625, 476837158203125};
    wide product, rest, one;
    int shift = -(e + k);
    bool up, tight;
    ASSERT(k >= 0 && k < (int)(sizeof fives / sizeof *fives) && shift > 0 && shift < 127);
    product = (wide)m * fives[k];
    one = (wide)1 << shift;
    *out = (uint64_t)(product >> shift);
    rest = product & (one - 1);
    up = rest > one / 2 || (rest == one / 2 && (*out & 1));
    rest = up ? one - rest : rest;
    *out += up;
    tight = !up && m == (uint64_t)1 << 52; /* below a power of two the doubles lie twice as close */
    rest *= tight ? 4 : 2;
    return rest < fives[k] || (rest == fives[k] && m % 2 == 0);
}

/* The fewest decimal digits that read back as value, for 1e-5 <= value < 1e15: how many there are is returned, and the
 * first stands for so many times 10^exponent.
 *
 * Any decimal of up to 15 digits survives the way through a double and back, so if one of them reads back as value it is
 * the one of 15 digits without its zeros. Else 16 do, or 17, which always do. */
static int shortest_digits(double value, uint64_t *digits, int *exponent)
{
    static const double powers[] = {1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4,
                                    1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14};
    static const struct {
        uint64_t power;
        int zeros;
    } strips[] = {{100000000, 8}, {10000, 4}, {100, 2}, {10, 1}};
    int e, x = -5, n = 15;
    uint64_t m = (uint64_t)ldexp(frexp(value, &e), 53);
    while (x < 14 && value >= powers[x + 6])
        x++;
    *exponent = x;
    while (!round_decimal(m, e - 53, n - 1 - x, digits) && n < 17)
        n++;
    for (size_t i = 0; i < sizeof strips / sizeof *strips; i++)
        if (*digits % strips[i].power == 0) {
            *digits /= strips[i].power;
            n -= strips[i].zeros;
        }
    return n;
}

/* The last n digits of a number, the first of them first; returns where the text goes on. */
static char *write_digits(char *to, uint64_t number, int n)
{
    for (int i = n - 1; i >= 0; i--, number /= 10)
        to[i] = (char)('0' + number % 10);
    return to + n;
}

static char *put(char *to, const char *from, int n)
{
    memcpy(to, from, (size_t)n);
    return to + n;
}

/* What "%.*g" writes of n digits, the last of them not zero, the first of which stands for so many times 10^exponent. */
static void write_general(char *to, bool negative, uint64_t digits, int n, int exponent)
{
    bool fixed = exponent >= -4 && exponent < n;
    int whole = !fixed ? 1 : exponent < 0 ? 0 : exponent + 1; /* digits before the point */
    char text[20];
    (void)write_digits(text, digits, n);
    if (negative)
        to = put(to, "-", 1);
    if (whole == 0)
        to = put(to, "0.000", 1 - exponent);
    to = put(to, text, whole);
    if (whole > 0 && n > whole)
        to = put(to, ".", 1);
    to = put(to, text + whole, n - whole);
    if (!fixed)
        to = write_digits(put(to, exponent < 0 ? "e-" : "e+", 2), (uint64_t)abs(exponent), 2);
    *to = 0;
}

void str_from_double(char *to, size_t size, double value)
{
    if (fabs(value) >= 1e-5 && fabs(value) < 1e15) {
        uint64_t digits = 0;
        int exponent, n = shortest_digits(fabs(value), &digits, &exponent);
        write_general(to, value < 0, digits, n, exponent);
        return;
    }
    if (isnan(value)) {
        (void)snprintf(to, size, "nan");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) { /* the definition */
        (void)snprintf(to, size, "%.*g", digits, value);
        if (strtod(to, NULL) == value)
            return;
    }
}
