/* SPDX-License-Identifier: Apache-2.0 */
/* gallery.c — see gallery.h. */
#include "harness/cli/gallery.h"

#include <stdio.h>

enum status gallery_draw(struct picture *out, const struct chart *chart, struct store *store, const char *spec,
                         const struct chart_options *options, struct err *err)
{
    struct picture p = {.chart = chart};
    struct err reason = ERR_INIT;
    struct table answer;
    enum status status = store_query(store, chart->sql, &spec, 1, &answer, err);
    if (status != STATUS_OK)
        return status;
    chart_output_init(&p.output);
    status = chart_render(chart, &answer, options, &p.output, &reason);
    table_release(&answer);
    if (status == STATUS_INSUFFICIENT || status == STATUS_NOT_FOUND)
        (void)snprintf(p.shortfall, sizeof p.shortfall, "%.250s", reason.text);
    else if (status != STATUS_OK) {
        chart_output_release(&p.output);
        return err_set(err, status, "%s: %s", chart->name, reason.text);
    }
    p.drawn = status == STATUS_OK;
    *out = p;
    return STATUS_OK;
}

void gallery_release(struct picture *picture)
{
    chart_output_release(&picture->output);
}
