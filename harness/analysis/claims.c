/* SPDX-License-Identifier: Apache-2.0 */
/* claims.c — from the answer of a claim's query to its verdict: points, their interval, the decision.
 * Invariant: without a finite interval there is no verdict but undecided. */
#include "harness/analysis/claims.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/rng.h"
#include "harness/analysis/stats.h"

enum { REDRAWS = 1000, MOST_UNDEFINED = REDRAWS / 20, SEEDS_MAX = 256 };
#define FAR 3.0
#define CONFIDENCE 0.95

enum { COLUMN_GROUP, COLUMN_SEED, COLUMN_X, COLUMN_Y, COLUMN_SE, COLUMN_ITEMS, COLUMN_Z, COLUMN_W };

const char *claim_name(int i, const void *context)
{
    const struct claim *claim = claim_at(i);
    (void)context;
    return claim ? claim->name : NULL;
}

const struct claim *claim_find(const char *name)
{
    const struct claim *claim;
    for (int i = 0; (claim = claim_at(i)) != NULL; i++)
        if (strcmp(claim->name, name) == 0)
            return claim;
    return NULL;
}

const char *claim_verdict_name(enum claim_verdict verdict)
{
    static const char *const names[] = {"supported", "refuted", "undecided"};
    return names[verdict];
}

/* ---- points ---- */

/* A share of so few items that it came out as 0 or 1 is not known exactly: two successes and two failures are added
 * (Agresti & Coull 1998). */
static double share_error(double share, double items)
{
    double p = (share * items + 2) / (items + 4);
    return sqrt(p * (1 - p) / (items + 4));
}

/* Rows without y, or of a trial that lacks x, are no points. Room for n_rows; returns how many were filled. */
static int read_points(const struct table *answer, struct claim_point *points)
{
    int n = 0, groups = 0;
    for (int r = 0; r < answer->n_rows; r++) {
        const char *group = table_text(answer, r, COLUMN_GROUP);
        const char *before = r ? table_text(answer, r - 1, COLUMN_GROUP) : NULL;
        double items = table_number(answer, r, COLUMN_ITEMS);
        struct claim_point *p = &points[n];
        groups += r > 0 && strcmp(group ? group : "", before ? before : "") != 0;
        *p = (struct claim_point){
            .group = groups,
            .seed = table_number(answer, r, COLUMN_SEED),
            .x = table_number(answer, r, COLUMN_X),
            .y = table_number(answer, r, COLUMN_Y),
            .se = table_number(answer, r, COLUMN_SE),
            .z = table_number(answer, r, COLUMN_Z),
            .w = table_number(answer, r, COLUMN_W),
            .least = -INFINITY,
            .most = INFINITY,
        };
        if (items > 0) { /* a share, or one less the chance of guessing */
            p->se = share_error(p->y, items);
            p->least = fmin(p->y, 0);
            p->most = fmax(p->y, 1);
        }
        n += isfinite(p->x) && isfinite(p->y);
    }
    return n;
}

/* Replicates in one place become their mean, so that a statistic meets one y per group, z and x. In place. */
static int average(struct claim_point *p, int n)
{
    int kept = 0;
    for (int i = 0, end; i < n; i = end) {
        struct claim_point mean = p[i];
        double y = 0, variance = 0;
        for (end = i;
             end < n && p[end].group == p[i].group && p[end].x == p[i].x && (p[end].z == p[i].z || isnan(p[i].z));
             end++) {
            y += p[end].y;
            variance += p[end].se * p[end].se;
        }
        mean.y = y / (end - i);
        mean.se = sqrt(variance) / (end - i);
        p[kept++] = mean;
    }
    return kept;
}

/* ---- intervals ---- */

/* The statistic of every seed alone; returns of how many it could be told. */
static int by_seed(const struct claim *claim, const struct claim_point *points, int n, double *values)
{
    struct claim_point *own = malloc((size_t)(n + 1) * sizeof *own);
    double seeds[SEEDS_MAX];
    int n_seeds = 0, told = 0;
    NEED_MEMORY(own);
    for (int i = 0; i < n; i++) {
        bool seen = isnan(points[i].seed);
        for (int j = 0; j < n_seeds && !seen; j++)
            seen = seeds[j] == points[i].seed;
        if (!seen && n_seeds < SEEDS_MAX)
            seeds[n_seeds++] = points[i].seed;
    }
    for (int s = 0; s < n_seeds; s++) {
        int m = 0;
        for (int i = 0; i < n; i++)
            if (points[i].seed == seeds[s])
                own[m++] = points[i];
        values[told] = claim->statistic(own, m);
        told += isfinite(values[told]);
    }
    free(own);
    return told;
}

static void over_seeds(const double *values, int n, struct claim_result *out)
{
    double mean = 0, sd = 0, half;
    struct err err = ERR_INIT;
    if (stats_mean(values, n, &mean, &err) != STATUS_OK || stats_sd(values, n, &sd, &err) != STATUS_OK)
        return;
    half = stats_student_quantile((1 + CONFIDENCE) / 2, n - 1) * sd / sqrt(n);
    out->value = mean;
    out->low = mean - half;
    out->high = mean + half;
    (void)snprintf(out->reason, sizeof out->reason, "%d seeds, each by itself; 95 %% by Student's t", n);
}

