/* SPDX-License-Identifier: Apache-2.0 */
/* validity.c — the table of checks, the query they rest on, and those checks that look at one trial alone.
 * Invariant: a figure that is missing never passes and never fails; it leaves a check undecided. */
#include "harness/analysis/validity.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/analysis/validity_cells.h"

enum { LATENCY_SAMPLES = 30, SMALL_BATCH = 500000 };
#define MOST_WARMUP 0.2       /* share of the run; beyond, little is left to train */
#define BUDGET_TOLERANCE 0.02 /* of the labelled FLOPs */
#define LEAST_CPU 0.9         /* processor seconds per second of work: less means that the core was shared */
#define MOST_SPREAD 1.5       /* p95 over p50 of a timing */

struct validity_result validity_says(enum validity_verdict verdict, const char *format, ...)
{
    struct validity_result result = {.verdict = verdict};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(result.reason, sizeof result.reason, format, args);
    va_end(args);
    return result;
}

static bool is_shrunk(const struct validity_cells *cells, int row)
{
    const char *shrink = TEXT(cells, row, shrink);
    return shrink && strcmp(shrink, "none") != 0;
}

static struct validity_result not_trained(void)
{
    return validity_says(VALIDITY_UNCHECKED, "a shrunk model was not trained; see its parent");
}

static struct validity_result check_convention(const struct validity_cells *c, int row)
{
    int known = !isnan(VALUE(c, row, params_total)) + !isnan(VALUE(c, row, params_active)) +
                !isnan(VALUE(c, row, params_non_embedding)) + !isnan(VALUE(c, row, params_matmul));
    if (known == 4)
        return validity_says(VALIDITY_PASS, "all four counts of parameters are stored");
    return validity_says(VALIDITY_WARN, "only %d of four counts of parameters are known", known);
}

static struct validity_result check_warmup(const struct validity_cells *c, int row)
{
    double tokens = VALUE(c, row, warmup_tokens), share = VALUE(c, row, warmup);
    if (is_shrunk(c, row))
        return not_trained();
    if (tokens > 0)
        share = tokens / VALUE(c, row, tokens);
    if (isnan(share))
        return validity_says(VALIDITY_UNCHECKED, "the length of the warm-up is not known");
    if (share > MOST_WARMUP)
        return validity_says(VALIDITY_WARN, "warm-up took %.0f %% of the run", 100 * share);
    return validity_says(VALIDITY_PASS, "warm-up took %.3g %% of the run", 100 * share);
}

static struct validity_result check_horizon(const struct validity_cells *c, int row)
{
    const char *schedule = TEXT(c, row, schedule);
    if (is_shrunk(c, row))
        return not_trained();
    if (!schedule)
        return validity_says(VALIDITY_UNCHECKED, "the schedule is not known");
    if (strcmp(schedule, "constant") == 0 || (strcmp(schedule, "wsd") == 0 && VALUE(c, row, decay) <= 0))
        return validity_says(VALIDITY_WARN, "the learning rate never fell: the loss is above a finished run's");
    return validity_says(VALIDITY_PASS, "%s, matched to the run's length", schedule);
}

static struct validity_result check_batch(const struct validity_cells *c, int row)
{
    double batch = VALUE(c, row, batch_tokens), beta2 = VALUE(c, row, beta2);
    if (is_shrunk(c, row))
        return not_trained();
    if (isnan(batch) || isnan(beta2))
        return validity_says(VALIDITY_UNCHECKED, "batch size or beta2 is not known");
    if (batch < SMALL_BATCH && beta2 < 0.99)
        return validity_says(VALIDITY_WARN, "beta2 %.4g is too low for %.0f tokens per batch", beta2, batch);
    return validity_says(VALIDITY_PASS, "beta2 %.4g at %.0f tokens per batch", beta2, batch);
}

static struct validity_result check_budget(const struct validity_cells *c, int row)
{
    double label = VALUE(c, row, flops), executed = VALUE(c, row, flops_executed),
           formula = VALUE(c, row, flops_formula);
    if (is_shrunk(c, row))
        return not_trained();
    if (isnan(executed))
        return validity_says(VALIDITY_UNCHECKED, "its FLOPs were not counted");
    if (!isnan(formula) && executed != formula)
        return validity_says(VALIDITY_FAIL, "counted FLOPs %.17g are not the formula's %.17g", executed, formula);
    if (!(label > 0))
        return validity_says(VALIDITY_PASS, "no budget was labelled; counted FLOPs are the axis");
    if (fabs(executed / label - 1) > BUDGET_TOLERANCE)
        return validity_says(VALIDITY_WARN, "counted FLOPs are %.3g of the budget's label", executed / label);
    return validity_says(VALIDITY_PASS, "counted FLOPs are %.4g of the budget's label", executed / label);
}

