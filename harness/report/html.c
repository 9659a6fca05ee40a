/* SPDX-License-Identifier: Apache-2.0 */
/* html.c — see html.h. The page from top to bottom, one function per part. Invariant: foreign text reaches
 * the page only through text_xml or text_percent; the only raw strings are literals here, the style sheet,
 * and drawings that svg_finish let pass. */
#include "harness/report/html.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/report/svg.h"
#include "harness/report/templates.h"
#include "harness/report/text.h"

enum { MOST_CARDS = 3, MOST_TABLE_ROWS = 200 };

static bool has(const char *text)
{
    return text && *text;
}

/* <tag class="…">text</tag>, or nothing when there is no text. */
static void element(struct str *out, const char *tag, const char *class, const char *text)
{
    if (!has(text))
        return;
    if (has(class))
        str_format(out, "<%s class=\"%s\">", tag, class);
    else
        str_format(out, "<%s>", tag);
    text_xml(out, text);
    str_format(out, "</%s>\n", tag);
}

static void write_head(const struct report *report, struct str *out)
{
    str_append(out, "<!DOCTYPE html>\n<html lang=\"");
    text_xml(out, has(report->language) ? report->language : "en");
    str_append(out, "\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"referrer\" content=\"no-referrer\">\n");
    element(out, "title", "", has(report->title) ? report->title : "Isoflop report");
    str_append(out, "<style>\n");
    str_append(out, template_text("report.css"));
    svg_style(out);
    str_append(out, "\n</style>\n</head>\n<body>\n<header>\n");
    /* The question is the title a reader wants; the spec's short name stands above it. */
    element(out, "p", "kicker", has(report->question) ? report->title : "");
    element(out, "h1", "", has(report->question) ? report->question
                           : has(report->title) ? report->title : "Isoflop report");
    element(out, "p", "question", report->scope);
    str_append(out, "<p class=\"meta\">");
    text_xml(out, report->date ? report->date : "");
    if (has(report->date) && has(report->machine))
        str_append(out, " \u00B7 ");
    text_xml(out, report->machine ? report->machine : "");
    str_append(out, "</p>\n</header>\n<main>\n");
}

/* A drawing of at most two dozen points, small enough to need no axes; its number stands above it. */
static void write_spark(const struct finding *f, struct str *out)
{
    enum { WIDTH = 240, HEIGHT = 64, EDGE = 6 };
    double x0 = INFINITY, x1 = 0, y0 = INFINITY, y1 = -INFINITY;
    bool open = false;
    for (int i = 0; i < f->n_spark; i++) {
        x0 = fmin(x0, f->spark_x[i]);
        x1 = fmax(x1, f->spark_x[i]);
        y0 = fmin(y0, f->spark_y[i]);
        y1 = fmax(y1, f->spark_y[i]);
    }
    if (f->n_spark < 2 || !(x0 > 0) || !(x1 > x0) || !(y1 > y0))
        return;
    double xs = (WIDTH - 2 * EDGE) / log(x1 / x0), ys = (HEIGHT - 2 * EDGE) / (y1 - y0);
    str_format(out, "<svg class=\"spark\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\">", WIDTH, HEIGHT);
    for (int i = 0; i < f->n_spark; i++)
        if (!f->spark_marked[i]) {
            str_append(out, open ? " " : "<polyline fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" "
                                         "stroke-linejoin=\"round\" points=\"");
            str_format(out, "%.1f,%.1f", EDGE + xs * log(f->spark_x[i] / x0), EDGE + ys * (y1 - f->spark_y[i]));
            open = true;
        }
    str_append(out, open ? "\"/>" : "");
    for (int i = 0; i < f->n_spark; i++)
        str_format(out, "<circle%s fill=\"currentColor\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"/>",
                   f->spark_marked[i] ? " class=\"marked\"" : "", EDGE + xs * log(f->spark_x[i] / x0),
                   EDGE + ys * (y1 - f->spark_y[i]), f->spark_marked[i] ? 5 : 3);
    str_append(out, "</svg>\n");
}

/* Whether a figure is there to link to. */
static bool has_figure(const struct report *report, const char *name)
{
    for (int i = 0; has(name) && i < report->n_figures; i++)
        if (has(report->figures[i].name) && strcmp(report->figures[i].name, name) == 0)
            return true;
    return false;
}

