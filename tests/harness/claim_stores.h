/* SPDX-License-Identifier: Apache-2.0 */
/* claim_stores.h — stores that never were, one for each claim: filled with what its sentence says, or with the opposite.
 * The one program that includes it opens `store`, and says in how many seeds and with how large errors. */
#ifndef TESTS_HARNESS_CLAIM_STORES_H
#define TESTS_HARNESS_CLAIM_STORES_H

#include "tests/harness/store_fixture.h"

struct planted {
    const char *state, *shrink, *parent;
    double width, experts, tokens, flops, total, loss, se, seed, junk, unique, train_flops, train_s, weight_bytes;
    const char *started;
    int host;
};
#define PLANTED                                                                                                        \
    ((struct planted){.state = "done",                                                                                 \
                      .shrink = "none",                                                                                \
                      .parent = "",                                                                                    \
                      .width = 8,                                                                                      \
                      .experts = 1,                                                                                    \
                      .tokens = 1e6,                                                                                   \
                      .total = 1e4,                                                                                    \
                      .loss = 3,                                                                                       \
                      .se = 1e-4,                                                                                      \
                      .seed = 1,                                                                                       \
                      .unique = 1e6,                                                                                   \
                      .train_flops = 1e9,                                                                              \
                      .train_s = 1,                                                                                    \
                      .weight_bytes = 4e4,                                                                             \
                      .started = "2026-01-02T00:00:00.000Z"})

static struct store *store;
static int n_planted, n_seeds;
static double error_scale;

static void execute(const char *sql)
{
    struct err err = ERR_INIT;
    expect_status(db_exec(store->db, sql, &err), STATUS_OK, &err);
}

/* Returns the number of the trial, whose id is "t" and that number. */
static int plant(const struct planted *p)
{
    char sql[2048];
    int id = n_planted++;
    (void)snprintf(
        sql, sizeof sql,
        "INSERT INTO trial (trial_id, state, final_attempt, data_source, junk, vocabulary, depth, width,"
        " context, experts, experts_per_token, granularity, shared_experts, tokens, flops, batch_tokens, lr,"
        " shrink, parent, seed, params_total, params_active, params_non_embedding, params_matmul, unique_tokens,"
        " heldout_loss, heldout_stderr) VALUES ('t%d', '%s', 1, 'world', %.17g, 256, 1, %d, 64, %d, 1, 1, 0,"
        " %.0f, %.17g, 512, 0.004, '%s', '%s', %d, %.0f, %.0f, %.0f, %.0f, %.0f, %.17g, %.17g);"
        "INSERT INTO attempt (trial_id, attempt, state, owner, host_id, started_at, ended_at)"
        " VALUES ('t%d', 1, '%s', 'o', %s, '%s', '2026-01-03');"
        "INSERT INTO cost (trial_id, attempt, flops_executed, train_flops, train_s, weight_bytes)"
        " VALUES ('t%d', 1, %.17g, %.17g, %.17g, %.0f)",
        id, p->state, p->junk, (int)p->width, (int)p->experts, p->tokens, p->flops, p->shrink, p->parent, (int)p->seed,
        p->total, p->total, p->total, p->total, p->unique, p->loss, p->se * error_scale, id, p->state,
        p->host ? "1" : "NULL", p->started, id, p->train_flops, p->train_flops, p->train_s, p->weight_bytes);
    execute(sql);
    return id;
}

/* Items are few where errors are to be large. */
static void score(int id, const char *task, double value, double chance)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO eval (trial_id, attempt, step, task, metric, value, n, stderr, chance)"
                   " VALUES ('t%d', 1, 1, '%s', 'exact_match', %.17g, %d, 0, %.17g)",
                   id, task, value, error_scale > 1 ? 2 : 20000, chance);
    execute(sql);
}

/* Seeds differ by a hair, the same for every point of a seed and a little more for larger x. */
static double wobble(int seed, double x)
{
    return seed == 1 ? 0 : 1e-4 * (seed - 2) * (1 + 0.1 * x);
}

#define FOR_SEEDS(p) for ((p).seed = 1; (p).seed <= n_seeds; (p).seed++)

static void grid(double per_size, double per_data)
{
    struct planted p = PLANTED;
    for (int n = 0; n < 4; n++)
        for (int d = 0; d < 4; d++)
            FOR_SEEDS(p)
            {
                p.width = 8 << n;
                p.total = 1e4 * (1 << n);
                p.tokens = 1e5 * (1 << d);
                p.loss = 4 + per_size * n + per_data * d + wobble((int)p.seed, n + d);
                (void)plant(&p);
            }
}

