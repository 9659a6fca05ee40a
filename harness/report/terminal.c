/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.c — see terminal.h. Lines are made of cleaned UTF-8 first and turned into ASCII last, so that both
 * versions break at the same places. */
#include "harness/report/terminal.h"

#include <math.h>
#include <string.h>

#include "harness/report/points.h"
#include "harness/report/text.h"

enum { WIDEST = 80, LABEL = 20, PLOT_ROWS = 9, MOST_SERIES = 6, MOST_COLUMNS = 64 };

static const char bold[] = "\x1b[1m", dim[] = "\x1b[2m", plain[] = "\x1b[0m";
static const char *const hues[MOST_SERIES] = {"\x1b[33m", "\x1b[31m", "\x1b[35m", "\x1b[34m", "\x1b[36m", "\x1b[32m"};
static const char *const marks_unicode[MOST_SERIES] = {"\u25CF", "\u25A0", "\u25B2", "\u25C6", "\u25BC", "\u25CB"};
static const char *const marks_ascii[MOST_SERIES] = {"o", "x", "+", "*", "#", "@"};

static int width_of(const struct terminal *terminal)
{
    return terminal->columns <= 0 || terminal->columns > WIDEST ? WIDEST : terminal->columns < 40 ? 40 : terminal->columns;
}

static void style(const struct terminal *terminal, const char *code, struct str *out)
{
    if (terminal->colour)
        str_append(out, code);
}

/* Foreign or own text, in what the terminal can show. */
static void shown(const struct terminal *terminal, const char *text, struct str *out)
{
    if (terminal->unicode)
        text_clean(out, text);
    else
        text_ascii(out, text);
}

/* Text broken at spaces into lines of `columns`, each after the first indented by `indent`. */
static void wrap(const struct terminal *terminal, const char *text, int indent, int columns, struct str *out)
{
    struct str clean;
    int at = 0;
    str_init(&clean);
    shown(terminal, text, &clean);
    for (const char *word = clean.text; *word;) {
        struct str piece;
        size_t n = strcspn(word, " ");
        str_init(&piece);
        str_append_bytes(&piece, word, n);
        int width = text_width(piece.text);
        if (at > 0 && at + 1 + width > columns) {
            str_format(out, "\n%*s", indent, "");
            at = 0;
        }
        str_append(out, at > 0 ? " " : "");
        text_fit(out, piece.text, columns, false); /* a word longer than the line is cut */
        at += width + (at > 0);
        word += n + strspn(word + n, " ");
        str_release(&piece);
    }
    str_append_char(out, '\n');
    str_release(&clean);
}

static void draw_head(const struct terminal *terminal, const struct terminal_summary *summary, struct str *out)
{
    struct str left, right;
    str_init(&left);
    str_init(&right);
    shown(terminal, summary->title, &left);
    if (summary->source)
        shown(terminal, summary->source, &right);
    if (isfinite(summary->entropy_floor)) {
        str_append(&right, right.length ? ", entropy floor " : "entropy floor ");
        text_number(&right, summary->entropy_floor, 2, false);
        str_append(&right, " nats");
    }
    int room = width_of(terminal) - text_width(left.text) - text_width(right.text);
    style(terminal, bold, out);
    str_append(out, left.text);
    style(terminal, plain, out);
    if (right.length) {
        style(terminal, dim, out);
        if (room >= 2)
            str_format(out, "%*s", room, "");
        else
            str_append(out, "\n  ");
        wrap(terminal, right.text, 2, width_of(terminal) - 2, out);
        style(terminal, plain, out);
    } else {
        str_append_char(out, '\n');
    }
    str_release(&left);
    str_release(&right);
}

static void draw_finding(const struct terminal *terminal, const struct finding *finding, struct str *out)
{
    struct str label;
    bool known = finding->verdict != FINDING_UNKNOWN;
    str_init(&label);
    shown(terminal, finding->label, &label);
    str_append(out, "  ");
    style(terminal, known ? bold : dim, out);
    text_fit(out, label.text, LABEL, true);
    style(terminal, plain, out);
    if (!known)
        style(terminal, dim, out);
    wrap(terminal, finding->brief, LABEL + 2, width_of(terminal) - LABEL - 2, out);
    if (!known)
        style(terminal, plain, out);
    str_release(&label);
}

