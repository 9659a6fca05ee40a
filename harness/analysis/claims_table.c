/* SPDX-License-Identifier: Apache-2.0 */
/* claims_table.c — the claims. The names are what a spec's `claims:` may say.
 *
 * Every query gives the columns grp, seed, x, y, se, items, z, w and leaves out trials that failed a validity check.
 * Where several learning rates were tried in one place, the best of them stands for it. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "harness/analysis/claims_statistics.h"

/* What must be equal where only sizes or amounts of text are compared. */
#define SETTING                                                                                                        \
    "t.data_identity, t.junk, t.task_share, t.fact_share, t.tokenizer, t.vocabulary, t.context, t.parametrization,"    \
    " t.schedule, t.batch_tokens"
#define SHAPE "t.depth, t.width, t.heads, t.kv_heads, t.ffn, t.context, t.tied, t.vocabulary, t.qk_norm"
#define SIZE "coalesce(t.params_non_embedding, t.params_total)"

#define TRIALS                                                                                                         \
    " FROM trial t LEFT JOIN cost c ON c.trial_id = t.trial_id AND c.attempt = t.final_attempt"
#define SOUND                                                                                                          \
    " WHERE t.state = 'done' AND t.trial_id NOT IN (SELECT trial_id FROM validity WHERE verdict = 'fail')"
#define TRAINED " AND coalesce(t.shrink, 'none') = 'none'"
#define DENSE TRAINED " AND coalesce(t.experts, 1) = 1"
#define ORDER " ORDER BY 1, 7, 3, 2"
#define BEST_RATE(select)                                                                                              \
    "SELECT grp, seed, x, min(y) AS y, se, items, z, w FROM (" select ") GROUP BY grp, seed, z, x" ORDER

#define LOSS "t.heldout_loss AS y, t.heldout_stderr AS se, NULL AS items"
#define BY_SIZE                                                                                                        \
    "SELECT json_array(t.tokens, " SETTING ") AS grp, t.seed, " SIZE " AS x, " LOSS ", 0 AS z, NULL AS w" TRIALS       \
        SOUND DENSE
#define BY_TOKENS                                                                                                      \
    "SELECT json_array('', " SHAPE ", " SETTING ") AS grp, t.seed, t.tokens AS x, " LOSS ", 1 AS z, NULL AS w" TRIALS  \
        SOUND DENSE
/* The label where there is one, else counted FLOPs that agree to about 5 %. */
#define BUDGET "coalesce(nullif(t.flops, 0), CAST(round(20 * ln(c.flops_executed)) AS INTEGER))"
#define BY_BUDGET                                                                                                      \
    BEST_RATE("SELECT json_array(" BUDGET ", " SETTING ") AS grp, t.seed, t.params_total AS x, " LOSS                   \
              ", t.tokens AS z, coalesce(c.flops_executed, t.flops) AS w" TRIALS SOUND DENSE                           \
              " AND coalesce(c.flops_executed, t.flops) > 0")
#define MIXTURES(cost)                                                                                                 \
    BEST_RATE("SELECT json_array(t.tokens, " SETTING ") AS grp, t.seed, " cost " AS x, " LOSS                          \
              ", coalesce(t.experts, 1) > 1 AS z, NULL AS w" TRIALS SOUND TRAINED)
#define SCORES " JOIN eval e ON e.trial_id = t.trial_id AND e.attempt = t.final_attempt"
#define BY_TASK                                                                                                        \
    "SELECT json_array(e.task, t.tokens, " SETTING ") AS grp, t.seed, " SIZE " AS x, e.value AS y, e.stderr AS se,"    \
    " e.n AS items, coalesce(e.chance, 0) AS z, NULL AS w" TRIALS SCORES SOUND DENSE " AND e.metric = 'exact_match'"   \
        ORDER

#define ARTICLE "popular account of large models' growth"

