/* SPDX-License-Identifier: Apache-2.0 */
/* powersum.c — setting up, variable projection, and the search from a grid; see powersum.h. Huber's loss is in
 * powersum_huber.c.
 *
 * Features are centred, so that columns are of one size and no unit of a variable overflows. Residuals are computed
 * point by point and never as a difference of sums: without noise the objective is zero to rounding, and the
 * planted law comes back to the digits of the data. */
#include "harness/analysis/powersum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/dense.h"

enum { MOST_STEPS = 200, GRID_POINTS = 700, GRID_KEPT = 8 };

/* ---- Life cycle ---- */

enum status powersum_init(struct powersum *p, const struct powersum_form *form, const double *const *variables,
                          const double *loss, int n, struct err *err)
{
    size_t count = (size_t)n;
    size_t rows = (size_t)(form->n_factors + form->n_terms + form->n_exponents) + 3;
    double *block = malloc(rows * count * sizeof *block);
    if (block == NULL)
        return err_set(err, STATUS_MEMORY, "fit: no memory for %d points", n);
    *p = (struct powersum){.form = form, .n = n, .delta = POWERSUM_HUBER_DELTA, .feature = block};
    p->loss_inverse = block + (size_t)form->n_factors * count;
    p->loss_log = p->loss_inverse + count;
    p->residual = p->loss_log + count;
    p->column = p->residual + count;
    for (int f = 0; f < form->n_factors; f++) {
        const struct powersum_factor *factor = &form->factors[f];
        double *z = p->feature + (size_t)f * count;
        double sum = 0.0;
        for (int i = 0; i < n; i++) {
            double x = variables[factor->variable][i];
            z[i] = factor->sign * (factor->straight ? x : log(x));
            sum += z[i];
        }
        p->mean[f] = sum / n;
        for (int i = 0; i < n; i++)
            z[i] -= p->mean[f];
    }
    for (int i = 0; i < n; i++) {
        p->loss_inverse[i] = 1.0 / loss[i];
        p->loss_log[i] = log(loss[i]);
    }
    return STATUS_OK;
}

void powersum_release(struct powersum *p)
{
    free(p->feature);
    *p = (struct powersum){0};
}

void powersum_letters(const struct powersum *p, const struct powersum_solution *at, double *out)
{
    const struct powersum_form *form = p->form;
    double shift[POWERSUM_TERMS] = {0};
    for (int f = 0; f < form->n_factors; f++)
        shift[form->factors[f].term] += at->exponent[form->factors[f].exponent] * p->mean[f];
    for (int j = 0; j < form->n_terms; j++)
        out[j] = at->coefficient[j] * exp(shift[j]);
    for (int k = 0; k < form->n_exponents; k++)
        out[form->n_terms + k] = at->exponent[k];
}

int powersum_stuck(const struct powersum *p, const struct powersum_solution *at)
{
    for (int k = 0; k < p->form->n_exponents; k++)
        if (at->exponent[k] <= POWERSUM_LEAST * 1.001 || at->exponent[k] >= POWERSUM_MOST * 0.999)
            return k;
    return -1;
}

/* ---- Inner problem: coefficients for given exponents ---- */

/* Terms over loss, at coefficient 1. */
static void fill_terms(struct powersum *p, const double *exponent)
{
    const struct powersum_form *form = p->form;
    int n = p->n;
    for (int j = 0; j < form->n_terms; j++) {
        double *q = p->column + (size_t)j * (size_t)n;
        bool constant = true;
        for (int f = 0; f < form->n_factors; f++) {
            if (form->factors[f].term != j)
                continue;
            const double *z = p->feature + (size_t)f * (size_t)n;
            double theta = exponent[form->factors[f].exponent];
            for (int i = 0; i < n; i++)
                q[i] = constant ? theta * z[i] : q[i] + theta * z[i];
            constant = false;
        }
        for (int i = 0; i < n; i++)
            q[i] = constant ? p->loss_inverse[i] : exp(-q[i]) * p->loss_inverse[i];
    }
}

static double dot(const double *w, const double *a, const double *b, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += w[i] * a[i] * b[i];
    return sum;
}

/* Least squares over the terms in `set` (a bit each); false when they do not determine it or one is not positive.
 * *gain is how much of the sum of squares the solution takes away. */
