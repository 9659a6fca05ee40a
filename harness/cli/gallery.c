/* SPDX-License-Identifier: Apache-2.0 */
/* gallery.c — see gallery.h. */
#include "harness/cli/gallery.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

enum status gallery_folder(const char *path, struct err *err)
{
    char parent[1024];
    char *slash;
    (void)str_copy(parent, sizeof parent, path);
    slash = strrchr(parent, '/');
    if (slash && slash != parent) {
        *slash = 0;
        if (mkdir(parent, 0777) != 0 && errno != EEXIST)
            return err_set(err, STATUS_IO, "%s: %s", parent, strerror(errno));
    }
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    return STATUS_OK;
}
