/* SPDX-License-Identifier: Apache-2.0 */
/* report_tables.h — answers of a store that never was: tables with planted truths for the tests of the report.
 *
 * Loss follows L = E + A/N^a + B/D^b with E the entropy floor, so that every finding has a known answer.
 * Several charts' SQL name the same columns differently; one wide table serves them all. */
#ifndef TESTS_HARNESS_REPORT_TABLES_H
#define TESTS_HARNESS_REPORT_TABLES_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/table.h"

enum { TRUTH_SIZES = 6, TRUTH_DATA = 4 };

struct truth {
    double floor, a, alpha, b, beta;
    double size_sign, data_sign; /* -1 flips: bigger, or more, is worse */
    int seeds;
    double seed_spread;          /* added per seed, centred */
    const char *label;           /* data_source: "world" draws the floor */
};

static inline struct truth truth_plain(void)
{
    return (struct truth){1.31, 18, 0.42, 90, 0.4, 1, 1, 1, 0, "world"};
}

static inline double truth_size(int i)
{
    static const double sizes[] = {4096, 10240, 25600, 61440, 143360, 311296};
    return sizes[i];
}

static inline double truth_tokens(int i)
{
    static const double tokens[] = {196608, 491520, 1228800, 3145728};
    return tokens[i];
}

static inline double truth_loss(const struct truth *t, double params, double tokens)
{
    double size = t->a / pow(params, t->alpha), data = t->b / pow(tokens, t->beta);
    return t->floor + (t->size_sign > 0 ? size : 1.2 - size) + (t->data_sign > 0 ? data : 1.2 - data);
}

static const char *const truth_columns[] = {
    "kind", "trial_id", "spec", "params", "params_non_embedding", "active", "params_total", "experts",
    "experts_per_token", "tokens", "seed", "flops", "train_flops", "loss", "heldout_loss", "stderr",
    "heldout_stderr", "entropy_floor", "data_source", "train_s", "shrink", "parent", "weight_bytes", "step", "unit",
    "granularity"};
enum { TRUTH_COLUMNS = sizeof truth_columns / sizeof *truth_columns };

static inline void truth_set(struct table *t, int row, const char *name, double value)
{
    table_set_real(t, row, table_column(t, name), value);
}

static inline void truth_text(struct table *t, int row, const char *name, const char *value)
{
    table_set_text(t, row, table_column(t, name), value);
}

static inline int truth_row(struct table *t, const struct truth *truth, const char *id, double params, double tokens,
                            int seed, double loss)
{
    int row = table_add_row(t);
    truth_text(t, row, "kind", "run");
    truth_text(t, row, "trial_id", id);
    truth_text(t, row, "spec", "demo");
    truth_set(t, row, "params", params);
    truth_set(t, row, "params_non_embedding", params);
    truth_set(t, row, "active", params * 1.4);
    truth_set(t, row, "params_total", params * 1.4);
    truth_set(t, row, "experts", 1);
    truth_set(t, row, "experts_per_token", 1);
    truth_set(t, row, "tokens", tokens);
    truth_set(t, row, "seed", seed);
    truth_set(t, row, "flops", 6 * params * tokens);
    truth_set(t, row, "train_flops", 6 * params * tokens);
    truth_set(t, row, "loss", loss);
    truth_set(t, row, "heldout_loss", loss);
    truth_set(t, row, "stderr", 0.002);
    truth_set(t, row, "heldout_stderr", 0.002);
    truth_set(t, row, "entropy_floor", truth->floor);
    truth_text(t, row, "data_source", truth->label);
    truth_set(t, row, "train_s", params * tokens * 1e-10);
    truth_text(t, row, "shrink", "none");
    truth_text(t, row, "parent", "");
    truth_set(t, row, "weight_bytes", 4 * params * 1.4);
    truth_set(t, row, "step", tokens / 1024);
    truth_text(t, row, "unit", strcmp(truth->label, "text") == 0 ? "bits per byte" : "nats per token");
    truth_set(t, row, "granularity", 1);
    return row;
}

/* The dense grid: every size at every number of tokens. */
static inline void truth_grid(struct table *t, const struct truth *truth)
{
    table_init(t, TRUTH_COLUMNS, truth_columns);
    for (int n = 0; n < TRUTH_SIZES; n++)
        for (int d = 0; d < TRUTH_DATA; d++)
            for (int s = 1; s <= truth->seeds; s++) {
                char id[64];
                double loss = truth_loss(truth, truth_size(n), truth_tokens(d));
                (void)snprintf(id, sizeof id, "trial-%d-%d-%d", n, d, s);
                loss += truth->seed_spread * (s - (truth->seeds + 1) / 2.0);
                (void)truth_row(t, truth, id, truth_size(n), truth_tokens(d), s, loss);
            }
}

/* Mixtures of experts at the most tokens: `gain` below the dense loss at equal active parameters. */
static inline void truth_add_moe(struct table *t, const struct truth *truth, double gain)
{
    for (int k = 0; k < 3; k++) {
        char id[64];
        double params = truth_size(k + 1), tokens = truth_tokens(TRUTH_DATA - 1);
        (void)snprintf(id, sizeof id, "moe-%d", k);
        int row = truth_row(t, truth, id, params, tokens, 1, truth_loss(truth, params, tokens) - gain);
        truth_set(t, row, "experts", 4 << k);
        truth_set(t, row, "experts_per_token", 2);
        truth_set(t, row, "params", params * (2 << k));
        truth_set(t, row, "params_total", params * 1.4 * (2 << k));
        truth_set(t, row, "train_s", params * tokens * 1.3e-10);
    }
}

