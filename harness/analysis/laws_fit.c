/* SPDX-License-Identifier: Apache-2.0 */
/* laws_fit.c — law_fit: the checks before, the fit, its error on what it has not seen, and the resamples; see laws.h.
 * Every figure of a fit is one entry of a flat vector of quantities, so that all get their intervals alike. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/rng.h"
#include "harness/analysis/laws_check.h"
#include "harness/analysis/laws_estimate.h"

/* More failed resamples than this share, and there is no interval. */
#define MOST_FAILED 0.05

static const char *const approach_letters[] = {"a", "b", "k_N", "k_D", NULL};
static const char *const derived_letters[] = {"a", "b", "G"};

static bool is_approach(enum law_method method)
{
    return method == LAW_APPROACH1 || method == LAW_APPROACH2;
}

/* ---- Quantities ---- */

/* Whether the law says how to spend a budget, through chinchilla's letters E A B alpha beta at the front. */
static bool allocates(const struct law *law)
{
    return law == &laws[LAW_CHINCHILLA] || law == &laws[LAW_DATA_CONSTRAINED];
}

static void fill_optimum(const struct law *law, const struct law_settings *settings, const double *letters, double compute,
                         double *out)
{
    out[0] = out[1] = out[2] = (double)NAN;
    if (is_approach(settings->method)) {
        out[0] = letters[2] * pow(compute, letters[0]);
        out[1] = letters[3] * pow(compute, letters[1]);
    } else if (allocates(law) || law == &laws[LAW_FINE_GRAINED] || law == &laws[LAW_PRECISION]) {
        double unique = settings->unique_tokens;
        law_allocate(law, letters, compute, settings->inference_tokens, unique, &out[0], &out[1]);
        double x[LAW_VARIABLES] = {[LAW_N] = out[0], [LAW_D] = out[1], [LAW_C] = compute, [LAW_E] = 1, [LAW_G] = 1, [LAW_P] = 1e9};
        x[LAW_U] = unique > 0.0 ? fmin(unique, out[1]) : out[1];
        out[2] = law_loss(law, letters, x);
    }
}

/* Letters, then a, b, G, then N, D and loss per budget. */
static void fill_quantities(const struct law_fit *fit, const struct law_settings *settings, const double *letters, double *q)
{
    memcpy(q, letters, (size_t)fit->n_letters * sizeof *q);
    q += fit->n_letters;
    if (fit->n_derived) {
        double alpha = letters[3], beta = letters[4];
        q[0] = beta / (alpha + beta);
        q[1] = alpha / (alpha + beta);
        q[2] = exp(log(alpha * letters[1] / (beta * letters[2])) / (alpha + beta));
        q += 3;
    }
    for (int i = 0; i < fit->n_optima; i++)
        fill_optimum(fit->law, settings, letters, settings->compute[i], q + 3 * i);
}

/* The i-th quantity of the vector, where it lives in the result. */
static struct law_quantity *quantity_at(struct law_fit *fit, int i)
{
    if (i < fit->n_letters)
        return &fit->letter[i];
    i -= fit->n_letters;
    if (i < fit->n_derived)
        return &fit->derived[i];
    i -= fit->n_derived;
    struct law_optimum *optimum = &fit->optimum[i / 3];
    return i % 3 == 0 ? &optimum->N : i % 3 == 1 ? &optimum->D : &optimum->loss;
}

static int count_quantities(const struct law_fit *fit)
{
    return fit->n_letters + fit->n_derived + 3 * fit->n_optima;
}

static void name_quantities(struct law_fit *fit, const struct law_settings *settings)
{
    static const char *const optimum_names[] = {"N_opt", "D_opt", "L_opt"};
    const char *const *names = is_approach(settings->method) ? approach_letters : fit->law->letters;
    while (names[fit->n_letters])
        fit->n_letters++;
    fit->n_derived = !is_approach(settings->method) && allocates(fit->law) ? 3 : 0;
    fit->n_optima = fit->n_derived || is_approach(settings->method) || fit->law->form ? settings->n_computes : 0;
    for (int i = 0; i < count_quantities(fit); i++) {
        struct law_quantity *quantity = quantity_at(fit, i);
        int after = i - fit->n_letters - fit->n_derived;
        *quantity = (struct law_quantity){.value = (double)NAN, .low = (double)NAN, .high = (double)NAN, .se = (double)NAN};
        quantity->name = i < fit->n_letters ? names[i]
                         : after < 0        ? derived_letters[i - fit->n_letters]
                                            : optimum_names[after % 3];
    }
    for (int i = 0; i < fit->n_optima; i++)
        fit->optimum[i].compute = settings->compute[i];
    for (int i = 0; i < LAW_LETTERS * LAW_LETTERS; i++)
        fit->covariance[i] = (double)NAN;
}

