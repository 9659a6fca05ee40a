/* SPDX-License-Identifier: Apache-2.0 */
/* laws_check.c — see laws_check.h. A message names the row as its reader counts it, not our index. */
#include "harness/analysis/laws_check.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/analysis/stats.h"

/* log N and log D that are one line to this share of their spread tell nothing about two exponents. */
#define LEAST_INDEPENDENT 1e-8

/* A term of this share of the largest is rounding: its variable has no effect. */
#define LEAST_EFFECT 1e-9

/* The same where letters are no coefficients: of a slope of log10 loss, and of a share of the loss. */
#define LEAST_SLOPE 1e-6

/* What a dense model counts for in experts (E_start) was between 1.8 and 4.2 in what was published. */
#define LEAST_EXPERTS 0.01

const char *law_point_text(const struct law_points *points, int i, char text[LAW_POINT_TEXT])
{
    if (points->trial)
        (void)snprintf(text, LAW_POINT_TEXT, "trial %s", points->trial[i]);
    else
        (void)snprintf(text, LAW_POINT_TEXT, "row %d", points->row[i]);
    return text;
}

/* All of them: "rows 1 to 12". */
static const char *range_text(const struct law_points *points, char text[2 * LAW_POINT_TEXT])
{
    int last = points->n - 1;
    if (points->trial)
        (void)snprintf(text, 2 * LAW_POINT_TEXT, "trials %s to %s", points->trial[0], points->trial[last]);
    else
        (void)snprintf(text, 2 * LAW_POINT_TEXT, "rows %d to %d", points->row[0], points->row[last]);
    return text;
}

static enum status check_value(const struct law_points *points, int i, const char *name, double value, struct err *err)
{
    char text[LAW_POINT_TEXT];
    law_point_text(points, i, text);
    if (isnan(value))
        return err_set(err, STATUS_INSUFFICIENT, "%s: %s is not a number", text, name);
    if (isinf(value))
        return err_set(err, STATUS_INSUFFICIENT, "%s: %s is infinite", text, name);
    if (!(value > 0.0))
        return err_set(err, STATUS_INSUFFICIENT, "%s: %s is %g; it must be positive", text, name, value);
    return STATUS_OK;
}

static enum status check_values(unsigned variables, const struct law_points *points, struct err *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; i < points->n && status == STATUS_OK; i++) {
        status = check_value(points, i, "L", points->loss[i], err);
        for (int v = 0; v < LAW_VARIABLES && status == STATUS_OK; v++)
            if (variables & 1u << v)
                status = check_value(points, i, law_variable_names[v], points->x[v][i], err);
    }
    return status;
}

static bool same_setting(unsigned variables, const struct law_points *points, int i, int j)
{
    for (int v = 0; v < LAW_VARIABLES; v++)
        if (variables & 1u << v && points->x[v][i] != points->x[v][j])
            return false;
    return true;
}

/* Neighbours in the order of loss are compared: a point given twice has the same loss twice. */
static enum status check_twice(unsigned variables, const struct law_points *points, struct err *err)
{
    int *order = malloc((size_t)points->n * sizeof *order);
    char later[LAW_POINT_TEXT], earlier[LAW_POINT_TEXT];
    enum status status = STATUS_OK;
    if (order == NULL)
        return err_set(err, STATUS_MEMORY, "fit: no memory for %d points", points->n);
    stats_order(order, points->loss, points->n);
    for (int i = 0; i < points->n && status == STATUS_OK; i++)
        for (int j = i + 1; j < points->n && points->loss[order[j]] == points->loss[order[i]]; j++) {
            int one = order[i], other = order[j];
            if (!same_setting(variables, points, one, other))
                continue;
            if (points->replicate && points->replicate[one] != points->replicate[other])
                continue;
            status = err_set(err, STATUS_INSUFFICIENT,
                             "%s repeats %s: one run given twice (runs of other seeds need a column  seed)",
                             law_point_text(points, one > other ? one : other, later),
                             law_point_text(points, one > other ? other : one, earlier));
            break;
        }
    free(order);
    return status;
}

static int count_different(const double *x, int n, int enough)
{
    double seen[8];
    int count = 0;
    for (int i = 0; i < n && count < enough; i++) {
        int known = 0;
        while (known < count && seen[known] != x[i])
            known++;
        if (known == count)
            seen[count++] = x[i];
    }
    return count;
}

