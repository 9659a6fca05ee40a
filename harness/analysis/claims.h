/* SPDX-License-Identifier: Apache-2.0 */
/* claims.h — sentences that somebody published about scaling, each with the rule by which data support or refute it.
 *
 * A claim names the query it rests on, the statistic the answer is brought to, and the values of that statistic that
 * the sentence means. Its verdict never rests on a bare figure but on an interval:
 *
 *   supported  the interval lies wholly inside [from, to]
 *   refuted    it lies wholly outside [from - margin, to + margin]
 *   undecided  anything else, and whenever there is no interval
 *
 * Where the interval comes from, in this order; the verdict says which:
 *   counted    the figures were counted, not estimated: the interval is the point
 *   shares     Wilson's interval of a share
 *   seeds      the statistic of each seed alone, Student's t over seeds (two at least)
 *   one seed   1000 redraws of every point with FAR times the standard error of its own held-out score: what is beyond
 *              that is no accident of the sample, though another seed has not been seen
 *
 * This room never opens the store. A command asks it and hands over the answer:
 *     store_query(store, claim->sql, NULL, 0, &answer, err); claim_judge(claim, &answer, &result) */
#ifndef HARNESS_ANALYSIS_CLAIMS_H
#define HARNESS_ANALYSIS_CLAIMS_H

#include <stdbool.h>

#include "engine/base/table.h"

enum claim_verdict { CLAIM_SUPPORTED, CLAIM_REFUTED, CLAIM_UNDECIDED };
enum claim_uncertainty { CLAIM_ESTIMATED, CLAIM_COUNTED, CLAIM_SHARES };

/* One row of an answer: y was observed at x. What x, z and w are is the claim's affair. */
struct claim_point {
    int group;      /* points are compared within a group; its rows are neighbours */
    double seed;
    double x, y;
    double se;      /* standard error of y; NaN: none is known */
    double z, w;
    double least, most; /* between which y can be */
};

/* NaN where the points do not determine it. */
typedef double claim_statistic(const struct claim_point *points, int n);

/* How to add one: a row in claims_table.c, a statistic where none there fits, and a case in
 * tests/harness/test_claims.c with a store that supports and one that refutes it. */
struct claim {
    const char *name;
    const char *sentence;
    const char *source;
    const char *rule;      /* what the statistic is, and when the sentence holds, in words */
    const char *quantity;  /* the statistic, with its unit */
    const char *sql;       /* columns grp, seed, x, y, se, items, z, w, ordered by grp, z, x */
    claim_statistic *statistic;
    enum claim_uncertainty uncertainty;
    double from, to, margin;
    const char *needs;     /* what data would decide */
    const char *chart;     /* that shows it, or NULL */
};

struct claim_result {
    enum claim_verdict verdict;
    double value, low, high; /* NaN where there is none */
    int n_points;
    char reason[400];
};

/* The table. NULL past the last, NULL for an unknown name. */
const struct claim *claim_at(int i);
const struct claim *claim_find(const char *name);
/* The i-th name, NULL past the last; the context is not looked at: for str_nearest and for who reads specs. */
const char *claim_name(int i, const void *context);
/* supported refuted undecided: as the store spells them. */
const char *claim_verdict_name(enum claim_verdict verdict);

/* The answer must have the query's columns, in their order. The same answer gives the same result. */
void claim_judge(const struct claim *claim, const struct table *answer, struct claim_result *out);

#endif
