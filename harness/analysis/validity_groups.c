/* SPDX-License-Identifier: Apache-2.0 */
/* validity_groups.c — the checks of validity.h that compare a trial with others: its replicates, its learning-rate
 * sweep, its compute budget, the dense models beside a mixture. Two trials are of one group when a key that
 * validity_sql made of their knobs is the same text. */
#include <math.h>
#include <string.h>

#include "harness/analysis/validity_cells.h"

enum { LEAST_RATES = 3, LEAST_SIZES = 3, TUNED_SIZES = 2, OPTIMA = 16 };
#define SAME_RATE 2.0    /* a rate within this factor of the optimum is at it: sweeps step by as much */
#define SAME_EXTENT 0.15 /* how far a dense comparator may be off, in the logarithm */

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

#define SAME_KEY(cells, a, b, key) same_text(TEXT(cells, a, key), TEXT(cells, b, key))

/* ---- learning rate ---- */

struct rates {
    int n;         /* different rates tried, replicates counted once */
    double best;   /* the rate with the lowest loss */
    bool interior; /* smaller and larger ones were tried */
};

/* The sweep of learning rates that the row belongs to: all else equal. */
static struct rates sweep_of(const struct validity_cells *c, int row)
{
    struct rates sweep = {0};
    double best_loss = INFINITY, lowest = INFINITY, highest = 0;
    for (int i = 0; i < c->trials->n_rows; i++) {
        double lr = VALUE(c, i, lr), loss = VALUE(c, i, heldout_loss);
        bool seen = false;
        if (!SAME_KEY(c, i, row, rate_key) || isnan(lr) || isnan(loss))
            continue;
        for (int j = 0; j < i && !seen; j++)
            seen = VALUE(c, j, lr) == lr && SAME_KEY(c, j, row, rate_key);
        sweep.n += !seen;
        lowest = fmin(lowest, lr);
        highest = fmax(highest, lr);
        if (loss < best_loss) {
            best_loss = loss;
            sweep.best = lr;
        }
    }
    sweep.interior = sweep.n >= LEAST_RATES && sweep.best > lowest && sweep.best < highest;
    return sweep;
}

static bool at_optimum(double lr, double best)
{
    return lr <= best * SAME_RATE && lr >= best / SAME_RATE;
}

/* Sizes of the row's family whose sweep has an interior optimum that the row's rate is at. */
static int tuned_sizes(const struct validity_cells *c, int row)
{
    double seen[OPTIMA];
    int n = 0;
    for (int i = 0; i < c->trials->n_rows && n < OPTIMA; i++) {
        struct rates sweep;
        bool counted = false;
        if (!SAME_KEY(c, i, row, family_key))
            continue;
        for (int j = 0; j < n; j++)
            counted = counted || seen[j] == VALUE(c, i, params_total);
        if (counted)
            continue;
        sweep = sweep_of(c, i);
        if (sweep.interior && at_optimum(VALUE(c, row, lr), sweep.best))
            seen[n++] = VALUE(c, i, params_total);
    }
    return n;
}

struct validity_result validity_rate(const struct validity_cells *c, int row)
{
    const char *way = TEXT(c, row, parametrization), *shrink = TEXT(c, row, shrink);
    double lr = VALUE(c, row, lr);
    struct rates own;
    int sizes;
    if (shrink && strcmp(shrink, "none") != 0)
        return validity_says(VALIDITY_UNCHECKED, "a shrunk model was not trained; see its parent");
    if (isnan(lr) || !TEXT(c, row, rate_key))
        return validity_says(VALIDITY_UNCHECKED, "the learning rate is not known");
    own = sweep_of(c, row);
    if (own.interior && at_optimum(lr, own.best))
        return validity_says(VALIDITY_PASS, "tuned at this size: best of %d rates is %.3g", own.n, own.best);
    if (own.interior)
        return validity_says(VALIDITY_WARN, "%.3g is not the best of %d rates at this size, %.3g is", lr, own.n,
                             own.best);
    sizes = tuned_sizes(c, row);
    if (way && strcmp(way, "mup") == 0 && sizes >= TUNED_SIZES)
        return validity_says(VALIDITY_PASS, "carried by muP from sweeps with an interior optimum at %d sizes", sizes);
    if (own.n >= LEAST_RATES)
        return validity_says(VALIDITY_WARN, "untuned: the best of %d rates, %.3g, is at the edge of the sweep", own.n,
                             own.best);
    return validity_says(VALIDITY_WARN, "untuned: %d of %d sizes with a sweep whose optimum this is", sizes,
                         TUNED_SIZES);
}

/* ---- compute budget ---- */