static struct validity_result check_repeats(const struct validity_cells *c, int row)
{
    double seen = VALUE(c, row, tokens), unique = VALUE(c, row, unique_tokens);
    if (isnan(unique) || isnan(seen))
        return validity_says(VALIDITY_UNCHECKED, "distinct tokens were not counted");
    if (unique < seen)
        return validity_says(VALIDITY_WARN, "each token was seen %.3g times: not as good as new ones", seen / unique);
    return validity_says(VALIDITY_PASS, "every token was new");
}

static struct validity_result check_metrics(const struct validity_cells *c, int row)
{
    double exact = VALUE(c, row, tasks_exact), smooth = VALUE(c, row, tasks_smooth);
    if (!(exact > 0))
        return validity_says(VALIDITY_UNCHECKED, "no ability was scored");
    if (!(smooth >= exact))
        return validity_says(VALIDITY_WARN, "%.0f of %.0f abilities have exact match alone", exact - fmax(smooth, 0),
                             exact);
    return validity_says(VALIDITY_PASS, "exact match and a smooth metric on the same items");
}

static struct validity_result check_overlap(const struct validity_cells *c, int row)
{
    double overlap = VALUE(c, row, item_overlap);
    if (isnan(overlap))
        return validity_says(VALIDITY_UNCHECKED, "overlap was not counted; items are split by a hash");
    if (overlap > 0)
        return validity_says(VALIDITY_FAIL, "%.0f items were both trained on and held out", overlap);
    return validity_says(VALIDITY_PASS, "no item was both trained on and held out");
}

static struct validity_result check_timing(const struct validity_cells *c, int row)
{
    double n = VALUE(c, row, latency_n), spread = VALUE(c, row, latency_spread);
    double cpu = VALUE(c, row, cpu_s) / VALUE(c, row, busy_s);
    if (isnan(cpu) && !(n > 0))
        return validity_says(VALIDITY_UNCHECKED, "nothing was timed");
    if (cpu < LEAST_CPU)
        return validity_says(VALIDITY_WARN, "had %.0f %% of a core: its seconds are too many", 100 * cpu);
    if (n > 0 && n < LATENCY_SAMPLES)
        return validity_says(VALIDITY_WARN, "%.0f samples of latency, at least %d wanted", n, LATENCY_SAMPLES);
    if (spread > MOST_SPREAD)
        return validity_says(VALIDITY_WARN, "latency p95 is %.3g times p50: other load", spread);
    return validity_says(VALIDITY_PASS, "a core of its own, steady samples");
}

static struct validity_result check_prediction(const struct validity_cells *c, int row)
{
    if (!(VALUE(c, row, predicted) > 0))
        return validity_says(VALIDITY_UNCHECKED, "nothing was predicted of it");
    if (VALUE(c, row, predicted_late) > 0)
        return validity_says(VALIDITY_WARN, "was predicted only after it had started");
    return validity_says(VALIDITY_PASS, "was predicted before it ran");
}

static struct validity_result check_missing(const struct validity_cells *c, int row)
{
    static const char *const names[] = {"heldout_loss", "flops_executed", "train_s",
                                        "weight_bytes", "peak_rss_bytes", "energy_j"};
    const double values[] = {VALUE(c, row, heldout_loss), VALUE(c, row, flops_executed), VALUE(c, row, train_s),
                             VALUE(c, row, weight_bytes), VALUE(c, row, peak_rss_bytes), VALUE(c, row, energy_j)};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i] <= 0 || isinf(values[i]))
            return validity_says(VALIDITY_FAIL, "%s is %g, which cannot be", names[i], values[i]);
    if (isnan(VALUE(c, row, heldout_loss)))
        return validity_says(VALIDITY_FAIL, "has no held-out loss");
    if (VALUE(c, row, scores_missing) > 0)
        return validity_says(VALIDITY_WARN, "%.0f scores could not be measured", VALUE(c, row, scores_missing));
    return validity_says(VALIDITY_PASS, "what is missing is NULL, nothing is a false zero");
}

static struct validity_result of_the_fit(const struct validity_cells *c, int row)
{
    (void)c;
    (void)row;
    return validity_says(VALIDITY_UNCHECKED, "a question to a fit, not to a trial");
}

static const struct validity_check checks[] = {
    {"params_convention", "the exponent moves 0.37 to 0.70 with what N counts", check_convention},
    {"learning_rate", "a rate not tuned per size is the largest single artefact", validity_rate},
    {"warmup", "a fixed warm-up eats small budgets", check_warmup},
    {"schedule_horizon", "a schedule longer than the run biases the loss upwards", check_horizon},
    {"batch_beta2", "beta2 0.95 is poor at small batches", check_batch},
    {"optimum_interior", "an optimum at the edge of the grid is no optimum", validity_edge},
    {"parabola_bias", "parabolas misplace the optimum as the grid widens", of_the_fit},
    {"objective_digits", "a mean in place of a sum, or rounded exponents, give false narrow intervals", of_the_fit},
    {"seeds", "one seed: noise of up to 4 % in loss goes unseen", validity_seeds},
    {"budget_achieved", "rounding to whole steps misses a labelled budget", check_budget},
    {"repeated_data", "repeated data counted as new", check_repeats},
    {"tokenizer", "loss per token is not comparable between tokenisers", validity_tokenizer},
    {"smooth_metric", "exact match alone looks like a jump", check_metrics},
    {"item_overlap", "items both trained on and held out", check_overlap},
    {"moe_comparators", "equal FLOPs is not equal time, size or memory", validity_comparators},
    {"timing", "no warm-up, other load, shared cores", check_timing},
    {"prediction", "extrapolation drawn as if it were data", check_prediction},
    {"missing_as_zero", "a failed score becomes 0", check_missing},
};
enum { CHECKS = sizeof checks / sizeof *checks };

