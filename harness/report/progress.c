/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c — see progress.h. Invariant: a bar never reaches the last column, where terminals wrap. The
 * label gives way first, then the bar itself. */
#include "harness/report/progress.h"

#include <math.h>

#include "harness/report/text.h"

enum { LONGEST_BAR = 34, SHORTEST_BAR = 8, WIDEST = 120 };

/* Everything that stands right of the label. */
static void tail(double loss, double eta_s, int failed, struct str *out)
{
    if (isfinite(loss)) {
        str_append(out, "   loss ");
        text_number(out, loss, 2, false);
    }
    if (failed > 0)
        str_format(out, "   %d failed", failed);
    if (isfinite(eta_s) && eta_s >= 0) {
        long s = lround(eta_s);
        str_append(out, "   ");
        if (s < 3600)
            str_format(out, "%ld:%02ld left", s / 60, s % 60);
        else
            str_format(out, "%ld:%02ld:%02ld left", s / 3600, s / 60 % 60, s % 60);
    }
}

static void draw_bar(const struct terminal *terminal, double fraction, int cells, struct str *out)
{
    int full = (int)floor(fraction * cells);
    if (terminal->colour)
        str_append(out, "\x1b[36m");
    for (int i = 0; i < full; i++)
        str_append(out, terminal->unicode ? "\u2501" : "=");
    if (full < cells)
        str_append(out, terminal->unicode ? "\u257A" : ">");
    if (terminal->colour)
        str_append(out, "\x1b[2m");
    for (int i = full + 1; i < cells; i++)
        str_append(out, terminal->unicode ? "\u2501" : "-");
    if (terminal->colour)
        str_append(out, "\x1b[0m");
}

static double clamped(double fraction)
{
    return !(fraction > 0) ? 0 : fraction > 1 ? 1 : fraction;
}

void progress_bar(const struct terminal *terminal, int done, int total, double fraction, const char *label,
                  double loss, double eta_s, int failed, struct str *out)
{
    struct str clean, right, count;
    int columns = terminal->columns <= 0 ? 80 : terminal->columns > WIDEST ? WIDEST : terminal->columns;
    str_init(&clean);
    str_init(&right);
    str_init(&count);
    if (terminal->unicode)
        text_clean(&clean, label);
    else
        text_ascii(&clean, label);
    str_format(&count, "  %d/%d", done, total);
    tail(loss, eta_s, failed, &right);
    int fixed = 1 + text_width(count.text) + text_width(right.text);
    int room = columns - 1 - fixed;
    int wanted = text_width(clean.text) ? text_width(clean.text) + 3 : 0;
    int cells = room - wanted > LONGEST_BAR ? LONGEST_BAR : room - wanted;
    if (cells < SHORTEST_BAR)
        cells = SHORTEST_BAR;
    int for_label = room - cells - 3;
    str_append(out, "\r ");
    if (room >= SHORTEST_BAR)
        draw_bar(terminal, clamped(fraction), cells, out);
    text_fit(out, count.text, columns - 2, false);
    if (for_label > 3 && wanted) {
        str_append(out, "   ");
        text_fit(out, clean.text, for_label, false);
    }
    if (room >= 0)
        str_append(out, right.text);
    if (terminal->colour)
        str_append(out, "\x1b[K");
    else if (room >= 0) {
        /* A terminal without escapes is wiped with blanks up to the last column but one. */
        int used = fixed + (room >= SHORTEST_BAR ? cells : 0) +
                   (for_label > 3 && wanted ? 3 + (wanted - 3 < for_label ? wanted - 3 : for_label) : 0);
        str_format(out, "%*s", columns - 1 - used > 0 ? columns - 1 - used : 0, "");
    }
    str_release(&clean);
    str_release(&right);
    str_release(&count);
}

void progress_line(int done, int total, double fraction, const char *label, double loss, double eta_s, int failed,
                   struct str *out)
{
    str_format(out, "%d/%d   %.0f %%", done, total, 100 * clamped(fraction));
    if (label && *label) {
        str_append(out, "   ");
        text_clean(out, label);
    }
    tail(loss, eta_s, failed, out);
    str_append_char(out, '\n');
}

void progress_clear(const struct terminal *terminal, struct str *out)
{
    int columns = terminal->columns <= 0 ? 80 : terminal->columns > WIDEST ? WIDEST : terminal->columns;
    if (terminal->colour)
        str_append(out, "\r\x1b[K");
    else
        str_format(out, "\r%*s\r", columns - 1, "");
}