/* Whether there is something to see there: what is not known yet may still have a chart that shows why. */
static bool has_drawing(const struct report *report, const char *name)
{
    for (int i = 0; has(name) && i < report->n_figures; i++)
        if (has(report->figures[i].name) && strcmp(report->figures[i].name, name) == 0)
            return has(report->figures[i].svg);
    return false;
}

static void write_link(const struct report *report, const char *chart, const char *text, struct str *out)
{
    if (!has_figure(report, chart))
        return;
    str_append(out, "<a href=\"#figure-");
    text_xml(out, chart);
    str_append(out, "\">");
    text_xml(out, text);
    str_append(out, "</a>");
}

static void write_card(const struct report *report, const struct finding *f, struct str *out)
{
    str_append(out, "<li class=\"card\">\n");
    element(out, "h3", "", f->headline);
    element(out, "p", "number", f->number);
    element(out, "p", "interval", f->interval);
    write_spark(f, out);
    if (f->n_spark > 1)
        element(out, "p", "interval", f->spark_label);
    element(out, "p", "", f->sentence);
    if (has_figure(report, f->chart)) {
        str_append(out, "<p class=\"more\">");
        write_link(report, f->chart, "the chart", out);
        str_append(out, "</p>\n");
    }
    str_append(out, "</li>\n");
}

/* What a reader most wants to know first: laws and prices before the plain monotone findings. */
static const enum finding_kind order_of_weight[] = {FINDING_SIZE,        FINDING_COMPUTE, FINDING_ABILITIES,
                                                    FINDING_DOWNSCALING, FINDING_EXPERTS, FINDING_DATA};

static const struct finding *find_kind(const struct report *report, enum finding_kind kind)
{
    for (int i = 0; i < report->n_findings; i++)
        if (report->findings[i].kind == kind)
            return &report->findings[i];
    return NULL;
}

static void write_findings(const struct report *report, struct str *out)
{
    int known = 0, cards = 0;
    bool is_card[FINDING_KINDS] = {false};
    for (int i = 0; i < report->n_findings; i++)
        known += report->findings[i].verdict != FINDING_UNKNOWN;
    if (report->n_findings == 0)
        return;
    str_append(out, "<section>\n<h2>What was found</h2>\n<ul class=\"cards\">\n");
    for (int k = 0; k < FINDING_KINDS && cards < MOST_CARDS && known; k++) {
        const struct finding *f = find_kind(report, order_of_weight[k]);
        if (f && f->verdict != FINDING_UNKNOWN) {
            write_card(report, f, out);
            is_card[f->kind] = true;
            cards++;
        }
    }
    str_append(out, "</ul>\n<ul class=\"rest\">\n");
    for (int i = 0; i < report->n_findings; i++) {
        const struct finding *f = &report->findings[i];
        if (is_card[f->kind])
            continue;
        str_append(out, "<li><strong>");
        text_xml(out, f->headline);
        str_append(out, ".</strong> ");
        text_xml(out, f->sentence);
        if (has(f->interval)) {
            str_append(out, " <span class=\"meta\">");
            text_xml(out, f->interval);
            str_append(out, "</span>");
        }
        if (has_drawing(report, f->chart)) {
            str_append(out, " ");
            write_link(report, f->chart, "the chart", out);
        }
        str_append(out, "</li>\n");
    }
    str_append(out, "</ul>\n</section>\n");
}

static void write_claims(const struct report *report, struct str *out)
{
    static const struct {
        const char *class, *mark;
    } verdicts[] = {{"supported", "\u2713 supported"}, {"refuted", "\u2717 refuted"}, {"undecided", "\u2013 undecided"}};
    if (report->n_claims == 0)
        return;
    str_append(out, "<section>\n<h2>What was claimed, what we measured</h2>\n<div class=\"scroll\" tabindex=\"0\">\n"
                    "<table class=\"claims\">\n"
                    "<thead><tr><th scope=\"col\">Claim</th><th scope=\"col\">Verdict</th>"
                    "<th scope=\"col\">Measured</th><th scope=\"col\">Interval</th><th scope=\"col\">Chart</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < report->n_claims; i++) {
        const struct report_claim *claim = &report->claims[i];
        int v = (unsigned)claim->verdict <= REPORT_UNDECIDED ? (int)claim->verdict : REPORT_UNDECIDED;
        str_append(out, "<tr><th scope=\"row\">");
        text_xml(out, claim->claim ? claim->claim : "");
        if (has(claim->source)) {
            str_append(out, "<br><span class=\"meta\">");
            text_xml(out, claim->source);
            str_append(out, "</span>");
        }
        str_format(out, "</th><td class=\"verdict %s\">%s</td><td>", verdicts[v].class, verdicts[v].mark);
        text_xml(out, claim->measured ? claim->measured : "");
        str_append(out, "</td><td>");
        text_xml(out, claim->interval ? claim->interval : "");
        str_append(out, "</td><td>");
        write_link(report, claim->chart, "see", out);
        str_append(out, "</td></tr>\n");
    }
    str_append(out, "</tbody>\n</table>\n</div>\n</section>\n");
}

