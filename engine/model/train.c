/* SPDX-License-Identifier: Apache-2.0 */
/* train.c — lanes, rounds and barriers.
 *
 * With n workers, round r computes the lanes r n … r n + n - 1, one per worker, each into its worker's gradients, the
 * first into the model's own. Then all workers together add them to the model's gradients, each in its own blocks of
 * numbers, lane after lane.
 * Invariant: between two barriers a number is written by one worker, and read by no other.
 * Worker 0 is the calling thread; it computes with the model's own activations. */
#include "engine/model/train.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/layers/linear.h"
#include "engine/math/blas.h"
#include "engine/math/vec.h"

struct worker {
    struct trainer *trainer;
    int index;
    struct model model;        /* the trainer's weights, gradients of its own */
    int32_t *tokens, *targets; /* (micro_batch,T) */
    uint64_t flops;            /* of the step, counted by its thread */
    pthread_t thread;
};

struct trainer {
    struct model *model;
    int64_t sequences, blocks;
    int lanes, micro_batch, n_workers, n_threads;
    struct worker *workers;
    struct arena arena;        /* when there is more than one lane: */
    real *spare;               /* (n_params) worker 0's gradients of every lane but the first */
    double lane_loss[TRAIN_LANES_MAX];
    double *squares;           /* (blocks): the gradient's sums of squares */
    pthread_mutex_t gate;      /* closed until all threads are there: the barrier counts on every one of them */
    pthread_barrier_t barrier;
    bool all_there, over;
    /* Of the step that is being done. */
    const struct train_data *data;
    const struct adamw *adamw;
    double rate;
    int64_t step;
};

/* ---- shapes ---- */

static int64_t at_least_one(int64_t n)
{
    return n > 1 ? n : 1;
}

int train_lanes(const struct config *config, const struct train_shape *shape)
{
    int64_t most = at_least_one(shape->sequences * config->context / TRAIN_LANE_TOKENS);
    if (most > shape->sequences)
        most = shape->sequences;
    return (int)(most < TRAIN_LANES_MAX ? most : TRAIN_LANES_MAX);
}

/* Sequences whose tokens make whole blocks of linear.h's sums. */
static int64_t whole_blocks(const struct config *config)
{
    int64_t n = 1;
    while (n * config->context % LINEAR_BLOCK != 0)
        n++;
    return n;
}

int train_micro_batch(const struct config *config, const struct train_shape *shape)
{
    int lanes = train_lanes(config, shape);
    int64_t longest = (shape->sequences + lanes - 1) / lanes, whole = whole_blocks(config);
    int64_t n = shape->micro_batch ? shape->micro_batch : at_least_one(TRAIN_LANE_TOKENS / config->context);
    n = (n + whole - 1) / whole * whole;
    return (int)(n < longest ? n : longest);
}

int train_workers(const struct config *config, const struct train_shape *shape)
{
    int lanes = train_lanes(config, shape);
    return shape->threads < lanes ? shape->threads : lanes;
}

/* One row of tokens and one of targets per worker. */
static size_t token_bytes(const struct config *config, const struct train_shape *shape)
{
    return 2 * sizeof(int32_t) * (size_t)train_micro_batch(config, shape) * (size_t)config->context;
}

static size_t gradient_bytes(const struct config *config)
{
    struct tensor_info info[TENSOR_COUNT];
    return arena_bytes((size_t)config_tensors(config, info), sizeof(real));
}

size_t train_bytes(const struct config *config, const struct train_shape *shape)
{
    size_t workers = (size_t)train_workers(config, shape), each, sum, all;
    size_t lane = model_bytes(config, train_micro_batch(config, shape), MODEL_LANE);
    size_t spare = train_lanes(config, shape) > 1 ? gradient_bytes(config) : 0;
    if (__builtin_add_overflow(lane, token_bytes(config, shape), &each) ||
        __builtin_mul_overflow(each, workers - 1, &sum) || __builtin_add_overflow(sum, spare, &all) ||
        __builtin_add_overflow(all, token_bytes(config, shape), &all))
        return SIZE_MAX;
    return all;
}

/* ---- what every worker does in a step ---- */

static void meet(struct trainer *trainer)
{
    (void)pthread_barrier_wait(&trainer->barrier);
}

