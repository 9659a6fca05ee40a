/* SPDX-License-Identifier: Apache-2.0 */
/* powersum_huber.c — Huber's loss on the logarithm of a sum of powers; see powersum.h.
 *
 * The unknowns are the logarithms of the coefficients and the exponents, u. With t_j the logarithm of term j, f = log sum exp t,
 * p_j = exp(t_j - f) and v_j the gradient of t_j (constant in u), the gradient of f is g = sum p_j v_j and its Hessian
 * sum p_j v_j v_j' - g g'. The objective's Hessian is h''(r) g g' + h'(r) times that. It need not be positive
 * definite: damping grows until it is and the objective falls. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "harness/analysis/dense.h"
#include "harness/analysis/powersum.h"

enum { UNKNOWNS = POWERSUM_TERMS + POWERSUM_EXPONENTS, MOST_STEPS = 300 };

/* Gradients of the terms' logarithms at point i: v (n_terms, size). */
static void term_gradients(const struct powersum *p, int i, double *v, int size)
{
    const struct powersum_form *form = p->form;
    memset(v, 0, (size_t)(form->n_terms * size) * sizeof *v);
    for (int j = 0; j < form->n_terms; j++)
        v[j * size + j] = 1.0;
    for (int f = 0; f < form->n_factors; f++)
        v[form->factors[f].term * size + form->n_terms + form->factors[f].exponent] -=
            p->feature[(size_t)f * (size_t)p->n + (size_t)i];
}

/* log fitted - log loss at point i, and the terms' shares of the fit. */
static double residual_at(const struct powersum *p, const double *u, int i, double *share)
{
    const struct powersum_form *form = p->form;
    int m = form->n_terms;
    double most, sum = 0.0;
    for (int j = 0; j < m; j++)
        share[j] = u[j];
    for (int f = 0; f < form->n_factors; f++)
        share[form->factors[f].term] -=
            u[m + form->factors[f].exponent] * p->feature[(size_t)f * (size_t)p->n + (size_t)i];
    most = share[0];
    for (int j = 1; j < m; j++)
        most = fmax(most, share[j]);
    for (int j = 0; j < m; j++) {
        share[j] = exp(share[j] - most);
        sum += share[j];
    }
    for (int j = 0; j < m; j++)
        share[j] /= sum;
    return most + log(sum) - p->loss_log[i];
}

static double huber(double r, double delta)
{
    return fabs(r) <= delta ? 0.5 * r * r : delta * (fabs(r) - 0.5 * delta);
}

static double objective_at(const struct powersum *p, const double *w, const double *u)
{
    double sum = 0.0, share[POWERSUM_TERMS];
    for (int i = 0; i < p->n; i++)
        if (w[i] > 0.0)
            sum += w[i] * huber(residual_at(p, u, i, share), p->delta);
    return sum;
}

/* Adds one point's part: `slope` h', `bend` h''. Lower half of the Hessian. */
static void add_point(const double *v, const double *share, int m, int size, double slope, double bend, double *gradient,
                      double *hessian)
{
    double g[UNKNOWNS] = {0};
    for (int j = 0; j < m; j++)
        for (int a = 0; a < size; a++)
            g[a] += share[j] * v[j * size + a];
    for (int a = 0; a < size; a++) {
        gradient[a] += slope * g[a];
        for (int b = 0; b <= a; b++) {
            double spread = 0.0;
            for (int j = 0; j < m; j++)
                spread += share[j] * v[j * size + a] * v[j * size + b];
            hessian[a * size + b] += bend * g[a] * g[b] + slope * (spread - g[a] * g[b]);
        }
    }
}

/* Fills gradient, Hessian and `scale`, the diagonal of sum w g g', by which damping is measured. */
static void differentiate(const struct powersum *p, const double *w, const double *u, double *gradient, double *hessian,
                          double *scale)
{
    int m = p->form->n_terms, size = m + p->form->n_exponents;
    double v[POWERSUM_TERMS * UNKNOWNS], share[POWERSUM_TERMS];
    memset(gradient, 0, (size_t)size * sizeof *gradient);
    memset(scale, 0, (size_t)size * sizeof *scale);
    memset(hessian, 0, (size_t)(size * size) * sizeof *hessian);
    for (int i = 0; i < p->n; i++) {
        if (w[i] == 0.0)
            continue;
        double r = residual_at(p, u, i, share);
        bool inside = fabs(r) <= p->delta;
        double slope = inside ? r : copysign(p->delta, r);
        term_gradients(p, i, v, size);
        add_point(v, share, m, size, w[i] * slope, inside ? w[i] : 0.0, gradient, hessian);
        for (int a = 0; a < size; a++) {
            double g = 0.0;
            for (int j = 0; j < m; j++)
                g += share[j] * v[j * size + a];
            scale[a] += w[i] * g * g;
        }
    }
}