/* ---- Notes ---- */

static void note(struct law_fit *fit, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct law_fit *fit, const char *format, ...)
{
    size_t used = strlen(fit->notes);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fit->notes + used, sizeof fit->notes - used, format, args);
    va_end(args);
}

/* What a law leaves out or these points leave open. */
static void note_law(struct law_fit *fit, const struct law_points *points, const double *letters)
{
    const double *D = points->x[LAW_D], *E = points->x[LAW_E];
    const char *divider = *fit->notes ? "; " : "";
    if (fit->method == LAW_APPROACH2)
        note(fit, "%sparabolas misplace the optimum the more the wider the sizes; trust varpro", divider);
    if (fit->law == &laws[LAW_ROUTED]) {
        double least = D ? D[0] : 0.0, most = least, experts = 0.0;
        for (int i = 0; i < points->n; i++) {
            least = D ? fmin(least, D[i]) : 0.0;
            most = D ? fmax(most, D[i]) : 0.0;
            experts = fmax(experts, E[i]);
        }
        if (most > 1.01 * least)
            note(fit, "%sthe law has no D, which goes from %.3g to %.3g here: keep it equal", divider, least, most);
        if (letters[5] > 100 * experts)
            note(fit, "%sno saturation: E_max is not determined", *fit->notes ? "; " : "");
    }
}

/* ---- Errors ---- */

/* Relative errors of the points with a positive weight: their root mean square, or their mean size. */
static double relative_error(const struct law *law, const struct law_points *points, const double *letters,
                             const double *weight, bool squared)
{
    double sum = 0.0, count = 0.0;
    for (int i = 0; i < points->n; i++) {
        double x[LAW_VARIABLES];
        if (weight[i] == 0.0)
            continue;
        for (int v = 0; v < LAW_VARIABLES; v++)
            x[v] = points->x[v] ? points->x[v][i] : (double)NAN;
        double error = law_loss(law, letters, x) / points->loss[i] - 1.0;
        sum += squared ? error * error : fabs(error);
        count += 1.0;
    }
    return squared ? sqrt(sum / count) : sum / count;
}

/* Names the points that lie far off a law of many: beyond 8 times the spread of the rest (the median of absolute log
 * residuals, made comparable with a standard deviation) and 5 %. They stay in; whether they belong is the reader's to say. */
static void note_far(struct law_fit *fit, const struct law_points *points, const double *letters)
{
    enum { NAMED = 6, ENOUGH = 20 };
    double *size = malloc((size_t)points->n * sizeof *size), median = (double)INFINITY;
    char text[LAW_POINT_TEXT];
    int far = 0;
    if (size == NULL || points->n < ENOUGH) {
        free(size);
        return;
    }
    for (int i = 0; i < points->n; i++) {
        double x[LAW_VARIABLES];
        for (int v = 0; v < LAW_VARIABLES; v++)
            x[v] = points->x[v] ? points->x[v][i] : (double)NAN;
        size[i] = fabs(log(law_loss(fit->law, letters, x) / points->loss[i]));
    }
    if (stats_median(size, points->n, &median, NULL) != STATUS_OK)
        median = (double)INFINITY;
    for (int i = 0; i < points->n; i++) {
        if (!(size[i] > fmax(8 * 1.4826 * median, 0.05)))
            continue;
        if (far++ == 0)
            note(fit, "%sfar off the law: ", *fit->notes ? "; " : "");
        if (far <= NAMED)
            note(fit, "%s%s", far > 1 ? ", " : "", law_point_text(points, i, text));
    }
    if (far > NAMED)
        note(fit, " and %d more", far - NAMED);
    free(size);
}

/* Fits without the clusters of most compute and predicts them. */
static void hold_out(struct law_work *work, const struct law_settings *settings, struct law_fit *fit)
{
    const struct law_points *points = work->points;
    int n = points->n, n_out = (int)(settings->holdout * points->n_clusters);
    double letters[LAW_LETTERS], objective;
    double *cost = calloc((size_t)points->n_clusters + 2 * (size_t)n, sizeof *cost);
    int *order = malloc((size_t)points->n_clusters * sizeof *order);
    fit->heldout_error = (double)NAN;
    if (cost == NULL || order == NULL || n_out < 1)
        goto done;
    double *kept = cost + points->n_clusters, *out = kept + n;
    for (int i = 0; i < n; i++) {
        double C = points->x[LAW_C]   ? points->x[LAW_C][i]
                   : points->x[LAW_D] ? points->x[LAW_N][i] * points->x[LAW_D][i]
                                      : points->x[LAW_N][i];
        cost[points->cluster[i]] = fmax(cost[points->cluster[i]], C);
    }
    stats_order(order, cost, points->n_clusters);
    for (int i = 0; i < points->n_clusters; i++)
        cost[order[i]] = i >= points->n_clusters - n_out;
    for (int i = 0; i < n; i++) {
        out[i] = cost[points->cluster[i]];
        kept[i] = 1.0 - out[i];
    }
    if (law_estimate(work, kept, false, letters, &objective)) {
        fit->heldout_error = relative_error(work->law, points, letters, out, false);
        for (int i = 0; i < n; i++)
            fit->n_heldout += out[i] > 0.0;
    }
done:
    free(cost);
    free(order);
}

