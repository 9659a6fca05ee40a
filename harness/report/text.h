/* SPDX-License-Identifier: Apache-2.0 */
/* text.h — text that came from elsewhere, made fit for a page, a chart, a file or a terminal; and numbers
 * as people read them.
 *
 * Invariant: whatever goes in, what comes out is valid UTF-8 without control characters, terminal escapes
 * or characters that reverse the reading direction. Every function appends to `out`. */
#ifndef HARNESS_REPORT_TEXT_H
#define HARNESS_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/str.h"

/* Control characters become spaces (runs of them one), escape sequences vanish, bad UTF-8 becomes U+FFFD. */
void text_clean(struct str *out, const char *text);
/* Cleaned and escaped for HTML and XML, in content and in quoted attributes. */
void text_xml(struct str *out, const char *text);
/* Cleaned, as a gnuplot string in single quotes: nothing inside is ever evaluated. */
void text_gnuplot(struct str *out, const char *text);
/* Cleaned, as a CSV cell: RFC 4180 quotes where needed, and a leading ' where a spreadsheet would compute. */
void text_csv(struct str *out, const char *text);
/* Percent-encoded for a data: address; bytes are kept as they are. */
void text_percent(struct str *out, const char *text);
/* Cleaned, and in plain ASCII: arrows, minus and times signs become -> - x, anything else '?'. */
void text_ascii(struct str *out, const char *text);

/* Columns a cleaned text takes in a terminal (code points; wide scripts are not our labels). */
int text_width(const char *text);
/* Appends at most `columns` columns of a cleaned text, and pads with spaces when asked. */
void text_fit(struct str *out, const char *text, int columns, bool pad);

/* 950, "4 k", "1.2 M", "1.05 M", "310 k": below ten, true to half a per cent. */
void text_count(struct str *out, double value);
/* "7.1e12": FLOPs, with two digits. */
void text_power(struct str *out, double value);
/* 0.07 s, "12 s", "3:05", "2:10:00". */
void text_duration(struct str *out, double seconds);
/* With a real minus sign; a plus sign when asked. */
void text_number(struct str *out, double value, int decimals, bool plus);
/* Decimals that show the difference of two numbers with two digits: 2 at least, 5 at most. */
int text_decimals(double a, double b);

#endif
