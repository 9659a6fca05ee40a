/* SPDX-License-Identifier: Apache-2.0 */
/* threshold.c — see threshold.h. Points are sorted by x once; whatever is resampled is a weight per point, so that
 * one function reads every crossing: the estimate's, each bootstrap replicate's, and those of the ends of a band.
 * Invariant: a crossing is a finite x inside the grid, x[0] when the first already reaches the level, or INFINITY. */
#include "harness/analysis/threshold.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/rng.h"
#include "harness/analysis/stats.h"

enum { SEEDS_MAX = 256 };
#define CONFIDENCE 0.95

enum band { BAND_SCORE, BAND_LOW, BAND_HIGH };

struct work {
    const struct threshold_settings *settings;
    struct threshold_point *points; /* ascending x */
    int n;
    int *seed_of; /* (n) index into the seeds */
    int n_seeds;
    double *x, *y, *weight; /* (n_sizes) scratch: one entry per different x */
};

const char *threshold_state_name(enum threshold_state state)
{
    static const char *const names[] = {"reached", "not_reached", "below", "chance"};
    return names[state];
}

const char *threshold_shape_name(enum threshold_shape shape)
{
    static const char *const names[] = {"unknown", "smooth", "sharp"};
    return names[shape];
}

/* ---- crossings ---- */

/* Scores by size: means weighted by items times the seed's multiplicity. Sizes that no drawn seed has are left out.
 * Returns how many there are. */
static int gather(struct work *w, const int *multiplicity, enum band band)
{
    int n = 0;
    for (int i = 0, end; i < w->n; i = end) {
        double right = 0, items = 0;
        struct interval wilson;
        for (end = i; end < w->n && w->points[end].x == w->points[i].x; end++) {
            double times = multiplicity ? multiplicity[w->seed_of[end]] : 1;
            right += times * w->points[end].y * w->points[end].items;
            items += times * w->points[end].items;
        }
        if (items == 0)
            continue;
        w->x[n] = w->points[i].x;
        w->weight[n] = items;
        w->y[n] = right / items;
        if (band != BAND_SCORE &&
            stats_wilson((int)lround(right), (int)lround(items), CONFIDENCE, &wilson, NULL) == STATUS_OK)
            w->y[n] = band == BAND_LOW ? wilson.low : wilson.high;
        n++;
    }
    return n;
}

/* Where the logistic reaches the level, within the grid. */
static double logistic_crossing(const struct work *w, int n)
{
    const struct threshold_settings *s = w->settings;
    struct curve curve;
    double x;
    if (curve_fit(CURVE_LOGISTIC, w->x, w->y, NULL, n, s->chance, 1, &curve, NULL) != STATUS_OK)
        return NAN;
    x = curve.parameter[0] * pow((s->at - s->chance) / (1 - s->at), 1 / curve.parameter[1]);
    return x > w->x[n - 1] ? INFINITY : fmax(x, w->x[0]);
}

static double crossing(struct work *w, const int *multiplicity, enum band band)
{
    int n = gather(w, multiplicity, band);
    if (w->settings->logistic)
        return logistic_crossing(w, n);
    curve_isotonic(w->y, w->weight, n);
    return curve_crossing(w->x, w->y, n, w->settings->at);
}

/* ---- intervals ---- */

static void interval_of_items(struct work *w, struct threshold *out)
{
    out->low = crossing(w, NULL, BAND_HIGH);
    out->high = crossing(w, NULL, BAND_LOW);
}

/* About the estimate on the logarithmic axis, by the factor that few clusters call for. */
static double widen(double end, double about, int clusters)
{
    double k = clusters,
           factor = sqrt(k / (k - 1)) * stats_student_quantile(0.975, clusters - 1) / stats_normal_quantile(0.975);
    return isfinite(end) ? about * pow(end / about, factor) : end;
}

