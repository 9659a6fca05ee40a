/* SPDX-License-Identifier: Apache-2.0 */
/* fit_print.c — see fit_print.h. People get values to ten digits, by which the loss can be computed again; ends of intervals
 * to five. */
#include "harness/cli/fit_print.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "harness/store/export.h"

/* ---- For people ---- */

static void print_quantity(const struct law_quantity *q, const char *name)
{
    if (isnan(q->low))
        (void)printf("    %-10s %.10g\n", name, q->value);
    else
        (void)printf("    %-10s %-18.10g %11.5g … %.5g\n", name, q->value, q->low, q->high);
}

/* Words between two margins. */
static void print_wrapped(const char *label, const char *text)
{
    int column = printf("  %s", label);
    while (*text) {
        size_t length = strcspn(text, " ");
        if (column + 1 + (int)length > 79)
            column = printf("\n   ") - 1;
        column += printf(" %.*s", (int)length, text);
        text += length + (text[length] == ' ');
    }
    (void)fputc('\n', stdout);
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
    if (points->n_excluded)
        print_wrapped("left out:", points->excluded.text);
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
    if (first && first->n_replicates) {
        (void)printf("\nintervals: %.4g %%, %d resamples of whole clusters\n", 100 * set->confidence, first->n_replicates);
        if (points->points.n_clusters == points->points.n)
            (void)printf("one run per setting: they rest on the scatter about the law alone\n");
    }
    if (derives)
        (void)printf("N_opt = G (C/6)^a, D_opt = (C/6)^b / G\n");
}

/* ---- JSON ---- */

static void add_number(struct str *out, double value)
{
    char text[32];
    if (isnan(value)) {
        str_append(out, "null");
        return;
    }
    str_from_double(text, sizeof text, value);
    str_append(out, isinf(value) ? (value > 0 ? "1e999" : "-1e999") : text);
}

static void add_pair(struct str *out, double low, double high)
{
    str_append_char(out, '[');
    add_number(out, low);
    str_append(out, ", ");
    add_number(out, high);
    str_append_char(out, ']');
}

static const struct law_quantity *letter_at(const struct law_fit *fit, int i)
{
    return i < fit->n_letters ? &fit->letter[i] : i < fit->n_letters + fit->n_derived ? &fit->derived[i - fit->n_letters] : NULL;
}

static void add_optima(struct str *out, const struct law_fit *fit)
{
    str_append(out, ", \"optima\": [");
    for (int i = 0; i < fit->n_optima; i++) {
        const struct law_optimum *o = &fit->optimum[i];
        str_append(out, i ? ", {\"compute\": " : "{\"compute\": ");
        add_number(out, o->compute);
        const struct law_quantity *const all[] = {&o->N, &o->D, &o->loss};
        for (int k = 0; k < 3; k++) {
            str_format(out, ", \"%s\": ", all[k]->name);
            add_number(out, all[k]->value);
        }
        str_append(out, ", \"intervals\": {");
        for (int k = 0; k < 3; k++) {
            str_format(out, "%s\"%s\": ", k ? ", " : "", all[k]->name);
            add_pair(out, all[k]->low, all[k]->high);
        }
        str_append(out, "}}");
    }
    str_append_char(out, ']');
}

static void add_covariance(struct str *out, const struct law_fit *fit)
{
    str_append(out, ", \"covariance\": ");
    if (isnan(fit->covariance[0])) {
        str_append(out, "null");
        return;
    }
    for (int i = 0; i < fit->n_letters; i++) {
        str_append(out, i ? ", [" : "[[");
        for (int j = 0; j < fit->n_letters; j++) {
            str_append(out, j ? ", " : "");
            add_number(out, fit->covariance[i * fit->n_letters + j]);
        }
        str_append_char(out, ']');
    }
    str_append_char(out, ']');
}

/* The members of one fit, without the braces. */
static void add_fit(struct str *out, const struct fit_set *set, const struct law_fit *fit)
{
    const struct law_quantity *q;
    str_format(out, "\"law\": \"%s\", \"method\": \"%s\", \"params_convention\": ", set->law->name, law_method_names[fit->method]);
    export_json_string(out, set->points->convention);
    for (int i = 0; (q = letter_at(fit, i)) != NULL; i++) {
        str_format(out, ", \"%s\": ", q->name);
        add_number(out, q->value);
    }
    str_append(out, ", \"objective\": ");
    add_number(out, fit->objective);
    str_format(out, ", \"n_points\": %d, \"n_clusters\": %d, \"n_excluded\": %d, \"n_heldout\": %d, \"heldout_error\": ", fit->n_points,
               fit->n_clusters, set->points->n_excluded, fit->n_heldout);
    add_number(out, fit->heldout_error);
    str_append(out, ", \"residual_rms\": ");
    add_number(out, fit->residual_rms);
    str_format(out, ", \"bootstrap\": %d, \"n_failed\": %d, \"confidence\": ", fit->n_replicates, fit->n_failed);
    add_number(out, set->confidence);
    str_append(out, ", \"intervals\": {");
    for (int i = 0; (q = letter_at(fit, i)) != NULL; i++) {
        str_format(out, "%s\"%s\": ", i ? ", " : "", q->name);
        add_pair(out, q->low, q->high);
    }
    str_append(out, "}");
    add_covariance(out, fit);
    add_optima(out, fit);
    str_append(out, ", \"notes\": ");
    export_json_string(out, fit->notes);
}

