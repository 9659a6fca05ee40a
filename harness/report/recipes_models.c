/* SPDX-License-Identifier: Apache-2.0 */
/* recipes_models.c — charts that compare kinds of models: mixtures of experts and their load, shrunk models.
 * Invariant: what is compared was trained on the same number of tokens; where several numbers are on offer, the one
 * with the most models is taken, and said. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/recipes.h"
#include "harness/report/text.h"

static bool is_text(const struct table *table, int row, const char *column, const char *value)
{
    const char *text = column_text(table, row, column);
    return text && strcmp(text, value) == 0;
}

/* ---- mixtures of experts ---- */

enum { MOST_MIXTURES = RECIPE_MOST_SERIES };

/* A make of mixture: one line in the key. */
struct mixture {
    double experts, per_token, granularity;
};

struct kind_filter {
    const struct mixture *mixture; /* NULL: dense */
    double tokens;
};

static struct mixture mixture_of(const struct table *table, int row)
{
    double granularity = column_number(table, row, "granularity");
    return (struct mixture){column_number(table, row, "experts"), column_number(table, row, "experts_per_token"),
                            isnan(granularity) ? 1 : granularity};
}

static bool is_same(const struct mixture *a, const struct mixture *b)
{
    return a->experts == b->experts && a->per_token == b->per_token && a->granularity == b->granularity;
}

static bool is_kind(const struct table *table, int row, const void *context)
{
    const struct kind_filter *filter = context;
    struct mixture mixture = mixture_of(table, row);
    return (filter->mixture ? is_same(&mixture, filter->mixture) : mixture.experts == 1) &&
           column_number(table, row, "active") > 0 && column_number(table, row, "tokens") == filter->tokens;
}

static bool is_any_mixture(const struct table *table, int row, const void *context)
{
    (void)context;
    return column_number(table, row, "experts") > 1 && column_number(table, row, "active") > 0;
}

static int by_experts(const void *left, const void *right)
{
    const struct mixture *a = left, *b = right;
    double first = a->experts - b->experts, second = a->per_token - b->per_token;
    double third = a->granularity - b->granularity;
    double c = first != 0 ? first : second != 0 ? second : third;
    return (c > 0) - (c < 0);
}

/* The makes of mixture trained on that many tokens, ascending. */
static int find_mixtures(const struct table *answer, double tokens, struct mixture out[MOST_MIXTURES])
{
    int n = 0;
    for (int row = 0; row < answer->n_rows; row++) {
        struct mixture now = mixture_of(answer, row);
        bool known = !is_any_mixture(answer, row, NULL) || column_number(answer, row, "tokens") != tokens;
        for (int i = 0; i < n && !known; i++)
            known = is_same(&out[i], &now);
        if (!known && n < MOST_MIXTURES)
            out[n++] = now;
    }
    qsort(out, (size_t)n, sizeof *out, by_experts);
    return n;
}

/* Rows of one kind, dense or a mixture; returns how many. */
static int add_kind(const struct table *answer, const struct kind_filter *filter, int series, struct drawing *out,
                    double range[4])
{
    const struct points_query query = {.x = "active", .y = "loss", .stderror = "stderr", .keep = is_kind,
                                       .context = filter};
    struct points points;
    points_collect(&points, answer, &query);
    for (int i = 0; i < points.n; i++) {
        const struct point *p = &points.items[i];
        double low = p->seeds > 1 ? p->low : p->y - p->stderror;
        double high = p->seeds > 1 ? p->high : p->y + p->stderror;
        struct mixture made = mixture_of(answer, p->row);
        int row = drawing_add(out, 11, (double[]){NAN, series, made.experts, made.per_token, made.granularity, p->x,
                                                  column_number(answer, p->row, "params"), p->y, low, high,
                                                  filter->tokens});
        table_set_text(&out->rows, row, 0, filter->mixture ? "moe" : "dense");
        recipe_include(&range[0], &range[1], p->x);
        recipe_include(&range[2], &range[3], isfinite(low) ? low : p->y);
        recipe_include(&range[2], &range[3], isfinite(high) ? high : p->y);
    }
    int n = points.n;
    points_release(&points);
    return n;
}

/* Tokens with the most mixtures. */
static double moe_tokens(const struct table *answer)
{
    const struct points_query query = {.series = "tokens", .x = "params", .y = "loss", .keep = is_any_mixture};
    struct points points;
    points_collect(&points, answer, &query);
    int start = points_widest(&points);
    double tokens = start < 0 ? NAN : points.items[start].series;
    points_release(&points);
    return tokens;
}

