/* SPDX-License-Identifier: Apache-2.0 */
/* fit_print.c — fits for people; see fit_print.h. They get values to ten digits, by which the loss can be computed again;
 * ends of intervals to five. */
#include "harness/cli/fit_print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

/* ---- For people ---- */

static void print_quantity(const struct law_quantity *q, const char *name)
{
    if (isnan(q->low))
        (void)printf("    %-10s %.10g\n", name, q->value);
    else
        (void)printf("    %-10s %-18.10g %11.5g … %.5g\n", name, q->value, q->low, q->high);
}

/* Words between two margins, all lines but the first at `indent`. */
static void print_indented(const char *label, const char *text, int indent)
{
    int column = printf("  %s", label);
    while (*text) {
        size_t length = strcspn(text, " ");
        if (column + 1 + (int)length > 79)
            column = printf("\n%*s", indent - 1, "") - 1;
        column += printf(" %.*s", (int)length, text);
        text += length + (text[length] == ' ');
    }
    (void)fputc('\n', stdout);
}

static void print_wrapped(const char *label, const char *text)
{
    print_indented(label, text, 4);
}

/* ---- What the points are worth ---- */

enum { LEFT_OUT_SHOWN = 12 };

/* Each point that is none, as long as they are few; else by reason. */
static void print_left_out(const struct fit_points *points)
{
    const struct table *t = &points->left_out;
    if (t->n_rows == 0)
        return;
    print_wrapped("left out:", points->excluded.text);
    for (int row = 0; row < t->n_rows && t->n_rows <= LEFT_OUT_SHOWN; row++) {
        const char *why = table_text(t, row, FIT_OUT_WHY), *detail = table_text(t, row, FIT_OUT_DETAIL);
        struct str text;
        str_init(&text);
        str_format(&text, "- %s%s%s", why, detail ? ": " : "", detail ? detail : "");
        (void)printf("  ");
        print_indented(table_text(t, row, FIT_OUT_POINT), text.text, 8);
        str_release(&text);
    }
    if (t->n_rows > LEFT_OUT_SHOWN)
        print_wrapped("  each of them:", points->judged ? "--json, or table fit_exclusion of the store" : "--json");
}

static void print_doubts(const struct fit_points *points)
{
    const struct table *t = &points->doubts;
    if (!points->judged)
        return;
    if (t->n_rows == 0)
        (void)printf("  validity: no check has a doubt about any of them\n");
    else
        (void)printf("  doubtful, yet in:\n");
    for (int row = 0; row < t->n_rows; row++) {
        char label[40];
        struct str text;
        bool fail = strcmp(table_text(t, row, FIT_DOUBT_VERDICT), "fail") == 0;
        str_init(&text);
        (void)snprintf(label, sizeof label, "  %-17s", table_text(t, row, FIT_DOUBT_CHECK));
        str_format(&text, "%.0f of %d%s: %s", table_number(t, row, FIT_DOUBT_N), points->points.n, fail ? " INVALID" : "",
                   table_text(t, row, FIT_DOUBT_REASON));
        print_indented(label, text.text, 22);
        str_release(&text);
    }
}

/* Runs of the setting with fewest, and with most. */
static void count_runs(const struct law_points *points, int *least, int *most)
{
    int *runs = calloc((size_t)points->n_clusters + 1, sizeof *runs);
    NEED_MEMORY(runs);
    *least = points->n;
    *most = 0;
    for (int i = 0; i < points->n; i++)
        runs[points->cluster[i]]++;
    for (int c = 0; c < points->n_clusters; c++) {
        *least = runs[c] < *least ? runs[c] : *least;
        *most = runs[c] > *most ? runs[c] : *most;
    }
    free(runs);
}

void fit_interval_text(const struct fit_set *set, int replicates, struct str *out)
{
    int least, most;
    count_runs(&set->points->points, &least, &most);
    str_format(out, "%.4g %%, %d resamples of whole settings%s", 100 * set->confidence, replicates,
               most > 1 ? " with all their seeds" : "");
    if (most == 1)
        str_append(out, "; one run each: no interval over seeds can be told, these are of the scatter about the law");
    else if (least == 1)
        str_append(out, "; some have one run: their scatter about the law stands for the seeds not run");
}

static void print_optimum(const struct law_optimum *optimum)
{
    (void)printf("    for %.4g FLOPs, %.4g tokens per parameter\n", optimum->compute, optimum->D.value / optimum->N.value);
    print_quantity(&optimum->N, "  N_opt");
    print_quantity(&optimum->D, "  D_opt");
    if (!isnan(optimum->loss.value))
        print_quantity(&optimum->loss, "  L");
}

static void print_fit(const struct law_fit *fit)
{
    (void)printf("\n  %s   objective %.10g", law_method_names[fit->method], fit->objective);
    if (!isnan(fit->residual_rms))
        (void)printf(", residual %.3g %%", 100 * fit->residual_rms);
    if (!isnan(fit->heldout_error))
        (void)printf(", held out %.3g %% (%d runs)", 100 * fit->heldout_error, fit->n_heldout);
    (void)fputc('\n', stdout);
    for (int i = 0; i < fit->n_letters; i++)
        print_quantity(&fit->letter[i], fit->letter[i].name);
    for (int i = 0; i < fit->n_derived; i++)
        print_quantity(&fit->derived[i], fit->derived[i].name);
    for (int i = 0; i < fit->n_optima; i++)
        print_optimum(&fit->optimum[i]);
    if (*fit->notes)
        print_wrapped("  note:", fit->notes);
}

void fit_print_people(const struct fit_set *set)
{
    const struct fit_points *points = set->points;
    const struct law_fit *first = NULL;
    bool derives = false;
    (void)printf("%s   %s\n", set->law->name, set->law->formula);
    (void)printf("  %d points in %d clusters; N is %s\n", points->points.n, points->points.n_clusters, points->convention);
    print_left_out(points);
    print_doubts(points);
    for (int i = 0; i < set->n_tried; i++) {
        if (set->tried[i].good) {
            first = first ? first : &set->tried[i].fit;
            derives |= set->tried[i].fit.n_derived > 0;
            print_fit(&set->tried[i].fit);
        } else {
            (void)printf("\n  %s\n", law_method_names[set->tried[i].method]);
            print_wrapped("  no fit:", set->tried[i].fault.text);
        }
    }
    fit_conventions_print(&set->conventions);
    if (first && first->n_replicates) {
        struct str text;
        str_init(&text);
        fit_interval_text(set, first->n_replicates, &text);
        (void)fputc('\n', stdout);
        print_wrapped("intervals:", text.text);
        str_release(&text);
    }
    if (derives)
        (void)printf("  N_opt = G (C/6)^a, D_opt = (C/6)^b / G\n");
}
