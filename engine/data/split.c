/* SPDX-License-Identifier: Apache-2.0 */
/* split.c — the two patterns, alternative by alternative in the order they are written in.
 *
 * Runs are greedy, and only white space ever gives something back: \s+(?!\S) leaves the last character of a run to the
 * word behind it, and Llama 3's \s*[\r\n]+ ends at the run's last line end. */
#include "engine/data/split.h"

#include <stdbool.h>

#include "engine/data/unicode.h"

const char *const split_patterns[SPLIT_COUNT] = {
    [SPLIT_GPT2] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    [SPLIT_LLAMA3] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
                     "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
};

/* The text that is left. */
struct rest {
    const uint8_t *text;
    size_t n;
};

/* The class of the character at `at`, and its length; length 0 at the end. */
static enum char_class class_at(const struct rest *r, size_t at, size_t *length)
{
    uint32_t code;
    if (at >= r->n) {
        *length = 0;
        return CHAR_OTHER;
    }
    if (r->text[at] < 0x80) {
        *length = 1;
        return ascii_class(r->text[at]);
    }
    *length = (size_t)utf8_next(r->text + at, r->n - at, &code);
    return unicode_class(code);
}

/* Where the run of this class that begins at `at` ends, after at most `most` characters. */
static size_t run_end(const struct rest *r, size_t at, enum char_class class, size_t most)
{
    size_t length;
    while (most-- > 0 && class_at(r, at, &length) == class && length > 0)
        at += length;
    return at;
}

static bool is_line_end(uint8_t c)
{
    return c == '\r' || c == '\n';
}

/* 's 't 're 've 'm 'll 'd: their length, or 0. Ignoring case, the long s of Unicode (U+017F) is an s as well. */
static size_t contraction(const struct rest *r, bool any_case)
{
    static const char *const tails[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    if (r->n < 2 || r->text[0] != '\'')
        return 0;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        size_t k = 0;
        while (tails[i][k] && k + 1 < r->n && (r->text[k + 1] | (any_case ? 0x20 : 0)) == tails[i][k])
            k++;
        if (!tails[i][k])
            return k + 1;
    }
    return any_case && r->n > 2 && r->text[1] == 0xC5 && r->text[2] == 0xBF ? 3 : 0;
}

/* The last two alternatives, \s+(?!\S)|\s+, for a run of white space that ends at `end`. */
static size_t white_space(const struct rest *r, size_t end)
{
    size_t last = end;
    if (end == r->n)
        return end;
    do /* back over one character, which may have several bytes */
        last--;
    while (last > 0 && (r->text[last] & 0xC0) == 0x80);
    return last > 0 ? last : end;
}

static size_t next_gpt2(const struct rest *r)
{
    size_t taken = contraction(r, false), length;
    size_t start = r->text[0] == ' '; /* " ?" */
    enum char_class class;
    if (taken)
        return taken;
    class = class_at(r, start, &length);
    if (length > 0 && class != CHAR_SPACE)
        return run_end(r, start, class, SIZE_MAX);
    return white_space(r, run_end(r, 0, CHAR_SPACE, SIZE_MAX));
}

static size_t next_llama3(const struct rest *r)
{
    size_t taken = contraction(r, true), length, second, end;
    enum char_class class = class_at(r, 0, &length);
    if (taken)
        return taken;
    if (class == CHAR_LETTER)
        return run_end(r, 0, CHAR_LETTER, SIZE_MAX);
    if (class != CHAR_NUMBER && !is_line_end(r->text[0]) && class_at(r, length, &second) == CHAR_LETTER)
        return run_end(r, length, CHAR_LETTER, SIZE_MAX);
    if (class == CHAR_NUMBER)
        return run_end(r, 0, CHAR_NUMBER, 3);
    end = r->text[0] == ' '; /* " ?" */
    if (class_at(r, end, &second) == CHAR_OTHER && second > 0) {
        end = run_end(r, end, CHAR_OTHER, SIZE_MAX);
        while (end < r->n && is_line_end(r->text[end]))
            end++;
        return end;
    }
    end = run_end(r, 0, CHAR_SPACE, SIZE_MAX);
    for (size_t line = end; line > 0; line--)
        if (is_line_end(r->text[line - 1]))
            return line;
    return white_space(r, end);
}

size_t split_next(enum split split, const uint8_t *text, size_t n)
{
    const struct rest rest = {text, n};
    return split == SPLIT_GPT2 ? next_gpt2(&rest) : next_llama3(&rest);
}