static void title_mixture(const struct mixture *mixture, struct str *title)
{
    str_init(title);
    str_format(title, "%.0f experts, %.0f active", mixture->experts, mixture->per_token);
}

bool recipe_experts(const struct table *answer, struct drawing *out)
{
    static const char *const names[] = {"kind", "series", "experts", "experts_per_token", "granularity", "active",
                                        "params", "loss", "low", "high", "tokens"};
    double range[4] = {INFINITY, 0, INFINITY, -INFINITY}, tokens = moe_tokens(answer);
    struct mixture mixtures[MOST_MIXTURES];
    struct str titles[MOST_MIXTURES];
    int n = find_mixtures(answer, tokens, mixtures), moe = 0;
    drawing_begin_rows(out, 11, names);
    int dense = add_kind(answer, &(struct kind_filter){NULL, tokens}, 0, out, range);
    if (dense < 2 || n < 1) {
        str_append(&out->shortfall, "needs a mixture of experts and 2 dense sizes on the same number of tokens");
        return false;
    }
    for (int i = 0; i < n; i++) {
        moe += add_kind(answer, &(struct kind_filter){&mixtures[i], tokens}, i + 1, out, range);
        title_mixture(&mixtures[i], &titles[i]);
    }
    recipe_series(out, n, titles);
    drawing_log_axis(out, 'x', range[0], range[1], false);
    drawing_loss_axis(out, range[2], range[3], recipe_floor(answer));
    (void)recipe_unit(answer, out);
    str_format(&out->caption, "%d mixture%s of experts beside %d dense models, all trained on ", moe,
               moe == 1 ? "" : "s", dense);
    text_count(&out->caption, tokens);
    str_append(&out->caption, " tokens. A mark below the line beats a dense model with equal active parameters: those a "
                              "token passes through, without embeddings. Experts of granularity g are 1/g as wide; the table has "
                              "g and all parameters. Bars are one standard error, or the range of the seeds.");
    for (int i = 0; i < n; i++)
        str_release(&titles[i]);
    return true;
}

/* ---- load of the experts ---- */

static int descending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

/* The answer holds one trial, sorted by layer. */
bool recipe_moe_load(const struct table *answer, struct drawing *out)
{
    static const char *const names[] = {"series", "layer", "rank", "share"};
    struct str titles[RECIPE_MOST_SERIES];
    double shares[1024], busiest = 0, idlest = 1;
    int n = 0, experts = 0;
    drawing_begin_rows(out, 4, names);
    for (int row = 0, end; row < answer->n_rows && n < RECIPE_MOST_SERIES; row = end) {
        double layer = column_number(answer, row, "layer");
        int count = 0;
        for (end = row; end < answer->n_rows && column_number(answer, end, "layer") == layer; end++)
            if (count < 1024 && isfinite(column_number(answer, end, "share")))
                shares[count++] = column_number(answer, end, "share");
        end = end > row ? end : row + 1;
        if (count < 2)
            continue;
        qsort(shares, (size_t)count, sizeof *shares, descending);
        str_init(&titles[n]);
        str_format(&titles[n++], "layer %.0f", layer);
        for (int i = 0; i < count; i++)
            drawing_add(out, 4, (double[]){n, layer, i + 1, shares[i]});
        busiest = fmax(busiest, shares[0]);
        idlest = fmin(idlest, shares[count - 1]);
        experts = count > experts ? count : experts;
    }
    if (n == 0) {
        str_append(&out->shortfall, "needs a trained mixture of experts");
        return false;
    }
    recipe_series(out, n, titles);
    drawing_number(out, "expert_count", experts);
    drawing_number(out, "equal_share", 100.0 / experts);
    str_format(&out->caption, "Of %d experts the busiest gets %.0f %% of the tokens and the idlest %.0f %%; "
                              "equal shares would be %.0f %% (dashed).",
               experts, 100 * busiest, 100 * idlest, 100.0 / experts);
    for (int i = 0; i < n; i++)
        str_release(&titles[i]);
    return true;
}

/* ---- shrunk models ---- */

enum { ARROW_BYTES = 5 }; /* column of the chart's rows; the loss follows */

/* A row of the unshrunk parent of `row`, or -1. */
static int parent_row(const struct table *answer, int row)
{
    const char *parent = column_text(answer, row, "parent");
    for (int i = 0; parent && i < answer->n_rows; i++)
        if (is_text(answer, i, "trial_id", parent) && is_text(answer, i, "shrink", "none"))
            return i;
    return -1;
}

