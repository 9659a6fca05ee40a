/* SPDX-License-Identifier: Apache-2.0 */
/* bar.c — what failed is told at once and stays; what goes well is only drawn. */
#include "harness/cli/bar.h"

#include <stdio.h>

#include "harness/report/progress.h"

enum { LINE_EVERY_S = 10 };

struct terminal bar_terminal(const struct screen *screen)
{
    return (struct terminal){.colour = screen->color, .unicode = screen->utf8, .columns = screen->width};
}

struct bar bar_open(const struct screen *screen, bool quiet)
{
    return (struct bar){.terminal = bar_terminal(screen), .on_terminal = screen->terminal, .quiet = quiet};
}

static void say(const struct str *text)
{
    (void)fputs(text->text, stderr);
    (void)fflush(stderr);
}

static void clear(struct bar *bar)
{
    struct str text;
    if (!bar->drawn)
        return;
    str_init(&text);
    progress_clear(&bar->terminal, &text);
    say(&text);
    str_release(&text);
    bar->drawn = false;
}

void bar_progress(const struct runner_progress *p, void *context)
{
    struct bar *bar = context;
    struct str text;
    bool failed = p->finished && p->outcome != OUTCOME_DONE && p->outcome != OUTCOME_INTERRUPTED;
    str_init(&text);
    if (failed) {
        clear(bar);
        str_format(&text, "%s: %s: %s\n", p->label, outcome_name(p->outcome), p->reason);
        say(&text);
        str_clear(&text);
    }
    if (!bar->quiet && bar->on_terminal) {
        progress_bar(&bar->terminal, p->done + p->failed, p->total, p->fraction, p->label, p->loss, p->eta_s, p->failed,
                     &text);
        bar->drawn = true;
        say(&text);
    } else if (!bar->quiet && (p->elapsed_s - bar->last_line_s >= LINE_EVERY_S)) {
        progress_line(p->done + p->failed, p->total, p->fraction, p->label, p->loss, p->eta_s, p->failed, &text);
        bar->last_line_s = p->elapsed_s;
        say(&text);
    }
    str_release(&text);
}

void bar_close(struct bar *bar)
{
    clear(bar);
}
