/* SPDX-License-Identifier: Apache-2.0 */
/* laws_curves.c — laws read off curves: the envelope (approach 1), IsoFLOP parabolas (approach 2), Kaplan's power laws.
 * Each ends in straight lines through logarithms. Resampled points count by their weight. */
#include <math.h>
#include <string.h>

#include "harness/analysis/fit.h"
#include "harness/analysis/laws_estimate.h"

enum { ENVELOPE_BUDGETS = 1500, MOST_CURVES = 512 }; /* budgets: as in Hoffmann 2022, section 3.1 */

/* ---- A weighted line, summed up as points come; x about an origin that is near them ---- */

struct sums {
    double origin, w, x, y, xx, xy, yy;
};

static void sums_add(struct sums *s, double w, double x, double y)
{
    if (s->w == 0.0)
        s->origin = x;
    x -= s->origin;
    s->w += w;
    s->x += w * x;
    s->y += w * y;
    s->xx += w * x * x;
    s->xy += w * x * y;
    s->yy += w * y * y;
}

/* y = intercept + slope x; false when x does not vary. */
static bool sums_line(const struct sums *s, double *intercept, double *slope, double *squares)
{
    double xx = s->xx - s->x * s->x / s->w;
    double xy = s->xy - s->x * s->y / s->w;
    double yy = s->yy - s->y * s->y / s->w;
    if (!(xx > 1e-12 * s->xx) || !(s->w > 0.0))
        return false;
    *slope = xy / xx;
    *intercept = s->y / s->w - *slope * (s->x / s->w + s->origin);
    *squares = fmax(yy - xy * *slope, 0.0);
    return true;
}

/* N_opt = k_N C^a and D_opt = k_D C^b from points (log C, log N), (log C, log D). */
static bool power_letters(const struct sums *N, const struct sums *D, double *letters, double *objective)
{
    double log_k_N, log_k_D, squares_N, squares_D;
    if (!sums_line(N, &log_k_N, &letters[0], &squares_N) || !sums_line(D, &log_k_D, &letters[1], &squares_D))
        return false;
    letters[2] = exp(log_k_N);
    letters[3] = exp(log_k_D);
    *objective = squares_N + squares_D;
    return true;
}

/* ---- Approach 1 ---- */

/* Runs of one size by ascending C, equal C averaged. */
struct curve {
    double log_N;
    double *log_C, *loss, *log_D;
    int n, at;
};

static int make_curves(struct law_work *work, const double *weight, struct curve *curves)
{
    const struct law_points *points = work->points;
    double *log_C = work->scratch, *loss = log_C + points->n, *log_D = loss + points->n;
    int n_curves = 0, used = 0;
    for (int i = 0; i < points->n;) {
        double N = points->x[LAW_N][work->order[i]];
        int first = used;
        while (i < points->n && points->x[LAW_N][work->order[i]] == N) {
            double C = points->x[LAW_C][work->order[i]], w = 0.0, sum = 0.0, sum_D = 0.0;
            for (; i < points->n && points->x[LAW_N][work->order[i]] == N && points->x[LAW_C][work->order[i]] == C; i++) {
                w += weight[work->order[i]];
                sum += weight[work->order[i]] * points->loss[work->order[i]];
                sum_D += weight[work->order[i]] * log(points->x[LAW_D][work->order[i]]);
            }
            if (w == 0.0)
                continue;
            log_C[used] = log(C);
            loss[used] = sum / w;
            log_D[used++] = sum_D / w;
        }
        if (used - first >= 2 && n_curves < MOST_CURVES)
            curves[n_curves++] = (struct curve){
                .log_N = log(N), .log_C = log_C + first, .loss = loss + first, .log_D = log_D + first, .n = used - first};
        else
            used = first;
    }
    return n_curves;
}

/* The curve's loss at a budget no less than that of the call before; false outside its runs. */
static bool read_curve(struct curve *curve, double log_C, double *loss, double *log_D)
{
    if (log_C < curve->log_C[0] || log_C > curve->log_C[curve->n - 1])
        return false;
    while (curve->at + 2 < curve->n && curve->log_C[curve->at + 1] < log_C)
        curve->at++;
    int i = curve->at;
    double share = (log_C - curve->log_C[i]) / (curve->log_C[i + 1] - curve->log_C[i]);
    *loss = (1.0 - share) * curve->loss[i] + share * curve->loss[i + 1];
    *log_D = (1.0 - share) * curve->log_D[i] + share * curve->log_D[i + 1];
    return true;
}

/* A budget counts when its best size lies between two others that were tried at it: an optimum at the edge of the
 * sizes is none. At least three sizes must win somewhere. */
bool law_estimate_approach1(struct law_work *work, const double *weight, double *letters, double *objective)
{
    struct curve curves[MOST_CURVES];
    struct sums N = {0}, D = {0};
    int n = make_curves(work, weight, curves), n_winners = 0;
    bool won[MOST_CURVES] = {false};
    double low = (double)INFINITY, high = -(double)INFINITY;
    for (int c = 0; c < n; c++) {
        low = fmin(low, curves[c].log_C[0]);
        high = fmax(high, curves[c].log_C[curves[c].n - 1]);
    }
    for (int b = 0; b < ENVELOPE_BUDGETS && n >= 3; b++) {
        double log_C = low + (high - low) * b / (ENVELOPE_BUDGETS - 1), least = (double)INFINITY, best_D = 0.0, loss, log_D;
        int best = -1, first = -1, last = -1;
        for (int c = 0; c < n; c++) {
            if (!read_curve(&curves[c], log_C, &loss, &log_D))
                continue;
            first = first < 0 ? c : first;
            last = c;
            if (loss < least) {
                least = loss;
                best = c;
                best_D = log_D;
            }
        }
        if (best < 0 || best == first || best == last)
            continue;
        sums_add(&N, 1.0, log_C, curves[best].log_N);
        sums_add(&D, 1.0, log_C, best_D);
        n_winners += !won[best];
        won[best] = true;
    }
    return n_winners >= 3 && power_letters(&N, &D, letters, objective);
}

