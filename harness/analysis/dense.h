/* SPDX-License-Identifier: Apache-2.0 */
/* dense.h — small symmetric systems, for fits with a handful of unknowns.
 *
 * Matrices are (n, n), row-major, n <= DENSE_MOST; the caller owns them. */
#ifndef HARNESS_ANALYSIS_DENSE_H
#define HARNESS_ANALYSIS_DENSE_H

#include <stdbool.h>

enum { DENSE_MOST = 12 };

/* Solves a x = b by Cholesky's factors: a becomes the lower one, b becomes x. Looks at the lower half of a alone.
 * False when a is not positive definite to rounding (a pivot below 1e-14 of its diagonal); then b is as it was. */
bool dense_solve(double *a, int n, double *b);

#endif