/* An int8 child of the largest-data model of each size. */
static inline void truth_add_shrunk(struct table *t, const struct truth *truth, double worse)
{
    for (int n = 0; n < TRUTH_SIZES; n++) {
        char id[64], parent[64];
        double params = truth_size(n), tokens = truth_tokens(TRUTH_DATA - 1);
        (void)snprintf(id, sizeof id, "int8-%d", n);
        (void)snprintf(parent, sizeof parent, "trial-%d-%d-1", n, TRUTH_DATA - 1);
        int row = truth_row(t, truth, id, params, tokens, 1, truth_loss(truth, params, tokens) + worse);
        truth_text(t, row, "shrink", "int8");
        truth_text(t, row, "parent", parent);
        truth_set(t, row, "weight_bytes", params * 1.4);
    }
}

/* Learning curves of the trials with the most tokens, as loss_vs_compute and learning_curves ask for them. */
static inline void truth_add_curves(struct table *t, const struct truth *truth)
{
    for (int n = 0; n < TRUTH_SIZES; n++)
        for (int k = 1; k <= 12; k++) {
            char id[64];
            double params = truth_size(n), tokens = truth_tokens(TRUTH_DATA - 1) * k / 12;
            (void)snprintf(id, sizeof id, "trial-%d-%d-1", n, TRUTH_DATA - 1);
            double loss = truth_loss(truth, params, tokens) + (k < 12 ? 0.08 : 0);
            int row = truth_row(t, truth, id, params, tokens, 1, loss);
            truth_text(t, row, "kind", "curve");
        }
}

/* Abilities: task 0 appears at the given size, task 1 never, the others rise smoothly. */
static inline void truth_evals(struct table *t, const char *const *tasks, int n_tasks, double appears)
{
    const char *const names[] = {"params", "tokens", "seed", "task", "metric", "value", "n", "stderr", "chance"};
    table_init(t, 9, names);
    for (int task = 0; task < n_tasks; task++)
        for (int n = 0; n < TRUTH_SIZES; n++) {
            double x = log(truth_size(n) / appears), p = task == 1 ? 0 : 1 / (1 + exp(-(task + 2) * x));
            if (task == 0)
                p = truth_size(n) >= appears ? 0.4 + 0.1 * n : 0;
            const char *const metrics[] = {"exact_match", "logprob"};
            for (int m = 0; m < 2; m++) {
                int row = table_add_row(t);
                truth_set(t, row, "params", truth_size(n));
                truth_set(t, row, "tokens", truth_tokens(TRUTH_DATA - 1));
                truth_set(t, row, "seed", 1);
                truth_text(t, row, "task", tasks[task]);
                truth_text(t, row, "metric", metrics[m]);
                truth_set(t, row, "value", m ? -4.5 + 0.6 * n - 0.3 * task : p);
                truth_set(t, row, "n", 128);
                truth_set(t, row, "stderr", m ? 0.05 : sqrt(p * (1 - p) / 128));
                truth_set(t, row, "chance", m ? NAN : task == 2 ? 0.1 : 0.0);
            }
        }
}

/* Latency; one row per trial and phase. int8 children answer `faster` times as fast. */
static inline void truth_latency(struct table *t, double faster)
{
    const char *const names[] = {"trial_id", "params", "phase", "batch", "prompt_tokens", "seed", "p50_ms", "p95_ms",
                                 "p99_ms"};
    table_init(t, 9, names);
    for (int child = 0; child <= (faster > 0); child++)
        for (int n = 0; n < TRUTH_SIZES; n++)
            for (int phase = 0; phase < 2; phase++) {
                char id[64];
                int row = table_add_row(t);
                double ms = (phase ? 0.02 : 0.4) * pow(truth_size(n) / 4096, 0.8) / (child ? faster : 1);
                (void)snprintf(id, sizeof id, child ? "int8-%d" : "trial-%d-%d-1", n, TRUTH_DATA - 1);
                truth_text(t, row, "trial_id", id);
                truth_set(t, row, "params", truth_size(n));
                truth_text(t, row, "phase", phase ? "decode" : "prefill");
                truth_set(t, row, "batch", 1);
                truth_set(t, row, "prompt_tokens", 64);
                truth_set(t, row, "seed", 1);
                truth_set(t, row, "p50_ms", ms);
                truth_set(t, row, "p95_ms", ms * 1.25);
                truth_set(t, row, "p99_ms", ms * 1.6);
            }
}

static inline void truth_load(struct table *t)
{
    const char *const names[] = {"layer", "expert", "share"};
    table_init(t, 3, names);
    for (int layer = 0; layer < 3; layer++)
        for (int expert = 0; expert < 8; expert++) {
            int row = table_add_row(t);
            truth_set(t, row, "layer", layer);
            truth_set(t, row, "expert", expert);
            truth_set(t, row, "share", (1 + 0.15 * (layer + 1) * ((expert * 5) % 8 - 3.5) / 3.5) / 8);
        }
}

#endif
