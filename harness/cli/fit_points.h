/* SPDX-License-Identifier: Apache-2.0 */
/* fit_points.h — points for a law, from the store or from anybody's CSV, and which were left out and why. */
#ifndef HARNESS_CLI_FIT_POINTS_H
#define HARNESS_CLI_FIT_POINTS_H

#include "engine/base/str.h"
#include "engine/base/table.h"
#include "harness/analysis/laws.h"
#include "harness/cli/commands.h"

/* What a law needs of a row: the variables, then loss, seed and cluster. */
enum { FIT_LOSS = LAW_VARIABLES, FIT_SEED, FIT_CLUSTER, FIT_ROLES };

/* Owns everything that points refers to. */
struct fit_points {
    struct law_points points;
    double *values;                /* (FIT_ROLES, n) */
    int *numbers;                  /* (2, n): cluster, row */
    char column[FIT_ROLES][96];    /* the column a role was read from; "" for none; "6 N D" where derived */
    double factor[FIT_ROLES];      /* its values are multiplied by this */
    bool guessed[FIT_ROLES];       /* found by a name it usually has, not told */
    struct str excluded;           /* "3 diverged; 2 shrunk models"; "" for none */
    int n_excluded;
    const char *source;            /* file or store */
    char convention[40];           /* which N */
};

/* Reads what the command line asks for. Rows are counted from 1, the header not among them. Text where a number should
 * be, and an unknown column, are STATUS_USAGE with the row; release in every case. */
MUST_CHECK enum status fit_points_read(struct fit_points *out, const struct invocation *invocation, const struct law *law,
                                       struct err *err);
void fit_points_release(struct fit_points *points);

#endif