/* Whole numbers in groups of three, split by narrow spaces that do not break. */
static void write_grouped(double value, struct str *out)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%.0f", fabs(value));
    str_append(out, value < 0 ? "\u2212" : "");
    for (int i = 0; i < n; i++) {
        str_append(out, i > 0 && n > 4 && (n - i) % 3 == 0 ? "\u202F" : "");
        str_append_char(out, digits[i]);
    }
}

/* Numbers as people read them, four decimals of what is small: the CSV beside the table has every digit. */
static void write_number(double value, struct str *out)
{
    double magnitude = fabs(value);
    if (magnitude >= 1e9)
        text_power(out, value);
    else if (magnitude >= 1000 || value == floor(value))
        write_grouped(value, out);
    else
        text_number(out, value, magnitude >= 100 ? 1 : magnitude >= 10 ? 2 : magnitude >= 0.01 ? 4 : 6, false);
}

static void write_cell(const struct table *rows, int row, int column, struct str *out)
{
    const struct cell *cell = table_cell(rows, row, column);
    str_append(out, cell->kind == CELL_TEXT ? "<td>" : "<td class=\"n\">");
    if (cell->kind == CELL_REAL) {
        write_number(cell->real, out);
    } else {
        struct str text;
        str_init(&text);
        table_format_cell(rows, row, column, &text);
        text_xml(out, text.text);
        str_release(&text);
    }
    str_append(out, "</td>");
}

/* Columns that only serve the drawing: numbers of lines, ends of arrows. */
static bool is_for_drawing(const char *column)
{
    static const char *const names[] = {"series", "curve", "arrow_bytes", "arrow_loss"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(column, names[i]) == 0)
            return true;
    return false;
}

/* Samples of a fitted curve are no data. */
static bool is_sample(const struct table *rows, int row)
{
    int kind = table_column(rows, "kind");
    const char *text = kind < 0 ? NULL : table_text(rows, row, kind);
    return text && strcmp(text, "fit") == 0;
}

static void write_rows(const struct report_figure *figure, struct str *out)
{
    const struct table *rows = figure->rows;
    int shown = 0, all = 0;
    for (int r = 0; r < rows->n_rows; r++)
        all += !is_sample(rows, r);
    str_append(out, "<details>\n<summary>The numbers as a table</summary>\n"
                    "<div class=\"scroll\" tabindex=\"0\">\n<table>\n<caption>");
    text_xml(out, figure->title ? figure->title : "");
    if (all > MOST_TABLE_ROWS)
        str_format(out, ": the first %d of %d rows; the CSV has all", MOST_TABLE_ROWS, all);
    str_append(out, "</caption>\n<thead><tr>");
    for (int c = 0; c < rows->n_columns; c++) {
        if (is_for_drawing(rows->names[c]))
            continue;
        bool number = rows->n_rows > 0 && table_cell(rows, 0, c)->kind != CELL_TEXT;
        str_format(out, "<th scope=\"col\"%s>", number ? " class=\"n\"" : "");
        text_xml(out, rows->names[c]);
        str_append(out, "</th>");
    }
    str_append(out, "</tr></thead>\n<tbody>\n");
    for (int r = 0; r < rows->n_rows && shown < MOST_TABLE_ROWS; r++) {
        if (is_sample(rows, r))
            continue;
        str_append(out, "<tr>");
        for (int c = 0; c < rows->n_columns; c++)
            if (!is_for_drawing(rows->names[c]))
                write_cell(rows, r, c, out);
        str_append(out, "</tr>\n");
        shown++;
    }
    str_append(out, "</tbody>\n</table>\n</div>\n</details>\n");
}