static void compute_lane(struct worker *worker, int lane)
{
    struct trainer *trainer = worker->trainer;
    struct model *model = &worker->model;
    int T = model->config.context;
    int64_t first = trainer->sequences * lane / trainer->lanes, end = trainer->sequences * (lane + 1) / trainer->lanes;
    double scale = 1 / ((double)trainer->sequences * T), sum = 0;
    if (worker->index == 0 && trainer->lanes > 1)
        model_point_gradients(model, lane == 0 ? trainer->model->gradients : trainer->spare);
    if (lane == 0)
        model_zero_gradients(model);
    while (first < end) {
        int rows = end - first < trainer->micro_batch ? (int)(end - first) : trainer->micro_batch;
        trainer->data->fill(trainer->data->context, trainer->step * trainer->sequences + first, rows, worker->tokens,
                            worker->targets);
        sum += model_forward_backward(model, worker->tokens, worker->targets, rows, T, scale, NULL);
        first += rows;
    }
    trainer->lane_loss[lane] = sum;
}

/* Adds the lanes first … first+n-1, one per worker, to the model's gradients, in this worker's blocks, and leaves zeros
 * for the next lanes. The first lane's are there already. */
static void add_lanes(const struct worker *worker, int first, int n)
{
    const struct trainer *trainer = worker->trainer;
    struct model *model = trainer->model;
    for (int64_t block = worker->index; block < trainer->blocks; block += trainer->n_workers) {
        int64_t at = block * ADAMW_BLOCK;
        int size = (int)(model->n_params - at < ADAMW_BLOCK ? model->n_params - at : ADAMW_BLOCK);
        for (int k = first == 0; k < n; k++) {
            real *lane = trainer->workers[k].model.gradients + at;
            vec->add(model->gradients + at, lane, size);
            memset(lane, 0, (size_t)size * sizeof(real));
        }
    }
}

/* Every worker adds up the same numbers in the same order, so all arrive at the same norm. */
static double gradient_norm(const struct trainer *trainer)
{
    double sum = 0;
    for (int64_t block = 0; block < trainer->blocks; block++)
        sum += trainer->squares[block];
    return sqrt(sum);
}

static void do_step(struct worker *worker)
{
    struct trainer *trainer = worker->trainer;
    int n = trainer->n_workers;
    uint64_t before = flop_counter();
    for (int first = 0; first < trainer->lanes; first += n) {
        int together = trainer->lanes - first < n ? trainer->lanes - first : n;
        if (worker->index < together)
            compute_lane(worker, first + worker->index);
        meet(trainer);
        if (trainer->lanes > 1) /* otherwise the one lane's gradients are the model's already */
            add_lanes(worker, first, together);
        meet(trainer);
    }
    for (int64_t block = worker->index; block < trainer->blocks; block += n)
        trainer->squares[block] = adamw_squares(trainer->model, block);
    meet(trainer);
    adamw_update(trainer->model, trainer->adamw, trainer->rate, trainer->step + 1, gradient_norm(trainer),
                 worker->index, n);
    worker->flops = flop_counter() - before;
    meet(trainer);
}

static void *thread_main(void *context)
{
    struct worker *worker = context;
    struct trainer *trainer = worker->trainer;
    bool all_there;
    vec_flush_subnormals();
    (void)pthread_mutex_lock(&trainer->gate);
    all_there = trainer->all_there;
    (void)pthread_mutex_unlock(&trainer->gate);
    while (all_there) {
        meet(trainer);
        if (trainer->over) /* looked at between two meetings only, where nobody changes it */
            break;
        do_step(worker);
    }
    return NULL;
}

/* What the other workers' mixtures counted joins the model's own counts; worker 0 counts into those. */
static void gather_choices(struct trainer *trainer)
{
    struct model *model = trainer->model;
    const struct config *c = &model->config;
    int layers = c->routed ? c->depth : 0;
    for (int w = 1; w < trainer->n_workers; w++) {
        struct model *lane = &trainer->workers[w].model;
        for (int i = 0; i < layers * c->experts; i++)
            model->chosen[i] += lane->chosen[i];
        for (int l = 0; l < layers; l++)
            model->dropped[l] += lane->dropped[l];
        if (layers > 0) {
            memset(lane->chosen, 0, (size_t)(layers * c->experts) * sizeof *lane->chosen);
            memset(lane->dropped, 0, (size_t)layers * sizeof *lane->dropped);
        }
    }
}

void trainer_step(struct trainer *trainer, const struct train_data *data, const struct adamw *adamw, double rate,
                  int64_t step, struct train_step *out)
{
    double sum = 0;
    trainer->data = data;
    trainer->adamw = adamw;
    trainer->rate = rate;
    trainer->step = step;
    meet(trainer);
    do_step(&trainer->workers[0]);
    for (int w = 1; w < trainer->n_workers; w++)
        flop_count(trainer->workers[w].flops);
    gather_choices(trainer);
    for (int lane = 0; lane < trainer->lanes; lane++)
        sum += trainer->lane_loss[lane];
    *out = (struct train_step){sum / ((double)trainer->sequences * trainer->model->config.context),
                               gradient_norm(trainer)};
}

