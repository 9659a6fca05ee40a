/* SPDX-License-Identifier: Apache-2.0 */
/* unicode.c — reading UTF-8, and looking classes up by binary search; ASCII, the common case, by comparison. */
#include "engine/data/unicode.h"

#include <stdbool.h>

int utf8_next(const uint8_t *text, size_t n, uint32_t *code)
{
    static const uint32_t lowest[5] = {0, 0, 0x80, 0x800, 0x10000}; /* of a sequence that long */
    uint8_t lead = text[0];
    int length = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3
                 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
    uint32_t value = length == 1 ? lead : length ? lead & (0xFFu >> (length + 1)) : 0;
    bool is_whole = length > 0 && (size_t)length <= n;
    for (int i = 1; is_whole && i < length; i++) {
        is_whole = (text[i] & 0xC0) == 0x80;
        value = value << 6 | (text[i] & 0x3F);
    }
    if (!is_whole || value < lowest[length] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
        length = 1;
        value = UNICODE_NONE;
    }
    if (code)
        *code = value;
    return length;
}

int utf8_put(uint8_t to[2], uint32_t code)
{
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    to[0] = (uint8_t)(0xC0 | code >> 6);
    to[1] = (uint8_t)(0x80 | (code & 0x3F));
    return 2;
}

static bool is_in(const struct unicode_range *ranges, int n, uint32_t code)
{
    int low = 0, high = n;
    while (low < high) { /* the first range that does not end before the code */
        int middle = (low + high) / 2;
        if (ranges[middle].last < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && ranges[low].first <= code;
}

/* PropList.txt, White_Space, beyond ASCII. */
static bool is_space(uint32_t code)
{
    return code == 0x85 || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
           code == 0x205F || code == 0x3000;
}

enum char_class unicode_class(uint32_t code)
{
    if (code < 0x80)
        return ascii_class((uint8_t)code);
    if (is_space(code))
        return CHAR_SPACE;
    if (is_in(unicode_letters, unicode_letters_count, code))
        return CHAR_LETTER;
    return is_in(unicode_numbers, unicode_numbers_count, code) ? CHAR_NUMBER : CHAR_OTHER;
}
