/* SPDX-License-Identifier: Apache-2.0 */
/* fit_print.h — fits as people, programs and the store take them. */
#ifndef HARNESS_CLI_FIT_PRINT_H
#define HARNESS_CLI_FIT_PRINT_H

#include "harness/cli/fit_conventions.h"

/* The methods that were tried; fault is why one gave no fit. */
struct fit_set {
    const struct law *law;
    const struct fit_points *points;
    const char *spec; /* NULL: all */
    double confidence;
    struct {
        enum law_method method;
        bool good;
        struct law_fit fit;
        struct err fault;
    } tried[LAW_METHODS];
    int n_tried;
    struct fit_conventions conventions;
};

/* Appends what the intervals are of: settings with their seeds, or the scatter about the law alone. */
void fit_interval_text(const struct fit_set *set, int replicates, struct str *out);

void fit_print_people(const struct fit_set *set);

/* One object: the first fit's letters at the top, all fits in "fits". */
void fit_print_json(const struct fit_set *set);

/* Rows of table fit: one per letter and fit, derived figures and optima after the law's own letters. created_at is the
 * last column, which NULL leaves out. The caller releases the table. */
void fit_table(const struct fit_set *set, const char *created_at, struct table *table);

/* Rows of table fit_exclusion: per fit, every trial that was left out. The caller releases the table. */
void fit_exclusion_table(const struct fit_set *set, struct table *table);

#endif
