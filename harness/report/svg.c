/* SPDX-License-Identifier: Apache-2.0 */
/* svg.c — see svg.h. One pass over gnuplot's output, tag by tag. Invariant: nothing is copied that was not
 * recognised; text content is copied as gnuplot escaped it. */
#include "harness/report/svg.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "harness/report/text.h"

/* The ramp of nine, the accents, and the greys of plots/style.gp. Contrast is 3:1 or better for marks and
 * 4.5:1 for text, on #ffffff and on #14171c. */
static const struct svg_colour colours[] = {
    {"#dc7d12", "#fdba83"}, {"#d8642f", "#fdad8c"}, {"#cd5049", "#fe9f95"}, {"#bc405e", "#fe8fa2"},
    {"#a6346f", "#f97fb8"}, {"#8d2c7c", "#e37dcd"}, {"#712685", "#ca7cdf"}, {"#542188", "#ac7eea"},
    {"#361d85", "#8a81ef"}, {"#0f766e", "#3fc9b9"}, {"#c2410c", "#ff9a66"}, {"#5f6672", "#a6adba"},
    {"#80868f", "#80868f"},
};
enum { N_COLOURS = sizeof colours / sizeof *colours };

static const char *const known_tags[] = {"svg",  "g",    "defs",  "rect", "circle", "path",    "polygon",
                                         "line", "use",  "text",  "tspan", "title", "desc",    "filter",
                                         "feFlood", "feComposite", "polyline", NULL};
static const char *const known_attributes[] = {
    "class", "id", "fill", "fill-opacity", "color", "stroke", "stroke-width", "stroke-opacity",
    "stroke-linecap", "stroke-linejoin", "stroke-dasharray", "d", "x", "y", "dx", "dy", "width", "height",
    "cx", "cy", "r", "points", "transform", "font-family", "font-size", "font-weight", "font-style",
    "text-anchor", "baseline-shift", "filterUnits", "flood-color", "flood-opacity", "result", "in", "in2",
    "operator", "opacity", "style", "fill-rule", "textLength", "xml:space", NULL};

const struct svg_colour *svg_colour_at(int i)
{
    return i >= 0 && i < N_COLOURS ? &colours[i] : NULL;
}

void svg_style(struct str *out)
{
    str_append(out, ".chart{color:#1a1d23}.chart text,.chart tspan{font-family:system-ui,-apple-system,"
                    "'Segoe UI',Roboto,'Noto Sans',sans-serif}"
                    "@media screen and (prefers-color-scheme:dark){.chart{color:#e8eaee}");
    for (int i = 0; i < N_COLOURS; i++) {
        static const char *const attributes[] = {"stroke", "fill", "color"};
        for (int a = 0; a < 3 && strcmp(colours[i].light, colours[i].dark) != 0; a++)
            str_format(out, ".chart [%s=\"%s\"]{%s:%s}", attributes[a], colours[i].light, attributes[a],
                       colours[i].dark);
    }
    str_append(out, "}");
}

static bool among(const char *const *list, const char *word, size_t n)
{
    for (; *list; list++)
        if (strlen(*list) == n && strncmp(*list, word, n) == 0)
            return true;
    return false;
}

/* Names keep letters of XML names only, so that a value can never end its quotes. */
static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == ':' || c == '-' || c == '_';
}

/* A colour as CSS can address it: #rrggbb, or "" for black, which follows the page. */
static void normal_colour(const char *value, size_t n, char out[32])
{
    unsigned r, g, b;
    char copy[32];
    (void)snprintf(copy, sizeof copy, "%.*s", (int)n, value);
    if (sscanf(copy, "rgb( %u , %u , %u )", &r, &g, &b) == 3 && r < 256 && g < 256 && b < 256)
        (void)snprintf(out, 32, "#%02x%02x%02x", r, g, b);
    else
        (void)snprintf(out, 32, "%s", copy);
    if (strcmp(out, "#000000") == 0 || strcmp(out, "black") == 0)
        out[0] = 0;
}

struct reader {
    const char *p;
    struct str *out;
    const struct svg_labels *labels;
    int depth;       /* of open elements */
    bool in_head;    /* gnuplot's own <title> and <desc> are still to be skipped */
};

/* One attribute, from the reader's position; false when it is none we know. */
static bool attribute(struct reader *reader, const char *tag, size_t tag_length)
{
    const char *name = reader->p, *end = name;
    struct str *out = reader->out;
    while (is_name_char(*end))
        end++;
    size_t n = (size_t)(end - name);
    end += strspn(end, " "); /* gnuplot writes some as  name = 'value' */
    if (n == 0 || *end != '=')
        return false;
    end += 1 + strspn(end + 1, " ");
    const char *value = end + 1, *stop = *end == '"' || *end == '\'' ? strchr(value, *end) : NULL;
    if (!stop)
        return false;
    int length = (int)(stop - value);
    reader->p = stop + 1;
    if (memchr(value, '<', (size_t)length) || memchr(value, '"', (size_t)length))
        return false;
    if (n == strlen("shape-rendering") && strncmp(name, "shape-rendering", n) == 0)
        return true; /* gnuplot asks for jagged edges on every band */
    if (n == 10 && strncmp(name, "xlink:href", n) == 0) {
        if (*value != '#')
            return false;
        str_format(out, " href=\"#%s-%.*s\"", reader->labels->name, length - 1, value + 1);
        return true;
    }
    if (!among(known_attributes, name, n))
        return false;
    if (n == 2 && strncmp(name, "id", 2) == 0) {
        str_format(out, " id=\"%s-%.*s\"", reader->labels->name, length, value);
        return true;
    }
    if ((n == 6 && strncmp(name, "stroke", n) == 0) || (n == 4 && strncmp(name, "fill", n) == 0) ||
        (n == 5 && strncmp(name, "color", n) == 0)) {
        char colour[32];
        normal_colour(value, (size_t)length, colour);
        if (colour[0])
            str_format(out, " %.*s=\"%s\"", (int)n, name, colour);
        else if (n != 5)
            str_format(out, " %.*s=\"currentColor\"", (int)n, name);
        return true;
    }
    if (tag_length == 5 && strncmp(tag, "style", 5) == 0)
        return false;
    if (n == 5 && strncmp(name, "style", n) == 0 && memchr(value, '(', (size_t)length))
        return false; /* url(…) could load something */
    str_format(out, " %.*s=\"%.*s\"", (int)n, name, length, value);
    return true;
}

