/* SPDX-License-Identifier: Apache-2.0 */
/* validity_groups.c — the checks of validity.h that compare a trial with others: its replicates, its learning-rate
 * sweep, its compute budget, the dense models beside a mixture. Two trials are of one group when a key that
 * validity_sql made of their knobs is the same text. Groups are found and their optima looked up once, so that a store
 * of thousands is judged in seconds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/analysis/stats.h"
#include "harness/analysis/validity_cells.h"

enum { LEAST_RATES = 3, LEAST_SIZES = 3, TUNED_SIZES = 2, OPTIMA = 16 };
#define SAME_RATE 2.0    /* a rate within this factor of the optimum is at it: sweeps step by as much */
#define SAME_EXTENT 0.15 /* how far a dense comparator may be off, in the logarithm */

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* ---- groups ---- */

struct keyed {
    const char *text;
    int row;
};

static int by_text(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* Rows with equal text in the column, side by side in members; a row without text is of no group. */
static void group_by(const struct validity_cells *c, enum validity_column column, struct validity_group *out)
{
    int n_rows = c->trials->n_rows, n = 0;
    struct keyed *keyed = malloc((size_t)(n_rows + 1) * sizeof *keyed);
    *out = (struct validity_group){.of = malloc((size_t)(n_rows + 1) * sizeof(int)),
                                   .begin = malloc((size_t)(n_rows + 1) * sizeof(int)),
                                   .members = malloc((size_t)(n_rows + 1) * sizeof(int))};
    NEED_MEMORY(keyed && out->of && out->begin && out->members);
    for (int r = 0; r < n_rows; r++) {
        const char *text = table_text(c->trials, r, c->at[column]);
        out->of[r] = -1;
        if (text)
            keyed[n++] = (struct keyed){text, r};
    }
    qsort(keyed, (size_t)n, sizeof *keyed, by_text);
    for (int i = 0; i < n; i++) {
        if (i == 0 || strcmp(keyed[i].text, keyed[i - 1].text) != 0)
            out->begin[out->n++] = i;
        out->members[i] = keyed[i].row;
        out->of[keyed[i].row] = out->n - 1;
    }
    out->begin[out->n] = n;
    free(keyed);
}

static void group_release(struct validity_group *group)
{
    free(group->of);
    free(group->begin);
    free(group->members);
}

/* Different values of a column among the members of a group; missing ones are none. */
static int distinct(const struct validity_cells *c, const struct validity_group *group, int g,
                    enum validity_column column)
{
    int size = group->begin[g + 1] - group->begin[g], n = 0, different = 0;
    double *values = malloc((size_t)size * sizeof *values);
    NEED_MEMORY(values);
    for (int i = group->begin[g]; i < group->begin[g + 1]; i++) {
        values[n] = table_number(c->trials, group->members[i], c->at[column]);
        n += !isnan(values[n]);
    }
    stats_sort(values, n);
    for (int i = 0; i < n; i++)
        different += i == 0 || values[i] != values[i - 1];
    free(values);
    return different;
}

/* The value of a column at which the loss of the group is lowest, and how many and which others were tried. */
static struct validity_optimum optimum_of(const struct validity_cells *c, const struct validity_group *group, int g,
                                          enum validity_column column)
{
    struct validity_optimum best = {.n = distinct(c, group, g, column), .lowest = INFINITY, .at = NAN};
    double loss = INFINITY;
    for (int i = group->begin[g]; i < group->begin[g + 1]; i++) {
        int row = group->members[i];
        double value = table_number(c->trials, row, c->at[column]);
        if (isnan(value))
            continue;
        best.lowest = fmin(best.lowest, value);
        best.highest = fmax(best.highest, value);
        if (VALUE(c, row, heldout_loss) < loss) {
            loss = VALUE(c, row, heldout_loss);
            best.at = value;
        }
    }
    return best;
}

static struct validity_optimum *optima_of(const struct validity_cells *c, const struct validity_group *group,
                                          enum validity_column column)
{
    struct validity_optimum *optima = malloc((size_t)(group->n + 1) * sizeof *optima);
    NEED_MEMORY(optima);
    for (int g = 0; g < group->n; g++)
        optima[g] = optimum_of(c, group, g, column);
    return optima;
}

/* Enough were tried, and the best has others on both sides. */
static bool is_interior(const struct validity_optimum *o, int least)
{
    return o->n >= least && o->at > o->lowest && o->at < o->highest;
}

/* ---- learning rate ---- */

static bool at_optimum(double lr, double best)
{
    return lr <= best * SAME_RATE && lr >= best / SAME_RATE;
}

/* Sizes of the row's family whose sweep has an interior optimum that the row's rate is at; counted up to OPTIMA. */
static int tuned_sizes(const struct validity_cells *c, int row)
{
    const struct validity_group *families = &c->families;
    int g = families->of[row], n = 0;
    double seen[OPTIMA];
    for (int i = families->begin[g]; i < families->begin[g + 1] && n < OPTIMA; i++) {
        int other = families->members[i];
        const struct validity_optimum *sweep = &c->best_rates[c->rates.of[other]];
        bool counted = !is_interior(sweep, LEAST_RATES) || !at_optimum(VALUE(c, row, lr), sweep->at);
        for (int j = 0; j < n && !counted; j++)
            counted = seen[j] == VALUE(c, other, params_total);
        if (!counted)
            seen[n++] = VALUE(c, other, params_total);
    }
    return n;
}

struct validity_result validity_rate(const struct validity_cells *c, int row)
{
    const char *way = TEXT(c, row, parametrization), *shrink = TEXT(c, row, shrink);
    const struct validity_optimum *own;
    double lr = VALUE(c, row, lr);
    int sizes;
    if (shrink && strcmp(shrink, "none") != 0)
        return validity_says(VALIDITY_UNCHECKED, "a shrunk model was not trained; see its parent");
    if (isnan(lr) || c->rates.of[row] < 0 || c->families.of[row] < 0)
        return validity_says(VALIDITY_UNCHECKED, "the learning rate is not known");
    own = &c->best_rates[c->rates.of[row]];
    if (is_interior(own, LEAST_RATES) && at_optimum(lr, own->at))
        return validity_says(VALIDITY_PASS, "tuned at this size: best of %d rates is %.3g", own->n, own->at);
    if (is_interior(own, LEAST_RATES))
        return validity_says(VALIDITY_WARN, "%.3g is not the best of %d rates at this size, %.3g is", lr, own->n,
                             own->at);
    sizes = tuned_sizes(c, row);
    if (way && strcmp(way, "mup") == 0 && sizes >= TUNED_SIZES)
        return validity_says(VALIDITY_PASS, "carried by muP from sweeps with an interior optimum at %d sizes", sizes);
    if (own->n >= LEAST_RATES)
        return validity_says(VALIDITY_WARN, "untuned: the best of %d rates, %.3g, is at the edge of the sweep", own->n,
                             own->at);
    return validity_says(VALIDITY_WARN, "untuned: %d of %d sizes with a sweep whose optimum this is", sizes,
                         TUNED_SIZES);
}

/* ---- compute budget ---- */

struct validity_result validity_edge(const struct validity_cells *c, int row)
{
    const struct validity_optimum *best;
    if (!(VALUE(c, row, flops) > 0) || c->budgets.of[row] < 0)
        return validity_says(VALIDITY_UNCHECKED, "no compute budget was set");
    best = &c->best_sizes[c->budgets.of[row]];
    if (best->n < LEAST_SIZES)
        return validity_says(VALIDITY_UNCHECKED, "%d sizes at this budget, at least %d wanted", best->n, LEAST_SIZES);
    if (!is_interior(best, LEAST_SIZES))
        return validity_says(VALIDITY_WARN, "the %s of %d sizes is best at this budget: no optimum is seen",
                             best->at == best->lowest ? "smallest" : "largest", best->n);
    return validity_says(VALIDITY_PASS, "the best of %d sizes, %.4g parameters, is inside the grid", best->n, best->at);
}

/* ---- replicates ---- */

struct validity_result validity_seeds(const struct validity_cells *c, int row)
{
    int g = c->replicates.of[row], n = g < 0 ? 0 : c->seeds[g];
    if (isnan(VALUE(c, row, seed)) || n == 0)
        return validity_says(VALIDITY_UNCHECKED, "the seed is not known");
    if (n < 2)
        return validity_says(VALIDITY_WARN, "one seed: no interval");
    return validity_says(VALIDITY_PASS, "%d seeds", n);
}

/* ---- tokenisers ---- */

struct validity_result validity_tokenizer(const struct validity_cells *c, int row)
{
    bool other = c->tokenizers.n > (c->tokenizers.of[row] >= 0);
    if (!isnan(VALUE(c, row, bits_per_byte)))
        return validity_says(VALIDITY_PASS, "%s",
                             other ? "compare bits per byte: other tokenisers are in the store"
                                   : "bits per byte are stored");
    if (other)
        return validity_says(VALIDITY_FAIL, "no bits per byte, and other tokenisers are in the store");
    return validity_says(VALIDITY_WARN, "no bits per byte: not comparable with another tokeniser");
}

/* ---- mixtures of experts ---- */

static const struct {
    enum validity_column column;
    const char *name;
} extents[VALIDITY_EXTENTS] = {
    {VALIDITY_AT_params_total, "total parameters"},
    {VALIDITY_AT_params_active, "active parameters"},
    {VALIDITY_AT_train_s, "time"},
    {VALIDITY_AT_peak_rss_bytes, "memory"},
};

static struct validity_extent extent_of(const struct validity_cells *c, int row, int kind)
{
    return (struct validity_extent){c->data.of[row], VALUE(c, row, tokens),
                                    table_number(c->trials, row, c->at[extents[kind].column])};
}

static int by_extent(const void *a, const void *b)
{
    const struct validity_extent *x = a, *y = b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    if (x->tokens != y->tokens)
        return x->tokens < y->tokens ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* A missing figure has no place in the order and becomes 0, which is near to nothing. */
static struct validity_extent *dense_of(const struct validity_cells *c, int kind, int *n)
{
    struct validity_extent *dense = malloc((size_t)(c->trials->n_rows + 1) * sizeof *dense);
    NEED_MEMORY(dense);
    *n = 0;
    for (int r = 0; r < c->trials->n_rows; r++)
        if (VALUE(c, r, experts) == 1 && same_text(TEXT(c, r, shrink), "none") && c->data.of[r] >= 0 &&
            !isnan(VALUE(c, r, tokens))) {
            dense[*n] = extent_of(c, r, kind);
            if (isnan(dense[*n].value))
                dense[*n].value = 0;
            ++*n;
        }
    qsort(dense, (size_t)*n, sizeof *dense, by_extent);
    return dense;
}

static bool is_near(const struct validity_extent *dense, const struct validity_extent *own)
{
    return dense->data == own->data && dense->tokens == own->tokens && fabs(log(dense->value / own->value)) <= SAME_EXTENT;
}

/* Whether a dense trained model on the same data and as many tokens has about the row's extent of this kind: if any has,
 * so has one of the two between which the row's own would stand. */
static bool has_comparator(const struct validity_cells *c, int row, int kind)
{
    const struct validity_extent *dense = c->dense[kind], own = extent_of(c, row, kind);
    int low = 0, high = c->n_dense;
    if (own.data < 0 || isnan(own.tokens) || isnan(own.value))
        return false;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (by_extent(&dense[middle], &own) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return (low < c->n_dense && is_near(&dense[low], &own)) || (low > 0 && is_near(&dense[low - 1], &own));
}

struct validity_result validity_comparators(const struct validity_cells *c, int row)
{
    struct validity_result result = {.verdict = VALIDITY_PASS};
    struct str missing;
    if (isnan(VALUE(c, row, experts)))
        return validity_says(VALIDITY_UNCHECKED, "the number of experts is not known");
    if (VALUE(c, row, experts) <= 1)
        return validity_says(VALIDITY_UNCHECKED, "a dense model");
    str_init(&missing);
    for (int kind = 0; kind < VALIDITY_EXTENTS; kind++)
        if (!has_comparator(c, row, kind))
            str_format(&missing, "%s%s", missing.length ? ", " : "", extents[kind].name);
    result = missing.length ? validity_says(VALIDITY_WARN, "no dense model of equal %s beside it", missing.text)
                            : validity_says(VALIDITY_PASS, "dense models of equal total, active, time and memory");
    str_release(&missing);
    return result;
}

/* ---- all of it, once ---- */

void validity_groups_open(struct validity_cells *c)
{
    group_by(c, VALIDITY_AT_replicate_key, &c->replicates);
    group_by(c, VALIDITY_AT_rate_key, &c->rates);
    group_by(c, VALIDITY_AT_family_key, &c->families);
    group_by(c, VALIDITY_AT_budget_key, &c->budgets);
    group_by(c, VALIDITY_AT_tokenizer, &c->tokenizers);
    group_by(c, VALIDITY_AT_data_identity, &c->data);
    c->seeds = malloc((size_t)(c->replicates.n + 1) * sizeof *c->seeds);
    NEED_MEMORY(c->seeds);
    for (int g = 0; g < c->replicates.n; g++)
        c->seeds[g] = distinct(c, &c->replicates, g, VALIDITY_AT_seed);
    c->best_rates = optima_of(c, &c->rates, VALIDITY_AT_lr);
    c->best_sizes = optima_of(c, &c->budgets, VALIDITY_AT_params_total);
    for (int kind = 0; kind < VALIDITY_EXTENTS; kind++)
        c->dense[kind] = dense_of(c, kind, &c->n_dense);
}

void validity_groups_close(struct validity_cells *c)
{
    struct validity_group *const groups[] = {&c->replicates, &c->rates,      &c->families,
                                             &c->budgets,    &c->tokenizers, &c->data};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        group_release(groups[i]);
    free(c->seeds);
    free(c->best_rates);
    free(c->best_sizes);
    for (int kind = 0; kind < VALIDITY_EXTENTS; kind++)
        free(c->dense[kind]);
}
