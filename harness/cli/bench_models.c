/* SPDX-License-Identifier: Apache-2.0 */
/* bench_models.c — opens what a case needs, counts a few rounds exactly, then times them in turns. */
#include "harness/cli/bench_models.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/rng.h"
#include "engine/math/blas.h"
#include "engine/math/machine.h"
#include "engine/model/infer.h"
#include "engine/model/train.h"
#include "engine/shrink/quantize.h"
#include "harness/cli/bench_machine.h"
#include "harness/cli/bench_timing.h"
#include "harness/run/trial.h"

enum { EXACT_STEPS = 3 };

static void settings(const struct bench_case *c, int experts, struct config *out)
{
    struct knobs knobs;
    knobs_preset(&knobs);
    knobs.width = c->width;
    knobs.depth = c->layers;
    if (c->vocabulary)
        knobs.vocabulary = c->vocabulary;
    knobs.experts = experts;
    if (experts > 1) /* as many parts of a feed-forward layer as a token visits: the active size of the dense model */
        knobs.granularity = knobs.experts_per_token = c->experts_per_token;
    if (c->kind == BENCH_TRAINING)
        knobs.context = c->tokens;
    trial_config(&knobs, out);
}

/* ---- training ---- */

struct training {
    const struct bench_case *c;
    struct model model;
    struct trainer *trainer;
    int32_t *tokens; /* (batch,T+1) */
    int64_t step;
    double loss;
};

/* Every step takes the same batch. */
static void fill(const void *context, int64_t first, int rows, int32_t *tokens, int32_t *targets)
{
    const struct training *t = context;
    size_t T = (size_t)t->c->tokens;
    for (int b = 0; b < rows; b++) {
        const int32_t *row = t->tokens + (size_t)((first + b) % t->c->batch) * (T + 1);
        memcpy(tokens + (size_t)b * T, row, T * sizeof *row);
        memcpy(targets + (size_t)b * T, row + 1, T * sizeof *row);
    }
}

static void train_round(void *context)
{
    struct training *t = context;
    const struct adamw adamw = {0.9, 0.99, 1e-8, 0.1, 1};
    const struct train_data data = {t, fill};
    struct train_step done;
    trainer_step(t->trainer, &data, &adamw, 0.003, t->step++, &done);
    t->loss = done.loss;
}

static enum status open_training(struct training *t, const struct bench_case *c, int experts, struct err *err)
{
    const struct train_shape shape = {.sequences = c->batch, .threads = 1};
    struct config config;
    struct rng rng = rng_open(1, RNG_TEST, 0);
    int n = c->batch * (c->tokens + 1);
    enum status status;
    *t = (struct training){.c = c};
    settings(c, experts, &config);
    status = model_open(&t->model, &config, train_micro_batch(&config, &shape), MODEL_TRAIN, err);
    if (status == STATUS_OK)
        status = trainer_open(&t->trainer, &t->model, &shape, err);
    if (status != STATUS_OK)
        return status;
    model_init_weights(&t->model, 1);
    t->tokens = calloc((size_t)n, sizeof *t->tokens);
    NEED_MEMORY(t->tokens);
    for (int i = 0; i < n; i++)
        t->tokens[i] = (int32_t)rng_below(&rng, 64);
    return status;
}

static void release_training(struct training *t)
{
    trainer_close(t->trainer);
    model_release(&t->model);
    free(t->tokens);
}

/* The case's model and, beside a mixture, the dense one. */
enum status bench_training(const struct bench_case *c, struct bench_result *out, struct err *err)
{
    struct training ours, dense = {.trainer = NULL};
    struct bench_work works[] = {{bench_peak_round, NULL, 1}, {train_round, &ours, 1}, {train_round, &dense, 1}};
    bool mixes = c->experts > 1;
    double seconds[3] = {0};
    enum status status = open_training(&ours, c, mixes ? c->experts : 1, err);
    if (status == STATUS_OK && mixes)
        status = open_training(&dense, c, 1, err);
    if (status == STATUS_OK) {
        uint64_t before = flop_counter();
        for (int i = 0; i < EXACT_STEPS; i++)
            train_round(&ours);
        out->flops = (double)(flop_counter() - before) / EXACT_STEPS;
        out->loss = ours.loss;
        status = bench_time(works, mixes ? 3 : 2, seconds, err);
    }
    out->peak_seconds = seconds[0];
    out->seconds = seconds[1];
    out->beside_seconds = seconds[2];
    release_training(&ours);
    release_training(&dense);
    return status;
}