/* How sure the first finding is stands for all: they rest on the same trials. */
static void draw_certainty(const struct terminal *terminal, const struct terminal_summary *summary, struct str *out)
{
    if (summary->n_findings == 0 || !summary->findings[0].interval[0])
        return;
    str_append(out, "  ");
    style(terminal, dim, out);
    text_fit(out, "how sure", LABEL, true);
    wrap(terminal, summary->findings[0].interval, LABEL + 2, width_of(terminal) - LABEL - 2, out);
    style(terminal, plain, out);
}

struct canvas {
    int columns;
    signed char mark[PLOT_ROWS][MOST_COLUMNS]; /* series + 1, 0 for nothing, -1 for a connecting dot */
};

static int place(double value, double low, double high, int cells)
{
    return high > low ? (int)lround((value - low) / (high - low) * (cells - 1)) : cells / 2;
}

/* Dots between two neighbours of a line guide the eye; they never cover a mark. */
static void connect(struct canvas *canvas, int column0, int row0, int column1, int row1)
{
    for (int c = column0 + 1; c < column1; c++) {
        int r = row0 + (int)lround((double)(row1 - row0) * (c - column0) / (column1 - column0));
        if (canvas->mark[r][c] == 0 && (c - column0) % 2 == 0)
            canvas->mark[r][c] = -1;
    }
}

static void fill_canvas(const struct points *points, double x0, double x1, double y0, double y1, struct canvas *canvas)
{
    int series = 0;
    for (int i = 0, end; i < points->n; i = end, series++) {
        int before_c = -1, before_r = -1;
        end = points_series_end(points, i);
        for (int k = i; k < end && series < MOST_SERIES; k++) {
            int c = place(log(points->items[k].x), log(x0), log(x1), canvas->columns);
            int r = place(y1 - points->items[k].y, 0, y1 - y0, PLOT_ROWS);
            if (before_c >= 0)
                connect(canvas, before_c, before_r, c, r);
            canvas->mark[r][c] = (signed char)(series + 1);
            before_c = c;
            before_r = r;
        }
    }
}

static void draw_mark(const struct terminal *terminal, int mark, struct str *out)
{
    const char *const *marks = terminal->unicode ? marks_unicode : marks_ascii;
    if (mark > 0) {
        style(terminal, hues[mark - 1], out);
        str_append(out, marks[mark - 1]);
        style(terminal, plain, out);
    } else if (mark < 0) {
        style(terminal, dim, out);
        str_append(out, terminal->unicode ? "\u00B7" : ".");
        style(terminal, plain, out);
    } else {
        str_append(out, " ");
    }
}

static void draw_legend(const struct terminal *terminal, const struct points *points, int row, struct str *out)
{
    int series = 0;
    if (row == 0) {
        str_append(out, "   tokens");
        return;
    }
    for (int i = 0; i < points->n; i = points_series_end(points, i), series++)
        if (series == row - 1 && series < MOST_SERIES) {
            str_append(out, "   ");
            draw_mark(terminal, series + 1, out);
            str_append(out, " ");
            text_count(out, points->items[i].series);
        }
}

