/* SPDX-License-Identifier: Apache-2.0 */
/* trial.c — one trial from its assignment to its outcome.
 *
 * Invariant: whatever happens, exactly one outcome is the last thing said, unless the process is killed. What
 * the optimiser does depends on the knobs and the data alone: not on time, not on what else runs. */
#include "harness/run/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/math/blas.h"
#include "engine/math/vec.h"
#include "engine/model/checkpoint.h"
#include "engine/model/cost.h"
#include "engine/model/optim.h"
#include "harness/run/energy.h"
#include "harness/run/trial_parts.h"

/* Points on the stored training curve, and of the held-out one when eval.every is 0. */
enum { TRAIN_POINTS = 64, HELDOUT_POINTS = 8, CURVE_SHARE = 8 };

/* The buffers of one micro-batch. */
struct batch {
    int32_t *tokens, *targets; /* (micro_batch,T) */
};

static void fill_batch(const struct trial *trial, struct batch *batch, int64_t first, int rows)
{
    int T = trial->config.context;
    int32_t row[8193];
    ASSERT(T < 8193);
    for (int b = 0; b < rows; b++) {
        source_window(trial->source, (uint64_t)trial->knobs->seed, RNG_TRAIN_DATA, (uint64_t)(first + b), row, T + 1);
        memcpy(batch->tokens + (size_t)b * (size_t)T, row, (size_t)T * sizeof *row);
        memcpy(batch->targets + (size_t)b * (size_t)T, row + 1, (size_t)T * sizeof *row);
    }
}

/* Loss in nats per token of one optimiser step; *norm is the gradient's before clipping. */
static double train_step(struct trial *trial, struct batch *batch, int64_t step, double *norm)
{
    const struct knobs *k = trial->knobs;
    const struct adamw adamw = {k->beta1, k->beta2, 1e-8, k->weight_decay, k->clip};
    int64_t sequences = trial_sequences(k), micro = trial_micro_batch(k);
    int T = trial->config.context;
    double scale = 1 / ((double)sequences * T), sum = 0;
    model_zero_gradients(&trial->model);
    for (int64_t first = 0; first < sequences; first += micro) {
        int rows = (int)(sequences - first < micro ? sequences - first : micro);
        fill_batch(trial, batch, step * sequences + first, rows);
        sum += model_forward_backward(&trial->model, batch->tokens, batch->targets, rows, T, scale, NULL);
    }
    *norm = adamw_step(&trial->model, &adamw, k->lr * schedule_factor(step, trial->steps, k->warmup, k->decay),
                       step + 1);
    return sum * scale;
}

static bool curve_point(struct trial *trial, int64_t step)
{
    int64_t every = trial->knobs->eval_every ? trial->knobs->eval_every : trial->steps / HELDOUT_POINTS;
    struct heldout h;
    if (every < 1 || (step + 1) % every != 0 || step + 1 == trial->steps)
        return true; /* the last point is the final measurement */
    if (!trial_heldout(trial, (trial_heldout_windows(trial->knobs) + CURVE_SHARE - 1) / CURVE_SHARE, &h, NULL))
        return false;
    child_metric(&trial->child, step + 1, "heldout_loss", h.loss);
    return true;
}

static void log_step(struct trial *trial, int64_t step, double loss, double norm)
{
    int64_t every = trial->steps / TRAIN_POINTS > 0 ? trial->steps / TRAIN_POINTS : 1;
    child_progress(&trial->child, step + 1, trial->steps, loss);
    if (step % every == 0 || step + 1 == trial->steps) {
        child_metric(&trial->child, step + 1, "train_loss", loss);
        child_metric(&trial->child, step + 1, "grad_norm", norm);
    }
}

enum progress { TRAINED, STOPPED, DIVERGED };

/* All steps. The FLOPs counted in them are added to *flops. */
static enum progress train(struct trial *trial, struct batch *batch, double *flops)
{
    double limit = 3 * log(trial->config.vocabulary); /* three times what guessing costs */
    for (int64_t step = 0; step < trial->steps; step++) {
        struct instant before;
        uint64_t counted = flop_counter();
        double loss, norm;
        if (!child_poll(&trial->child))
            return STOPPED;
        before = clock_now();
        loss = train_step(trial, batch, step, &norm);
        trial->train_s += clock_since(before);
        *flops += (double)(flop_counter() - counted);
        log_step(trial, step, loss, norm);
        if (!(loss <= limit) || !isfinite(norm)) {
            char reason[RECORD_TEXT_SIZE];
            (void)snprintf(reason, sizeof reason, "step %lld: loss %g, gradient norm %g; last finite loss %g",
                           (long long)step + 1, loss, norm, trial->last_loss);
            child_outcome(&trial->child, OUTCOME_DIVERGED, reason);
            return DIVERGED;
        }
        trial->last_loss = loss;
        if (!curve_point(trial, step))
            return STOPPED;
    }
    return TRAINED;
}

static void report_training(struct trial *trial, double flops)
{
    struct child *child = &trial->child;
    double tokens = (double)trial->steps * (double)trial->knobs->batch_tokens;
    child_cost(child, "flops_executed", flops);
    child_cost(child, "train_flops", flops);
    child_cost(child, "flops_formula", cost_train_flops(&trial->config, trial->steps, trial_sequences(trial->knobs),
                                                        trial->config.context));
    child_cost(child, "flops_6nd", cost_6nd(&trial->config, tokens));
    child_cost(child, "train_s", trial->train_s);
    child_cost(child, "tokens_per_s", tokens / trial->train_s);
}

