/* SPDX-License-Identifier: Apache-2.0 */
/* trial_load.c — how evenly a training mixture's experts are chosen, over the steps of training.
 *
 * The model counts choices as whole numbers, so a step's figures do not depend on how its batch was cut into
 * micro-batches. Invariant: at a step boundary the model's counts are zero. */
#include <string.h>

#include "engine/model/cost.h"
#include "harness/run/trial_parts.h"

void trial_load_step(struct trial *trial)
{
    struct load_curve *curve = &trial->history.load;
    struct model *m = &trial->model;
    int E = trial->config.experts, L = trial->config.routed ? trial->config.depth : 0;
    for (int l = 0; l < L; l++) {
        struct moe_balance b = moe_balance(m->chosen + l * E, m->dropped[l], E);
        const double figures[LOAD_FIGURES] = {b.max_over_mean, b.effective, b.dead, b.dropped};
        for (int i = 0; i < LOAD_FIGURES; i++)
            curve->sums[l][i] += figures[i];
        curve->dropped += m->dropped[l];
    }
    curve->layers = L;
    curve->steps++;
    memset(m->chosen, 0, (size_t)(L * E) * sizeof *m->chosen);
    memset(m->dropped, 0, (size_t)L * sizeof *m->dropped);
}

static void note(struct trial *trial, int64_t step, int64_t layer, const char *name, double value)
{
    struct record record = {.kind = RECORD_MOE_METRIC, .step = step, .index = layer, .value = value};
    (void)str_copy(record.name, sizeof record.name, name);
    trial_note(trial, &record);
}

void trial_load_point(struct trial *trial, int64_t step)
{
    static const char *const names[LOAD_FIGURES] = {"max_over_mean", "effective_share", "dead_share", "dropped_share"};
    struct load_curve *curve = &trial->history.load;
    int L = trial->config.routed ? trial->config.depth : 0;
    for (int l = 0; l < L; l++)
        for (int i = 0; i < LOAD_FIGURES; i++)
            note(trial, step, l, names[i], curve->sums[l][i] / (double)curve->steps);
    memset(curve->sums, 0, sizeof curve->sums);
    curve->steps = 0;
}

double trial_train_formula(const struct trial *trial)
{
    const struct config *c = &trial->config;
    return cost_train_flops(c, trial->steps, trial_sequences(trial->knobs), c->context) -
           cost_dropped_flops(c, trial->history.load.dropped);
}
