/* SPDX-License-Identifier: Apache-2.0 */
/* fit_power.c — power laws, declared in fit.h. Without offset a law is a line in logarithms. With one, the
 * exponent is the only unknown that is not linear: it alone is searched for, and E and A follow from it. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "harness/analysis/fit.h"
#include "harness/analysis/stats.h"

static enum status check_power(const char *what, const double *x, const double *y, int n, int least,
                               struct err *err)
{
    enum status status = fit_check_points(what, x, y, n, least, err);
    if (status == STATUS_OK)
        status = fit_check_positive(what, "x", x, n, err);
    if (status == STATUS_OK)
        status = fit_check_positive(what, "y", y, n, err);
    return status;
}

static enum status put_power(const char *what, const struct fit_power *law, struct fit_power *out,
                             struct err *err)
{
    if (!isfinite(law->E) || !isfinite(law->A) || !(law->A > 0.0) || !isfinite(law->rms_log_residual))
        return fit_out_of_range(what, err);
    *out = *law;
    return STATUS_OK;
}

enum status fit_power(const double *x, const double *y, int n, struct fit_power *out, struct err *err)
{
    struct fit_line line;
    enum status status = check_power("power law", x, y, n, 3, err);
    if (status != STATUS_OK)
        return status;
    double *log_x = malloc(2 * (size_t)n * sizeof *log_x);
    if (log_x == NULL)
        return err_set(err, STATUS_MEMORY, "power law: no memory for %d points", n);
    double *log_y = log_x + n;
    for (int i = 0; i < n; i++) {
        log_x[i] = log(x[i]);
        log_y[i] = log(y[i]);
    }
    status = fit_line(log_x, log_y, n, &line, err);
    free(log_x);
    if (status != STATUS_OK) {
        if (err != NULL)
            err_prefix(err, "power law, in logarithms");
        return status;
    }
    struct fit_power law = {
        .A = exp(line.intercept),
        .alpha = -line.slope,
        .alpha_se = line.slope_se,
        .rms_log_residual = line.residual_sd * sqrt((n - 2.0) / n),
        .n = n,
    };
    return put_power("power law", &law, out, err);
}

/* ---- With offset ---- */

/* In units of the data, so that no unit of x or y overflows a square: u = x / geometric mean of x, y in
 * units of y[0], A' = A mean^-alpha. */
struct offset_problem {
    const double *log_u;
    const double *weight; /* y[0] / y */
    int n;
};

/* The best E and A' for one alpha, and the sum of squares they leave. */
struct offset_solution {
    double alpha;
    double E;
    double scale; /* A' */
    double squares;
};

static double offset_squares(const struct offset_problem *problem, double alpha, double E, double scale)
{
    double squares = 0.0;
    for (int i = 0; i < problem->n; i++) {
        double residual = 1.0 - problem->weight[i] * (E + scale * exp(-alpha * problem->log_u[i]));
        squares += residual * residual;
    }
    return squares;
}

/* Non-negative least squares in two unknowns: the free solution, or that on the edge which it crosses.
 * The free one is sought as (E + A') + A' (u^-alpha - 1): for small alpha the columns 1 and u^-alpha are
 * nearly the same, 1 and u^-alpha - 1 are not. r is the part of the second orthogonal to the first. */
static struct offset_solution solve_offset(const struct offset_problem *problem, double alpha)
{
    struct offset_solution solution = {.alpha = alpha};
    const double *w = problem->weight;
    double ww = 0.0, wq = 0.0, w1 = 0.0, rr = 0.0, r1 = 0.0, vv = 0.0, v1 = 0.0;
    for (int i = 0; i < problem->n; i++) {
        double q = w[i] * expm1(-alpha * problem->log_u[i]);
        double v = w[i] + q;
        ww += w[i] * w[i];
        wq += w[i] * q;
        w1 += w[i];
        vv += v * v;
        v1 += v;
    }
    for (int i = 0; i < problem->n; i++) {
        double r = w[i] * (expm1(-alpha * problem->log_u[i]) - wq / ww);
        rr += r * r;
        r1 += r;
    }
    solution.scale = r1 / rr;
    solution.E = (w1 - solution.scale * wq) / ww - solution.scale;
    if (!(solution.scale > 0.0)) {
        solution.scale = 0.0;
        solution.E = w1 / ww;
    } else if (!(solution.E > 0.0)) {
        solution.scale = v1 / vv;
        solution.E = 0.0;
    }
    solution.squares = offset_squares(problem, alpha, solution.E, solution.scale);
    return solution;
}

