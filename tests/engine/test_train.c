/* SPDX-License-Identifier: Apache-2.0 */
/* test_train.c — goal: an optimiser step over a batch gives the same bits on any number of threads and, for a dense
 * model, with any micro-batch; it sees every sequence once, sums what one pass over the batch sums, counts every FLOP, and
 * goes on from a state as if it had never stopped. Method: small models are trained for a few steps in different ways and compared number by number. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/math/blas.h"
#include "engine/math/vec.h"
#include "engine/model/checkpoint.h"
#include "engine/model/cost.h"
#include "engine/model/train.h"

enum { T = 128, SEQUENCES = 36, STEPS = 3 }; /* T: one block of rows (train.h), so that each split is one of its own */

static const struct adamw adamw = {.beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .weight_decay = 0.1, .clip = 1};

static struct config small_config(int experts)
{
    return (struct config){.vocabulary = 48, .context = T, .depth = 2, .width = 32, .heads = 2, .kv_heads = 1, .ffn = 64,
                           .experts = experts, .experts_per_token = experts > 1 ? 2 : 1, .routed = experts > 1,
                           .mup = true, .base_width = 16, .rope_base = 1e4, .norm_eps = 1e-5, .load_balance = 0.01,
                           .router_z = 0.001};
}

/* How often each sequence was asked for. */
static atomic_int asked[STEPS * SEQUENCES];

static void fill(const void *context, int64_t first, int rows, int32_t *tokens, int32_t *targets)
{
    (void)context;
    for (int r = 0; r < rows; r++) {
        struct rng rng = rng_open(5, RNG_TRAIN_DATA, (uint64_t)(first + r));
        assert_in_range(first + r, 0, STEPS * SEQUENCES - 1);
        (void)atomic_fetch_add(&asked[first + r], 1);
        for (int t = 0; t < T; t++) {
            tokens[r * T + t] = (int32_t)(rng_u32(&rng) % 48);
            targets[r * T + t] = (tokens[r * T + t] * 7 + 3) % 48;
        }
    }
}

/* What training leaves behind; the caller frees the weights. */
struct outcome {
    float *weights;
    size_t bytes;
    struct train_step steps[STEPS];
    double flops;
};

static struct outcome train(const struct config *config, const struct train_shape *shape)
{
    static const struct train_data data = {NULL, fill};
    struct outcome out = {0};
    struct model model;
    struct trainer *trainer = NULL;
    struct err err = ERR_INIT;
    uint64_t before;
    assert_int_equal(model_open(&model, config, train_micro_batch(config, shape), MODEL_TRAIN, &err), STATUS_OK);
    model_init_weights(&model, 3);
    assert_int_equal(trainer_open(&trainer, &model, shape, &err), STATUS_OK);
    before = flop_counter();
    for (int s = 0; s < STEPS; s++)
        trainer_step(trainer, &data, &adamw, 0.01, s, &out.steps[s]);
    out.flops = (double)(flop_counter() - before);
    trainer_close(trainer);
    out.bytes = (size_t)model.n_params * sizeof(float);
    out.weights = malloc(out.bytes);
    assert_non_null(out.weights);
    memcpy(out.weights, model.params, out.bytes);
    model_release(&model);
    return out;
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    assert_memory_equal(a->steps, b->steps, sizeof a->steps);
    assert_memory_equal(a->weights, b->weights, a->bytes);
    assert_true(a->flops == b->flops);
}

static void threads_change_no_bit(void **state)
{
    static const int threads[] = {2, 3, 7, 8, 64};
    (void)state;
    for (int experts = 1; experts <= 4; experts += 3) {
        struct config config = small_config(experts);
        struct train_shape shape = {SEQUENCES, 0, 1};
        struct outcome one = train(&config, &shape);
        assert_int_equal(train_lanes(&config, &shape), 8);
        for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
            struct outcome other;
            shape.threads = threads[i];
            other = train(&config, &shape);
            assert_same(&one, &other);
            free(other.weights);
        }
        free(one.weights);
    }
}

static void micro_batches_change_no_bit_of_a_dense_model(void **state)
{
    static const int splits[] = {1, 2, 4, 3, 8, 100};
    struct config config = small_config(1);
    struct train_shape shape = {SEQUENCES, 0, 2};
    struct outcome by_rule = train(&config, &shape);
    (void)state;
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        struct outcome other;
        shape.micro_batch = splits[i];
        other = train(&config, &shape);
        assert_same(&by_rule, &other);
        free(other.weights);
    }
    free(by_rule.weights);
}

static void every_sequence_is_seen_once_and_every_flop_counted(void **state)
{
    struct config config = small_config(4);
    struct train_shape shape = {SEQUENCES, 3, 3};
    struct outcome out;
    (void)state;
    memset(asked, 0, sizeof asked);
    out = train(&config, &shape);
    for (int i = 0; i < STEPS * SEQUENCES; i++)
        assert_int_equal(asked[i], 1);
    assert_true(out.flops == cost_train_flops(&config, STEPS, SEQUENCES, T));
    free(out.weights);
}