/* SQL and commands keep their line breaks, which text_xml would make spaces of. */
static void write_code(const char *text, struct str *out)
{
    str_append(out, "<pre><code>");
    while (*text) {
        struct str line;
        size_t n = strcspn(text, "\n");
        str_init(&line);
        str_append_bytes(&line, text, n);
        text_xml(out, line.text);
        str_release(&line);
        text += n;
        if (*text == '\n') {
            str_append_char(out, '\n');
            text++;
        }
    }
    str_append(out, "</code></pre>\n");
}

static void write_figure(const struct report_figure *figure, struct str *out)
{
    str_append(out, "<figure id=\"figure-");
    text_xml(out, figure->name);
    str_append(out, "\">\n");
    element(out, "h3", "", figure->question);
    if (has(figure->svg)) {
        str_append(out, "<div class=\"scroll\" tabindex=\"0\">\n");
        str_append(out, figure->svg);
        str_append(out, "</div>\n");
    }
    element(out, "p", "none", figure->shortfall);
    element(out, "figcaption", "", figure->caption);
    if (figure->rows && figure->rows->n_rows > 0)
        write_rows(figure, out);
    if (has(figure->sql) || has(figure->csv) || has(figure->command)) {
        str_append(out, "<details>\n<summary>Where it comes from: CSV, SQL, command</summary>\n");
        if (has(figure->csv)) {
            str_append(out, "<p><a download=\"");
            text_xml(out, figure->name);
            str_append(out, ".csv\" href=\"data:text/csv;charset=utf-8,");
            text_percent(out, figure->csv);
            str_append(out, "\">");
            text_xml(out, figure->name);
            str_append(out, ".csv</a></p>\n");
        }
        if (has(figure->sql))
            write_code(figure->sql, out);
        if (has(figure->command))
            write_code(figure->command, out);
        str_append(out, "</details>\n");
    }
    str_append(out, "</figure>\n");
}

static void write_excluded(const struct report *report, struct str *out)
{
    if (report->n_excluded == 0) {
        str_append(out, "<p>Nothing: every trial of this report finished.</p>\n");
        return;
    }
    str_append(out, "<div class=\"scroll\" tabindex=\"0\">\n<table>\n<thead><tr><th scope=\"col\">Trial</th>"
                    "<th scope=\"col\">State</th><th scope=\"col\">Reason</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < report->n_excluded; i++) {
        const char *const cells[] = {report->excluded[i].trial, report->excluded[i].state, report->excluded[i].reason};
        str_append(out, "<tr>");
        for (int c = 0; c < 3; c++) {
            str_append(out, c == 0 ? "<td><code>" : "<td>");
            text_xml(out, cells[c] ? cells[c] : "");
            str_append(out, c == 0 ? "</code></td>" : "</td>");
        }
        str_append(out, "</tr>\n");
    }
    str_append(out, "</tbody>\n</table>\n</div>\n");
}

static void write_foot(const struct report *report, struct str *out)
{
    str_append(out, "</main>\n<footer>\n<h2>What this rests on</h2>\n");
    if (report->n_notes) {
        str_append(out, "<ul>\n");
        for (int i = 0; i < report->n_notes; i++)
            element(out, "li", "", report->notes[i]);
        str_append(out, "</ul>\n");
    }
    str_append(out, "<h2>What was excluded, and why</h2>\n");
    write_excluded(report, out);
    if (report->n_facts) {
        str_append(out, "<h2>Machine and build</h2>\n<dl>\n");
        for (int i = 0; i < report->n_facts; i++) {
            if (!has(report->facts[i].value))
                continue;
            element(out, "dt", "", report->facts[i].name);
            element(out, "dd", "", report->facts[i].value);
        }
        str_append(out, "</dl>\n");
    }
    if (report->n_commands) {
        struct str lines;
        str_init(&lines);
        for (int i = 0; i < report->n_commands; i++)
            str_format(&lines, "%s%s", i ? "\n" : "", report->commands[i]);
        str_append(out, "<h2>Make it again</h2>\n");
        write_code(lines.text, out);
        str_release(&lines);
    }
    str_append(out, "</footer>\n</body>\n</html>\n");
}

void html_write(const struct report *report, struct str *out)
{
    write_head(report, out);
    write_findings(report, out);
    write_claims(report, out);
    if (report->n_figures)
        str_append(out, "<section>\n<h2>Charts</h2>\n");
    for (int i = 0; i < report->n_figures; i++)
        write_figure(&report->figures[i], out);
    if (report->n_figures)
        str_append(out, "</section>\n");
    write_foot(report, out);
}
