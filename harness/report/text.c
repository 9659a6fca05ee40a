/* SPDX-License-Identifier: Apache-2.0 */
/* text.c — see text.h. Everything passes through next_point(), which is the only reader of foreign bytes;
 * the escapers below it see code points that are already known to be harmless. */
#include "harness/report/text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { END = 0, REPLACEMENT = 0xFFFD, ESCAPE = 0x1B };

/* Length of the well-formed UTF-8 sequence at p, or 0; *point is its code point. */
static int sequence(const unsigned char *p, uint32_t *point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    int n = *p < 0x80 ? 1 : (*p & 0xE0) == 0xC0 ? 2 : (*p & 0xF0) == 0xE0 ? 3 : (*p & 0xF8) == 0xF0 ? 4 : 0;
    if (n == 0)
        return 0;
    uint32_t value = n == 1 ? *p : *p & (0xFFu >> (n + 1));
    for (int i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (p[i] & 0x3Fu);
    }
    if (value < smallest[n] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *point = value;
    return n;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
}

/* Characters that are valid but lie about what is shown, or that XML forbids. */
static bool is_deceitful(uint32_t c)
{
    return c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0xFEFF || (c & 0xFFFE) == 0xFFFE;
}

/* Skips what follows an escape character: a control sequence up to its final letter, or an operating
 * system command up to its bell or string terminator. */
static const unsigned char *after_escape(const unsigned char *p)
{
    if (*p == '[') {
        p++;
        while (*p >= 0x20 && *p < 0x40)
            p++;
        return *p >= 0x40 && *p < 0x7F ? p + 1 : p;
    }
    if (*p == ']') {
        while (*p && *p != 0x07 && *p != ESCAPE)
            p++;
        return *p == 0x07 ? p + 1 : p;
    }
    return *p >= 0x20 && *p < 0x7F ? p + 1 : p;
}

/* The next harmless code point, END at the end; a run of control characters reads as one space. */
static uint32_t next_point(const unsigned char **at)
{
    const unsigned char *p = *at;
    bool blank = false;
    for (;;) {
        uint32_t point = 0;
        int n = sequence(p, &point);
        if (n == 0) {
            point = REPLACEMENT;
            n = 1;
        }
        if (point == END || (!is_control(point) && !is_deceitful(point))) {
            if (blank && point != END) {
                *at = p;
                return ' ';
            }
            *at = point == END ? p : p + n;
            return point;
        }
        blank |= is_control(point) && point != ESCAPE;
        p = point == ESCAPE ? after_escape(p + 1) : p + n;
    }
}

static void append_point(struct str *out, uint32_t c)
{
    char bytes[4];
    if (c < 0x80) {
        str_append_char(out, (char)c);
        return;
    }
    int n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--, c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3F));
    bytes[0] = (char)((0xF00u >> n & 0xF0u) | c);
    str_append_bytes(out, bytes, (size_t)n);
}

void text_clean(struct str *out, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    for (uint32_t c; (c = next_point(&p)) != END;)
        append_point(out, c);
}

void text_xml(struct str *out, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    for (uint32_t c; (c = next_point(&p)) != END;) {
        switch (c) {
        case '&': str_append(out, "&amp;"); break;
        case '<': str_append(out, "&lt;"); break;
        case '>': str_append(out, "&gt;"); break;
        case '"': str_append(out, "&quot;"); break;
        case '\'': str_append(out, "&#39;"); break;
        default: append_point(out, c);
        }
    }
}

void text_gnuplot(struct str *out, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    str_append_char(out, '\'');
    for (uint32_t c; (c = next_point(&p)) != END;) {
        append_point(out, c);
        if (c == '\'')
            str_append_char(out, '\'');
    }
    str_append_char(out, '\'');
}

void text_csv(struct str *out, const char *text)
{
    struct str clean;
    str_init(&clean);
    text_clean(&clean, text);
    bool quoted = strpbrk(clean.text, ",\"\n ") != NULL;
    if (quoted)
        str_append_char(out, '"');
    if (clean.text[0] && strchr("=+-@", clean.text[0]))
        str_append_char(out, '\'');
    for (const char *c = clean.text; *c; c++) {
        str_append_char(out, *c);
        if (*c == '"')
            str_append_char(out, '"');
    }
    if (quoted)
        str_append_char(out, '"');
    str_release(&clean);
}

