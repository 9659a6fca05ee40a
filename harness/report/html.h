/* SPDX-License-Identifier: Apache-2.0 */
/* html.h — the report: one self-contained HTML file that loads nothing, runs nothing and hides nothing.
 *
 * The command fills a struct report with pointers to what it has; nothing is owned here. Every text is
 * cleaned and escaped, except struct report_figure.svg, which must come from chart_render (svg.h proves it
 * inert). A text that is NULL or "" is left out together with its heading. */
#ifndef HARNESS_REPORT_HTML_H
#define HARNESS_REPORT_HTML_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "engine/base/table.h"
#include "harness/report/findings.h"

struct report_figure {
    const char *name;           /* of the chart: the anchor findings and claims link to */
    const char *title;
    const char *question;
    const char *caption;        /* one sentence */
    const char *svg;            /* struct chart_output.svg; "" when there is no drawing */
    const char *shortfall;      /* why there is no chart, or no drawing: "needs 2 sizes …", "install gnuplot-nox" */
    const char *csv;            /* struct chart_output.csv */
    const struct table *rows;   /* the same as a table; NULL for none */
    const char *sql;
    const char *command;        /* draws this chart alone */
};

enum report_verdict { REPORT_SUPPORTED, REPORT_REFUTED, REPORT_UNDECIDED };

struct report_claim {
    const char *claim;          /* "Loss falls as a power law in N" */
    const char *source;         /* "Kaplan et al. 2020" */
    enum report_verdict verdict;
    const char *measured;       /* the number, as text */
    const char *interval;
    const char *chart;          /* name of a figure, or NULL */
};

struct report_exclusion {
    const char *trial, *state, *reason;
};

struct report_fact {
    const char *name, *value;   /* "CPU", "…" */
};

struct report {
    const char *language;       /* of the texts: "en" */
    const char *title;
    const char *question;
    const char *scope;          /* what the page rests on, one line: "33 small models (4 shrunk too)" */
    const char *date;           /* "2026-11-24 09:10 UTC" */
    const char *machine;        /* one line */
    const struct finding *findings; /* all of them; the three that matter most become cards */
    int n_findings;
    const struct report_claim *claims;
    int n_claims;
    const struct report_figure *figures;
    int n_figures;
    const struct report_fact *facts;   /* machine and build */
    int n_facts;
    const char *const *notes;   /* validity: "one seed: differences carry no interval" */
    int n_notes;
    const struct report_exclusion *excluded;
    int n_excluded;
    const char *const *commands; /* that make this report again, in order */
    int n_commands;
};

/* Appends the whole page. The same report gives the same bytes. */
void html_write(const struct report *report, struct str *out);

#endif