static enum status interval_of_seeds(struct work *w, double estimate, struct threshold *out, struct err *err)
{
    int replicates = w->settings->replicates;
    double *values = malloc((size_t)replicates * sizeof *values);
    int *multiplicity = malloc((size_t)w->n_seeds * sizeof *multiplicity), told = 0;
    if (!values || !multiplicity) {
        free(values);
        free(multiplicity);
        return err_set(err, STATUS_MEMORY, "threshold: no memory for %d replicates", replicates);
    }
    for (int r = 0; r < replicates; r++) {
        struct rng rng = rng_open(1, RNG_BOOTSTRAP, (uint64_t)r);
        for (int s = 0; s < w->n_seeds; s++)
            multiplicity[s] = 0;
        for (int s = 0; s < w->n_seeds; s++)
            multiplicity[rng_below(&rng, (uint32_t)w->n_seeds)]++;
        values[told] = crossing(w, multiplicity, BAND_SCORE);
        told += !isnan(values[told]);
    }
    out->low = 0;
    out->high = INFINITY;
    if (told > replicates / 2) {
        /* Order statistics, not interpolated: between a finite crossing and none there is nothing. */
        stats_sort(values, told);
        out->low = widen(values[(int)floor(0.025 * (told - 1))], estimate, w->n_seeds);
        out->high = widen(values[(int)ceil(0.975 * (told - 1))], estimate, w->n_seeds);
    }
    free(values);
    free(multiplicity);
    return STATUS_OK;
}

static enum status bound(struct work *w, double estimate, struct threshold *out, struct err *err)
{
    double smallest = w->points[0].x, largest = w->points[w->n - 1].x;
    enum status status = STATUS_OK;
    if (w->n_seeds >= 2)
        status = interval_of_seeds(w, isfinite(estimate) ? estimate : largest, out, err);
    else
        interval_of_items(w, out);
    if (!(out->low > smallest)) /* NaN too: without a curve nothing is ruled out */
        out->low = 0;
    if (!(out->high <= largest))
        out->high = INFINITY;
    if (isinf(out->low))
        out->low = largest; /* nothing that was tried may reach it */
    return status;
}

/* ---- checks ---- */

static enum status check(const struct threshold_point *points, int n, struct err *err)
{
    int different = 0;
    for (int i = 0; i < n; i++) {
        const struct threshold_point *p = &points[i];
        if (!(p->x > 0) || isinf(p->x) || !(p->y >= 0 && p->y <= 1) || !(p->items >= 1))
            return err_set(err, STATUS_INSUFFICIENT, "threshold: point [%d], %g of %g items at %g, is none", i, p->y,
                           p->items, p->x);
        different += p->x != points[0].x;
    }
    if (different == 0)
        return err_set(err, STATUS_INSUFFICIENT, "threshold: one size tells nothing, at least 2 are needed");
    return STATUS_OK;
}

/* ---- shape ---- */

static double better(double a, double b)
{
    return isnan(a) || b < a ? b : a;
}

static enum threshold_shape judge_shape(const struct threshold_forms *t)
{
    double smooth = better(t->curves[CURVE_POWER].aicc, t->curves[CURVE_PL].aicc);
    double sharp = better(t->curves[CURVE_LOGISTIC].aicc, t->curves[CURVE_BROKEN].aicc);
    if (isnan(smooth) || isnan(sharp) || fabs(smooth - sharp) <= THRESHOLD_EVIDENCE)
        return SHAPE_UNKNOWN;
    return sharp < smooth && t->rise <= THRESHOLD_SHARP ? SHAPE_SHARP : SHAPE_SMOOTH;
}