enum { GRID_CELLS = 64, GOLDEN_STEPS = 64 };

static double grid_alpha(int cell)
{
    return FIT_ALPHA_MIN * pow(FIT_ALPHA_MAX / FIT_ALPHA_MIN, (double)cell / GRID_CELLS);
}

/* Golden section in log alpha between two alphas that enclose the minimum (Kiefer 1953). 64 steps
 * shrink a bracket of two cells by a factor of 2e13, to about the spacing of doubles. */
static struct offset_solution refine_offset(const struct offset_problem *problem, double low, double high)
{
    const double golden = 0.61803398874989484820;
    double from = log(low);
    double to = log(high);
    struct offset_solution left = solve_offset(problem, exp(to - golden * (to - from)));
    struct offset_solution right = solve_offset(problem, exp(from + golden * (to - from)));
    for (int step = 0; step < GOLDEN_STEPS; step++) {
        if (left.squares < right.squares) {
            to = from + golden * (to - from);
            right = left;
            left = solve_offset(problem, exp(to - golden * (to - from)));
        } else {
            from = to - golden * (to - from);
            left = right;
            right = solve_offset(problem, exp(from + golden * (to - from)));
        }
    }
    return left.squares < right.squares ? left : right;
}

static enum status search_offset(const struct offset_problem *problem, struct offset_solution *out,
                                 struct err *err)
{
    struct offset_solution best = {.squares = (double)INFINITY};
    int best_cell = 0;
    for (int cell = 0; cell <= GRID_CELLS; cell++) {
        struct offset_solution solution = solve_offset(problem, grid_alpha(cell));
        if (solution.squares < best.squares) {
            best = solution;
            best_cell = cell;
        }
    }
    if (!isfinite(best.squares) || (best.E == 0.0 && best.scale == 0.0))
        return fit_out_of_range("power law with offset", err);
    if (best.scale <= 8.0 * DBL_EPSILON * best.E)
        return err_set(err, STATUS_INSUFFICIENT,
                       "power law with offset: y of points [0] to [%d] does not fall as x grows",
                       problem->n - 1);
    if (best_cell == 0 || best_cell == GRID_CELLS)
        return err_set(err, STATUS_INSUFFICIENT,
                       "power law with offset: the exponent of points [0] to [%d] runs to %g, undetermined",
                       problem->n - 1, best.alpha);
    *out = refine_offset(problem, grid_alpha(best_cell - 1), grid_alpha(best_cell + 1));
    return STATUS_OK;
}

static double rms_log_residual(const struct offset_problem *problem, const struct offset_solution *solution)
{
    double squares = 0.0;
    for (int i = 0; i < problem->n; i++) {
        double fitted = solution->E + solution->scale * exp(-solution->alpha * problem->log_u[i]);
        double residual = log(problem->weight[i] * fitted);
        squares += residual * residual;
    }
    return sqrt(squares / problem->n);
}

enum status fit_power_offset(const double *x, const double *y, int n, struct fit_power *out,
                             struct err *err)
{
    const char *what = "power law with offset";
    struct offset_solution solution = {0};
    double log_mean;
    enum status status = check_power(what, x, y, n, 4, err);
    if (status != STATUS_OK)
        return status;
    double *log_u = malloc(2 * (size_t)n * sizeof *log_u);
    if (log_u == NULL)
        return err_set(err, STATUS_MEMORY, "%s: no memory for %d points", what, n);
    double *weight = log_u + n;
    for (int i = 0; i < n; i++) {
        log_u[i] = log(x[i]);
        weight[i] = y[0] / y[i];
    }
    struct offset_problem problem = {.log_u = log_u, .weight = weight, .n = n};
    status = fit_check_different("power law with offset, in logarithms", log_u, n, 3, err);
    if (status == STATUS_OK)
        status = stats_mean(log_u, n, &log_mean, err);
    if (status != STATUS_OK)
        goto done;
    for (int i = 0; i < n; i++)
        log_u[i] -= log_mean;
    status = search_offset(&problem, &solution, err);
    if (status != STATUS_OK)
        goto done;
    struct fit_power law = {
        .E = solution.E * y[0],
        .A = solution.scale * y[0] * exp(solution.alpha * log_mean),
        .alpha = solution.alpha,
        .alpha_se = (double)NAN,
        .rms_log_residual = rms_log_residual(&problem, &solution),
        .n = n,
    };
    status = put_power(what, &law, out, err);
done:
    free(log_u);
    return status;
}