/* Redraws every y; the interval stays unset where a point has no error or the statistic is lost too often. */
static void over_redraws(const struct claim *claim, const struct claim_point *points, int n, struct claim_result *out)
{
    struct claim_point *drawn = malloc((size_t)(n + 1) * sizeof *drawn);
    double values[REDRAWS];
    int told = 0;
    NEED_MEMORY(drawn);
    for (int i = 0; i < n; i++)
        if (isnan(points[i].se)) {
            (void)snprintf(out->reason, sizeof out->reason, "one seed, and no standard error is stored");
            free(drawn);
            return;
        }
    for (int r = 0; r < REDRAWS; r++) {
        struct rng rng = rng_open(1, RNG_BOOTSTRAP, (uint64_t)r);
        for (int i = 0; i < n; i++) {
            drawn[i] = points[i];
            drawn[i].y = fmin(fmax(drawn[i].y + FAR * points[i].se * rng_normal(&rng), points[i].least), points[i].most);
        }
        values[told] = claim->statistic(drawn, n);
        told += isfinite(values[told]);
    }
    free(drawn);
    if (told < REDRAWS - MOST_UNDEFINED) {
        (void)snprintf(out->reason, sizeof out->reason, "one seed, and within %.0f standard errors of its scores the figure is lost",
                       FAR);
        return;
    }
    stats_sort(values, told);
    out->low = stats_quantile_sorted(values, told, (1 - CONFIDENCE) / 2);
    out->high = stats_quantile_sorted(values, told, (1 + CONFIDENCE) / 2);
    (void)snprintf(out->reason, sizeof out->reason,
                   "one seed: within %.0f standard errors of each held-out score; other seeds not seen", FAR);
}

static void over_shares(const struct claim_point *points, int n, struct claim_result *out)
{
    struct interval interval;
    struct err err = ERR_INIT;
    int successes = 0;
    for (int i = 0; i < n; i++)
        successes += points[i].y >= 0.5;
    if (stats_wilson(successes, n, CONFIDENCE, &interval, &err) != STATUS_OK)
        return;
    out->low = interval.low;
    out->high = interval.high;
    (void)snprintf(out->reason, sizeof out->reason, "%d of %d; 95 %% by Wilson", successes, n);
}

/* Fills value, low, high and the reason that says where they come from. */
static void estimate(const struct claim *claim, struct claim_point *points, int n, struct claim_result *out)
{
    double values[SEEDS_MAX];
    int seeds = claim->uncertainty == CLAIM_ESTIMATED ? by_seed(claim, points, n, values) : 0;
    if (seeds >= 2) {
        over_seeds(values, seeds, out);
        return;
    }
    if (claim->uncertainty != CLAIM_SHARES)
        n = average(points, n);
    out->value = claim->statistic(points, n);
    if (!isfinite(out->value)) {
        out->value = NAN;
        (void)snprintf(out->reason, sizeof out->reason, "its %d points do not determine the figure", n);
    } else if (claim->uncertainty == CLAIM_COUNTED) {
        out->low = out->high = out->value;
        (void)snprintf(out->reason, sizeof out->reason, "counted, not estimated");
    } else if (claim->uncertainty == CLAIM_SHARES) {
        over_shares(points, n, out);
    } else {
        over_redraws(claim, points, n, out);
    }
}

/* ---- the decision ---- */

static enum claim_verdict decide(const struct claim *claim, const struct claim_result *r)
{
    if (!isfinite(r->low) || !isfinite(r->high))
        return CLAIM_UNDECIDED;
    if (r->low >= claim->from && r->high <= claim->to)
        return CLAIM_SUPPORTED;
    if (r->high < claim->from - claim->margin || r->low > claim->to + claim->margin)
        return CLAIM_REFUTED;
    return CLAIM_UNDECIDED;
}

void claim_judge(const struct claim *claim, const struct table *answer, struct claim_result *out)
{
    struct claim_point *points = malloc((size_t)(answer->n_rows + 1) * sizeof *points);
    struct claim_result result = {.value = NAN, .low = NAN, .high = NAN};
    size_t used;
    NEED_MEMORY(points);
    ASSERT(answer->n_columns == COLUMN_W + 1);
    result.n_points = read_points(answer, points);
    if (result.n_points == 0)
        (void)snprintf(result.reason, sizeof result.reason, "no trial in the store bears on it");
    else
        estimate(claim, points, result.n_points, &result);
    free(points);
    result.verdict = decide(claim, &result);
    used = strlen(result.reason);
    if (result.verdict == CLAIM_UNDECIDED)
        (void)snprintf(result.reason + used, sizeof result.reason - used, "; wanted: %s", claim->needs);
    *out = result;
}
