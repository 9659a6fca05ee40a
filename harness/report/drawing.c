/* SPDX-License-Identifier: Apache-2.0 */
/* drawing.c — see drawing.h. Names of definitions come from our own source, values through text_gnuplot or
 * number(): so the script holds no byte of a user's that is not inside single quotes. */
#include "harness/report/drawing.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "harness/report/text.h"

void drawing_init(struct drawing *drawing)
{
    *drawing = (struct drawing){.width = 720, .height = 430};
    str_init(&drawing->definitions);
    str_init(&drawing->caption);
    str_init(&drawing->shortfall);
    str_init(&drawing->key_title);
    str_init(&drawing->y_axis);
}

void drawing_release(struct drawing *drawing)
{
    if (drawing->has_rows)
        table_release(&drawing->rows);
    str_release(&drawing->definitions);
    str_release(&drawing->caption);
    str_release(&drawing->shortfall);
    str_release(&drawing->key_title);
    str_release(&drawing->y_axis);
}

void drawing_begin_rows(struct drawing *drawing, int n, const char *const *names)
{
    ASSERT(!drawing->has_rows);
    table_init(&drawing->rows, n, names);
    drawing->has_rows = true;
}

int drawing_add(struct drawing *drawing, int n, const double *values)
{
    int row = table_add_row(&drawing->rows);
    for (int i = 0; i < n; i++)
        table_set_real(&drawing->rows, row, i, values[i]);
    return row;
}

/* A finite number as gnuplot reads it; it has no words for the others. */
static void number(struct str *out, double value)
{
    char digits[32];
    ASSERT(isfinite(value));
    str_from_double(digits, sizeof digits, value);
    str_append(out, digits);
}

void drawing_number(struct drawing *drawing, const char *name, double value)
{
    str_format(&drawing->definitions, "%s = ", name);
    number(&drawing->definitions, value);
    str_append_char(&drawing->definitions, '\n');
}

void drawing_text(struct drawing *drawing, const char *name, const char *text)
{
    str_format(&drawing->definitions, "%s = ", name);
    text_gnuplot(&drawing->definitions, text);
    str_append_char(&drawing->definitions, '\n');
}

void drawing_texts(struct drawing *drawing, const char *name, int n, const struct str *texts)
{
    ASSERT(n >= 1);
    str_format(&drawing->definitions, "array %s[%d] = [", name, n);
    for (int i = 0; i < n; i++) {
        str_append(&drawing->definitions, i ? ", " : "");
        text_gnuplot(&drawing->definitions, texts[i].text);
    }
    str_append(&drawing->definitions, "]\n");
}

void drawing_numbers(struct drawing *drawing, const char *name, int n, const int *values)
{
    ASSERT(n >= 1);
    str_format(&drawing->definitions, "array %s[%d] = [", name, n);
    for (int i = 0; i < n; i++)
        str_format(&drawing->definitions, "%s%d", i ? ", " : "", values[i]);
    str_append(&drawing->definitions, "]\n");
}

int drawing_ramp(int i, int n)
{
    return n <= 1 ? DRAWING_RAMP - 2 : 1 + (int)lround((double)(i % n) * (DRAWING_RAMP - 1) / (n - 1));
}

static void tic(struct str *out, double value, bool floating, bool labelled)
{
    struct str label;
    str_init(&label);
    if (labelled && floating) {
        int exponent = (int)floor(log10(value) + 1e-9);
        double mantissa = round(value / pow(10, exponent));
        if (mantissa > 1)
            str_format(&label, "%.0f\u00B7", mantissa);
        str_format(&label, "10^{%d}", exponent);
    } else if (labelled && value >= 1) {
        text_count(&label, value);
    } else if (labelled) {
        str_format(&label, "%g", value);
    }
    text_gnuplot(out, label.text);
    str_append_char(out, ' ');
    number(out, value);
    str_release(&label);
}

