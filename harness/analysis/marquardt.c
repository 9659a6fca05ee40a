/* SPDX-License-Identifier: Apache-2.0 */
/* marquardt.c — see marquardt.h. The last steps are judged by how far they move, not by the sum, which rounding
 * flattens near its minimum. */
#include "harness/analysis/marquardt.h"

#include <math.h>
#include <string.h>

#include "harness/analysis/dense.h"

enum { MOST_STEPS = 300 };

static double squares(const double *w, const double *r, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        if (w[i] > 0.0)
            sum += w[i] * r[i] * r[i];
    return sum;
}

/* Columns of derivatives; u is put back as it was. */
static void differentiate(marquardt_residuals *residuals, const void *context, int n, int size, double *u,
                          double *column, double *scratch)
{
    const double h = 1e-5;
    for (int k = 0; k < size; k++) {
        double *d = column + (size_t)k * (size_t)n, kept = u[k];
        u[k] = kept + h;
        residuals(context, u, d);
        u[k] = kept - h;
        residuals(context, u, scratch);
        u[k] = kept;
        for (int i = 0; i < n; i++)
            d[i] = (d[i] - scratch[i]) / (2.0 * h);
    }
}

static void normal_equations(const double *w, const double *column, const double *r, int n, int size, double *a, double *b)
{
    for (int i = 0; i < size; i++) {
        const double *x = column + (size_t)i * (size_t)n;
        b[i] = 0.0;
        for (int p = 0; p < n; p++)
            b[i] -= w[p] * x[p] * r[p];
        for (int j = 0; j <= i; j++) {
            const double *y = column + (size_t)j * (size_t)n;
            double sum = 0.0;
            for (int p = 0; p < n; p++)
                sum += w[p] * x[p] * y[p];
            a[i * size + j] = sum;
        }
    }
}

bool marquardt(marquardt_residuals *residuals, const void *context, const double *w, int n, int size, double *u,
               double *objective, double *scratch)
{
    double *r = scratch, *other = r + n, *column = other + n;
    double a[DENSE_MOST * DENSE_MOST], b[DENSE_MOST], damping = 1e-3;
    residuals(context, u, r);
    *objective = squares(w, r, n);
    if (!isfinite(*objective))
        return false;
    differentiate(residuals, context, n, size, u, column, other);
    normal_equations(w, column, r, n, size, a, b);
    for (int s = 0; s < MOST_STEPS && damping < 1e12; s++) {
        double matrix[DENSE_MOST * DENSE_MOST], step[DENSE_MOST], next[DENSE_MOST], moved = 0.0, sum;
        memcpy(matrix, a, sizeof matrix);
        memcpy(step, b, sizeof step);
        for (int k = 0; k < size; k++)
            matrix[k * size + k] = matrix[k * size + k] > 0.0 ? matrix[k * size + k] * (1.0 + damping) : 1.0;
        bool solved = dense_solve(matrix, size, step);
        for (int k = 0; solved && k < size; k++) {
            step[k] = fmin(fmax(step[k], -2.0), 2.0);
            next[k] = u[k] + step[k];
            moved = fmax(moved, fabs(step[k]));
        }
        if (solved)
            residuals(context, next, other);
        sum = solved ? squares(w, other, n) : (double)INFINITY;
        if (!(sum <= *objective)) {
            if (solved && moved < 1e-11)
                break;
            damping = damping * 8.0 + 1e-12;
            continue;
        }
        memcpy(u, next, (size_t)size * sizeof *u);
        *objective = sum;
        if (moved < 1e-10)
            break;
        memcpy(r, other, (size_t)n * sizeof *r);
        damping *= 0.1;
        differentiate(residuals, context, n, size, u, column, other);
        normal_equations(w, column, r, n, size, a, b);
    }
    return true;
}
