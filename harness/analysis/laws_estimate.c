/* SPDX-License-Identifier: Apache-2.0 */
/* laws_estimate.c — see laws_estimate.h. Laws that are no sums of powers are fitted in unknowns that are free and of
 * order 1: logarithms, with N and D in units of their geometric means. */
#include "harness/analysis/laws_estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/marquardt.h"
#include "harness/analysis/stats.h"

/* ---- Life cycle ---- */

static double log_mean(const double *x, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += log(x[i]);
    return sum / n;
}

/* Points by N, and by C among equal N. */
static void order_curves(int *order, const struct law_points *points)
{
    const double *N = points->x[LAW_N], *C = points->x[LAW_C];
    stats_order(order, N, points->n);
    for (int i = 1; i < points->n; i++) {
        int one = order[i], at = i;
        while (at > 0 && N[order[at - 1]] == N[one] && C[order[at - 1]] > C[one]) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = one;
    }
}

static void find_buckets(struct law_work *work, double width)
{
    const double *C = work->points->x[LAW_C];
    int n = work->points->n;
    work->n_buckets = 0;
    for (int i = 0; i < n; i++) {
        bool begins = i == 0 || C[work->order[i]] > C[work->order[work->bucket[work->n_buckets - 1]]] * (1.0 + width);
        if (begins && work->n_buckets < LAW_MOST_BUCKETS)
            work->bucket[work->n_buckets++] = i;
    }
    work->bucket[work->n_buckets] = n;
}

/* How often the largest cluster can be drawn bounds the length of an expanded resample. */
static size_t most_resampled(const struct law_points *points)
{
    size_t most = 0;
    int *size = calloc((size_t)points->n_clusters, sizeof *size);
    if (size == NULL)
        return (size_t)points->n;
    for (int i = 0; i < points->n; i++) {
        size_t now = (size_t)++size[points->cluster[i]];
        most = now > most ? now : most;
    }
    free(size);
    return most * (size_t)points->n_clusters;
}

enum status law_work_init(struct law_work *work, const struct law *law, const struct law_points *points,
                          const struct law_settings *settings, struct err *err)
{
    size_t n = (size_t)points->n;
    size_t room = (LAW_UNKNOWNS + 2) * n;
    enum law_method method = settings->method;
    *work = (struct law_work){.law = law, .points = points, .method = method};
    work->mean_N = log_mean(points->x[LAW_N], points->n);
    work->mean_D = points->x[LAW_D] ? log_mean(points->x[LAW_D], points->n) : 0.0;
    if (law == &laws[LAW_ROUTED])
        work->mean_N /= log(10.0);
    if (method == LAW_APPROACH2)
        room += 3 * most_resampled(points);
    work->scratch = malloc(room * sizeof(double));
    work->order = malloc(n * sizeof(int));
    if (work->scratch == NULL || work->order == NULL) {
        law_work_release(work);
        return err_set(err, STATUS_MEMORY, "fit: no memory for %d points", points->n);
    }
    if (method == LAW_APPROACH1)
        order_curves(work->order, points);
    if (method == LAW_APPROACH2) {
        stats_order(work->order, points->x[LAW_C], points->n);
        find_buckets(work, settings->bucket);
    }
    if (law->form == NULL && law != &laws[LAW_DATA_CONSTRAINED])
        return STATUS_OK;
    if (method != LAW_VARPRO && method != LAW_HUBER && method != LAW_RELATIVE)
        return STATUS_OK;
    const struct powersum_form *form = law->form ? law->form : laws[LAW_CHINCHILLA].form;
    enum status status = powersum_init(&work->sum, form, points->x, points->loss, points->n, err);
    if (status != STATUS_OK)
        law_work_release(work);
    work->sum.delta = settings->delta;
    return status;
}

void law_work_release(struct law_work *work)
{
    powersum_release(&work->sum);
    free(work->scratch);
    free(work->order);
    *work = (struct law_work){0};
}

/* ---- Sums of powers ---- */

static bool estimate_sum(struct law_work *work, const double *weight, bool search, double *letters, double *objective)
{
    struct powersum_solution at = work->best;
    bool huber = work->method == LAW_HUBER, found;
    if (search)
        found = powersum_search(&work->sum, weight, huber, &at);
    else
        found = huber ? powersum_huber(&work->sum, weight, &at) : powersum_varpro(&work->sum, weight, &at);
    if (!found)
        return false;
    if (search)
        work->best = at;
    powersum_letters(&work->sum, &at, letters);
    *objective = at.objective;
    return true;
}

/* ---- Data-constrained ---- */

/* Unknowns: log E, log A / meanN^alpha, log B / meanD^beta, log alpha, log beta, log R_D, log R_N. */
static void constrained_letters(const struct law_work *work, const double *u, double *letters)
{
    double alpha = exp(u[3]), beta = exp(u[4]);
    letters[0] = exp(u[0]);
    letters[1] = exp(u[1] + alpha * work->mean_N);
    letters[2] = exp(u[2] + beta * work->mean_D);
    letters[3] = alpha;
    letters[4] = beta;
    letters[5] = exp(u[5]);
    letters[6] = exp(u[6]);
}

static void constrained_residuals(const void *context, const double *u, double *residual)
{
    const struct law_work *work = context;
    const struct law_points *points = work->points;
    double letters[LAW_LETTERS];
    constrained_letters(work, u, letters);
    for (int i = 0; i < points->n; i++) {
        double x[LAW_VARIABLES] = {
            [LAW_N] = points->x[LAW_N][i], [LAW_D] = points->x[LAW_D][i], [LAW_U] = points->x[LAW_U][i]};
        residual[i] = 1.0 - law_loss(work->law, letters, x) / points->loss[i];
    }
}