/* ---- inference ---- */

struct inference {
    int tokens; /* of a round */
    struct model model;
    struct weights_i8 i8;
    struct session session, full; /* in the case's precision; in fp32, beside 8 bits */
    int32_t *prompt;              /* (context) */
};

static void feed(struct session *session, const struct inference *inference)
{
    int n = inference->tokens;
    if (session_position(session) + n > inference->model.config.context)
        session_reset(session);
    (void)session_feed(session, inference->prompt + session_position(session), n);
}

static void session_round(void *context)
{
    struct inference *i = context;
    feed(&i->session, i);
}

static void full_round(void *context)
{
    struct inference *i = context;
    feed(&i->full, i);
}

static enum status open_inference(struct inference *i, const struct bench_case *c, struct err *err)
{
    struct config config;
    struct rng rng = rng_open(1, RNG_TEST, 0);
    enum status status;
    *i = (struct inference){.tokens = c->tokens};
    settings(c, 1, &config);
    status = model_open(&i->model, &config, 0, MODEL_SCORE, err);
    if (status != STATUS_OK)
        return status;
    model_init_weights(&i->model, 1);
    if (c->i8)
        status = quantize_i8(&i->i8, &i->model, err);
    if (status == STATUS_OK)
        status = session_open(&i->session, &i->model, c->i8 ? &i->i8 : NULL, err);
    if (status == STATUS_OK && c->i8)
        status = session_open(&i->full, &i->model, NULL, err);
    i->prompt = calloc((size_t)config.context, sizeof *i->prompt);
    NEED_MEMORY(i->prompt);
    for (int t = 0; t < config.context; t++)
        i->prompt[t] = (int32_t)rng_below(&rng, 64);
    return status;
}

static void release_inference(struct inference *i)
{
    session_release(&i->session);
    session_release(&i->full);
    quantize_release(&i->i8);
    model_release(&i->model);
    free(i->prompt);
}

/* Bytes of the weights that every token reads: all but the embedding, of which it takes one row. */
static double weight_bytes(const struct inference *i, bool is_i8)
{
    const struct tensor_info *embed = &i->model.info[TENSOR_embed];
    double embed_bytes = i->model.config.tied ? 0 : 4 * (double)(embed->size - embed->columns);
    return (is_i8 ? (double)quantize_weight_bytes(&i->model, &i->i8) : 4 * (double)i->model.n_params) - embed_bytes;
}

static enum status time_inference(const struct bench_case *c, struct inference *i, struct bench_result *out, struct err *err)
{
    struct bench_reading reading = {0};
    const struct bench_work works[] = {
        {bench_peak_round, NULL, 1}, {session_round, i, 1}, {bench_reading_round, &reading, 1}, {full_round, i, 1}};
    double seconds[BENCH_WORKS_MAX] = {0};
    enum status status = bench_reading_open(&reading, (size_t)weight_bytes(i, c->i8), err);
    if (status == STATUS_OK)
        status = bench_time(works, c->i8 ? 4 : 3, seconds, err);
    bench_reading_close(&reading);
    out->peak_seconds = seconds[0];
    out->seconds = seconds[1];
    out->read_seconds = c->tokens == 1 ? seconds[2] : 0;
    out->beside_seconds = seconds[3];
    return status;
}

/* Beside decoding, as many bytes are read as a token needs of the weights; beside 8 bits, the model in fp32 works. */
enum status bench_inference(const struct bench_case *c, struct bench_result *out, struct err *err)
{
    struct inference i;
    enum status status = open_inference(&i, c, err);
    if (status == STATUS_OK) {
        uint64_t before = flop_counter();
        session_round(&i);
        out->flops = (double)(flop_counter() - before);
        out->bytes = c->tokens == 1 ? weight_bytes(&i, c->i8) : 0;
        status = time_inference(c, &i, out, err);
    }
    release_inference(&i);
    return status;
}