/* ---- Resampling ---- */

/* Student's t with `freedom` degrees where the normal has z: Cornish and Fisher's expansion (Abramowitz & Stegun
 * 26.7.5), to 1e-3 from five degrees on. */
static double student(double z, double freedom)
{
    double z2 = z * z, f = freedom;
    double g1 = z * (z2 + 1.0) / 4.0;
    double g2 = z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
    double g3 = z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
    double g4 = z * ((((79.0 * z2 + 776.0) * z2 + 1482.0) * z2 - 1920.0) * z2 - 945.0) / 92160.0;
    return z + (g1 + (g2 + (g3 + g4 / f) / f) / f) / f;
}

/* The share of replicates beyond either end (laws.h). */
static double expanded_tail(double confidence, int clusters)
{
    double z = -stats_normal_quantile((1.0 - confidence) / 2.0);
    double wide = sqrt(clusters / (clusters - 1.0)) * student(z, clusters - 1.0);
    return stats_normal_cdf(-wide);
}

/* Draws as many clusters as there are, with replacement. */
static void draw(const struct law_points *points, uint64_t seed, int replicate, double *times, double *weight)
{
    struct rng rng = rng_open(seed, RNG_BOOTSTRAP, (uint64_t)replicate);
    memset(times, 0, (size_t)points->n_clusters * sizeof *times);
    for (int c = 0; c < points->n_clusters; c++)
        times[rng_below(&rng, (uint32_t)points->n_clusters)] += 1.0;
    for (int i = 0; i < points->n; i++)
        weight[i] = times[points->cluster[i]];
}

static void fill_covariance(struct law_fit *fit, const double *replicates, int n, int stride)
{
    double mean[LAW_LETTERS] = {0};
    int size = fit->n_letters;
    for (int i = 0; i < size; i++)
        for (int r = 0; r < n; r++)
            mean[i] += replicates[(size_t)i * (size_t)stride + (size_t)r] / n;
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
            const double *x = replicates + (size_t)i * (size_t)stride, *y = replicates + (size_t)j * (size_t)stride;
            double sum = 0.0;
            for (int r = 0; r < n; r++)
                sum += (x[r] - mean[i]) * (y[r] - mean[j]);
            fit->covariance[i * size + j] = sum / (n - 1);
        }
}

/* Intervals of every quantity from its n replicates, which are sorted on the way. */
static void fill_intervals(struct law_fit *fit, double *replicates, int n, int stride, double confidence)
{
    /* Huber's replicates scatter more than its estimate does; widening would go too far. */
    double tail = fit->method == LAW_HUBER ? (1.0 - confidence) / 2.0 : expanded_tail(confidence, fit->n_clusters);
    fill_covariance(fit, replicates, n, stride);
    for (int i = 0; i < count_quantities(fit); i++) {
        struct law_quantity *quantity = quantity_at(fit, i);
        double *x = replicates + (size_t)i * (size_t)stride, sd;
        if (!isfinite(quantity->value) || stats_sd(x, n, &sd, NULL) != STATUS_OK)
            continue;
        stats_sort(x, n);
        quantity->se = sd;
        quantity->low = stats_quantile_sorted(x, n, tail);
        quantity->high = stats_quantile_sorted(x, n, 1.0 - tail);
    }
}

static enum status resample(struct law_work *work, const struct law_settings *settings, struct law_fit *fit, struct err *err)
{
    const struct law_points *points = work->points;
    int B = settings->bootstrap.replicates, n_quantities = count_quantities(fit), n = 0;
    double *replicates = malloc(((size_t)n_quantities * (size_t)B + (size_t)points->n + (size_t)points->n_clusters) * sizeof(double));
    if (replicates == NULL)
        return err_set(err, STATUS_MEMORY, "fit: no memory for %d replicates", B);
    double *weight = replicates + (size_t)n_quantities * (size_t)B, *times = weight + points->n;
    for (int r = 0; r < B; r++) {
        double letters[LAW_LETTERS], q[LAW_QUANTITIES], objective;
        draw(points, settings->bootstrap.seed, r, times, weight);
        if (!law_estimate(work, weight, false, letters, &objective))
            continue;
        fill_quantities(fit, settings, letters, q);
        for (int i = 0; i < n_quantities; i++)
            replicates[(size_t)i * (size_t)B + (size_t)n] = q[i];
        n++;
    }
    fit->n_replicates = B;
    fit->n_failed = B - n;
    if (fit->n_failed <= MOST_FAILED * B)
        fill_intervals(fit, replicates, n, B, settings->bootstrap.confidence);
    else
        note(fit, "%sno interval: %d of %d resamples determine no law", *fit->notes ? "; " : "", fit->n_failed, B);
    free(replicates);
    return STATUS_OK;
}