static bool solve_set(const double *gram, const double *right, int m, unsigned set, double *c, double *gain)
{
    double a[POWERSUM_TERMS * POWERSUM_TERMS], b[POWERSUM_TERMS];
    int member[POWERSUM_TERMS], size = 0;
    for (int j = 0; j < m; j++)
        if (set & 1u << j)
            member[size++] = j;
    for (int i = 0; i < size; i++) {
        b[i] = right[member[i]];
        for (int j = 0; j < size; j++)
            a[i * size + j] = gram[member[i] * m + member[j]];
    }
    if (!dense_solve(a, size, b))
        return false;
    *gain = 0.0;
    for (int i = 0; i < size; i++) {
        if (!(b[i] > 0.0))
            return false;
        *gain += b[i] * right[member[i]];
    }
    memset(c, 0, (size_t)m * sizeof *c);
    for (int i = 0; i < size; i++)
        c[member[i]] = b[i];
    return true;
}

/* Non-negative least squares. The solution without the bounds is nearly always feasible; else, with four terms at
 * most, every subset is tried: the best feasible one is the solution. */
static bool solve_coefficients(const struct powersum *p, const double *w, double *c)
{
    int m = p->form->n_terms, n = p->n;
    double gram[POWERSUM_TERMS * POWERSUM_TERMS], right[POWERSUM_TERMS], gain;
    for (int i = 0; i < m; i++) {
        const double *q = p->column + (size_t)i * (size_t)n;
        right[i] = 0.0;
        for (int r = 0; r < n; r++)
            right[i] += w[r] * q[r];
        for (int j = 0; j <= i; j++)
            gram[i * m + j] = gram[j * m + i] = dot(w, q, p->column + (size_t)j * (size_t)n, n);
    }
    unsigned all = (1u << m) - 1u;
    if (solve_set(gram, right, m, all, c, &gain))
        return true;
    double best = 0.0, candidate[POWERSUM_TERMS];
    for (unsigned set = 1; set < all; set++)
        if (solve_set(gram, right, m, set, candidate, &gain) && gain > best) {
            best = gain;
            memcpy(c, candidate, (size_t)m * sizeof *c);
        }
    return best > 0.0;
}

/* The reduced objective at at->exponent; fills coefficients, columns and residuals. */
static bool project(struct powersum *p, const double *w, struct powersum_solution *at)
{
    int m = p->form->n_terms, n = p->n;
    double sum = 0.0;
    fill_terms(p, at->exponent);
    if (!solve_coefficients(p, w, at->coefficient))
        return false;
    for (int i = 0; i < n; i++)
        p->residual[i] = 1.0;
    for (int j = 0; j < m; j++) {
        const double *q = p->column + (size_t)j * (size_t)n;
        for (int i = 0; i < n; i++)
            p->residual[i] -= at->coefficient[j] * q[i];
    }
    for (int i = 0; i < n; i++)
        sum += w[i] * p->residual[i] * p->residual[i];
    at->objective = sum;
    return isfinite(sum);
}

/* ---- Outer problem: the exponents ---- */

/* The normal equations of one step: terms with a positive coefficient first, then the exponents. */
struct step_system {
    double matrix[DENSE_MOST * DENSE_MOST];
    double right[DENSE_MOST];
    int size, n_active;
};

/* Derivatives of the fit by the exponents, into the columns behind the terms. */
static void fill_derivatives(struct powersum *p, const struct powersum_solution *at)
{
    const struct powersum_form *form = p->form;
    size_t n = (size_t)p->n;
    double *derivative = p->column + (size_t)form->n_terms * n;
    memset(derivative, 0, (size_t)form->n_exponents * n * sizeof *derivative);
    for (int f = 0; f < form->n_factors; f++) {
        const struct powersum_factor *factor = &form->factors[f];
        const double *q = p->column + (size_t)factor->term * n;
        const double *z = p->feature + (size_t)f * n;
        double *d = derivative + (size_t)factor->exponent * n;
        double c = at->coefficient[factor->term];
        for (size_t i = 0; i < n; i++)
            d[i] -= c * z[i] * q[i];
    }
}

static void make_system(struct powersum *p, const double *w, const struct powersum_solution *at, struct step_system *out)
{
    const struct powersum_form *form = p->form;
    const double *columns[DENSE_MOST];
    int size = 0;
    fill_derivatives(p, at);
    for (int j = 0; j < form->n_terms; j++)
        if (at->coefficient[j] > 0.0)
            columns[size++] = p->column + (size_t)j * (size_t)p->n;
    out->n_active = size;
    for (int k = 0; k < form->n_exponents; k++)
        columns[size++] = p->column + (size_t)(form->n_terms + k) * (size_t)p->n;
    out->size = size;
    for (int i = 0; i < size; i++) {
        out->right[i] = dot(w, columns[i], p->residual, p->n);
        for (int j = 0; j <= i; j++)
            out->matrix[i * size + j] = dot(w, columns[i], columns[j], p->n);
    }
}