void fit_print_json(const struct fit_set *set)
{
    struct str out;
    bool top = false, first = true;
    str_init(&out);
    str_append(&out, "{\"schema\": \"isoflop.fit.v1\", \"formula\": ");
    export_json_string(&out, set->law->formula);
    str_append(&out, ", \"excluded\": ");
    export_json_string(&out, set->points->excluded.text);
    for (int i = 0; i < set->n_tried && !top; i++)
        if (set->tried[i].good) {
            str_append(&out, ", ");
            add_fit(&out, set, &set->tried[i].fit);
            top = true;
        }
    str_append(&out, ",\n \"fits\": [");
    for (int i = 0; i < set->n_tried; i++) {
        if (!set->tried[i].good)
            continue;
        str_append(&out, first ? "\n  {" : ",\n  {");
        add_fit(&out, set, &set->tried[i].fit);
        str_append_char(&out, '}');
        first = false;
    }
    str_append(&out, "],\n \"no_fit\": {");
    first = true;
    for (int i = 0; i < set->n_tried; i++) {
        if (set->tried[i].good)
            continue;
        str_format(&out, "%s\"%s\": ", first ? "" : ", ", law_method_names[set->tried[i].method]);
        export_json_string(&out, set->tried[i].fault.text);
        first = false;
    }
    str_append(&out, "}}\n");
    (void)fwrite(out.text, 1, out.length, stdout);
    str_release(&out);
}

/* ---- The store ---- */

static const char *const columns[] = {"fit_id", "spec",     "law",        "method",    "params_convention", "letter",    "value",
                                      "low",    "high",     "se",         "confidence", "n_points",         "n_excluded", "objective",
                                      "heldout_error", "covariance", "reason",    "created_at"};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* What was found, in eight digits (FNV-1a, Fowler, Noll & Vo): the same fit has one name, and another fit never takes the
 * name of one that something was predicted from. */
static uint32_t fingerprint(const struct law_fit *fit)
{
    uint32_t hash = 2166136261u;
    const struct law_quantity *q;
    for (int i = 0; (q = letter_at(fit, i)) != NULL; i++) {
        const double values[] = {q->value, q->low, q->high, fit->n_points};
        const unsigned char *bytes = (const unsigned char *)values;
        for (size_t b = 0; b < sizeof values; b++)
            hash = (hash ^ bytes[b]) * 16777619u;
    }
    return hash;
}

/* A letter's row of the covariance, "1.2 0.3 …" in the order of the letters. */
static void covariance_row(const struct law_fit *fit, int letter, struct str *out)
{
    str_clear(out);
    for (int j = 0; letter < fit->n_letters && j < fit->n_letters && !isnan(fit->covariance[0]); j++) {
        char text[32];
        str_from_double(text, sizeof text, fit->covariance[letter * fit->n_letters + j]);
        str_format(out, "%s%s", j ? " " : "", text);
    }
}

static void add_row(const struct fit_set *set, const struct law_fit *fit, const struct law_quantity *q, const char *letter,
                    const char *covariance, const char *created_at, struct table *table)
{
    struct str text;
    int row = table_add_row(table), c = 0;
    str_init(&text);
    str_format(&text, "%.40s/%s/%s/%.40s/%08x", set->spec ? set->spec : "all", set->law->name, law_method_names[fit->method],
               set->points->convention, fingerprint(fit));
    table_set_text(table, row, c++, text.text);
    if (set->spec)
        table_set_text(table, row, c, set->spec);
    c++;
    table_set_text(table, row, c++, set->law->name);
    table_set_text(table, row, c++, law_method_names[fit->method]);
    table_set_text(table, row, c++, set->points->convention);
    table_set_text(table, row, c++, letter);
    table_set_real(table, row, c++, q->value);
    table_set_real(table, row, c++, q->low);
    table_set_real(table, row, c++, q->high);
    table_set_real(table, row, c++, q->se);
    table_set_real(table, row, c++, fit->n_replicates ? set->confidence : (double)NAN);
    table_set_integer(table, row, c++, fit->n_points);
    table_set_integer(table, row, c++, set->points->n_excluded);
    table_set_real(table, row, c++, fit->objective);
    table_set_real(table, row, c++, fit->heldout_error);
    if (*covariance)
        table_set_text(table, row, c, covariance);
    c++;
    str_clear(&text);
    str_format(&text, "%s%s%s", set->points->excluded.text, set->points->n_excluded && *fit->notes ? "; " : "", fit->notes);
    if (text.length)
        table_set_text(table, row, c, text.text);
    c++;
    if (created_at)
        table_set_text(table, row, c, created_at);
    str_release(&text);
}

static void add_rows(const struct fit_set *set, const struct law_fit *fit, const char *created_at, struct table *table)
{
    const struct law_quantity *q;
    struct str covariance;
    str_init(&covariance);
    for (int i = 0; (q = letter_at(fit, i)) != NULL; i++) {
        covariance_row(fit, i, &covariance);
        add_row(set, fit, q, q->name, covariance.text, created_at, table);
    }
    for (int i = 0; i < fit->n_optima; i++) {
        const struct law_optimum *o = &fit->optimum[i];
        const struct law_quantity *const all[] = {&o->N, &o->D, &o->loss};
        for (int k = 0; k < 3; k++) {
            char letter[64];
            (void)snprintf(letter, sizeof letter, "%s(%.6g)", all[k]->name, o->compute);
            if (!isnan(all[k]->value))
                add_row(set, fit, all[k], letter, "", created_at, table);
        }
    }
    str_release(&covariance);
}

void fit_table(const struct fit_set *set, const char *created_at, struct table *table)
{
    table_init(table, created_at ? COLUMNS : COLUMNS - 1, columns);
    for (int i = 0; i < set->n_tried; i++)
        if (set->tried[i].good)
            add_rows(set, &set->tried[i].fit, created_at, table);
}