/* Where a damped Newton step leads, exponents kept in their range; false when the damped Hessian is not positive. */
static bool newton(const double *hessian, const double *scale, const double *gradient, double damping, int m, int size,
                   const double *from, double *to)
{
    double a[DENSE_MOST * DENSE_MOST], step[DENSE_MOST];
    memcpy(a, hessian, (size_t)(size * size) * sizeof *a);
    for (int i = 0; i < size; i++) {
        a[i * size + i] += damping * (scale[i] + DBL_MIN);
        step[i] = -gradient[i];
    }
    if (!dense_solve(a, size, step))
        return false;
    for (int i = 0; i < size; i++) {
        to[i] = from[i] + fmin(fmax(step[i], -2.0), 2.0);
        if (i >= m)
            to[i] = fmin(fmax(to[i], POWERSUM_LEAST), POWERSUM_MOST);
    }
    return true;
}

static void descend(const struct powersum *p, const double *w, double *u, double *objective)
{
    int m = p->form->n_terms, size = m + p->form->n_exponents;
    double gradient[UNKNOWNS], hessian[UNKNOWNS * UNKNOWNS], scale[UNKNOWNS], next[UNKNOWNS], damping = 1e-3;
    differentiate(p, w, u, gradient, hessian, scale);
    for (int s = 0; s < MOST_STEPS && damping < 1e12; s++) {
        bool solved = newton(hessian, scale, gradient, damping, m, size, u, next);
        double moved = 0.0, at = solved ? objective_at(p, w, next) : (double)INFINITY;
        for (int a = 0; solved && a < size; a++)
            moved = fmax(moved, fabs(next[a] - u[a]));
        if (!solved || !(at <= *objective)) {
            if (solved && moved < 1e-11)
                break;
            damping *= 6.0;
            continue;
        }
        memcpy(u, next, (size_t)size * sizeof *u);
        *objective = at;
        if (moved < 1e-10)
            break;
        damping = fmax(0.2 * damping, 1e-12);
        differentiate(p, w, u, gradient, hessian, scale);
    }
}

bool powersum_huber(struct powersum *p, const double *w, struct powersum_solution *at)
{
    int m = p->form->n_terms, k = p->form->n_exponents;
    double u[UNKNOWNS], most = 0.0;
    for (int j = 0; j < m; j++)
        most = fmax(most, at->coefficient[j]);
    /* A term that the projection left out begins small, so that it may come back. */
    for (int j = 0; j < m; j++)
        u[j] = log(fmax(at->coefficient[j], 1e-4 * most));
    memcpy(u + m, at->exponent, (size_t)k * sizeof *u);
    double delta = p->delta, coarse = POWERSUM_HUBER_DELTA;
    /* Below Hoffmann's delta the loss is nearly that of absolute deviations, with a kink at every point; the minimum is
     * followed there by tenths. */
    for (;; coarse *= 0.1) {
        p->delta = fmax(delta, delta < POWERSUM_HUBER_DELTA ? coarse : delta);
        at->objective = objective_at(p, w, u);
        if (!isfinite(at->objective))
            break;
        descend(p, w, u, &at->objective);
        if (p->delta <= delta)
            break;
    }
    p->delta = delta;
    if (!isfinite(at->objective))
        return false;
    /* A term that ran to nothing beside the others is not there. */
    most = 0.0;
    for (int j = 0; j < m; j++)
        most = fmax(most, exp(u[j]));
    for (int j = 0; j < m; j++)
        at->coefficient[j] = exp(u[j]) < 1e-9 * most ? 0.0 : exp(u[j]);
    memcpy(at->exponent, u + m, (size_t)k * sizeof *u);
    return true;
}
