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

/* The variables of the three laws, in the order of their letters. */
static const enum law_variable kaplan_variables[] = {LAW_N, LAW_D, LAW_C};
enum { KAPLAN_LAWS = 3 };

/* Whether a law goes through point i: of N and of D, where none of equal x has more of the other; of C, where none of less or equal
 * compute is better. */
static bool is_chosen(const struct law_points *p, const double *weight, int law, int i)
{
    const double *x = p->x[kaplan_variables[law]], *other = p->x[law == 0 ? LAW_D : LAW_N], *loss = p->loss;
    bool chosen = weight[i] > 0.0;
    for (int j = 0; j < p->n && chosen; j++) {
        bool beaten = law < 2 ? x[j] == x[i] && other[j] > other[i]
                              : x[j] <= x[i] && (loss[j] < loss[i] || (loss[j] == loss[i] && x[j] < x[i]));
        chosen = !(weight[j] > 0.0 && beaten);
    }
    return chosen;
}

/* L = (x_c / x)^alpha through points of positive weight. */
static bool power_law(const struct law_points *p, const double *weight, int law, double *letters, double *objective)
{
    const double *x = p->x[kaplan_variables[law]];
    struct sums line = {0};
    double intercept, slope, squares;
    for (int i = 0; i < p->n; i++)
        if (weight[i] > 0.0)
            sums_add(&line, weight[i], log(x[i]), log(p->loss[i]));
    if (!sums_line(&line, &intercept, &slope, &squares) || !(slope < 0.0))
        return false;
    letters[2 * law + 1] = -slope;
    letters[2 * law] = exp(-intercept / slope);
    *objective += squares;
    return true;
}

static void choose(const struct law_points *p, const double *weight, int law, double *chosen)
{
    for (int i = 0; i < p->n; i++)
        chosen[i] = is_chosen(p, weight, law, i) ? weight[i] : 0.0;
}

bool law_estimate_kaplan(const struct law_work *work, const double *weight, double *letters, double *objective)
{
    *objective = 0.0;
    for (int law = 0; law < KAPLAN_LAWS; law++) {
        choose(work->points, weight, law, work->scratch);
        if (!power_law(work->points, work->scratch, law, letters, objective))
            return false;
    }
    return true;
}

static double kaplan_error(const struct law_points *p, const double *letters, int law, int i)
{
    double x = p->x[kaplan_variables[law]][i];
    return pow(letters[2 * law] / x, letters[2 * law + 1]) / p->loss[i] - 1.0;
}

/* Takes from `chosen` the largest share of its points, one at least, and says from which x on they were. */
static double hold_back(const struct law_points *p, int law, double share, double *chosen, double *sorted)
{
    const double *x = p->x[kaplan_variables[law]];
    int n = 0;
    for (int i = 0; i < p->n; i++)
        if (chosen[i] > 0.0)
            sorted[n++] = x[i];
    stats_sort(sorted, n);
    double from = sorted[n - (int)fmax(share * n, 1.0)];
    for (int i = 0; i < p->n; i++)
        chosen[i] = x[i] < from ? chosen[i] : 0.0;
    return from;
}

void law_kaplan_errors(const struct law_work *work, const double *letters, double share, double *rms, double *heldout, int *n_heldout)
{
    const struct law_points *p = work->points;
    double *ones = work->scratch, *chosen = ones + p->n, *sorted = chosen + p->n, squares = 0.0, sizes = 0.0, n = 0.0;
    *n_heldout = 0;
    for (int i = 0; i < p->n; i++)
        ones[i] = 1.0;
    for (int law = 0; law < KAPLAN_LAWS; law++) {
        double rest[2 * KAPLAN_LAWS], ignored = 0.0;
        choose(p, ones, law, chosen);
        for (int i = 0; i < p->n; i++)
            if (chosen[i] > 0.0) {
                squares += pow(kaplan_error(p, letters, law, i), 2);
                n += 1.0;
            }
        double from = share > 0.0 ? hold_back(p, law, share, chosen, sorted) : (double)INFINITY;
        bool told = share > 0.0 && power_law(p, chosen, law, rest, &ignored);
        for (int i = 0; i < p->n && told; i++)
            if (p->x[kaplan_variables[law]][i] >= from && is_chosen(p, ones, law, i)) {
                sizes += fabs(kaplan_error(p, rest, law, i));
                ++*n_heldout;
            }
    }
    *rms = sqrt(squares / n);
    *heldout = *n_heldout ? sizes / *n_heldout : (double)NAN;
}