/* The number of tokens whose models were shrunk most often. */
static double shrunk_tokens(const struct table *answer)
{
    double best = NAN;
    int most = 0;
    for (int row = 0; row < answer->n_rows; row++) {
        double tokens = column_number(answer, row, "tokens");
        int n = 0;
        for (int i = 0; i < answer->n_rows; i++)
            n += is_text(answer, i, "shrink", "int8") && parent_row(answer, i) >= 0 &&
                 column_number(answer, parent_row(answer, i), "tokens") == tokens;
        if (n > most || (n == most && n > 0 && tokens > best)) {
            most = n;
            best = tokens;
        }
    }
    return best;
}

static int add_children(const struct table *answer, double tokens, struct drawing *out, double range[4],
                        double *worst)
{
    int n = 0;
    for (int row = 0; row < answer->n_rows; row++) {
        int parent = is_text(answer, row, "shrink", "int8") ? parent_row(answer, row) : -1;
        if (parent < 0 || column_number(answer, parent, "tokens") != tokens)
            continue;
        double bytes = column_number(answer, row, "weight_bytes"), loss = column_number(answer, row, "loss");
        double from_bytes = column_number(answer, parent, "weight_bytes"), from = column_number(answer, parent, "loss");
        if (!(bytes > 0) || !(from_bytes > 0) || !isfinite(loss) || !isfinite(from))
            continue;
        int added = drawing_add(out, 5, (double[]){NAN, bytes, loss, from_bytes, from});
        table_set_text(&out->rows, added, 0, "int8");
        recipe_include(&range[0], &range[1], bytes);
        recipe_include(&range[0], &range[1], from_bytes);
        recipe_include(&range[2], &range[3], loss);
        recipe_include(&range[2], &range[3], from);
        *worst = n ? fmax(*worst, loss - from) : loss - from;
        n++;
    }
    return n;
}

struct trained_on {
    double tokens;
};

static bool is_trained_on(const struct table *table, int row, const void *context)
{
    const struct trained_on *on = context;
    return is_text(table, row, "shrink", "none") && column_number(table, row, "weight_bytes") > 0 &&
           column_number(table, row, "tokens") == on->tokens;
}

/* Arrows end a little before the child, so that its mark does not hide their heads. */
static void add_arrows(struct drawing *out, int children, const double range[2])
{
    double gap = 0.025 * log(range[1] / range[0]);
    for (int row = 0; row < children; row++) {
        double bytes = table_number(&out->rows, row, 1), loss = table_number(&out->rows, row, 2);
        double from_bytes = table_number(&out->rows, row, 3), from = table_number(&out->rows, row, 4);
        double way = fmax(0.5, 1 - gap / fabs(log(bytes / from_bytes)));
        table_set_real(&out->rows, row, ARROW_BYTES, from_bytes * pow(bytes / from_bytes, way));
        table_set_real(&out->rows, row, ARROW_BYTES + 1, from + (loss - from) * way);
    }
}

bool recipe_downscaling(const struct table *answer, struct drawing *out)
{
    static const char *const names[] = {"kind", "bytes", "loss", "parent_bytes", "parent_loss", "arrow_bytes",
                                        "arrow_loss"};
    double range[4] = {INFINITY, 0, INFINITY, -INFINITY}, worst = 0, tokens = shrunk_tokens(answer);
    const struct trained_on on = {tokens};
    const struct points_query query = {.x = "weight_bytes", .y = "loss", .keep = is_trained_on, .context = &on};
    struct points points;
    drawing_begin_rows(out, 7, names);
    int children = add_children(answer, tokens, out, range, &worst);
    if (children == 0) {
        str_append(&out->shortfall, "needs a shrunk model and its parent");
        return false;
    }
    points_collect(&points, answer, &query);
    for (int i = 0; i < points.n; i++) {
        int row = drawing_add(out, 3, (double[]){NAN, points.items[i].x, points.items[i].y});
        table_set_text(&out->rows, row, 0, "fp32");
        recipe_include(&range[0], &range[1], points.items[i].x);
        recipe_include(&range[2], &range[3], points.items[i].y);
    }
    add_arrows(out, children, range);
    drawing_log_axis(out, 'x', range[0], range[1], false);
    drawing_loss_axis(out, range[2], range[3], recipe_floor(answer));
    str_format(&out->caption, "%d model%s shrunk to int8; the largest change of loss is ", children,
               children == 1 ? "" : "s");
    text_number(&out->caption, worst, text_decimals(worst, 0), true);
    str_format(&out->caption, " %s. Bytes shrink by less than 4 because embeddings and norms stay fp32. The line joins "
                              "models trained at full precision on ", recipe_unit(answer, out));
    text_count(&out->caption, tokens);
    str_append(&out->caption, " tokens: what the same bytes buy without shrinking.");
    points_release(&points);
    return true;
}
