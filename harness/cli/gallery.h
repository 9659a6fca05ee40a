/* SPDX-License-Identifier: Apache-2.0 */
/* gallery.h — charts of a store: the query, the drawing, and what came of each. */
#ifndef HARNESS_CLI_GALLERY_H
#define HARNESS_CLI_GALLERY_H

#include "harness/report/charts.h"
#include "harness/store/store.h"

/* One chart's result. drawn: there is an SVG. */
struct picture {
    const struct chart *chart;
    struct chart_output output;
    bool drawn;
    char shortfall[256]; /* why it is not drawn; "" otherwise */
};

/* STATUS_USAGE, naming the nearest, when the store has no spec of that name; NULL stands for the whole store. */
MUST_CHECK enum status gallery_check_spec(struct store *store, const char *spec, struct err *err);

/* Draws one chart of the store's trials (of a spec, or all when NULL) into options->folder. Too little data and a
 * missing gnuplot are results, not errors: see shortfall. */
MUST_CHECK enum status gallery_draw(struct picture *out, const struct chart *chart, struct store *store,
                                    const char *spec, const struct chart_options *options, struct err *err);
void gallery_release(struct picture *picture);

#endif
