/* SPDX-License-Identifier: Apache-2.0 */
/* marquardt.h — nonlinear least squares in a few unknowns without derivatives of the caller's (Marquardt 1963).
 *
 * For laws that are no sum of powers; those have powersum.h, which is faster. Stateless. */
#ifndef HARNESS_ANALYSIS_MARQUARDT_H
#define HARNESS_ANALYSIS_MARQUARDT_H

#include <stdbool.h>

/* Fills residual (n) at the unknowns u. May answer with values that are not finite: such a step is not taken. */
typedef void marquardt_residuals(const void *context, const double *u, double *residual);

/* Goes from u (size <= 10) to the minimum of sum w r^2 near it, derivatives by central differences of step 1e-5; unknowns
 * should be of order 1, as logarithms are. *objective is the sum there. scratch: (size + 2) n doubles. False
 * when the residuals at the start are not finite. */
bool marquardt(marquardt_residuals *residuals, const void *context, const double *w, int n, int size, double *u,
               double *objective, double *scratch);

#endif
