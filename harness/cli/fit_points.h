/* SPDX-License-Identifier: Apache-2.0 */
/* fit_points.h — points for a law, from the store or from anybody's CSV, and which were left out and why.
 * Columns and numbers are fit_points.c's affair, the store is fit_store.c's. */
#ifndef HARNESS_CLI_FIT_POINTS_H
#define HARNESS_CLI_FIT_POINTS_H

#include "engine/base/str.h"
#include "engine/base/table.h"
#include "harness/analysis/laws.h"
#include "harness/cli/commands.h"

/* What a law needs of a row: the variables, then loss, seed and cluster. */
enum { FIT_LOSS = LAW_VARIABLES, FIT_SEED, FIT_CLUSTER, FIT_ROLES };

/* Columns of left_out and doubts. */
enum { FIT_OUT_POINT, FIT_OUT_TRIAL, FIT_OUT_WHY, FIT_OUT_DETAIL, FIT_OUT_COLUMNS };
enum { FIT_DOUBT_CHECK, FIT_DOUBT_VERDICT, FIT_DOUBT_N, FIT_DOUBT_REASON, FIT_DOUBT_COLUMNS };

/* Owns everything that points refers to. */
struct fit_points {
    struct law_points points;
    double *values;                /* (FIT_ROLES, n) */
    const char **trial;            /* (n); NULL for a file */
    double *other_N[4];            /* (n) each, in the order of fit_n_columns; NULL where there is no such column */
    int *numbers;                  /* (2, n): cluster, row */
    char column[FIT_ROLES][96];    /* the column a role was read from; "" for none; "6 N D" where derived */
    double factor[FIT_ROLES];      /* its values are multiplied by this */
    bool guessed[FIT_ROLES];       /* found by a name it usually has, not told */
    struct table left_out;         /* every point that is none, and why */
    struct str excluded;           /* the same by reason: "3 diverged; 2 shrunk"; "" for none */
    int n_excluded;
    struct table doubts;           /* what the checks say against points that stay: a row per check */
    bool judged;                   /* by the checks: points of the store are, those of a file cannot be */
    struct table verdicts;         /* of every trial of the store and every check */
    struct table rows;             /* what was read */
    const char *source;            /* file or store */
    char convention[40];           /* which N */
};

/* The columns in which N is counted: params_total, params_active, params_non_embedding, params_matmul. */
extern const char *const fit_n_columns[4];

/* Reads what the command line asks for. Rows are counted from 1, the header not among them. Text where a number should
 * be, and an unknown column, are STATUS_USAGE with the row; release in every case. */
MUST_CHECK enum status fit_points_read(struct fit_points *out, const struct invocation *invocation, const struct law *law,
                                       struct err *err);
void fit_points_release(struct fit_points *points);

/* "70M", "1.4 B", "1,000,000", "6e20 FLOPs": a number with an SI or common multiple and a unit's name. */
bool fit_read_number(const char *text, double *out);

/* The column of that name, letters of any case and '_' as ' ' where none has it exactly; -1: none. */
int fit_find_column(const struct table *table, const char *name);

/* NaN is NaN's equal. */
bool fit_same_number(double a, double b);

#endif
