/* SPDX-License-Identifier: Apache-2.0 */
/* fit_conventions.c — see fit_conventions.h. */
#include "harness/cli/fit_conventions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A glance at four fits, not their record. */
enum { MOST_REPLICATES = 400 };

static const char *const shown[][FIT_SHOWN] = {
    [LAW_CHINCHILLA] = {"alpha", "beta", "a"},        [LAW_KAPLAN] = {"alpha_N", "alpha_D", "alpha_C"},
    [LAW_DATA_CONSTRAINED] = {"alpha", "beta", "a"},  [LAW_ROUTED] = {"a", "b", "c"},
    [LAW_FINE_GRAINED] = {"alpha", "beta", "gamma"},  [LAW_PRECISION] = {"alpha", "beta", "gamma_P"},
};

static struct law_quantity find(const struct law_fit *fit, const char *name)
{
    for (int i = 0; i < fit->n_letters; i++)
        if (strcmp(fit->letter[i].name, name) == 0)
            return fit->letter[i];
    for (int i = 0; i < fit->n_derived; i++)
        if (strcmp(fit->derived[i].name, name) == 0)
            return fit->derived[i];
    return (struct law_quantity){.name = name, .value = (double)NAN, .low = (double)NAN, .high = (double)NAN};
}

/* The earlier convention that has the same N at every point. */
static const char *same_as(const struct fit_points *points, int i)
{
    size_t bytes = (size_t)points->points.n * sizeof(double);
    for (int j = 0; j < i; j++)
        if (points->other_N[j] && memcmp(points->other_N[i], points->other_N[j], bytes) == 0)
            return fit_n_columns[j];
    return NULL;
}

void fit_conventions_try(struct fit_conventions *out, const struct fit_points *points, const struct law *law,
                         const struct law_settings *settings)
{
    struct law_settings quick = *settings;
    struct law_points other = points->points;
    int known = 0;
    *out = (struct fit_conventions){.method = law_method_names[settings->method]};
    for (int i = 0; i < FIT_CONVENTIONS; i++)
        known += points->other_N[i] != NULL;
    if (known < 2)
        return;
    quick.bootstrap.replicates = quick.bootstrap.replicates < MOST_REPLICATES ? quick.bootstrap.replicates : MOST_REPLICATES;
    quick.n_computes = 0;
    out->n_replicates = quick.bootstrap.replicates;
    for (int i = 0; i < FIT_CONVENTIONS; i++) {
        struct law_fit fit;
        struct err err = ERR_INIT;
        if (!points->other_N[i])
            continue;
        int at = out->n++;
        out->all[at].name = fit_n_columns[i];
        out->all[at].as = same_as(points, i);
        if (out->all[at].as)
            continue;
        other.x[LAW_N] = points->other_N[i];
        out->all[at].good = law_fit(law, &other, &quick, &fit, &err) == STATUS_OK;
        for (int k = 0; k < FIT_SHOWN && out->all[at].good; k++)
            out->all[at].shown[k] = find(&fit, shown[law - laws][k]);
    }
}

/* Twenty columns on the screen; the ellipsis is one of them and three bytes. */
static void print_cell(const struct law_quantity *q, bool last)
{
    char text[64];
    int bytes = snprintf(text, sizeof text, "%.3g", q->value), wide = 0;
    if (!isnan(q->low)) {
        (void)snprintf(text + bytes, sizeof text - (size_t)bytes, " (%.2g … %.2g)", q->low, q->high);
        wide = 2;
    }
    (void)printf(" %-*s", last ? 0 : 20 + wide, text);
}

void fit_conventions_print(const struct fit_conventions *c)
{
    const char *first = NULL;
    double least = (double)INFINITY, most = 0;
    if (c->n == 0)
        return;
    (void)printf("\n  what N counts, by %s%s\n  %-13s", c->method, c->n_replicates ? ", intervals of fewer resamples" : "", "");
    for (int i = 0, k = 0; i < c->n && k < FIT_SHOWN; i++)
        for (; k < FIT_SHOWN && c->all[i].good; k++)
            (void)printf(" %-20s", c->all[i].shown[k].name);
    (void)fputc('\n', stdout);
    for (int i = 0; i < c->n; i++) {
        (void)printf("  %-13s", c->all[i].name + strlen("params_"));
        if (c->all[i].as)
            (void)printf(" as %s", c->all[i].as + strlen("params_"));
        else if (!c->all[i].good)
            (void)printf(" no fit");
        for (int k = 0; k < FIT_SHOWN && c->all[i].good; k++)
            print_cell(&c->all[i].shown[k], k == FIT_SHOWN - 1);
        (void)fputc('\n', stdout);
        if (!c->all[i].good)
            continue;
        first = c->all[i].shown[0].name;
        least = fmin(least, c->all[i].shown[0].value);
        most = fmax(most, c->all[i].shown[0].value);
    }
    if (first)
        (void)printf("  %s moves from %.3g to %.3g with it\n", first, least, most);
}

static void add_number(struct str *out, double value)
{
    char text[32];
    str_from_double(text, sizeof text, value);
    str_append(out, isfinite(value) ? text : "null");
}

void fit_conventions_json(const struct fit_conventions *c, struct str *out)
{
    bool comma = false;
    str_append(out, ", \"conventions\": [");
    for (int i = 0; i < c->n; i++) {
        if (!c->all[i].good)
            continue;
        str_format(out, "%s\n  {\"params_convention\": \"%s\"", comma ? "," : "", c->all[i].name);
        for (int k = 0; k < FIT_SHOWN; k++) {
            str_format(out, ", \"%s\": [", c->all[i].shown[k].name);
            add_number(out, c->all[i].shown[k].value);
            str_append(out, ", ");
            add_number(out, c->all[i].shown[k].low);
            str_append(out, ", ");
            add_number(out, c->all[i].shown[k].high);
            str_append_char(out, ']');
        }
        str_append_char(out, '}');
        comma = true;
    }
    str_append_char(out, ']');
}
