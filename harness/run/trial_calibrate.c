/* SPDX-License-Identifier: Apache-2.0 */
/* trial_calibrate.c — how long the parts of a trial take, measured by doing a little of each.
 *
 * The steps are a trial's own: its shape, its batch, its text. Of a model whose step is long, fewer sequences or a
 * single layer are computed. Processor time throughout, and the shortest of a few: what else runs on the machine now says
 * nothing of the hours to come. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/math/vec.h"
#include "engine/model/cost.h"
#include "harness/run/trial_parts.h"

/* Of a step that is measured: at most so many FLOPs by cutting sequences, then by cutting layers. */
static const double STEP_FLOPS = 2e10, SEQUENCE_FLOPS = 1e11, MEMORY_BYTES = 2e9;
static const double MEASURE_S = 0.04;

enum { STEPS_LEAST = 3 };

/* Latency is measured once per trial: a prompt and a token for every sample, and a few to warm up; a token costs about
 * as much as three of a window's. An ability's items are short: so many tokens each. */
enum { TASK_TOKENS = 10, LATENCY_WARM_UP = 5, DECODE_TOKENS = 3 };

/* Beside what is measured: the process itself, storing the model, the last records. */
static const double PROCESS_S = 0.02;

void trial_speed_key(const struct knobs *k, struct str *out)
{
    str_format(out, "%lld %lld %lld %lld %lld %lld %lld %lld %lld %lld %g %d %d %s %lld %lld %lld %lld|%s %s %g %g %g %s %lld %lld %s %s",
               (long long)k->depth, (long long)k->width, (long long)knobs_heads(k), (long long)k->kv_heads,
               (long long)knobs_ffn(k), (long long)k->context, (long long)k->experts, (long long)k->experts_per_token,
               (long long)k->shared_experts, (long long)k->granularity, k->capacity, k->qk_norm, k->tied, k->shrink,
               (long long)k->vocabulary, (long long)k->batch_tokens, (long long)k->micro_batch, (long long)k->items,
               k->data_source, k->data_path, k->task_share, k->fact_share, k->junk, k->abilities, (long long)k->entities,
               (long long)k->cutoff_year, k->tokenizer, k->tokenizer_path);
}

/* A trial that can be measured: fewer sequences, fewer layers. */
static void cut(const struct knobs *knobs, struct config *config, int64_t *sequences)
{
    double one;
    trial_config(knobs, config);
    one = cost_train_flops(config, 1, 1, config->context);
    if (one > SEQUENCE_FLOPS)
        config->depth = 1;
    *sequences = trial_sequences(knobs);
    if (one * (double)*sequences > STEP_FLOPS)
        *sequences = (int64_t)fmax(1, STEP_FLOPS / one);
}

static double shortest_step(struct trial *trial, struct trainer *trainer)
{
    const struct adamw adamw = {0.9, 0.99, 1e-8, 0.1, 1};
    const struct train_data data = {trial, trial_fill};
    double best = INFINITY, start = clock_cpu_s();
    for (int64_t step = 0; step < STEPS_LEAST || clock_cpu_s() - start < MEASURE_S; step++) {
        struct train_step done;
        double before = clock_cpu_s();
        trainer_step(trainer, &data, &adamw, 1e-4, step, &done);
        best = fmin(best, clock_cpu_s() - before);
    }
    return best;
}

static double shortest_window(struct trial *trial, int rows)
{
    int T = trial->config.context, n = rows * T;
    int32_t *tokens = calloc((size_t)n, sizeof *tokens), *targets = calloc((size_t)n, sizeof *targets);
    float *logprob = calloc((size_t)n, sizeof *logprob);
    double best = INFINITY, start = clock_cpu_s();
    NEED_MEMORY(tokens && targets && logprob);
    for (int64_t turn = 0; turn < STEPS_LEAST || clock_cpu_s() - start < MEASURE_S / 2; turn++) {
        double before = clock_cpu_s();
        trial_fill(trial, turn * rows, rows, tokens, targets);
        model_score(&trial->model, tokens, targets, rows, T, logprob, NULL);
        best = fmin(best, (clock_cpu_s() - before) / rows);
    }
    free(tokens);
    free(targets);
    free(logprob);
    return best;
}

static bool open_text(struct trial *trial, struct err *err)
{
    const struct world *world;
    if (trial_source(trial->knobs, &trial->source, err) != STATUS_OK)
        return false;
    world = source_world(trial->source);
    return !world || overlap_new(&trial->overlap, world_tasks(world), world_facts(world), (int)trial->knobs->items, err) ==
                         STATUS_OK;
}

bool trial_measure_speed(const struct knobs *knobs, struct trial_speed *out)
{
    static struct trial trial; /* holds a child's buffers, unused here: too large for some stacks */
    struct trainer *trainer = NULL;
    struct train_shape shape;
    struct config whole;
    struct err err = ERR_INIT;
    double start = clock_cpu_s(), scale;
    int rows;
    bool measured = false;
    memset(&trial, 0, sizeof trial);
    trial.knobs = knobs;
    vec_flush_subnormals();
    trial_config(knobs, &whole);
    trial_shape(knobs, &shape);
    shape.threads = 1;
    cut(knobs, &trial.config, &shape.sequences);
    rows = train_micro_batch(&trial.config, &shape);
    if ((double)model_bytes(&trial.config, rows, MODEL_TRAIN) > MEMORY_BYTES || !open_text(&trial, &err))
        goto done;
    out->start_s = clock_cpu_s() - start;
    out->tasks = source_world(trial.source) ? world_tasks(source_world(trial.source))->n : 0;
    if (model_open(&trial.model, &trial.config, rows, MODEL_TRAIN, &err) != STATUS_OK ||
        trainer_open(&trainer, &trial.model, &shape, &err) != STATUS_OK)
        goto done;
    model_init_weights(&trial.model, 1);
    scale = cost_train_flops(&whole, 1, 1, whole.context) / cost_train_flops(&trial.config, 1, 1, whole.context);
    out->step_s = shortest_step(&trial, trainer) * scale * (double)trial_sequences(knobs) / (double)shape.sequences;
    out->window_s = shortest_window(&trial, rows) * scale;
    measured = true;
done:
    trainer_close(trainer);
    model_release(&trial.model);
    overlap_free(trial.overlap);
    source_free(trial.source);
    return measured;
}

double trial_predict(const struct knobs *k, const struct trial_speed *speed, double steps)
{
    double windows = (double)trial_heldout_windows(k), context = (double)k->context, tokens;
    double every = k->eval_every ? (double)k->eval_every : (double)trial_steps(k) / TRIAL_HELDOUT_POINTS;
    double points = every >= 1 ? floor(steps / every) - 1 : 0; /* the last is the measurement at the end */
    tokens = (double)k->items * TASK_TOKENS * speed->tasks;
    tokens += (double)(k->latency_samples + LATENCY_WARM_UP) * (context / 2 + DECODE_TOKENS);
    windows += fmax(points, 0) * ceil(windows / TRIAL_CURVE_SHARE) + tokens / context;
    if (strcmp(k->shrink, "none") != 0) /* nothing is trained */
        steps = 0;
    return PROCESS_S + speed->start_s + steps * speed->step_s + windows * speed->window_s;
}
