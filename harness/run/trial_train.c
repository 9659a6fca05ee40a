/* SPDX-License-Identifier: Apache-2.0 */
/* trial_train.c — the training of a trial: fills batches, follows the schedule, sends curves, keeps states.
 *
 * What the optimiser does at a step depends on the knobs, the data and the step alone, so it does not matter who did
 * the steps before: this attempt, one that was interrupted, or another branch of the trunk. A branch leaves a state
 * with its trunk where its own decay begins. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/math/blas.h"
#include "engine/model/cost.h"
#include "harness/run/trial_parts.h"

/* Points on the stored training curve. */
enum { TRAIN_POINTS = 64 };

/* A window is one token longer than a sequence: its targets are its tokens, one further. */
void trial_fill(const void *context, int64_t first, int rows, int32_t *tokens, int32_t *targets)
{
    const struct trial *trial = context;
    int T = trial->config.context, first_scored = T - source_scored(trial->source, T);
    int32_t row[8193];
    ASSERT(T < 8193);
    for (int b = 0; b < rows; b++) {
        source_window(trial->source, (uint64_t)trial->knobs->seed, RNG_TRAIN_DATA, (uint64_t)(first + b), row, T + 1);
        if (trial->overlap)
            overlap_look(trial->overlap, row, T + 1);
        memcpy(tokens + (size_t)b * (size_t)T, row, (size_t)T * sizeof *row);
        memcpy(targets + (size_t)b * (size_t)T, row + 1, (size_t)T * sizeof *row);
        for (int t = 0; t < first_scored; t++)
            targets[(size_t)b * (size_t)T + (size_t)t] = -1;
    }
}

static bool has_point(const struct history *history, int64_t step, const char *name)
{
    for (int i = history->n_records - 1; i >= 0 && history->records[i].step >= step; i--)
        if (history->records[i].step == step && strcmp(history->records[i].name, name) == 0)
            return true;
    return false;
}

/* The held-out loss after the steps done, where one is due and none came with the state; false to stop. */
static bool curve_point(struct trial *trial)
{
    int64_t every = trial->knobs->eval_every ? trial->knobs->eval_every : trial->steps / TRIAL_HELDOUT_POINTS;
    int64_t step = trial->history.step;
    struct heldout h;
    if (step == 0 || every < 1 || step % every != 0 || has_point(&trial->history, step, "heldout_loss"))
        return true;
    if (step == trial->steps)
        return true; /* the last point is the final measurement */
    if (!trial_heldout(trial, (trial_heldout_windows(trial->knobs) + TRIAL_CURVE_SHARE - 1) / TRIAL_CURVE_SHARE, &h, NULL))
        return false;
    trial_metric(trial, step, "heldout_loss", h.loss);
    return true;
}

static void log_step(struct trial *trial, int64_t step, double rate, const struct train_step *done)
{
    int64_t every = trial->steps / TRAIN_POINTS > 0 ? trial->steps / TRAIN_POINTS : 1;
    child_progress(&trial->child, step + 1, trial->steps, done->loss);
    if (step % every == 0 || step + 1 == trial->steps) {
        trial_metric(trial, step + 1, "train_loss", done->loss);
        trial_metric(trial, step + 1, "grad_norm", done->norm);
        trial_metric(trial, step + 1, "lr", rate);
        trial_load_point(trial, step + 1);
    }
}

/* False when the loss is three times what guessing costs, or no number; the outcome is said then. */
static bool is_sane(struct trial *trial, int64_t step, const struct train_step *done)
{
    char reason[RECORD_TEXT_SIZE];
    if (done->loss <= 3 * log(trial->config.vocabulary) && isfinite(done->norm)) {
        trial->last_loss = done->loss;
        return true;
    }
    (void)snprintf(reason, sizeof reason, "step %lld: loss %g, gradient norm %g; last finite loss %g",
                   (long long)step + 1, fabs(done->loss), fabs(done->norm), trial->last_loss);
    child_outcome(&trial->child, OUTCOME_DIVERGED, reason);
    return false;
}

/* At a step boundary: states where they are due. */
static void keep_states(struct trial *trial)
{
    const struct assignment *a = &trial->assignment;
    if (trial->history.step == schedule_constant_steps(&trial->schedule))
        trial_save_state(trial, a->trunk);
    if (a->state_every_s > 0 && clock_since(trial->saved) >= a->state_every_s)
        trial_save_state(trial, a->state);
}