static enum status check_variety(const struct law *law, unsigned variables, const struct law_points *points, struct err *err)
{
    char range[2 * LAW_POINT_TEXT];
    for (int v = 0; v < LAW_VARIABLES; v++) {
        int least = v == LAW_E ? 4 : v == LAW_U || v == LAW_C ? 1 : 3;
        if (!(variables & 1u << v))
            continue;
        int found = count_different(points->x[v], points->n, least);
        if (found < least)
            return err_set(err, STATUS_INSUFFICIENT,
                           "%s: %s have only %d different values of %s (the first is %g); at least %d needed",
                           law->name, range_text(points, range), found, law_variable_names[v],
                           points->x[v][0], least);
    }
    return STATUS_OK;
}

/* Is the logarithm of another variable a straight function of log N? */
static enum status check_collinear(const struct law *law, enum law_variable other, const struct law_points *points, struct err *err)
{
    double x = 0.0, y = 0.0, xx = 0.0, yy = 0.0, xy = 0.0;
    char range[2 * LAW_POINT_TEXT];
    for (int i = 0; i < points->n; i++) {
        x += log(points->x[LAW_N][i]) / points->n;
        y += log(points->x[other][i]) / points->n;
    }
    for (int i = 0; i < points->n; i++) {
        double dx = log(points->x[LAW_N][i]) - x, dy = log(points->x[other][i]) - y;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    if (xx * yy - xy * xy > LEAST_INDEPENDENT * xx * yy)
        return STATUS_OK;
    return err_set(err, STATUS_INSUFFICIENT,
                   "%s: %s are collinear, %s following from N by a power; vary one while the other stays", law->name,
                   range_text(points, range), law_variable_names[other]);
}

/* The law of repeated data needs some that repeat. */
static enum status check_repeats(const struct law *law, const struct law_points *points, struct err *err)
{
    char range[2 * LAW_POINT_TEXT];
    for (int i = 0; i < points->n; i++)
        if (points->x[LAW_D][i] > points->x[LAW_U][i])
            return STATUS_OK;
    return err_set(err, STATUS_INSUFFICIENT,
                   "%s: %s see no token twice (D is nowhere above U): R_D is not determined; without repeats the law is chinchilla",
                   law->name, range_text(points, range));
}

static enum status check_count(const struct law *law, const struct law_points *points, const struct law_settings *settings,
                               struct err *err)
{
    char last[LAW_POINT_TEXT];
    int least = 0;
    bool approach = settings->method == LAW_APPROACH1 || settings->method == LAW_APPROACH2;
    while (!approach && law->letters[least])
        least++;
    least = approach ? 6 : law->name == laws[LAW_KAPLAN].name ? 4 : least + 1;
    if (points->n_clusters >= least && points->n <= LAW_MOST_POINTS)
        return STATUS_OK;
    if (points->n > LAW_MOST_POINTS)
        return err_set(err, STATUS_INSUFFICIENT, "%d points are more than %d", points->n, LAW_MOST_POINTS);
    if (points->n == 0)
        return err_set(err, STATUS_INSUFFICIENT, "%s: no points; at least %d needed", law->name, least);
    return err_set(err, STATUS_INSUFFICIENT, "%s: %d point%s in %d cluster%s (the last is %s); at least %d needed", law->name,
                   points->n, points->n == 1 ? "" : "s", points->n_clusters, points->n_clusters == 1 ? "" : "s",
                   law_point_text(points, points->n - 1, last), least);
}

enum status law_check_points(const struct law *law, const struct law_points *points, const struct law_settings *settings,
                             struct err *err)
{
    unsigned variables = law->variables;
    if (settings->method >= LAW_METHODS || !(law->methods & 1u << settings->method))
        return err_set(err, STATUS_USAGE, "%s is not fitted by %s", law->name,
                       settings->method < LAW_METHODS ? law_method_names[settings->method] : "this method");
    if (settings->method == LAW_APPROACH1 || settings->method == LAW_APPROACH2)
        variables |= 1u << LAW_C;
    for (int v = 0; v < LAW_VARIABLES; v++)
        if (variables & 1u << v && points->x[v] == NULL)
            return err_set(err, STATUS_USAGE, "%s needs %s, which no column gives", law->name, law_variable_names[v]);
    enum status status = check_values(variables, points, err);
    if (status == STATUS_OK)
        status = check_twice(variables, points, err);
    if (status == STATUS_OK)
        status = check_count(law, points, settings, err);
    if (status == STATUS_OK)
        status = check_variety(law, variables, points, err);
    if (status == STATUS_OK && law->variables & 1u << LAW_D)
        status = check_collinear(law, LAW_D, points, err);
    if (status == STATUS_OK && law == &laws[LAW_ROUTED])
        status = check_collinear(law, LAW_E, points, err);
    if (status == STATUS_OK && law == &laws[LAW_DATA_CONSTRAINED])
        status = check_repeats(law, points, err);
    return status;
}

static enum status no_effect(const struct law_work *work, enum law_variable variable, const char *letter, struct err *err)
{
    char range[2 * LAW_POINT_TEXT];
    return err_set(err, STATUS_INSUFFICIENT, "%s: %s show no effect of %s: %s is 0", work->law->name,
                   range_text(work->points, range), law_variable_names[variable], letter);
}

static enum status runs_away(const struct law_work *work, const char *letter, double value, struct err *err)
{
    char range[2 * LAW_POINT_TEXT];
    return err_set(err, STATUS_INSUFFICIENT, "%s: %s runs to %.3g: not determined by %s", work->law->name, letter, value,
                   range_text(work->points, range));
}

/* Slopes of the loss at the points' mean, and a number of experts that some model could have. */
static enum status check_routed(const struct law_work *work, const double *letters, struct err *err)
{
    const struct law_points *points = work->points;
    char range[2 * LAW_POINT_TEXT];
    double most = 0.0;
    for (int i = 0; i < points->n; i++)
        most = fmax(most, points->x[LAW_E][i]);
    if (letters[4] < LEAST_EXPERTS || letters[4] > most)
        return runs_away(work, "E_start", letters[4], err);
    double by_N = letters[0] + letters[2] * log10(letters[4]);
    if (fabs(by_N) < LEAST_SLOPE)
        return no_effect(work, LAW_N, "a", err);
    if (by_N > 0.0)
        return err_set(err, STATUS_INSUFFICIENT, "%s: the loss of %s does not fall with N", work->law->name,
                       range_text(points, range));
    if (fabs(letters[1] + letters[2] * work->mean_N) < LEAST_SLOPE)
        return no_effect(work, LAW_E, "b", err);
    return STATUS_OK;
}

/* What N and D take off, where they take most. */
static enum status check_constrained(const struct law_work *work, const double *letters, struct err *err)
{
    const struct law_points *points = work->points;
    double by_N = 0.0, by_D = 0.0, least = points->loss[0];
    for (int i = 0; i < points->n; i++) {
        by_N = fmax(by_N, letters[1] * pow(points->x[LAW_N][i], -letters[3]));
        by_D = fmax(by_D, letters[2] * pow(points->x[LAW_D][i], -letters[4]));
        least = fmin(least, points->loss[i]);
    }
    for (int k = 3; k < 5; k++)
        if (letters[k] <= 1.001 * POWERSUM_LEAST || letters[k] >= POWERSUM_MOST)
            return runs_away(work, work->law->letters[k], letters[k], err);
    if (by_N < LEAST_SLOPE * least)
        return no_effect(work, LAW_N, "A", err);
    return by_D < LEAST_SLOPE * least ? no_effect(work, LAW_D, "B", err) : STATUS_OK;
}

enum status law_check_letters(const struct law_work *work, const double *letters, struct err *err)
{
    const struct law *law = work->law;
    for (int i = 0; i < LAW_LETTERS && law->letters[i]; i++)
        if (work->method != LAW_APPROACH1 && work->method != LAW_APPROACH2 && !isfinite(letters[i]))
            return err_set(err, STATUS_INSUFFICIENT, "%s: %s leaves the range of numbers: not determined by the points", law->name,
                           law->letters[i]);
    if (law == &laws[LAW_ROUTED])
        return check_routed(work, letters, err);
    if (law == &laws[LAW_DATA_CONSTRAINED])
        return check_constrained(work, letters, err);
    if (law->form == NULL || (work->method != LAW_VARPRO && work->method != LAW_HUBER))
        return STATUS_OK;
    double most = 0.0;
    for (int j = 0; j < law->form->n_terms; j++)
        most = fmax(most, work->best.coefficient[j]);
    for (int f = 0; f < law->form->n_factors; f++) {
        int term = law->form->factors[f].term;
        if (work->best.coefficient[term] <= LEAST_EFFECT * most)
            return no_effect(work, (enum law_variable)law->form->factors[f].variable, law->letters[term], err);
    }
    int stuck = powersum_stuck(&work->sum, &work->best);
    if (stuck < 0)
        return STATUS_OK;
    return runs_away(work, law->letters[law->form->n_terms + stuck], work->best.exponent[stuck], err);
}