/* The damped step of the exponents. An exponent whose term is absent has no derivative and stays. */
static bool solve_step(const struct step_system *system, double damping, double *step)
{
    double a[DENSE_MOST * DENSE_MOST], b[DENSE_MOST];
    int size = system->size;
    memcpy(a, system->matrix, sizeof a);
    memcpy(b, system->right, sizeof b);
    for (int i = system->n_active; i < size; i++) {
        double *diagonal = &a[i * size + i];
        *diagonal = *diagonal > 0.0 ? *diagonal * (1.0 + damping) : 1.0;
    }
    if (!dense_solve(a, size, b))
        return false;
    memcpy(step, b + system->n_active, (size_t)(size - system->n_active) * sizeof *step);
    return true;
}

static double bounded(double from, double step)
{
    double to = fmin(fmax(from + step, 0.25 * from), 4.0 * from);
    return fmin(fmax(to, POWERSUM_LEAST), POWERSUM_MOST);
}

bool powersum_varpro(struct powersum *p, const double *w, struct powersum_solution *at)
{
    int n_exponents = p->form->n_exponents;
    double damping = 1e-4, step[POWERSUM_EXPONENTS];
    struct step_system system;
    if (!project(p, w, at))
        return false;
    make_system(p, w, at, &system);
    for (int s = 0; s < MOST_STEPS && damping < 1e12; s++) {
        struct powersum_solution next = *at;
        double moved = 0.0;
        bool solved = solve_step(&system, damping, step);
        for (int k = 0; solved && k < n_exponents; k++) {
            next.exponent[k] = bounded(at->exponent[k], step[k]);
            moved = fmax(moved, fabs(next.exponent[k] - at->exponent[k]) / at->exponent[k]);
        }
        if (!solved || !project(p, w, &next) || next.objective > at->objective) {
            if (solved && moved < 1e-11)
                break;
            damping = damping * 8.0 + 1e-12;
            continue;
        }
        *at = next;
        if (moved < 1e-11)
            break;
        damping *= 0.1;
        make_system(p, w, at, &system);
    }
    return true;
}

/* ---- From everywhere ---- */

/* The i-th of `per` values between 0.03 and 2.5, a ratio apart. */
static double grid_value(int i, int per)
{
    return 0.03 * pow(2.5 / 0.03, (i + 0.5) / per);
}

/* Keeps the GRID_KEPT best, ascending. */
static void keep(struct powersum_solution *kept, int *n, const struct powersum_solution *one)
{
    if (*n == GRID_KEPT && kept[GRID_KEPT - 1].objective <= one->objective)
        return;
    int at = *n < GRID_KEPT ? (*n)++ : GRID_KEPT - 1;
    while (at > 0 && kept[at - 1].objective > one->objective) {
        kept[at] = kept[at - 1];
        at--;
    }
    kept[at] = *one;
}

bool powersum_search(struct powersum *p, const double *w, bool huber, struct powersum_solution *best)
{
    int n_exponents = p->form->n_exponents, n = 0, per, points = 1;
    struct powersum_solution kept[GRID_KEPT], one;
    bool found = false;
    per = (int)floor(pow(GRID_POINTS, 1.0 / n_exponents) + 1e-9);
    for (int k = 0; k < n_exponents; k++)
        points *= per;
    for (int i = 0; i < points; i++) {
        for (int k = 0, rest = i; k < n_exponents; k++, rest /= per)
            one.exponent[k] = grid_value(rest % per, per);
        if (project(p, w, &one))
            keep(kept, &n, &one);
    }
    for (int i = 0; i < n; i++) {
        one = kept[i];
        if (!powersum_varpro(p, w, &one) || (huber && !powersum_huber(p, w, &one)))
            continue;
        if (huber && i > 0) { /* the grid's own point is a start too */
            struct powersum_solution other = kept[i];
            if (powersum_huber(p, w, &other) && other.objective < one.objective)
                one = other;
        }
        if (!found || one.objective < best->objective)
            *best = one;
        found = true;
    }
    return found;
}
