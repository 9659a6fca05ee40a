/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c — see facts.h. tests/harness/test_schema.c holds every row against results/schema.sql. */
#include "harness/store/facts.h"

#include <string.h>

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

static const struct fact facts[] = {
    {"params_total", "params_total", true, true},
    {"params_active", "params_active", true, true},
    {"params_non_embedding", "params_non_embedding", true, true},
    {"params_matmul", "params_matmul", true, true},
    {"unique_tokens", "unique_tokens", true, false},
    {"item_overlap", "item_overlap", true, false},
    {"heldout_loss", "heldout_loss", false, false},
    {"heldout_stderr", "heldout_stderr", false, false},
    {"entropy_floor", "entropy_floor", false, false},
    {"excess", "excess_nats", false, false},
    {"bits_per_byte", "bits_per_byte", false, false},
};

static const struct fact costs[] = {
    {"flops_executed", "flops_executed", false, false},
    {"flops_formula", "flops_formula", false, false},
    {"flops_6nd", "flops_6nd", false, false},
    {"train_flops", "train_flops", false, false},
    {"eval_flops", "eval_flops", false, false},
    {"wall_s", "wall_s", false, false},
    {"train_s", "train_s", false, false},
    {"eval_s", "eval_s", false, false},
    {"latency_s", "latency_s", false, false},
    {"cpu_s", "cpu_s", false, false},
    {"peak_rss_bytes", "peak_rss_bytes", true, false},
    {"model_bytes", "model_bytes", true, false},
    {"weight_bytes", "weight_bytes", true, false},
    {"checkpoint_bytes", "checkpoint_bytes", true, false},
    {"energy_j", "energy_j", false, false},
    {"tokens_per_s", "tokens_per_s", false, false},
    {"steps", "steps", true, false},
    {"threads", "threads", true, false},
    {"flops_marginal", "flops_marginal", false, false},
    {"train_marginal_s", "train_marginal_s", false, false},
};

static const struct fact trial_texts[] = {
    {"data_identity", "data_identity", false, false},
    {"blas_core", "blas_core", false, false},
    {"checkpoint", "checkpoint", false, false},
};

static const struct fact cost_texts[] = {
    {"energy_method", "energy_method", false, false},
};

_Static_assert(COUNT(facts) <= MOST_FACTS && COUNT(costs) <= MOST_FACTS, "MOST_FACTS bounds every list");

const struct fact *fact_at(int i)
{
    return i < COUNT(facts) ? &facts[i] : NULL;
}

const struct fact *cost_at(int i)
{
    return i < COUNT(costs) ? &costs[i] : NULL;
}

const struct fact *trial_text_at(int i)
{
    return i < COUNT(trial_texts) ? &trial_texts[i] : NULL;
}

const struct fact *cost_text_at(int i)
{
    return i < COUNT(cost_texts) ? &cost_texts[i] : NULL;
}

int fact_find(const struct fact *(*at)(int i), const char *name)
{
    const struct fact *fact;
    for (int i = 0; (fact = at(i)) != NULL; i++)
        if (strcmp(fact->name, name) == 0 || strcmp(fact->column, name) == 0)
            return i;
    return -1;
}
