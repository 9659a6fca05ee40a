/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plot.c — `isoflop plot CHART|all`: SVG, with the script and the data that draw it again beside it. */
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/cli/folders.h"
#include "harness/cli/gallery.h"

static int draw(struct invocation *invocation, struct store *store, const struct chart *chart, int *drawn,
                struct err *err)
{
    const struct options *o = &invocation->options;
    struct chart_options options = {.folder = option_text(o, "output"), .png = option_flag(o, "png"),
                                    .pdf = option_flag(o, "pdf")};
    struct picture picture;
    if (gallery_draw(&picture, chart, store, option_text(o, "spec"), &options, err) != STATUS_OK)
        return failed(err);
    if (picture.drawn)
        (void)printf("%s/%s.svg\n", options.folder, chart->name);
    else
        (void)fprintf(stderr, "isoflop: %s: %s\n", chart->name, picture.shortfall);
    *drawn += picture.drawn;
    gallery_release(&picture);
    return EXIT_CODE_DONE;
}

static int unknown_chart(const char *word, struct err *err)
{
    const char *nearest = chart_nearest(word);
    struct str names;
    str_init(&names);
    for (int i = 0; chart_at(i); i++)
        str_format(&names, " %s", chart_at(i)->name);
    if (nearest)
        (void)err_set(err, STATUS_USAGE, "there is no chart '%s'; did you mean '%s'?", word, nearest);
    else
        (void)err_set(err, STATUS_USAGE, "there is no chart '%s'; there are: all%s", word, names.text);
    str_release(&names);
    return failed(err);
}

int cmd_plot(struct invocation *invocation)
{
    const char *word = invocation->options.arguments[0];
    bool all = strcmp(word, "all") == 0;
    struct err err = ERR_INIT;
    struct store *store;
    int code = EXIT_CODE_DONE, drawn = 0;
    if (!all && !chart_find(word))
        return unknown_chart(word, &err);
    if (store_open(&store, invocation->db, STORE_READ, &err) != STATUS_OK)
        return failed(&err);
    if (gallery_check_spec(store, option_text(&invocation->options, "spec"), &err) != STATUS_OK ||
        folders_make(option_text(&invocation->options, "output"), &err) != STATUS_OK)
        code = failed(&err);
    for (int i = 0; code == EXIT_CODE_DONE && chart_at(i); i++)
        if (all || chart_find(word) == chart_at(i))
            code = draw(invocation, store, chart_at(i), &drawn, &err);
    store_close(store);
    return code == EXIT_CODE_DONE && drawn == 0 ? EXIT_CODE_INSUFFICIENT : code;
}