static void root(struct reader *reader, const char *view_box, int n)
{
    const struct svg_labels *labels = reader->labels;
    struct str *out = reader->out;
    str_append(out, "<svg class=\"chart\" role=\"img\" aria-label=\"");
    text_xml(out, labels->title);
    str_format(out, "\" viewBox=\"%.*s\"", n, view_box);
    if (labels->standalone)
        str_append(out, " xmlns=\"http://www.w3.org/2000/svg\"");
    str_append(out, ">\n<title>");
    text_xml(out, labels->title);
    str_append(out, "</title>\n<desc>");
    text_xml(out, labels->description);
    str_append(out, "</desc>\n");
    if (labels->standalone) {
        str_append(out, "<style>");
        svg_style(out);
        str_append(out, "svg.chart{background:#fff}@media screen and (prefers-color-scheme:dark)"
                        "{svg.chart{background:#14171c}}</style>\n");
    }
}

/* gnuplot names a curve without a title after itself; such a title would only be a puzzling tooltip. */
static bool skip_title(struct reader *reader)
{
    const char *text = reader->p;
    const char *end = strstr(text, "</title>");
    if (!end)
        return false;
    size_t n = strlen(reader->labels->name);
    bool automatic = strncmp(text, reader->labels->name, n) == 0 && strncmp(text + n, "_plot_", 6) == 0;
    if (reader->in_head || automatic || strspn(text, " \n\t") == (size_t)(end - text)) {
        reader->p = end + strlen("</title>");
        return true;
    }
    return false;
}

/* An opening or empty tag; p stands after '<'. */
static bool open_tag(struct reader *reader)
{
    const char *tag = reader->p;
    while (is_name_char(*reader->p))
        reader->p++;
    size_t n = (size_t)(reader->p - tag);
    if (!among(known_tags, tag, n))
        return false;
    bool is_root = n == 3 && strncmp(tag, "svg", 3) == 0;
    if (is_root) {
        const char *end = strchr(tag, '>'), *box = strstr(tag, "viewBox=\"");
        const char *stop = box ? strchr(box + 9, '"') : NULL;
        if (reader->depth || !end || !stop || stop > end || strspn(box + 9, "0123456789. ") != (size_t)(stop - box - 9))
            return false;
        root(reader, box + 9, (int)(stop - box - 9));
        reader->p = end + 1;
        reader->depth++;
        return true;
    }
    if (n == 4 && strncmp(tag, "desc", 4) == 0 && reader->in_head) {
        const char *end = strstr(tag, "</desc>");
        reader->p = end ? end + 7 : tag;
        reader->in_head = false;
        return end != NULL;
    }
    if (n == 5 && strncmp(tag, "title", 5) == 0 && *reader->p == '>') {
        reader->p++;
        if (skip_title(reader))
            return true;
        reader->p--;
    }
    str_format(reader->out, "<%.*s", (int)n, tag);
    for (;;) {
        reader->p += strspn(reader->p, " \t\r\n");
        if (*reader->p == '>' || strncmp(reader->p, "/>", 2) == 0)
            break;
        if (!attribute(reader, tag, n))
            return false;
    }
    bool empty = *reader->p == '/';
    str_append(reader->out, empty ? "/>" : ">");
    reader->p += empty ? 2 : 1;
    reader->depth += !empty;
    return true;
}

static bool close_tag(struct reader *reader)
{
    const char *end = strchr(reader->p, '>');
    if (!end || --reader->depth < 0 || !among(known_tags, reader->p + 1, (size_t)(end - reader->p - 1)))
        return false;
    str_format(reader->out, "<%.*s>", (int)(end - reader->p), reader->p);
    reader->p = end + 1;
    return true;
}

enum status svg_finish(const char *raw, const struct svg_labels *labels, struct str *out, struct err *err)
{
    struct str text;
    struct reader reader = {.p = strstr(raw, "<svg"), .out = &text, .labels = labels, .in_head = true};
    bool good = reader.p != NULL;
    str_init(&text);
    if (labels->standalone)
        str_append(&text, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    while (good && *reader.p) {
        if (*reader.p == '<') {
            reader.p++;
            good = *reader.p == '/' ? close_tag(&reader) : open_tag(&reader);
            continue;
        }
        /* Blank space between elements is half of gnuplot's output and says nothing. */
        size_t n = strcspn(reader.p, "<");
        if (strspn(reader.p, " \t\r\n") >= n)
            str_append(&text, memchr(reader.p, '\n', n) ? "\n" : "");
        else
            str_append_bytes(&text, reader.p, n);
        reader.p += n;
    }
    good = good && reader.depth == 0;
    if (good)
        str_append_bytes(out, text.text, text.length);
    str_release(&text);
    return good ? STATUS_OK
                : err_set(err, STATUS_FORMAT, "%s: gnuplot's drawing holds something a chart has no use for: %.60s",
                          labels->name, reader.p ? reader.p : "it is no drawing");
}