/* The law of new data alone, from the runs that repeat nothing, or from all when those do not determine it. */
static bool start_constrained(struct law_work *work, const double *weight)
{
    const struct law_points *points = work->points;
    struct powersum_solution base;
    double *fresh = work->scratch, letters[LAW_LETTERS];
    int n = 0;
    for (int i = 0; i < points->n; i++) {
        fresh[i] = points->x[LAW_D][i] <= points->x[LAW_U][i] ? weight[i] : 0.0;
        n += fresh[i] > 0.0;
    }
    bool alone = n >= 6 && powersum_search(&work->sum, fresh, false, &base) && powersum_stuck(&work->sum, &base) < 0;
    if (!alone && !powersum_search(&work->sum, weight, false, &base))
        return false;
    powersum_letters(&work->sum, &base, letters);
    work->unknown[0] = log(fmax(letters[0], 1e-3));
    work->unknown[1] = log(fmax(letters[1], 1e-12)) - letters[3] * work->mean_N;
    work->unknown[2] = log(fmax(letters[2], 1e-12)) - letters[4] * work->mean_D;
    work->unknown[3] = log(letters[3]);
    work->unknown[4] = log(letters[4]);
    return true;
}

/* Descends from each start in two of the unknowns and keeps the best. */
static bool best_of(struct law_work *work, const double *weight, marquardt_residuals *residuals, int size, int first,
                    const double (*starts)[2], int n_starts)
{
    double best[LAW_UNKNOWNS] = {0}, least = (double)INFINITY;
    for (int s = 0; s < n_starts; s++) {
        double u[LAW_UNKNOWNS], sum;
        memcpy(u, work->unknown, sizeof u);
        u[first] = starts[s][0];
        u[first + 1] = starts[s][1];
        if (marquardt(residuals, work, weight, work->points->n, size, u, &sum, work->scratch) && sum < least) {
            least = sum;
            memcpy(best, u, sizeof best);
        }
    }
    memcpy(work->unknown, best, sizeof best);
    return isfinite(least);
}

static bool estimate_constrained(struct law_work *work, const double *weight, bool search, double *letters,
                                 double *objective)
{
    static const double starts[][2] = {{2.7, 1.6}, {1.0, 0.0}, {1.0, 3.0}, {4.0, 1.6}};
    double u[LAW_UNKNOWNS];
    if (search && (!start_constrained(work, weight) || !best_of(work, weight, constrained_residuals, 7, 5, starts, 4)))
        return false;
    memcpy(u, work->unknown, sizeof u);
    if (!marquardt(constrained_residuals, work, weight, work->points->n, 7, u, objective, work->scratch))
        return false;
    constrained_letters(work, u, letters);
    return true;
}

/* ---- Routed ---- */

/* Unknowns: a, b, c, d with log10 N less its mean, log E_start, log (E_max - E_start). */
static void routed_letters(const struct law_work *work, const double *u, double *letters)
{
    letters[0] = u[0];
    letters[1] = u[1] - u[2] * work->mean_N;
    letters[2] = u[2];
    letters[3] = u[3] - u[0] * work->mean_N;
    letters[4] = exp(u[4]);
    letters[5] = exp(u[4]) + exp(u[5]);
}

static void routed_residuals(const void *context, const double *u, double *residual)
{
    const struct law_work *work = context;
    const struct law_points *points = work->points;
    double letters[LAW_LETTERS];
    routed_letters(work, u, letters);
    for (int i = 0; i < points->n; i++) {
        double x[LAW_VARIABLES] = {[LAW_N] = points->x[LAW_N][i], [LAW_E] = points->x[LAW_E][i]};
        residual[i] = log10(law_loss(work->law, letters, x) / points->loss[i]);
    }
}

static bool estimate_routed(struct law_work *work, const double *weight, bool search, double *letters, double *objective)
{
    static const double starts[][2] = {{0.2, 4.0}, {0.7, 5.5}, {1.5, 7.0}, {0.2, 7.0}, {1.5, 4.0}};
    double u[LAW_UNKNOWNS];
    if (search) {
        const double first[LAW_UNKNOWNS] = {-0.08, -0.1, 0.0, log_mean(work->points->loss, work->points->n) / log(10.0)};
        memcpy(work->unknown, first, sizeof first);
        if (!best_of(work, weight, routed_residuals, 6, 4, starts, 5))
            return false;
    }
    memcpy(u, work->unknown, sizeof u);
    if (!marquardt(routed_residuals, work, weight, work->points->n, 6, u, objective, work->scratch))
        return false;
    routed_letters(work, u, letters);
    return true;
}

bool law_estimate(struct law_work *work, const double *weight, bool search, double *letters, double *objective)
{
    switch (work->method) {
    case LAW_VARPRO:
    case LAW_HUBER:
        return estimate_sum(work, weight, search, letters, objective);
    case LAW_APPROACH1:
        return law_estimate_approach1(work, weight, letters, objective);
    case LAW_APPROACH2:
        return law_estimate_approach2(work, weight, letters, objective);
    case LAW_RELATIVE:
        return estimate_constrained(work, weight, search, letters, objective);
    case LAW_LOGS:
        if (work->law == &laws[LAW_ROUTED])
            return estimate_routed(work, weight, search, letters, objective);
        return law_estimate_kaplan(work, weight, letters, objective);
    case LAW_METHODS:
        break;
    }
    return false;
}