/* Every point counts by itself, so that replicates tell how far off a form may be. */
enum status threshold_weigh(const struct threshold_point *points, int n, double chance, struct threshold_forms *out,
                            struct err *err)
{
    struct threshold_forms result = {.rise = NAN};
    const struct curve *logistic = &result.curves[CURVE_LOGISTIC];
    double *x, *y, *logprob, items = 0;
    enum status status = check(points, n, err);
    if (status != STATUS_OK)
        return status;
    x = malloc((size_t)n * sizeof *x);
    y = malloc((size_t)n * sizeof *y);
    logprob = malloc((size_t)n * sizeof *logprob);
    NEED_MEMORY(x && y && logprob);
    for (int i = 0; i < n; i++) {
        x[i] = points[i].x;
        y[i] = points[i].y;
        logprob[i] = points[i].logprob;
        items += points[i].items / n;
    }
    for (int f = 0; f < CURVE_FORMS; f++) {
        struct curve *curve = &result.curves[f];
        *curve = (struct curve){.form = (enum curve_form)f, .rss = NAN, .aicc = NAN};
        if (curve_fit((enum curve_form)f, x, y, logprob, n, chance, 1 / items, curve, NULL) != STATUS_OK)
            curve->aicc = NAN;
    }
    if (!isnan(logistic->rss))
        result.rise = exp(2 * log(9) / logistic->parameter[1]);
    result.shape = judge_shape(&result);
    *out = result;
    free(x);
    free(y);
    free(logprob);
    return STATUS_OK;
}

/* ---- all of it ---- */

static void number_seeds(struct work *w)
{
    double seeds[SEEDS_MAX];
    for (int i = 0; i < w->n; i++) {
        int s = 0;
        while (s < w->n_seeds && seeds[s] != w->points[i].seed && !(isnan(seeds[s]) && isnan(w->points[i].seed)))
            s++;
        if (s == w->n_seeds && w->n_seeds < SEEDS_MAX)
            seeds[w->n_seeds++] = w->points[i].seed;
        w->seed_of[i] = s < w->n_seeds ? s : SEEDS_MAX - 1;
    }
}

static void work_open(struct work *w, const struct threshold_point *points, int n, const struct threshold_settings *s)
{
    int *order = malloc((size_t)n * sizeof *order);
    size_t room = (size_t)n * sizeof(double);
    *w = (struct work){.settings = s, .n = n};
    w->points = malloc((size_t)n * sizeof *w->points);
    w->seed_of = malloc((size_t)n * sizeof *w->seed_of);
    w->x = malloc(room);
    w->y = malloc(room);
    w->weight = malloc(room);
    NEED_MEMORY(order && w->points && w->seed_of && w->x && w->y && w->weight);
    for (int i = 0; i < n; i++)
        w->x[i] = points[i].x;
    stats_order(order, w->x, n);
    for (int i = 0; i < n; i++)
        w->points[i] = points[order[i]];
    free(order);
    number_seeds(w);
}

static void work_close(struct work *w)
{
    free(w->points);
    free(w->seed_of);
    free(w->x);
    free(w->y);
    free(w->weight);
}

enum status threshold_find(const struct threshold_point *points, int n, const struct threshold_settings *settings,
                           struct threshold *out, struct err *err)
{
    struct threshold result = {.value = NAN, .low = NAN, .high = NAN, .n_points = n};
    struct work w;
    double estimate;
    enum status status = check(points, n, err);
    if (!(settings->at > 0 && settings->at <= 1))
        return err_set(err, STATUS_USAGE, "threshold: the level %g must lie above 0 and be at most 1", settings->at);
    if (status != STATUS_OK)
        return status;
    work_open(&w, points, n, settings);
    result.n_seeds = w.n_seeds;
    result.n_sizes = gather(&w, NULL, BAND_SCORE);
    if (settings->chance >= settings->at) {
        result.state = THRESHOLD_CHANCE;
    } else {
        double smallest = w.points[0].x, largest = w.points[n - 1].x;
        estimate = crossing(&w, NULL, BAND_SCORE);
        result.state = !(estimate <= largest) ? THRESHOLD_NOT_REACHED
                       : estimate <= smallest ? THRESHOLD_BELOW
                                              : THRESHOLD_REACHED;
        result.value = result.state == THRESHOLD_NOT_REACHED ? largest : estimate;
        status = bound(&w, estimate, &result, err);
    }
    if (status == STATUS_OK)
        *out = result;
    work_close(&w);
    return status;
}
