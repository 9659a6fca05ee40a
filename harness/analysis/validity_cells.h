/* SPDX-License-Identifier: Apache-2.0 */
/* validity_cells.h — the answer of validity_sql with its columns found once, shared by the files of checks. */
#ifndef HARNESS_ANALYSIS_VALIDITY_CELLS_H
#define HARNESS_ANALYSIS_VALIDITY_CELLS_H

#include "harness/analysis/validity.h"

/* Column, and the SQL that gives it; t: trial, c: cost, l: latency, e: scores. The keys' SQL is made from the knobs. */
#define VALIDITY_COLUMNS(C)                                                                                            \
    C(trial_id, "t.trial_id")                                                                                          \
    C(seed, "t.seed")                                                                                                  \
    C(shrink, "t.shrink")                                                                                              \
    C(tokens, "t.tokens")                                                                                              \
    C(flops, "t.flops")                                                                                                \
    C(batch_tokens, "t.batch_tokens")                                                                                  \
    C(lr, "t.lr")                                                                                                      \
    C(schedule, "t.schedule")                                                                                          \
    C(warmup, "t.warmup")                                                                                              \
    C(warmup_tokens, "t.warmup_tokens")                                                                                \
    C(decay, "t.decay")                                                                                                \
    C(beta2, "t.beta2")                                                                                                \
    C(parametrization, "t.parametrization")                                                                            \
    C(tokenizer, "t.tokenizer")                                                                                        \
    C(experts, "t.experts")                                                                                            \
    C(params_total, "t.params_total")                                                                                  \
    C(params_active, "t.params_active")                                                                                \
    C(params_non_embedding, "t.params_non_embedding")                                                                  \
    C(params_matmul, "t.params_matmul")                                                                                \
    C(data_identity, "t.data_identity")                                                                                \
    C(unique_tokens, "t.unique_tokens")                                                                                \
    C(item_overlap, "t.item_overlap")                                                                                  \
    C(heldout_loss, "t.heldout_loss")                                                                                  \
    C(bits_per_byte, "t.bits_per_byte")                                                                                \
    C(flops_executed, "c.flops_executed")                                                                              \
    C(flops_formula, "c.flops_formula")                                                                                \
    C(train_s, "c.train_s")                                                                                            \
    C(busy_s, "c.train_s + c.eval_s + c.latency_s")                                                                    \
    C(cpu_s, "c.cpu_s")                                                                                                \
    C(weight_bytes, "c.weight_bytes")                                                                                  \
    C(peak_rss_bytes, "c.peak_rss_bytes")                                                                              \
    C(energy_j, "c.energy_j")                                                                                          \
    C(latency_n, "l.n")                                                                                                \
    C(latency_spread, "l.spread")                                                                                      \
    C(tasks_exact, "e.exact")                                                                                          \
    C(tasks_smooth, "e.smooth")                                                                                        \
    C(scores_missing, "e.missing")                                                                                     \
    C(predicted, "p.n")                                                                                                \
    C(predicted_late, "p.late")                                                                                        \
    C(replicate_key, NULL)                                                                                             \
    C(rate_key, NULL)                                                                                                  \
    C(family_key, NULL)                                                                                                \
    C(budget_key, NULL)

enum validity_column {
#define VALIDITY_ENUM(name, sql) VALIDITY_AT_##name,
    VALIDITY_COLUMNS(VALIDITY_ENUM)
#undef VALIDITY_ENUM
    VALIDITY_N_COLUMNS
};

/* Rows that share a key. */
struct validity_group {
    int n;
    int *of;      /* (rows) the row's group; -1: none */
    int *begin;   /* (n + 1) where each group's members begin */
    int *members; /* rows, group by group */
};

/* What was best in a group. */
struct validity_optimum {
    int n;                  /* different values tried */
    double lowest, highest; /* of them */
    double at;              /* the one with the lowest held-out loss */
};

/* One model's extent of one kind, beside others on the same data and as many tokens. */
struct validity_extent {
    int data; /* group of the data */
    double tokens, value;
};

enum { VALIDITY_EXTENTS = 4 }; /* kinds: total and active parameters, time, memory */

struct validity_cells {
    const struct table *trials;
    int at[VALIDITY_N_COLUMNS]; /* a column's place in the table */
    struct validity_group replicates, rates, families, budgets, tokenizers, data;
    int *seeds;                          /* different ones, per group of replicates */
    struct validity_optimum *best_rates; /* learning rate, per group of rates */
    struct validity_optimum *best_sizes; /* parameters, per group of a budget */
    struct validity_extent *dense[VALIDITY_EXTENTS]; /* trained dense models, in order; validity_groups.c */
    int n_dense;
};

/* Fill and release all but the first two fields, which must be set. */
void validity_groups_open(struct validity_cells *cells);
void validity_groups_close(struct validity_cells *cells);

#define VALUE(cells, row, name) table_number((cells)->trials, row, (cells)->at[VALIDITY_AT_##name])
#define TEXT(cells, row, name) table_text((cells)->trials, row, (cells)->at[VALIDITY_AT_##name])

struct validity_result validity_says(enum validity_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Checks that look at other trials too (validity_groups.c). */
struct validity_result validity_rate(const struct validity_cells *cells, int row);
struct validity_result validity_edge(const struct validity_cells *cells, int row);
struct validity_result validity_seeds(const struct validity_cells *cells, int row);
struct validity_result validity_tokenizer(const struct validity_cells *cells, int row);
struct validity_result validity_comparators(const struct validity_cells *cells, int row);

#endif