/* The steps that are left; false when it was asked to stop or diverged. */
static bool train(struct trial *trial, struct trainer *trainer)
{
    const struct knobs *k = trial->knobs;
    const struct adamw adamw = {k->beta1, k->beta2, 1e-8, k->weight_decay, k->clip};
    const struct train_data data = {trial, trial_fill};
    struct history *history = &trial->history;
    while (curve_point(trial) && child_poll(&trial->child)) {
        int64_t step = history->step;
        double rate = k->lr * schedule_factor(&trial->schedule, step);
        uint64_t counted = flop_counter();
        struct train_step done;
        struct instant before = clock_now();
        if (step == trial->steps)
            return true;
        trainer_step(trainer, &data, &adamw, rate, step, &done);
        /* The step's mean is over all tokens; those that are not scored count nothing. */
        done.loss *= (double)trial->config.context / source_scored(trial->source, trial->config.context);
        history->train_s += clock_since(before);
        history->flops += (double)(flop_counter() - counted);
        history->step++;
        trial_load_step(trial);
        log_step(trial, step, rate, &done);
        if (!is_sane(trial, step, &done))
            return false;
        keep_states(trial);
    }
    return false;
}

static void report(struct trial *trial)
{
    struct child *child = &trial->child;
    const struct history *history = &trial->history;
    double tokens = (double)trial->steps * (double)trial->knobs->batch_tokens;
    child_cost(child, "flops_executed", history->flops);
    child_cost(child, "train_flops", history->flops);
    child_cost(child, "flops_marginal", history->flops - history->inherited_flops);
    child_cost(child, "flops_formula", trial_train_formula(trial));
    child_cost(child, "flops_6nd", cost_6nd(&trial->config, tokens));
    child_cost(child, "train_s", history->train_s);
    child_cost(child, "train_marginal_s", history->train_s - history->inherited_s);
    child_cost(child, "tokens_per_s", tokens / history->train_s);
}

/* Watches for held-out items among what is trained on; of the steps behind a state, the windows are made once more. */
static bool watch(struct trial *trial, struct err *err)
{
    const struct world *world = source_world(trial->source);
    int64_t behind = trial->history.step * trial_sequences(trial->knobs);
    int32_t row[8193];
    if (!world)
        return true;
    if (overlap_new(&trial->overlap, world_tasks(world), world_facts(world), (int)trial->knobs->items, err) != STATUS_OK)
        return false;
    for (int64_t i = 0; i < behind; i++) {
        source_window(trial->source, (uint64_t)trial->knobs->seed, RNG_TRAIN_DATA, (uint64_t)i, row,
                      trial->config.context + 1);
        overlap_look(trial->overlap, row, trial->config.context + 1);
    }
    return true;
}

/* False, and an error, when something held out was trained on. */
static bool report_overlap(struct trial *trial, struct err *err)
{
    int64_t found = trial->overlap ? overlap_found(trial->overlap) : 0;
    if (trial->overlap)
        child_fact(&trial->child, "item_overlap", (double)found);
    overlap_free(trial->overlap);
    trial->overlap = NULL;
    if (found > 0)
        (void)err_set(err, STATUS_CORRUPT, "%lld lines of the training text are held-out items", (long long)found);
    return found == 0;
}

bool trial_train(struct trial *trial, struct err *err)
{
    struct train_shape shape;
    struct trainer *trainer = NULL;
    double formula;
    bool trained;
    trial_shape(trial->knobs, &shape);
    if (model_open(&trial->model, &trial->config, train_micro_batch(&trial->config, &shape), MODEL_TRAIN, err) !=
            STATUS_OK ||
        trainer_open(&trainer, &trial->model, &shape, err) != STATUS_OK)
        return false;
    model_init_weights(&trial->model, (uint64_t)trial->knobs->seed);
    trial_take_up(trial);
    if (!watch(trial, err)) {
        trainer_close(trainer);
        return false;
    }
    trial->saved = clock_now();
    trained = train(trial, trainer);
    trainer_close(trainer);
    if (!trained || !report_overlap(trial, err))
        return false;
    formula = trial_train_formula(trial);
    if (trial->history.flops != formula) {
        (void)err_set(err, STATUS_CORRUPT, "training executed %.17g FLOPs, the formula says %.17g",
                      trial->history.flops, formula);
        return false;
    }
    child_cost(&trial->child, "threads", train_workers(&trial->config, &shape));
    report(trial);
    return session_open(&trial->session, &trial->model, NULL, err) == STATUS_OK;
}