static void size_helps(bool yes)
{
    grid(yes ? -0.2 : 0.2, -0.1);
}
static void data_help(bool yes)
{
    grid(-0.1, yes ? -0.2 : 0.2);
}
static void both_help(bool yes)
{
    grid(-0.2, yes ? -0.1 : 0.1);
}

/* Budgets of 1e9 times 4^i FLOPs; optimal(i) parameters. */
static void isoflop(double curvature, double (*optimal)(int budget, bool yes), bool yes)
{
    struct planted p = PLANTED;
    for (int i = 0; i < 6; i++)
        for (int k = -2; k <= 2; k++)
            FOR_SEEDS(p)
            {
                double best = optimal(i, yes), octaves = k;
                octaves += n_seeds > 1 ? 0.005 * (1 + 0.1 * p.seed) * (i % 2 ? 1 : -1) : 0;
                p.flops = 1e9 * pow(4, i);
                p.train_flops = p.flops;
                p.total = best * pow(2, k);
                p.tokens = p.flops / (6 * p.total);
                p.loss = 3 - 0.1 * i + curvature * octaves * octaves;
                (void)plant(&p);
            }
}

static double twenty(int i, bool yes)
{
    return sqrt(1e9 * pow(4, i) / (6 * (yes ? 20 : 200)));
}

static double exponents(int i, bool yes)
{
    return 1000 * pow(4, i * (yes ? 0.5 : 0.8));
}

static double costs(int i, bool yes)
{
    return 1000 * pow(4, i * (yes ? 0.5 : 1.3));
}

static double grows(int i, bool exponentially)
{
    return exponentially ? 1000 * (1 + i) : 1000 * pow(2, i);
}

static void has_best_size(bool yes)
{
    isoflop(yes ? 0.05 : -0.05, twenty, true);
}
static void twenty_tokens(bool yes)
{
    isoflop(0.05, twenty, yes);
}
static void grow_alike(bool yes)
{
    isoflop(0.05, exponents, yes);
}
static void doubling_costs(bool yes)
{
    isoflop(0.05, costs, yes);
}
static void optimal_explodes(bool yes)
{
    isoflop(0.05, grows, yes);
}

static void cost_explodes(bool yes)
{
    struct planted p = PLANTED;
    for (int n = 1; n <= 6; n++) {
        p.width = 8 * n;
        p.total = 1e4 * n;
        p.train_flops = yes ? 1e9 * exp(n) : 1e5 * p.total;
        (void)plant(&p);
    }
}

static void experts_add_up(bool yes)
{
    struct planted p = PLANTED;
    (void)plant(&p);
    p.experts = 8;
    p.total = yes ? 8e4 : 6e4;
    (void)plant(&p);
}

/* A dense curve that falls by 0.2 per doubling of cost, and a mixture beside it. */
static void mixtures(double gain)
{
    struct planted p = PLANTED;
    for (int n = 0; n < 4; n++)
        for (int experts = 1; experts <= 8; experts += 7)
            FOR_SEEDS(p)
            {
                if (experts == 8 && (n == 0 || n == 3))
                    continue;
                p.experts = experts;
                p.width = 8 << n;
                p.total = 1e4 * (1 << n) * experts;
                p.train_flops = 1e9 * (1 << n) * (experts == 8 ? 1.3 : 1);
                p.train_s = p.train_flops / 1e9;
                p.loss = 4 - 0.2 * log2(p.train_s) - (experts == 8 ? gain : 0) + wobble((int)p.seed, n);
                (void)plant(&p);
            }
}

static void experts_help(bool yes)
{
    mixtures(yes ? 0.1 : -0.1);
}

static void abilities_jump(bool yes)
{
    struct planted p = PLANTED;
    for (int n = 0; n < 12; n++)
        FOR_SEEDS(p)
        {
            double rise = 1 / (1 + exp(-(n - 5.5) * (yes ? 8 : 0.7))) + wobble((int)p.seed, n);
            p.width = 8 + n;
            p.total = 1e3 * pow(2, n);
            score(plant(&p), "copy", 0.1 + 0.9 * rise, 0.1);
        }
}

static void junk_hurts(bool yes)
{
    struct planted p = PLANTED;
    for (int j = 0; j < 4; j++)
        FOR_SEEDS(p)
        {
            p.junk = 0.2 * j;
            score(plant(&p), "copy", 0.5 + (yes ? -0.1 : 0.1) * j + wobble((int)p.seed, j), 0);
        }
}

