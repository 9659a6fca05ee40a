/* SPDX-License-Identifier: Apache-2.0 */
/* fit_conventions.h — the same law through the same points, N counted in each way that the points know.
 *
 * What N counts moves an exponent by more than its interval is wide (VALIDITY of scaling studies: 0.37 to 0.70 on the same
 * runs), so a fit shows all four beside each other. */
#ifndef HARNESS_CLI_FIT_CONVENTIONS_H
#define HARNESS_CLI_FIT_CONVENTIONS_H

#include "harness/cli/fit_points.h"

enum { FIT_CONVENTIONS = 4, FIT_SHOWN = 3 };

struct fit_conventions {
    struct {
        const char *name;  /* params_total … */
        const char *as;    /* NULL, or the one that counts the same numbers on these points */
        bool good;
        struct law_quantity shown[FIT_SHOWN]; /* the exponents that people compare */
    } all[FIT_CONVENTIONS];
    int n;
    int n_replicates;
    const char *method;
};

/* By the first method that gave a fit. n stays 0 where the points have but one column for N, or D was derived from it. */
void fit_conventions_try(struct fit_conventions *out, const struct fit_points *points, const struct law *law,
                         const struct law_settings *settings);

void fit_conventions_print(const struct fit_conventions *c);

/* Appends `, "conventions": [...]`. */
void fit_conventions_json(const struct fit_conventions *c, struct str *out);

#endif