/* Trains a model from scratch; false when the trial is over (its outcome said, or asked to stop, or in err). */
static bool make_trained(struct trial *trial, struct err *err)
{
    size_t n = (size_t)trial_micro_batch(trial->knobs) * (size_t)trial->config.context;
    struct batch batch = {calloc(n, sizeof(int32_t)), calloc(n, sizeof(int32_t))};
    double flops = 0, formula;
    enum progress progress;
    if (!batch.tokens || !batch.targets ||
        model_open(&trial->model, &trial->config, (int)trial_micro_batch(trial->knobs), MODEL_TRAIN, err) != STATUS_OK) {
        free(batch.tokens);
        free(batch.targets);
        (void)err_set(err, STATUS_MEMORY, "no memory for the model");
        return false;
    }
    model_init_weights(&trial->model, (uint64_t)trial->knobs->seed);
    progress = train(trial, &batch, &flops);
    free(batch.tokens);
    free(batch.targets);
    if (progress != TRAINED)
        return false;
    formula = cost_train_flops(&trial->config, trial->steps, trial_sequences(trial->knobs), trial->config.context);
    if (flops != formula) {
        (void)err_set(err, STATUS_CORRUPT, "training executed %.17g FLOPs, the formula says %.17g", flops, formula);
        return false;
    }
    report_training(trial, flops);
    return session_open(&trial->session, &trial->model, NULL, err) == STATUS_OK;
}

/* Makes the parent smaller. */
static bool make_shrunk(struct trial *trial, struct err *err)
{
    bool is_i8;
    const char *folder = trial->assignment.parent;
    if (checkpoint_config(folder, &trial->config, &is_i8, err) != STATUS_OK)
        return false;
    if (model_open(&trial->model, &trial->config, (int)trial_micro_batch(trial->knobs), MODEL_SCORE, err) != STATUS_OK)
        return false;
    return checkpoint_load(folder, &trial->model, err) == STATUS_OK &&
           quantize_i8(&trial->i8, &trial->model, err) == STATUS_OK &&
           session_open(&trial->session, &trial->model, &trial->i8, err) == STATUS_OK;
}

static bool save(struct trial *trial, struct err *err)
{
    int64_t bytes;
    if (!*trial->assignment.checkpoint)
        return true;
    if (checkpoint_save(trial->assignment.checkpoint, &trial->model, trial->shrunk ? &trial->i8 : NULL, &bytes, err) !=
            STATUS_OK ||
        trial_write_knobs(trial->assignment.checkpoint, trial->knobs, err) != STATUS_OK)
        return false;
    child_cost(&trial->child, "checkpoint_bytes", (double)bytes);
    return true;
}

static void report_shape(struct trial *trial)
{
    struct param_counts counts = cost_params(&trial->config);
    child_fact(&trial->child, "params_total", (double)counts.total);
    child_fact(&trial->child, "params_active", (double)counts.active);
    child_fact(&trial->child, "params_non_embedding", (double)counts.non_embedding);
    child_fact(&trial->child, "params_matmul", (double)counts.matmul);
    child_text(&trial->child, "blas_core", blas_core());
    child_cost(&trial->child, "threads", 1);
    if (!trial->shrunk) {
        int64_t sequences = trial->steps * trial_sequences(trial->knobs);
        child_cost(&trial->child, "steps", (double)trial->steps);
        child_fact(&trial->child, "unique_tokens",
                   (double)source_unique_tokens(trial->source, (uint64_t)trial->knobs->seed, sequences,
                                                trial->config.context));
    }
}

static void report_data(struct trial *trial)
{
    struct str identity;
    str_init(&identity);
    source_identity(trial->source, &identity);
    child_text(&trial->child, "data_identity", identity.text);
    str_release(&identity);
}

/* The whole trial; false when it did not get to its end. */
static bool run(struct trial *trial, struct energy *energy, struct err *err)
{
    double joules;
    if (trial_source(trial->knobs, &trial->source, err) != STATUS_OK)
        return false;
    if (!(trial->shrunk ? make_shrunk(trial, err) : make_trained(trial, err)))
        return false;
    report_shape(trial);
    report_data(trial);
    if (!trial_measure(trial, err) || !save(trial, err))
        return false;
    joules = energy_read(energy);
    if (isfinite(joules)) {
        child_cost(&trial->child, "energy_j", joules);
        child_text(&trial->child, "energy_method", energy->method);
    }
    child_cost(&trial->child, "cpu_s", clock_cpu_s());
    child_cost(&trial->child, "wall_s", clock_since(trial->start) - trial->child.parked_s);
    return true;
}

int trial_main(void)
{
    static struct trial trial; /* holds the records' buffers: too large for some stacks */
    struct energy energy;
    struct err err = ERR_INIT;
    vec_flush_subnormals();
    trial.start = clock_now();
    trial.last_loss = NAN;
    if (child_begin(&trial.child, &trial.assignment, &err) != STATUS_OK) {
        (void)fprintf(stderr, "isoflop: %s\n", err.text);
        return 2;
    }
    trial.knobs = &trial.assignment.knobs;
    trial.shrunk = strcmp(trial.knobs->shrink, "none") != 0;
    trial.steps = trial_steps(trial.knobs);
    trial_config(trial.knobs, &trial.config);
    energy_open(&energy, NULL);
    if (run(&trial, &energy, &err))
        child_outcome(&trial.child, OUTCOME_DONE, "");
    else if (err.status != STATUS_OK)
        child_outcome(&trial.child, err.status == STATUS_MEMORY ? OUTCOME_OOM : OUTCOME_FAILED, err.text);
    else if (trial.child.stop)
        child_outcome(&trial.child, OUTCOME_INTERRUPTED, "asked to stop");
    energy_close(&energy);
    session_release(&trial.session);
    quantize_release(&trial.i8);
    model_release(&trial.model);
    source_free(trial.source);
    return 0;
}
