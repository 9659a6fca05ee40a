/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h — the summary a person sees when a sweep is over: what was found, in a block of at most 80
 * columns, and a small chart drawn with characters.
 *
 * Everything is appended to a struct str; the caller knows whether it goes to a terminal, whether that shows
 * colours (isatty, NO_COLOR, TERM=dumb) and whether the locale is UTF-8. Foreign text is cleaned here. */
#ifndef HARNESS_REPORT_TERMINAL_H
#define HARNESS_REPORT_TERMINAL_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "engine/base/table.h"
#include "harness/report/findings.h"

struct terminal {
    bool colour;
    bool unicode;
    int columns;   /* of the terminal; 0 or more than 80 reads as 80 */
};

struct terminal_summary {
    const char *title;     /* "What 24 small models say" */
    const char *source;    /* "world language"; "" for none */
    double entropy_floor;  /* NaN: not shown */
    const struct finding *findings;
    int n_findings;
    const struct table *points; /* answer to findings_sql(FINDINGS_POINTS), for the chart; NULL: no chart */
    const char *report;    /* path of the page; "" or NULL: not named */
    const char *store;
    const char *next;      /* what to run next, with its time */
    const char *const *notes; /* one line each: "2 of 24 trials diverged", may be NULL */
    int n_notes;
};

/* The whole block, newline at the end. */
void terminal_draw(const struct terminal *terminal, const struct terminal_summary *summary, struct str *out);

/* Loss against size, a mark for each data size, with its own legend; nothing when there is no line to draw. */
void terminal_chart(const struct terminal *terminal, const struct table *points, struct str *out);

#endif