struct validity_result validity_edge(const struct validity_cells *c, int row)
{
    double best = NAN, best_loss = INFINITY, smallest = INFINITY, largest = 0;
    int sizes = 0;
    if (!(VALUE(c, row, flops) > 0))
        return validity_says(VALIDITY_UNCHECKED, "no compute budget was set");
    for (int i = 0; i < c->trials->n_rows; i++) {
        double params = VALUE(c, i, params_total);
        bool seen = false;
        if (!SAME_KEY(c, i, row, budget_key) || isnan(params))
            continue;
        for (int j = 0; j < i && !seen; j++)
            seen = VALUE(c, j, params_total) == params && SAME_KEY(c, j, row, budget_key);
        sizes += !seen;
        smallest = fmin(smallest, params);
        largest = fmax(largest, params);
        if (VALUE(c, i, heldout_loss) < best_loss) {
            best_loss = VALUE(c, i, heldout_loss);
            best = params;
        }
    }
    if (sizes < LEAST_SIZES)
        return validity_says(VALIDITY_UNCHECKED, "%d sizes at this budget, at least %d wanted", sizes, LEAST_SIZES);
    if (best == smallest || best == largest)
        return validity_says(VALIDITY_WARN, "the %s of %d sizes is best at this budget: no optimum is seen",
                             best == smallest ? "smallest" : "largest", sizes);
    return validity_says(VALIDITY_PASS, "the best of %d sizes, %.4g parameters, is inside the grid", sizes, best);
}

/* ---- replicates ---- */

struct validity_result validity_seeds(const struct validity_cells *c, int row)
{
    int n = 0;
    if (!TEXT(c, row, replicate_key) || isnan(VALUE(c, row, seed)))
        return validity_says(VALIDITY_UNCHECKED, "the seed is not known");
    for (int i = 0; i < c->trials->n_rows; i++) {
        bool seen = !SAME_KEY(c, i, row, replicate_key);
        for (int j = 0; j < i && !seen; j++)
            seen = VALUE(c, j, seed) == VALUE(c, i, seed) && SAME_KEY(c, j, row, replicate_key);
        n += !seen;
    }
    if (n < 2)
        return validity_says(VALIDITY_WARN, "one seed: no interval");
    return validity_says(VALIDITY_PASS, "%d seeds", n);
}

/* ---- tokenisers ---- */

struct validity_result validity_tokenizer(const struct validity_cells *c, int row)
{
    bool other = false;
    for (int i = 0; i < c->trials->n_rows; i++)
        other = other || (TEXT(c, i, tokenizer) && !SAME_KEY(c, i, row, tokenizer));
    if (!isnan(VALUE(c, row, bits_per_byte)))
        return validity_says(VALIDITY_PASS, "%s",
                             other ? "compare bits per byte: other tokenisers are in the store"
                                   : "bits per byte are stored");
    if (other)
        return validity_says(VALIDITY_FAIL, "no bits per byte, and other tokenisers are in the store");
    return validity_says(VALIDITY_WARN, "no bits per byte: not comparable with another tokeniser");
}

/* ---- mixtures of experts ---- */

/* Whether a dense trained model on the same data and as many tokens has about the row's extent in this column. */
static bool has_comparator(const struct validity_cells *c, int row, enum validity_column column)
{
    double own = table_number(c->trials, row, c->at[column]);
    for (int i = 0; i < c->trials->n_rows; i++) {
        double other = table_number(c->trials, i, c->at[column]);
        if (VALUE(c, i, experts) == 1 && same_text(TEXT(c, i, shrink), "none") && SAME_KEY(c, i, row, data_identity) &&
            VALUE(c, i, tokens) == VALUE(c, row, tokens) && fabs(log(other / own)) <= SAME_EXTENT)
            return true;
    }
    return false;
}

struct validity_result validity_comparators(const struct validity_cells *c, int row)
{
    static const struct {
        enum validity_column column;
        const char *name;
    } extents[] = {
        {VALIDITY_AT_params_total, "total parameters"},
        {VALIDITY_AT_params_active, "active parameters"},
        {VALIDITY_AT_train_s, "time"},
        {VALIDITY_AT_peak_rss_bytes, "memory"},
    };
    struct validity_result result = {.verdict = VALIDITY_PASS};
    struct str missing;
    if (isnan(VALUE(c, row, experts)))
        return validity_says(VALIDITY_UNCHECKED, "the number of experts is not known");
    if (VALUE(c, row, experts) <= 1)
        return validity_says(VALIDITY_UNCHECKED, "a dense model");
    str_init(&missing);
    for (size_t i = 0; i < sizeof extents / sizeof *extents; i++)
        if (!has_comparator(c, row, extents[i].column))
            str_format(&missing, "%s%s", missing.length ? ", " : "", extents[i].name);
    result = missing.length ? validity_says(VALIDITY_WARN, "no dense model of equal %s beside it", missing.text)
                            : validity_says(VALIDITY_PASS, "dense models of equal total, active, time and memory");
    str_release(&missing);
    return result;
}
