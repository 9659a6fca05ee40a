/* SPDX-License-Identifier: Apache-2.0 */
/* svg.h — what gnuplot draws, made fit for a page: accessible, themed, and provably inert.
 *
 * Adds role="img", an aria-label, <title> and <desc>; gives every id a prefix of its own; makes black
 * follow the page's text colour and each palette colour follow the scheme (light, dark) by CSS alone.
 * Only a fixed list of elements and attributes passes: a drawing with anything else is refused. */
#ifndef HARNESS_REPORT_SVG_H
#define HARNESS_REPORT_SVG_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

struct svg_labels {
    const char *name;        /* prefix of ids */
    const char *title;
    const char *description; /* one sentence */
    bool standalone;         /* a file of its own: with XML declaration and its style inside */
};

/* Appends the finished drawing. STATUS_FORMAT when raw is not what gnuplot's svg terminal writes. */
MUST_CHECK enum status svg_finish(const char *raw, const struct svg_labels *labels, struct str *out,
                                  struct err *err);

/* The style that charts need, for a page that holds several: custom properties for both schemes, and the
 * rules that map gnuplot's colours to them. */
void svg_style(struct str *out);

/* Colours of plots/style.gp and their counterparts on a dark page; NULL past the last one. */
struct svg_colour {
    const char *light; /* as style.gp writes it: #rrggbb */
    const char *dark;
};
const struct svg_colour *svg_colour_at(int i);

#endif
