/* SPDX-License-Identifier: Apache-2.0 */
/* dense.c — see dense.h. */
#include "harness/analysis/dense.h"

#include <math.h>

#include "engine/base/assert.h"

/* A pivot that lost this share of its diagonal to the columns before it is rounding, not information. */
static const double least_pivot = 1e-14;

static bool factor(double *a, int n)
{
    for (int j = 0; j < n; j++) {
        double diagonal = a[j * n + j];
        double pivot = diagonal;
        for (int k = 0; k < j; k++)
            pivot -= a[j * n + k] * a[j * n + k];
        if (!(pivot > least_pivot * diagonal)) /* also when it is no number */
            return false;
        double root = sqrt(pivot);
        a[j * n + j] = root;
        for (int i = j + 1; i < n; i++) {
            double sum = a[i * n + j];
            for (int k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = sum / root;
        }
    }
    return true;
}

bool dense_solve(double *a, int n, double *b)
{
    ASSERT(n >= 1 && n <= DENSE_MOST);
    if (!factor(a, n))
        return false;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++)
            b[i] -= a[i * n + k] * b[k];
        b[i] /= a[i * n + i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++)
            b[i] -= a[k * n + i] * b[k];
        b[i] /= a[i * n + i];
    }
    return true;
}
