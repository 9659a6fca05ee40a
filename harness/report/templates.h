/* SPDX-License-Identifier: Apache-2.0 */
/* templates.h — the files of plots/, carried inside the program. The Makefile writes
 * build/harness/report/templates.c from the templates there, so that a chart never depends on where the program runs. */
#ifndef HARNESS_REPORT_TEMPLATES_H
#define HARNESS_REPORT_TEMPLATES_H

struct template {
    const char *name; /* without .gp: "style", "lines", "report.css" … */
    const char *text;
};

extern const struct template templates[]; /* ends with a NULL name */

/* The text of a file that is known to be there; asking for another is a bug. */
const char *template_text(const char *name);

#endif
