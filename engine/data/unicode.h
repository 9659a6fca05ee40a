/* SPDX-License-Identifier: Apache-2.0 */
/* unicode.h — what the patterns that cut text into words ask of a character: letter, number, white space or other.
 *
 * Text is bytes that are mostly UTF-8. A byte that begins no well-formed sequence (RFC 3629) is a character of its
 * own, of class other, so that every byte string has exactly one reading. */
#ifndef ENGINE_DATA_UNICODE_H
#define ENGINE_DATA_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* General categories L* and N*, property White_Space, and all the rest. */
enum char_class { CHAR_OTHER, CHAR_LETTER, CHAR_NUMBER, CHAR_SPACE };

/* Code points first … last. */
struct unicode_range {
    uint32_t first, last;
};

/* Sorted, without overlap (unicode_table.c). */
extern const struct unicode_range unicode_letters[], unicode_numbers[];
extern const int unicode_letters_count, unicode_numbers_count;

/* The character at text, of which n >= 1 bytes are left: its length in bytes, 1 to 4. *code (may be NULL) gets the
 * code point, or UNICODE_NONE for a byte that is not UTF-8. */
#define UNICODE_NONE 0xFFFFFFFFu
int utf8_next(const uint8_t *text, size_t n, uint32_t *code);

/* Appends the bytes of a code point below 0x800, which is as far as byte-level alphabets go. Returns 1 or 2. */
int utf8_put(uint8_t to[2], uint32_t code);

enum char_class unicode_class(uint32_t code);

/* The same for codes below 0x80, without a call: most text is ASCII. */
static inline enum char_class ascii_class(uint8_t code)
{
    if ((code | 0x20) >= 'a' && (code | 0x20) <= 'z')
        return CHAR_LETTER;
    return code >= '0' && code <= '9' ? CHAR_NUMBER : code == ' ' || (code >= 9 && code <= 13) ? CHAR_SPACE : CHAR_OTHER;
}

#endif