/* Appends the tics at 1, at 1 and 3, or at 1, 2 and 5 of every decade; returns how many. With two steps the second is
 * 3: half of a decade, near enough, in the logarithm. */
static int put_tics(struct str *out, double low, double high, bool floating, bool labelled, int n_steps)
{
    static const double steps[3][3] = {{1}, {1, 3}, {1, 2, 5}};
    int n = 0;
    for (int e = (int)floor(log10(low)) - 1; e <= (int)ceil(log10(high)) + 1; e++)
        for (int s = 0; s < n_steps; s++) {
            double value = steps[n_steps - 1][s] * pow(10, e);
            if (value < low * 0.999 || value > high * 1.001)
                continue;
            str_append(out, n++ ? ", " : "");
            tic(out, value, floating, labelled);
        }
    return n;
}

/* '1 k' 1000, '2 k' 2000 …: every label that fits is one the reader need not work out; two alone make no scale. */
static void tics(struct str *out, double low, double high, bool floating, bool labelled, double crowding)
{
    double decades = log10(high / low) * crowding;
    int n = 0;
    for (int n_steps = decades > 2.3 ? 1 : decades > 1.4 ? 2 : 3; n_steps <= 3; n_steps++) {
        struct str text;
        str_init(&text);
        n = put_tics(&text, low, high, floating, labelled, n_steps);
        if (n >= 3 || n_steps == 3 || crowding > 1)
            str_append(out, text.text);
        str_release(&text);
        if (n >= 3 || crowding > 1)
            break;
    }
    if (n == 0)
        tic(out, low, floating, labelled);
}

/* A sixteenth of the range on both sides, so that no mark sits on the frame; a factor when there is no range. */
static void margins(double *low, double *high)
{
    ASSERT(*low > 0 && *high >= *low && isfinite(*high));
    double margin = *high > *low * 1.001 ? pow(*high / *low, 1.0 / 16) : 1.5;
    *low /= margin;
    *high *= margin;
}

void drawing_log_axis(struct drawing *drawing, char axis, double low, double high, bool floating)
{
    struct str *out = &drawing->definitions;
    margins(&low, &high);
    str_format(out, "set %crange [", axis);
    number(out, low);
    str_append(out, ":");
    number(out, high);
    str_format(out, "]\nset %ctics (", axis);
    tics(out, low, high, floating, true, 1);
    str_append(out, ")\n");
}

void drawing_log_panels(struct drawing *drawing, double low, double high)
{
    struct str *out = &drawing->definitions;
    margins(&low, &high);
    str_append(out, "set xrange [");
    number(out, low);
    str_append(out, ":");
    number(out, high);
    str_append(out, "]\nshow_labels = \"set xtics (");
    tics(out, low, high, false, true, 2.5); /* a panel is narrow */
    str_append(out, ")\"\nhide_labels = \"set xtics (");
    tics(out, low, high, false, false, 2.5);
    str_append(out, ")\"\n");
}

void drawing_loss_axis(struct drawing *drawing, double low, double high, double floor)
{
    struct str *out = &drawing->definitions;
    double bottom = isfinite(floor) ? fmin(low, floor) : low;
    double room = high > bottom ? (high - bottom) * 0.07 : fmax(fabs(high) * 0.1, 0.1);
    str_append(out, "set yrange [");
    number(out, bottom - room);
    str_append(out, ":");
    number(out, high + room);
    str_format(out, "]\nset format y '%s'\n", high - bottom < 0.5 ? "%.2f" : "%.1f");
    if (isfinite(floor)) {
        str_append(out, "set arrow 90 from graph 0, first ");
        number(out, floor);
        str_append(out, " to graph 1, first ");
        number(out, floor);
        str_append(out, " nohead lc rgb muted lw 1 dt (6,5) back\nset label 90 'entropy floor ");
        text_number(out, floor, 2, false);
        str_append(out, "' at graph 0.01, first ");
        number(out, floor);
        str_append(out, " left offset 0,0.55 textcolor rgb muted noenhanced\n");
    }
}