/* ---- Approach 2 ---- */

/* The bucket's runs, each as often as its weight says: log N, log D, loss. */
static int expand(struct law_work *work, const double *weight, int bucket, double **x, double **d, double **y, double *C)
{
    const struct law_points *points = work->points;
    int n = 0, room = 0;
    double sum = 0.0;
    for (int i = work->bucket[bucket]; i < work->bucket[bucket + 1]; i++)
        room += (int)weight[work->order[i]];
    *x = work->scratch;
    *d = *x + room;
    *y = *d + room;
    for (int i = work->bucket[bucket]; i < work->bucket[bucket + 1]; i++) {
        int p = work->order[i];
        for (int times = (int)weight[p]; times > 0; times--, n++) {
            (*x)[n] = log(points->x[LAW_N][p]);
            (*d)[n] = log(points->x[LAW_D][p]);
            (*y)[n] = points->loss[p];
            sum += log(points->x[LAW_C][p]);
        }
    }
    *C = exp(sum / n);
    return n;
}

static const char *fit_bucket(struct law_work *work, const double *weight, int bucket, double *C, double *log_N,
                              double *log_D)
{
    struct fit_quadratic by_N, by_D;
    double *x, *d, *y;
    int n = expand(work, weight, bucket, &x, &d, &y, C);
    if (n < 3 || fit_quadratic(x, y, n, &by_N, NULL) != STATUS_OK || fit_quadratic(d, y, n, &by_D, NULL) != STATUS_OK)
        return "fewer than 3 sizes, or no curvature";
    if (by_N.curvature < 0 || by_D.curvature < 0)
        return "the parabola has a maximum";
    if (!by_N.interior || !by_D.interior)
        return "optimum at the edge of the sizes";
    *log_N = by_N.vertex_x;
    *log_D = by_D.vertex_x;
    return NULL;
}

const char *law_bucket_fault(struct law_work *work, const double *weight, int bucket, double *C)
{
    double log_N, log_D;
    return fit_bucket(work, weight, bucket, C, &log_N, &log_D);
}

bool law_estimate_approach2(struct law_work *work, const double *weight, double *letters, double *objective)
{
    struct sums N = {0}, D = {0};
    for (int b = 0; b < work->n_buckets; b++) {
        double C, log_N, log_D;
        if (fit_bucket(work, weight, b, &C, &log_N, &log_D))
            continue;
        sums_add(&N, 1.0, log(C), log_N);
        sums_add(&D, 1.0, log(C), log_D);
    }
    return N.w >= 2.0 && power_letters(&N, &D, letters, objective);
}

/* ---- Kaplan ---- */

/* L = (x_c / x)^alpha through the points that, among those of equal x, have the most of `other`. */
static bool power_law(const struct law_points *points, const double *weight, const double *x, const double *other,
                      double *critical, double *alpha, double *objective)
{
    struct sums line = {0};
    double intercept, slope, squares;
    for (int i = 0; i < points->n; i++) {
        bool most = weight[i] > 0.0;
        for (int j = 0; j < points->n && most; j++)
            most = !(weight[j] > 0.0 && x[j] == x[i] && other[j] > other[i]);
        if (most)
            sums_add(&line, weight[i], log(x[i]), log(points->loss[i]));
    }
    if (!sums_line(&line, &intercept, &slope, &squares) || !(slope < 0.0))
        return false;
    *alpha = -slope;
    *critical = exp(intercept / *alpha);
    *objective += squares;
    return true;
}

/* The points that none of less or equal compute beats. */
static bool envelope_law(const struct law_points *points, const double *weight, double *critical, double *alpha,
                         double *objective)
{
    struct sums line = {0};
    const double *C = points->x[LAW_C], *loss = points->loss;
    double intercept, slope, squares;
    for (int i = 0; i < points->n; i++) {
        bool best = weight[i] > 0.0;
        for (int j = 0; j < points->n && best; j++)
            best = !(weight[j] > 0.0 && C[j] <= C[i] && (loss[j] < loss[i] || (loss[j] == loss[i] && C[j] < C[i])));
        if (best)
            sums_add(&line, weight[i], log(C[i]), log(loss[i]));
    }
    if (!sums_line(&line, &intercept, &slope, &squares) || !(slope < 0.0))
        return false;
    *alpha = -slope;
    *critical = exp(intercept / *alpha);
    *objective += squares;
    return true;
}

bool law_estimate_kaplan(const struct law_work *work, const double *weight, double *letters, double *objective)
{
    const struct law_points *p = work->points;
    *objective = 0.0;
    return power_law(p, weight, p->x[LAW_N], p->x[LAW_D], &letters[0], &letters[1], objective) &&
           power_law(p, weight, p->x[LAW_D], p->x[LAW_N], &letters[2], &letters[3], objective) &&
           envelope_law(p, weight, &letters[4], &letters[5], objective);
}
