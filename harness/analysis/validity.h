/* SPDX-License-Identifier: Apache-2.0 */
/* validity.h — is this trial fit to be a point of a scaling study? One verdict per trial and check, with its reason.
 *
 * The checks are the known ways in which small scaling studies went wrong, one row each in validity.c's table. A
 * check looks at the trial itself or at the group it belongs to (its replicates, its learning-rate sweep, its compute
 * budget). What the stored figures cannot decide is said to be unchecked, with the reason, and never passed in silence.
 *
 * This room never opens the store. A command composes the SQL, asks the store, and stores what comes out:
 *     validity_sql(&sql, knob_columns, n); store_query(...); validity_judge(&trials, &verdicts)
 * A fit leaves out trials with a VALIDITY_FAIL and says so; a VALIDITY_WARN is shown beside it. */
#ifndef HARNESS_ANALYSIS_VALIDITY_H
#define HARNESS_ANALYSIS_VALIDITY_H

#include "engine/base/str.h"
#include "engine/base/table.h"

enum validity_verdict {
    VALIDITY_PASS,
    VALIDITY_WARN,     /* the point stands, its reader must know */
    VALIDITY_FAIL,     /* no point of a fit */
    VALIDITY_UNCHECKED /* the store cannot decide */
};

struct validity_cells;

struct validity_result {
    enum validity_verdict verdict;
    char reason[200]; /* one short sentence without full stop; "" with a pass that needs no word */
};

/* How to add one: a function in validity.c (validity_groups.c when it looks at other trials) and its row. */
struct validity_check {
    const char *name;
    const char *pitfall; /* what goes wrong without it */
    struct validity_result (*judge)(const struct validity_cells *cells, int row);
};

/* The table; NULL past the last. */
const struct validity_check *validity_at(int i);

/* pass warn fail unchecked: as the store spells them. */
const char *validity_name(enum validity_verdict verdict);

/* Appends the query whose answer validity_judge takes: every trial that is done. The knobs' columns of table trial come
 * from the caller, so that replicates are told from other trials by every knob there is. */
void validity_sql(struct str *out, const char *const *knob_columns, int n);

/* verdicts becomes a table of (trial_id, check_name, verdict, reason), trials times checks rows; the caller releases
 * it. The answer may have rows in any order and must have the query's columns. Quadratic in the
 * mixtures alone, which look for comparators. */
void validity_judge(const struct table *trials, struct table *verdicts);

#endif