/* ---- The fit ---- */

/* Budgets without an optimum, by reason; of each reason the first few. */
static void note_buckets(struct law_work *work, const double *weight, struct law_fit *fit, int *n_good)
{
    enum { NAMED = 4 };
    const char *faults[LAW_MOST_BUCKETS];
    double C[LAW_MOST_BUCKETS];
    *n_good = 0;
    for (int b = 0; b < work->n_buckets; b++) {
        faults[b] = law_bucket_fault(work, weight, b, &C[b]);
        *n_good += faults[b] == NULL;
    }
    for (int b = 0; b < work->n_buckets; b++) {
        const char *fault = faults[b];
        int n = 0;
        for (int other = b; fault && other < work->n_buckets; other++) {
            if (faults[other] != fault)
                continue;
            if (n == 0)
                note(fit, "%sbudgets left out, %s: %.3g", *fit->notes ? "; " : "", fault, C[other]);
            else if (n < NAMED)
                note(fit, ", %.3g", C[other]);
            faults[other] = NULL;
            n++;
        }
        if (n > NAMED)
            note(fit, " and %d more", n - NAMED);
    }
}

static enum status fit_whole(struct law_work *work, struct law_fit *fit, const double *weight, double *letters, struct err *err)
{
    int n_good = 2;
    if (work->method == LAW_APPROACH2)
        note_buckets(work, weight, fit, &n_good);
    if (n_good < 2)
        return err_set(err, STATUS_INSUFFICIENT, "%s approach2: %d budgets with an optimum inside, at least 2 needed (%.200s)",
                       fit->law->name, n_good, fit->notes);
    if (!law_estimate(work, weight, true, letters, &fit->objective))
        return err_set(err, STATUS_INSUFFICIENT, "%s: the %d points determine no such law by %s%s", fit->law->name, fit->n_points,
                       law_method_names[work->method],
                       work->method == LAW_APPROACH1 ? ": three sizes must each be best at some budget, between two others" : "");
    return law_check_letters(work, letters, err);
}

enum status law_fit(const struct law *law, const struct law_points *points, const struct law_settings *settings,
                    struct law_fit *out, struct err *err)
{
    struct law_fit fit = {.law = law, .method = settings->method, .n_points = points->n, .n_clusters = points->n_clusters};
    struct law_work work;
    double letters[LAW_LETTERS], q[LAW_QUANTITIES];
    ASSERT(settings->n_computes <= LAW_COMPUTES);
    enum status status = law_check_points(law, points, settings, err);
    if (status != STATUS_OK)
        return status;
    status = law_work_init(&work, law, points, settings, err);
    if (status != STATUS_OK)
        return status;
    name_quantities(&fit, settings);
    fit.heldout_error = fit.residual_rms = (double)NAN;
    double *weight = malloc((size_t)points->n * sizeof *weight);
    if (weight == NULL) {
        status = err_set(err, STATUS_MEMORY, "fit: no memory for %d points", points->n);
        goto done;
    }
    for (int i = 0; i < points->n; i++)
        weight[i] = 1.0;
    status = fit_whole(&work, &fit, weight, letters, err);
    if (status != STATUS_OK)
        goto done;
    fill_quantities(&fit, settings, letters, q);
    for (int i = 0; i < count_quantities(&fit); i++)
        quantity_at(&fit, i)->value = q[i];
    if (law == &laws[LAW_KAPLAN]) {
        law_kaplan_errors(&work, letters, settings->holdout, &fit.residual_rms, &fit.heldout_error, &fit.n_heldout);
    } else if (!is_approach(fit.method)) {
        fit.residual_rms = relative_error(law, points, letters, weight, true);
        note_far(&fit, points, letters);
        hold_out(&work, settings, &fit);
    }
    note_law(&fit, points, letters);
    if (fit.method == LAW_HUBER && settings->delta != POWERSUM_HUBER_DELTA)
        note(&fit, "%sdelta %.3g", *fit.notes ? "; " : "", settings->delta);
    if (settings->bootstrap.replicates > 0)
        status = resample(&work, settings, &fit, err);
    if (status == STATUS_OK)
        *out = fit;
done:
    free(weight);
    law_work_release(&work);
    return status;
}