static void knows_no_future(bool yes)
{
    struct planted p = PLANTED;
    FOR_SEEDS(p)
    score(plant(&p), "facts_after_cutoff", yes ? 0.11 : 0.6 + wobble((int)p.seed, 1), 0.1);
}

static void small_matches(bool yes)
{
    struct planted p = PLANTED;
    for (int n = 0; n < 4; n++)
        FOR_SEEDS(p)
        {
            p.width = 8 << n;
            p.total = 1e4 * (1 << n);
            score(plant(&p), "copy", (yes ? 0.9 : 0.3 * n) + wobble((int)p.seed, n), 0);
            score(n_planted - 1, "sort", 0.1 * n + wobble((int)p.seed, n), 0); /* the largest lacks it */
        }
}

static void shrinking_keeps(bool yes)
{
    struct planted p = PLANTED;
    FOR_SEEDS(p)
    {
        struct planted child = p;
        char parent[16];
        (void)snprintf(parent, sizeof parent, "t%d", plant(&p));
        child.shrink = "int8";
        child.parent = parent;
        child.weight_bytes = 1e4;
        child.loss = yes ? 3.01 : 4.5 + wobble((int)p.seed, 1);
        (void)plant(&child);
        child.weight_bytes = 3e4; /* hardly smaller: not looked at */
        child.loss = 3.8;
        (void)plant(&child);
    }
}

static void big_ones_fail(bool yes)
{
    struct planted p = PLANTED;
    execute("INSERT INTO host VALUES (1, 'k', 'laptop', 8, 1, 'x86_64', 17179869184, 'linux', 'avx2')");
    p.total = 7e9;
    p.host = 1;
    p.state = yes ? "oom" : "done";
    for (int i = 0; i < 8; i++)
        (void)plant(&p);
}

/* Either the large one is a little better at ten times the cost, or the cheap one is the best as well. */
static void effort_is_wasted(bool yes)
{
    struct planted p = PLANTED;
    for (int n = 0; n < 2; n++)
        FOR_SEEDS(p)
        {
            p.width = 8 << n;
            p.train_flops = n ? 1e10 : 1e9;
            p.loss = (n ? 2.9 : 3) + (yes || !n ? 0 : 0.3) + wobble((int)p.seed, n);
            (void)plant(&p);
        }
}

static void four_epochs(bool yes)
{
    struct planted p = PLANTED;
    for (int repeats = 1; repeats <= 4; repeats += 3)
        FOR_SEEDS(p)
        {
            p.unique = p.tokens / repeats;
            p.loss = 3 * (repeats == 1 ? 1 : yes ? 1.001 : 1.05) + wobble((int)p.seed, 1);
            (void)plant(&p);
        }
}

static void predictions(bool yes)
{
    struct planted p = PLANTED;
    for (int i = 0; i < 24; i++) {
        char sql[256];
        int id = plant(&p);
        (void)snprintf(sql, sizeof sql,
                       "INSERT INTO prediction (fit_id, trial_id, metric, value, low, high, predicted_at) VALUES"
                       " ('f', 't%d', 'heldout_loss', 3, %g, 3.1, '%s')",
                       id, yes || i % 6 == 5 ? 2.9 : 3.05, i % 6 == 5 ? "2026-02-01" : "2026-01-01");
        execute(sql); /* every sixth came too late and does not count, right as it is */
    }
}

static const struct {
    const char *claim;
    void (*fill)(bool yes);
} cases[] = {
    {"bigger-is-better", size_helps},
    {"more-data-is-better", data_help},
    {"both-matter", both_help},
    {"compute-optimal", has_best_size},
    {"tokens-per-parameter", twenty_tokens},
    {"equal-exponents", grow_alike},
    {"doubling-costs-a-multiple", doubling_costs},
    {"exponential-cost", cost_explodes},
    {"exponential-cost-optimal", optimal_explodes},
    {"experts-add-up", experts_add_up},
    {"experts-per-flop", experts_help},
    {"experts-per-second", experts_help},
    {"abrupt-emergence", abilities_jump},
    {"junk-in-junk-out", junk_hurts},
    {"knowledge-cutoff", knows_no_future},
    {"small-matches-large", small_matches},
    {"shrunk-keeps-quality", shrinking_keeps},
    {"big-models-need-big-machines", big_ones_fail},
    {"effective-is-not-efficient", effort_is_wasted},
    {"four-epochs", four_epochs},
    {"own-predictions", predictions},
};
enum { CASES = sizeof cases / sizeof *cases };

#endif