/* ---- life cycle ---- */

static enum status open_worker(struct trainer *trainer, int index, size_t tokens, struct err *err)
{
    struct worker *worker = &trainer->workers[index];
    enum status status;
    worker->trainer = trainer;
    worker->index = index;
    if (index == 0) {
        worker->model = *trainer->model; /* a view: the block of memory stays the model's */
        if (trainer->lanes > 1)
            trainer->spare = ARENA_NEW(&trainer->arena, real, trainer->model->n_params);
    } else {
        status = model_open(&worker->model, &trainer->model->config, trainer->micro_batch, MODEL_LANE, err);
        if (status != STATUS_OK)
            return status;
        model_share_weights(&worker->model, trainer->model);
    }
    worker->tokens = calloc(tokens, sizeof *worker->tokens);
    worker->targets = calloc(tokens, sizeof *worker->targets);
    return worker->tokens && worker->targets ? STATUS_OK : err_set(err, STATUS_MEMORY, "no memory for a batch");
}

static enum status start_threads(struct trainer *trainer, struct err *err)
{
    enum status status = STATUS_OK;
    (void)pthread_mutex_lock(&trainer->gate);
    while (trainer->n_threads < trainer->n_workers - 1 && status == STATUS_OK) {
        struct worker *worker = &trainer->workers[trainer->n_threads + 1];
        if (pthread_create(&worker->thread, NULL, thread_main, worker) == 0)
            trainer->n_threads++;
        else
            status = err_set(err, STATUS_INSUFFICIENT, "the system gives %d of %d threads; lower train.threads",
                             trainer->n_threads + 1, trainer->n_workers);
    }
    trainer->all_there = status == STATUS_OK;
    (void)pthread_mutex_unlock(&trainer->gate);
    return status;
}

enum status trainer_open(struct trainer **out, struct model *model, const struct train_shape *shape, struct err *err)
{
    struct trainer *trainer = calloc(1, sizeof *trainer);
    size_t tokens = (size_t)train_micro_batch(&model->config, shape) * (size_t)model->config.context;
    enum status status = STATUS_OK;
    ASSERT(model->trains && model->max_sequences >= train_micro_batch(&model->config, shape));
    if (!trainer)
        return err_set(err, STATUS_MEMORY, "no memory for a trainer");
    blas_no_threads();
    trainer->model = model;
    trainer->sequences = shape->sequences;
    trainer->lanes = train_lanes(&model->config, shape);
    trainer->micro_batch = train_micro_batch(&model->config, shape);
    trainer->n_workers = train_workers(&model->config, shape);
    trainer->blocks = adamw_blocks(model);
    (void)pthread_mutex_init(&trainer->gate, NULL);
    (void)pthread_barrier_init(&trainer->barrier, NULL, (unsigned)trainer->n_workers);
    trainer->workers = calloc((size_t)trainer->n_workers, sizeof *trainer->workers);
    trainer->squares = calloc((size_t)trainer->blocks, sizeof *trainer->squares);
    if (!trainer->workers || !trainer->squares)
        status = err_set(err, STATUS_MEMORY, "no memory for a trainer");
    if (status == STATUS_OK && trainer->lanes > 1)
        status = arena_init(&trainer->arena, gradient_bytes(&model->config), err);
    for (int w = 0; w < trainer->n_workers && status == STATUS_OK; w++)
        status = open_worker(trainer, w, tokens, err);
    if (status == STATUS_OK)
        status = start_threads(trainer, err);
    if (status == STATUS_OK)
        *out = trainer;
    else
        trainer_close(trainer);
    return status;
}

void trainer_close(struct trainer *trainer)
{
    if (!trainer)
        return;
    if (trainer->n_threads > 0 && trainer->all_there) {
        trainer->over = true;
        meet(trainer);
    }
    for (int w = 1; w <= trainer->n_threads; w++)
        (void)pthread_join(trainer->workers[w].thread, NULL);
    for (int w = 0; w < trainer->n_workers && trainer->workers; w++) {
        free(trainer->workers[w].tokens);
        free(trainer->workers[w].targets);
        if (w > 0)
            model_release(&trainer->workers[w].model);
    }
    (void)pthread_barrier_destroy(&trainer->barrier);
    (void)pthread_mutex_destroy(&trainer->gate);
    arena_release(&trainer->arena);
    free(trainer->workers);
    free(trainer->squares);
    free(trainer);
}