static void draw_canvas(const struct terminal *terminal, const struct points *points, const struct canvas *canvas,
                        const double range[4], struct str *out)
{
    const char *tee = terminal->unicode ? "\u2524" : "|", *corner = terminal->unicode ? "\u2514" : "+";
    const char *line = terminal->unicode ? "\u2500" : "-";
    struct str low, high;
    for (int r = 0; r < PLOT_ROWS; r++) {
        bool labelled = r % 4 == 0;
        int last = canvas->columns;
        if (r == 0)
            str_append(out, "  loss ");
        else
            str_append(out, "       ");
        if (labelled)
            str_format(out, "%5.2f ", range[3] - (range[3] - range[2]) * r / (PLOT_ROWS - 1));
        else
            str_append(out, "      ");
        str_append(out, labelled ? tee : terminal->unicode ? "\u2502" : "|");
        for (int c = 0; c < last; c++)
            draw_mark(terminal, canvas->mark[r][c], out);
        draw_legend(terminal, points, r, out);
        while (out->length && out->text[out->length - 1] == ' ')
            out->text[--out->length] = 0;
        str_append_char(out, '\n');
    }
    str_format(out, "%13s%s", "", corner);
    for (int c = 0; c < canvas->columns; c++)
        str_append(out, line);
    str_append_char(out, '\n');
    str_init(&low);
    str_init(&high);
    text_count(&low, range[0]);
    text_count(&high, range[1]);
    str_append(&high, " parameters");
    int gap = canvas->columns - text_width(low.text) - text_width(high.text) + 1;
    str_format(out, "%13s%s%*s%s\n", "", low.text, gap > 1 ? gap : 1, "", high.text);
    str_release(&low);
    str_release(&high);
}

static bool is_dense(const struct table *table, int row, const void *context)
{
    const char *shrink = column_text(table, row, "shrink");
    (void)context;
    return column_number(table, row, "experts") == 1 && shrink && strcmp(shrink, "none") == 0 &&
           column_number(table, row, "params") > 0;
}

void terminal_chart(const struct terminal *terminal, const struct table *points, struct str *out)
{
    static const struct points_query query = {.series = "tokens", .x = "params", .y = "loss", .keep = is_dense};
    struct points drawn;
    double range[4] = {INFINITY, 0, INFINITY, -INFINITY};
    struct canvas canvas = {.columns = width_of(terminal) - 32};
    points_collect(&drawn, points, &query);
    points_drop_short(&drawn, 2);
    if (drawn.n > 0 && points_series_count(&drawn) <= MOST_SERIES) {
        for (int i = 0; i < drawn.n; i++) {
            range[0] = fmin(range[0], drawn.items[i].x);
            range[1] = fmax(range[1], drawn.items[i].x);
            range[2] = fmin(range[2], drawn.items[i].y);
            range[3] = fmax(range[3], drawn.items[i].y);
        }
        canvas.columns = canvas.columns < 8 ? 8 : canvas.columns > MOST_COLUMNS ? MOST_COLUMNS : canvas.columns;
        fill_canvas(&drawn, range[0], range[1], range[2], range[3], &canvas);
        draw_canvas(terminal, &drawn, &canvas, range, out);
    }
    points_release(&drawn);
}

static void draw_foot(const struct terminal *terminal, const struct terminal_summary *summary, struct str *out)
{
    const char *const names[] = {"report: ", "store: ", "next: "};
    const char *const values[] = {summary->report, summary->store, summary->next};
    int at = 0;
    for (int i = 0; i < 3; i++) {
        struct str piece;
        if (!values[i] || !*values[i])
            continue;
        str_init(&piece);
        str_append(&piece, names[i]);
        shown(terminal, values[i], &piece);
        int width = text_width(piece.text);
        if (at > 0 && at + 6 + width > width_of(terminal)) {
            str_append_char(out, '\n');
            at = 0;
        }
        str_format(out, "%s%s", at ? "      " : "", piece.text);
        at += width + (at ? 6 : 0);
        str_release(&piece);
    }
    if (at)
        str_append_char(out, '\n');
}

void terminal_draw(const struct terminal *terminal, const struct terminal_summary *summary, struct str *out)
{
    draw_head(terminal, summary, out);
    for (int i = 0; i < summary->n_findings; i++)
        draw_finding(terminal, &summary->findings[i], out);
    draw_certainty(terminal, summary, out);
    for (int i = 0; i < summary->n_notes; i++) {
        str_append(out, "  ");
        wrap(terminal, summary->notes[i], 2, width_of(terminal) - 2, out);
    }
    if (summary->points) {
        size_t before = out->length;
        str_append_char(out, '\n');
        terminal_chart(terminal, summary->points, out);
        if (out->length == before + 1) { /* nothing to draw: no empty line either */
            out->text[before] = 0;
            out->length = before;
        }
    }
    draw_foot(terminal, summary, out);
}