static const struct claim claims[] = {
    {.name = "bigger-is-better", .sentence = "More parameters are better", .source = ARTICLE,
     .rule = "held-out loss falls with parameters, at equal text: common slope on log2 N over all amounts, below 0",
     .quantity = "loss per doubling of N, nats per token", .sql = BEST_RATE(BY_SIZE), .statistic = claim_slope_log,
     .from = -INFINITY, .to = 0, .needs = "two sizes on the same text, and seeds", .chart = "loss_vs_params"},
    {.name = "more-data-is-better", .sentence = "More data are better", .source = ARTICLE,
     .rule = "held-out loss falls with training tokens, at equal shape: common slope on log2 D, below 0",
     .quantity = "loss per doubling of D, nats per token", .sql = BEST_RATE(BY_TOKENS), .statistic = claim_slope_log,
     .from = -INFINITY, .to = 0, .needs = "two amounts of text for one shape, and seeds", .chart = "loss_vs_tokens"},
    {.name = "both-matter", .sentence = "Both parameters and data matter", .source = ARTICLE,
     .rule = "the weaker of the two slopes, on log2 N and on log2 D, is below 0",
     .quantity = "loss per doubling of what helps less, nats per token",
     .sql = BEST_RATE(BY_SIZE " UNION ALL " BY_TOKENS), .statistic = claim_weaker_slope, .from = -INFINITY, .to = 0,
     .needs = "a grid of sizes and amounts of text, and seeds"},
    {.name = "compute-optimal", .sentence = "Each compute budget has its best size; smaller and larger are both worse",
     .source = "Hoffmann et al. 2022, section 3.2",
     .rule = "parabolas of loss in log2 N at equal compute: mean curvature above 0, with a minimum inside a grid",
     .quantity = "curvature of loss in log2 N at equal compute, nats", .sql = BY_BUDGET, .statistic = claim_curvature, .from = 0,
     .to = INFINITY, .needs = "train.flops budgets with three sizes around the best", .chart = "isoflop"},
    {.name = "tokens-per-parameter", .sentence = "Twenty tokens per parameter are compute-optimal",
     .source = "Hoffmann et al. 2022, table 3, as commonly put",
     .rule = "geometric mean of D / N (total) at the minima of the IsoFLOP parabolas lies between 10 and 40",
     .quantity = "tokens per parameter", .sql = BY_BUDGET, .statistic = claim_tokens_per_param, .from = 10, .to = 40,
     .needs = "budgets whose best size lies inside the grid, and seeds", .chart = "isoflop"},
    {.name = "equal-exponents", .sentence = "Parameters and data should grow alike: a = b = 0.5",
     .source = "Hoffmann et al. 2022, table 2",
     .rule = "exponent a of optimal N (total) on counted FLOPs lies in 0.4 to 0.6; b is about 1 - a, C being 6 N D",
     .quantity = "exponent a of the compute-optimal size", .sql = BY_BUDGET, .statistic = claim_size_exponent, .from = 0.4, .to = 0.6,
     .needs = "two budgets whose best size lies inside the grid, far apart, and seeds", .chart = "isoflop"},
    {.name = "doubling-costs-a-multiple", .sentence = "Doubling the parameters needs a multiple of the compute",
     .source = ARTICLE, .rule = "FLOPs per doubling of the compute-optimal size, 2^(1/a), are more than 2",
     .quantity = "times the FLOPs for twice the compute-optimal size", .sql = BY_BUDGET, .statistic = claim_cost_of_doubling, .from = 2, .to = INFINITY,
     .needs = "two budgets whose best size lies inside the grid, far apart, and seeds", .chart = "isoflop"},
    {.name = "exponential-cost", .sentence = "The cost grows exponentially with size", .source = ARTICLE,
     .rule = "at equal data (training FLOPs per token), AICc of an exponential in N less AICc of a power law: -6 or less;"
             " refuted above 6",
     .quantity = "AICc of the exponential less that of the power law; above 6 the power law is far likelier",
     .uncertainty = CLAIM_COUNTED,
     .sql = "SELECT json_array(" SETTING ") AS grp, t.seed, t.params_total AS x, c.train_flops * 1.0 / t.tokens AS y, NULL"
            " AS se, NULL AS items, NULL AS z, NULL AS w" TRIALS SOUND DENSE ORDER,
     .statistic = claim_exponential, .from = -INFINITY, .to = -6, .margin = 12, .needs = "five sizes"},
    {.name = "exponential-cost-optimal", .sentence = "Trained compute-optimally, the cost grows exponentially with"
            " size",
     .source = ARTICLE,
     .rule = "AICc of an exponential less AICc of a power law, for FLOPs on the optimal N: -6 or less; refuted above 6",
     .quantity = "AICc of the exponential less that of the power law; above 6 the power law is far likelier",
     .sql = BY_BUDGET, .statistic = claim_exponential_optimal, .from = -INFINITY,
     .to = -6, .margin = 12, .needs = "five budgets whose best size lies inside the grid"},
    {.name = "experts-add-up", .sentence = "Eight experts of 220 B make 1.7 T: totals are experts times one model",
     .source = "rumour about GPT-4",
     .rule = "parameters of a mixture of E experts, over E times those of the dense model of the same shape: at least"
             " 0.95; attention and embeddings are shared, so that less is expected",
     .quantity = "parameters of a mixture, as a share of those of E dense models", .uncertainty = CLAIM_COUNTED,
     .sql = "SELECT '' AS grp, t.seed, t.experts AS x, t.params_total * 1.0 / (t.experts * d.params_total) AS y,"
            " NULL AS se, NULL AS items, t.params_active AS z, t.params_total AS w" TRIALS
            " JOIN (SELECT json_array(" SHAPE ") AS shape, min(t.params_total) AS params_total FROM trial t"
            " WHERE t.experts = 1 AND t.state = 'done' GROUP BY 1) d ON d.shape = json_array(" SHAPE ")" SOUND TRAINED
            " AND t.experts > 1 AND t.granularity = 1 AND t.shared_experts = 0" ORDER,
     .statistic = claim_mean, .from = 0.95, .to = INFINITY,
     .needs = "a mixture with whole experts, and the dense model of its shape"},
    {.name = "experts-per-flop", .sentence = "A mixture of experts gives more quality per FLOP", .source = ARTICLE,
     .rule = "at equal text, loss of mixtures less that of the dense curve at equal training FLOPs, below 0",
     .quantity = "loss of mixtures less that of dense models, nats per token", .sql = MIXTURES("c.train_flops"), .statistic = claim_below_curve,
     .from = -INFINITY, .to = 0, .needs = "mixtures between two dense models on the same text, and seeds",
     .chart = "moe_active_vs_total"},
    {.name = "experts-per-second", .sentence = "A mixture of experts gives more quality per second", .source = ARTICLE,
     .rule = "at equal text, loss of mixtures less that of the dense curve at equal training time, below 0",
     .quantity = "loss of mixtures less that of dense models, nats per token", .sql = MIXTURES("c.train_s"), .statistic = claim_below_curve,
     .from = -INFINITY, .to = 0, .needs = "mixtures between two dense models on the same text, and seeds"},
    {.name = "abrupt-emergence", .sentence = "Abilities emerge abruptly with size",
     .source = "Wei et al. 2022; Schaeffer et al. 2023 against it",
     .rule = "median over abilities of the doublings of N from 10 to 90 % of the way from chance to perfect exact"
             " match: at most 1; refuted above 2",
     .quantity = "doublings of N from 10 to 90 % of the ability", .sql = BY_TASK, .statistic = claim_rise, .from = -INFINITY, .to = 1, .margin = 1,
     .needs = "abilities that come from chance to nearly perfect, at sizes a doubling apart",
     .chart = "ability_vs_params"},
    {.name = "junk-in-junk-out", .sentence = "Junk data make junk answers", .source = ARTICLE,
     .rule = "mean exact match over abilities falls with the share of junk, all else equal: slope below 0",
     .quantity = "exact match per unit of junk share",
     .sql = "SELECT json_array(t.tokens, t.lr, t.task_share, t.fact_share, t.data_seed, " SHAPE ") AS grp, t.seed,"
             " t.junk AS x,"
            " avg(e.value) AS y, NULL AS se, sum(e.n) AS items, 0 AS z, NULL AS w" TRIALS SCORES SOUND DENSE
            " AND e.metric = 'exact_match' GROUP BY t.trial_id" ORDER,
     .statistic = claim_slope, .from = -INFINITY, .to = 0, .needs = "one shape trained at several data.junk, and"
             " seeds"},
    {.name = "knowledge-cutoff", .sentence = "A model knows nothing that came after its training data",
    .source = ARTICLE,
     .rule = "exact match on facts after the cutoff year, less chance: at most 0.05; refuted above 0.1",
     .quantity = "exact match above chance",
     .sql = "SELECT e.task AS grp, t.seed, 0 AS x, e.value - coalesce(e.chance, 0) AS y, NULL AS se, e.n AS items, 0"
            " AS z, NULL AS w" TRIALS SCORES SOUND TRAINED " AND e.metric = 'exact_match' AND e.task LIKE"
            " 'fact%after%'" ORDER,
     .statistic = claim_mean, .from = -INFINITY, .to = 0.05, .margin = 0.05,
     .needs = "an ability that asks for facts after the cutoff"},
    {.name = "small-matches-large", .sentence = "A small model can match a large one at one task", .source = ARTICLE,
     .rule = "for some ability that the largest model has (one half at least), a model of at most a quarter of its"
             " size on the same text scores at most 0.05 less",
     .quantity = "exact match of a small model less that of the largest, at the best task", .sql = BY_TASK, .statistic = claim_small_against_large, .from = -0.05,
     .to = INFINITY, .needs = "an ability that the largest model has, and sizes four times apart"},
    {.name = "shrunk-keeps-quality", .sentence = "Smaller models can keep most of the quality", .source = ARTICLE,
     .rule = "a model shrunk to at most half of its parent's bytes keeps at least 0.9 of what the parent learnt, in"
             " nats below guessing among all tokens",
     .quantity = "share kept of what the parent learnt, in nats",
     .sql = "SELECT t.parent AS grp, t.seed, p.heldout_loss AS x, " LOSS ", 0 AS z, t.vocabulary AS w" TRIALS
            " JOIN trial p ON p.trial_id = t.parent JOIN cost k ON k.trial_id = p.trial_id AND k.attempt ="
            " p.final_attempt"
            SOUND " AND t.shrink <> 'none' AND c.weight_bytes <= 0.5 * k.weight_bytes" ORDER,
     .statistic = claim_kept, .from = 0.9, .to = INFINITY, .needs = "shrunk models beside their parents, and seeds",
     .chart = "downscaling"},
    {.name = "big-models-need-big-machines", .sentence = "Big models cannot run on a laptop or a phone",
    .source = ARTICLE,
     .rule = "of trials with 7e9 parameters or more on a machine of at most 32 GiB, at most half are done",
     .quantity = "share of trials with 7e9 parameters or more that ran", .uncertainty = CLAIM_SHARES,
     .sql = "SELECT '' AS grp, t.seed, t.params_total AS x, a.state = 'done' AS y, NULL AS se, NULL AS items, 0 AS z,"
            " NULL AS w FROM trial t JOIN attempt a ON a.trial_id = t.trial_id JOIN host h ON h.host_id = a.host_id"
            " WHERE t.params_total >= 7e9 AND h.memory_bytes <= 34359738368 AND a.state IN ('done', 'oom',"
            " 'failed')" ORDER,
     .statistic = claim_mean, .from = 0, .to = 0.5,
     .needs = "attempts with models that big on a small machine; for what would be needed see  isoflop size"},
    {.name = "effective-is-not-efficient", .sentence = "Effectiveness is not efficiency", .source = ARTICLE,
     .rule = "the model that learns most per training FLOP learns more than twice as much per FLOP as the one with"
             " the lowest loss, on the same text",
     .quantity = "times as many nats learnt per FLOP by the most efficient model as by the best",
     .sql = "SELECT json_array(" SETTING ") AS grp, t.seed, c.train_flops AS x, " LOSS ", 0 AS z, t.vocabulary AS"
             " w" TRIALS
            SOUND TRAINED " AND c.train_flops > 0" ORDER,
     .statistic = claim_efficiency_gap, .from = 2, .to = INFINITY, .needs = "two models on the same text, and"
             " seeds"},
    {.name = "four-epochs", .sentence = "Four epochs of repeated data are nearly as good as new data",
     .source = "Muennighoff et al. 2023, section 5",
     .rule = "at equal tokens and shape, loss with each token seen 3.5 to 4.5 times is at most 1 % above that with"
             " new ones",
     .quantity = "loss with repeats over loss with new data, less 1",
     .sql = "SELECT json_array(t.tokens, " SHAPE ") AS grp, t.seed, t.tokens AS x, " LOSS ","
            " t.tokens > 1.1 * t.unique_tokens AS z, NULL AS w" TRIALS SOUND DENSE " AND (t.tokens <= 1.1 *"
            " t.unique_tokens OR t.tokens * 1.0 / t.unique_tokens BETWEEN 3.5 AND 4.5)" ORDER,
     .statistic = claim_relative, .from = -INFINITY, .to = 0.01,
     .needs = "runs whose distinct tokens were counted, with four epochs and with one, and seeds"},
    {.name = "own-predictions", .sentence = "Our fits foretell larger trials",
     .source = "this store: table prediction",
     .rule = "of the trials that were predicted before they ran, at least 0.8 came out inside the stored interval",
     .quantity = "share of predicted trials inside their interval", .uncertainty = CLAIM_SHARES,
     .sql = "SELECT '' AS grp, t.seed, 0 AS x, t.heldout_loss BETWEEN q.low AND q.high AS y, NULL AS se, NULL AS items,"
            " 0 AS z, NULL AS w FROM prediction q JOIN trial t ON t.trial_id = q.trial_id JOIN attempt a"
            " ON a.trial_id = t.trial_id AND a.attempt = t.final_attempt WHERE t.state = 'done'"
            " AND q.metric = 'heldout_loss' AND q.low IS NOT NULL AND q.predicted_at < a.started_at" ORDER,
     .statistic = claim_mean, .from = 0.8, .to = 1, .needs = "more trials predicted before they run"},
};
enum { CLAIMS = sizeof claims / sizeof *claims };

const struct claim *claim_at(int i)
{
    return i >= 0 && i < CLAIMS ? &claims[i] : NULL;
}
