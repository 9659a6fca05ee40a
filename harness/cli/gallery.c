/* SPDX-License-Identifier: Apache-2.0 */
/* gallery.c — see gallery.h. */
#include "harness/cli/gallery.h"

#include <stdio.h>
#include <string.h>

static const char *name_of(int i, const void *context)
{
    const struct table *names = context;
    return i < names->n_rows ? table_text(names, i, 0) : NULL;
}

enum status gallery_check_spec(struct store *store, const char *spec, struct err *err)
{
    struct table names;
    bool known = !spec;
    enum status status = store_query(store, "SELECT DISTINCT name FROM spec ORDER BY name", NULL, 0, &names, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < names.n_rows && !known; i++)
        known = strcmp(table_text(&names, i, 0), spec) == 0;
    const char *nearest = known ? NULL : str_nearest(spec, name_of, &names);
    if (!nearest && names.n_rows > 0)
        nearest = table_text(&names, 0, 0);
    if (!known && nearest)
        status = err_set(err, STATUS_USAGE, "no spec in this store is named '%s'; did you mean '%s'?", spec, nearest);
    else if (!known)
        status = err_set(err, STATUS_USAGE, "no spec in this store is named '%s': it holds none", spec);
    table_release(&names);
    return status;
}

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