/* One step by hand, all sequences in one pass, agrees up to rounding. */
static void the_step_is_that_of_the_whole_batch(void **state)
{
    struct config config = small_config(1);
    struct train_shape shape = {SEQUENCES, 0, 3};
    struct outcome out = train(&config, &shape);
    struct model model;
    struct err err = ERR_INIT;
    int32_t *tokens = calloc((size_t)2 * SEQUENCES * T, sizeof *tokens), *targets = tokens + SEQUENCES * T;
    double loss, norm;
    (void)state;
    assert_non_null(tokens);
    assert_int_equal(model_open(&model, &config, SEQUENCES, MODEL_TRAIN, &err), STATUS_OK);
    model_init_weights(&model, 3);
    fill(NULL, 0, SEQUENCES, tokens, targets);
    loss = model_forward_backward(&model, tokens, targets, SEQUENCES, T, 1.0 / (SEQUENCES * T), NULL);
    norm = adamw_step(&model, &adamw, 0.01, 1);
    assert_true(fabs(out.steps[0].loss - loss / (SEQUENCES * T)) < 1e-9);
    assert_true(fabs(out.steps[0].norm - norm) < 1e-5 * norm);
    model_release(&model);
    free(tokens);
    free(out.weights);
}

static void lanes_follow_the_batch_alone(void **state)
{
    static const struct { int64_t sequences; int context, lanes, micro, workers; } cases[] = {
        {1, 8, 1, 1, 1}, {8, 128, 2, 4, 2}, {8, 64, 1, 8, 1}, {3, 1024, 3, 1, 3}, {1000, 128, 8, 4, 4}, {5, 100, 1, 5, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = small_config(1);
        struct train_shape shape = {cases[i].sequences, 0, 4};
        config.context = cases[i].context;
        assert_int_equal(train_lanes(&config, &shape), cases[i].lanes);
        assert_int_equal(train_micro_batch(&config, &shape), cases[i].micro);
        assert_int_equal(train_workers(&config, &shape), cases[i].workers);
    }
}

/* Trains on to the last step from `state`, or from scratch when it is NULL; leaves a state before step `stop`. */
static void train_in_part(const struct config *config, const struct train_shape *shape, const char *state, int stop,
                          float *weights)
{
    static const struct train_data data = {NULL, fill};
    struct model model;
    struct trainer *trainer = NULL;
    struct err err = ERR_INIT;
    int64_t step = 0;
    assert_int_equal(model_open(&model, config, train_micro_batch(config, shape), MODEL_TRAIN, &err), STATUS_OK);
    model_init_weights(&model, state && stop < 0 ? 99 : 3); /* what a state does not replace would show */
    if (state && stop < 0)
        assert_int_equal(checkpoint_load_state(state, &model, "run", &step, &err), STATUS_OK);
    assert_int_equal(trainer_open(&trainer, &model, shape, &err), STATUS_OK);
    for (; step < STEPS && step != stop; step++) {
        struct train_step done;
        trainer_step(trainer, &data, &adamw, 0.01, step, &done);
    }
    trainer_close(trainer);
    if (stop >= 0)
        assert_int_equal(checkpoint_save_state(state, &model, step, "run", NULL, &err), STATUS_OK);
    memcpy(weights, model.params, (size_t)model.n_params * sizeof *weights);
    model_release(&model);
}

static void remove_state(const char *folder)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(dir);
    assert_int_equal(rmdir(folder), 0);
}

/* Stopped before any step and gone on from its state, with another number of threads. */
static void a_state_at_any_step_changes_no_bit(void **state)
{
    char folder[] = "/tmp/test_train.XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/state", folder);
    for (int experts = 1; experts <= 4; experts += 3) {
        struct config config = small_config(experts);
        struct train_shape one = {SEQUENCES, 0, 1}, three = {SEQUENCES, 0, 3};
        struct outcome whole = train(&config, &one);
        float *weights = malloc(whole.bytes);
        assert_non_null(weights);
        for (int stop = 0; stop <= STEPS; stop++) {
            train_in_part(&config, &three, path, stop, weights);
            train_in_part(&config, &one, path, -1, weights);
            assert_memory_equal(weights, whole.weights, whole.bytes);
        }
        free(weights);
        free(whole.weights);
    }
    remove_state(path);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(micro_batches_change_no_bit_of_a_dense_model),
        cmocka_unit_test(every_sequence_is_seen_once_and_every_flop_counted),
        cmocka_unit_test(the_step_is_that_of_the_whole_batch),
        cmocka_unit_test(lanes_follow_the_batch_alone),
        cmocka_unit_test(a_state_at_any_step_changes_no_bit),
    };
    vec_flush_subnormals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