const struct validity_check *validity_at(int i)
{
    return i >= 0 && i < CHECKS ? &checks[i] : NULL;
}

const char *validity_name(enum validity_verdict verdict)
{
    static const char *const names[] = {"pass", "warn", "fail", "unchecked"};
    return names[verdict];
}

/* ---- the query ---- */

static const struct {
    const char *name, *sql;
} columns[] = {
#define VALIDITY_ROW(name, sql) {#name, sql},
    VALIDITY_COLUMNS(VALIDITY_ROW)
#undef VALIDITY_ROW
};

/* The knobs in which two trials of one group may differ. What changes no bit of a model makes no group either. */
#define NOT_THE_MODEL " seed parent threads eval_every items latency_samples heldout_tokens "
#define SIZE " depth width heads kv_heads ffn tokens "

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += n)
        if (at[-1] == ' ' && at[n] == ' ')
            return true;
    return false;
}

static void append_key(struct str *out, const char *name, const char *but, const char *const *knobs, int n)
{
    const char *divider = "";
    str_append(out, ", json_array(");
    for (int i = 0; i < n; i++)
        if (!has_word(but, knobs[i])) {
            str_format(out, "%st.%s", divider, knobs[i]);
            divider = ", ";
        }
    str_format(out, ") AS %s", name);
}

void validity_sql(struct str *out, const char *const *knobs, int n)
{
    str_append(out, "SELECT");
    for (int i = 0; columns[i].sql; i++)
        str_format(out, "%s %s AS %s", i ? "," : "", columns[i].sql, columns[i].name);
    append_key(out, "replicate_key", NOT_THE_MODEL, knobs, n);
    append_key(out, "rate_key", NOT_THE_MODEL "lr ", knobs, n);
    append_key(out, "family_key", NOT_THE_MODEL "lr flops" SIZE, knobs, n);
    append_key(out, "budget_key", NOT_THE_MODEL "lr" SIZE, knobs, n);
    str_append(out, " FROM trial t LEFT JOIN cost c ON c.trial_id = t.trial_id AND c.attempt = t.final_attempt"
                    " LEFT JOIN (SELECT trial_id, min(n) AS n, max(p95_ms / p50_ms) AS spread FROM v_latency"
                    " GROUP BY trial_id) l"
                    " ON l.trial_id = t.trial_id"
                    " LEFT JOIN (SELECT trial_id, count(DISTINCT iif(metric = 'exact_match', task, NULL)) AS exact,"
                    " count(DISTINCT iif(metric IN ('logprob', 'answer_logprob', 'brier'), task, NULL)) AS smooth,"
                    " sum(value IS NULL) AS missing FROM v_evals GROUP BY trial_id) e ON e.trial_id = t.trial_id"
                    " LEFT JOIN (SELECT p.trial_id, count(*) AS n, sum(p.predicted_at >= a.started_at) AS late"
                    " FROM prediction p"
                    " JOIN trial u ON u.trial_id = p.trial_id JOIN attempt a ON a.trial_id = u.trial_id"
                    " AND a.attempt = u.final_attempt GROUP BY p.trial_id) p ON p.trial_id = t.trial_id"
                    " WHERE t.state = 'done' ORDER BY t.trial_id");
}

/* ---- judging ---- */

void validity_judge(const struct table *trials, struct table *verdicts)
{
    static const char *const names[] = {"trial_id", "check_name", "verdict", "reason"};
    struct validity_cells cells = {.trials = trials};
    for (int i = 0; i < VALIDITY_N_COLUMNS; i++) {
        cells.at[i] = table_column(trials, columns[i].name);
        ASSERT(cells.at[i] >= 0);
    }
    validity_groups_open(&cells);
    table_init(verdicts, 4, names);
    for (int r = 0; r < trials->n_rows; r++)
        for (int k = 0; k < CHECKS; k++) {
            struct validity_result result = checks[k].judge(&cells, r);
            int row = table_add_row(verdicts);
            table_set_text(verdicts, row, 0, TEXT(&cells, r, trial_id));
            table_set_text(verdicts, row, 1, checks[k].name);
            table_set_text(verdicts, row, 2, validity_name(result.verdict));
            table_set_text(verdicts, row, 3, result.reason);
        }
    validity_groups_close(&cells);
}