void text_percent(struct str *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        bool plain = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
                     strchr("-_.,", *c);
        if (plain)
            str_append_char(out, (char)*c);
        else
            str_format(out, "%%%02X", *c);
    }
}

void text_ascii(struct str *out, const char *text)
{
    static const struct {
        uint32_t point;
        const char *plain;
    } table[] = {{0x2192, "->"}, {0x2212, "-"}, {0xD7, "x"}, {0x2013, "-"}, {0x2014, "-"}, {0x2026, "..."},
                 {0xA0, " "}, {0x202F, " "}, {0xB7, "-"}, {0xB1, "+-"}, {0x2019, "'"}, {0x2265, ">="}};
    const unsigned char *p = (const unsigned char *)text;
    for (uint32_t c; (c = next_point(&p)) != END;) {
        const char *plain = "?";
        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
            if (table[i].point == c)
                plain = table[i].plain;
        if (c < 0x80)
            str_append_char(out, (char)c);
        else
            str_append(out, plain);
    }
}

int text_width(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

void text_fit(struct str *out, const char *text, int columns, bool pad)
{
    int left = columns;
    const char *p = text;
    while (*p && left > 0) {
        do
            str_append_char(out, *p++);
        while (((unsigned char)*p & 0xC0) == 0x80);
        left--;
    }
    while (pad && left-- > 0)
        str_append_char(out, ' ');
}

void text_count(struct str *out, double value)
{
    static const char *const units[] = {"", " k", " M", " G", " T", " P", " E"};
    const int last = (int)(sizeof units / sizeof *units) - 1;
    int unit = 0;
    if (!isfinite(value)) {
        str_append(out, "?");
        return;
    }
    while (fabs(value) >= 999.5 && unit < last) {
        value /= 1000;
        unit++;
    }
    /* As few digits as are true to half a per cent: 3 k, 8.3 k, 1.05 M. */
    int decimals = 0;
    for (double scale = 1; unit > 0 && fabs(value) < 9.95 && decimals < 2; decimals++, scale *= 10)
        if (fabs(value - round(value * scale) / scale) <= 0.005 * fabs(value))
            break;
    str_format(out, "%.*f%s", decimals, value, units[unit]);
}

void text_power(struct str *out, double value)
{
    if (!(value > 0) || !isfinite(value)) {
        str_append(out, "?");
        return;
    }
    int exponent = (int)floor(log10(value));
    double mantissa = value / pow(10, exponent);
    if (mantissa >= 9.95) { /* rounding would print ten of something */
        mantissa /= 10;
        exponent++;
    }
    str_format(out, "%.*fe%d", fabs(mantissa - round(mantissa)) >= 0.05 ? 1 : 0, mantissa, exponent);
}

void text_duration(struct str *out, double seconds)
{
    if (!(seconds >= 0) || seconds > 1e9)
        str_append(out, "?");
    else if (seconds < 9.95)
        str_format(out, "%.*f s", seconds < 0.995 ? 2 : 1, seconds);
    else if (seconds < 99.5)
        str_format(out, "%.0f s", seconds);
    else {
        long s = lround(seconds);
        if (s < 3600)
            str_format(out, "%ld:%02ld", s / 60, s % 60);
        else
            str_format(out, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    }
}

void text_number(struct str *out, double value, int decimals, bool plus)
{
    char digits[64];
    if (!isfinite(value)) {
        str_append(out, "?");
        return;
    }
    (void)snprintf(digits, sizeof digits, "%.*f", decimals, fabs(value));
    bool zero = strspn(digits, "0.") == strlen(digits);
    if (value < 0 && !zero)
        str_append(out, "\u2212");
    else if (plus)
        str_append(out, zero ? "\u00B1" : "+");
    str_append(out, digits);
}

int text_decimals(double a, double b)
{
    double gap = fabs(a - b);
    if (!(gap > 0) || !isfinite(gap))
        return 2;
    int wanted = (int)ceil(1 - log10(gap) - 1e-9);
    return wanted < 2 ? 2 : wanted > 5 ? 5 : wanted;
}
