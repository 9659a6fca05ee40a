/* SPDX-License-Identifier: Apache-2.0 */
/* test_parity.c — goal: the ways to compute one thing agree.
 *
 * Method: over shapes with each model knob, prefill and token-by-token decode against the full forward pass; a mixture
 * with one expert against the dense layer, bit for bit and over training steps; the FLOP counter against cost.c, with
 * what was dropped taken off; a saved model against the one in memory; 8-bit inference against inference with the
 * numbers the 8 bits stand for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/math/blas.h"
#include "engine/model/checkpoint.h"
#include "engine/model/cost.h"
#include "engine/model/infer.h"
#include "engine/model/optim.h"
#include "engine/shrink/quantize.h"

enum { B = 2, T = 80, V = 64 };

static int32_t tokens[B * T], targets[B * T];

static struct config shape(int experts, int k)
{
    return (struct config){
        .vocabulary = V, .context = T, .depth = 2, .width = 32, .heads = 4, .kv_heads = 2, .ffn = 48,
        .experts = experts, .experts_per_token = k, .routed = experts > 1, .mup = true, .base_width = 64,
        .rope_base = 10000, .norm_eps = 1e-5, .load_balance = 0.01, .router_z = 0.001,
    };
}

/* Every model knob at once. */
static struct config everything(void)
{
    struct config config = shape(8, 4);
    config.ffn = 24;
    config.shared_experts = 2;
    config.qk_norm = true;
    config.tied = true;
    config.gate_all = true;
    config.capacity = 0.75;
    config.head_size = 10;
    return config;
}

static void draw_tokens(uint64_t seed)
{
    struct rng rng = rng_open(seed, RNG_TEST, 0);
    for (int i = 0; i < B * T; i++) {
        tokens[i] = (int32_t)rng_below(&rng, V);
        targets[i] = (int32_t)rng_below(&rng, V);
    }
}

static void open_model(struct model *m, const struct config *config)
{
    struct err err = ERR_INIT;
    if (model_open(m, config, B, MODEL_TRAIN, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    model_init_weights(m, 7);
}

static void train(struct model *m, int steps)
{
    const struct adamw adamw = {.beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .weight_decay = 0.1, .clip = 1};
    for (int step = 1; step <= steps; step++) {
        model_zero_gradients(m);
        (void)model_forward_backward(m, tokens, targets, B, T, 1.0 / (B * T), NULL);
        (void)adamw_step(m, &adamw, 0.01, step);
    }
}

/* The logits of every position, from feeding parts of the given size. */
static void check_session(const struct config *config, int part)
{
    struct model m;
    struct session s;
    struct err err = ERR_INIT;
    float full[B * T];
    draw_tokens(1);
    open_model(&m, config);
    model_score(&m, tokens, targets, B, T, full, NULL);
    assert_int_equal(session_open(&s, &m, NULL, &err), STATUS_OK);
    for (int b = 0; b < B; b++) {
        session_reset(&s);
        for (int t = 0; t < T; t += part) {
            int n = T - t < part ? T - t : part, last = b * T + t + n - 1;
            const real *logits = session_feed(&s, tokens + b * T + t, n);
            double sum = 0, logprob;
            for (int v = 0; v < V; v++)
                sum += exp((double)logits[v]);
            logprob = (double)logits[targets[last]] - log(sum);
            assert_true(fabs(logprob - (double)full[last]) < 2e-5);
        }
    }
    session_release(&s);
    model_release(&m);
}

static void test_decode_equals_forward(void **state)
{
    struct config shapes[] = {shape(1, 1), shape(4, 2), shape(1, 1), shape(4, 2),
                              shape(4, 1), shape(1, 1), shape(1, 1), everything()};
    (void)state;
    shapes[2].qk_norm = true;
    shapes[3].shared_experts = 1;
    shapes[4].capacity = 0.5; /* what limits training does not limit scoring or inference */
    shapes[5].head_size = 14;
    shapes[5].rope_scaling = (struct rope_scaling){ROPE_LINEAR, 4, 0, 0, 0};
    shapes[6].head_size = 2;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check_session(&shapes[i], 1);
        check_session(&shapes[i], 9);
        check_session(&shapes[i], T);
    }
}

/* A sequence scores the same alone and beside others, whatever the capacity in training. */
static void test_scoring_is_dropless(void **state)
{
    struct config limited = everything(), dropless = everything();
    struct model a, b;
    float score_a[B * T], score_b[B * T], alone[T];
    (void)state;
    dropless.capacity = 0;
    draw_tokens(8);
    open_model(&a, &limited);
    open_model(&b, &dropless);
    (void)model_forward_backward(&a, tokens, targets, B, T, 1.0 / (B * T), NULL);
    (void)model_forward_backward(&b, tokens, targets, B, T, 1.0 / (B * T), NULL);
    assert_true(a.dropped[0] > 0 && b.dropped[0] == 0);
    model_score(&a, tokens, targets, B, T, score_a, NULL);
    model_score(&b, tokens, targets, B, T, score_b, NULL);
    assert_memory_equal(score_a, score_b, sizeof score_a);
    model_score(&a, tokens, targets, 1, T, alone, NULL);
    for (int t = 0; t < T; t++)
        assert_true(fabs((double)(alone[t] - score_a[t])) < 1e-5);
    model_release(&a);
    model_release(&b);
}

/* What the routers chose is counted over passes: every pair once, and a pass with the same tokens the same way. */
static void test_choices_are_counted(void **state)
{
    struct config config = everything();
    struct model m;
    int64_t pairs = 0, dropped;
    (void)state;
    draw_tokens(9);
    open_model(&m, &config);
    (void)model_forward_backward(&m, tokens, targets, B, T, 1.0 / (B * T), NULL);
    dropped = m.dropped[1];
    (void)model_forward_backward(&m, tokens, targets, B, T, 1.0 / (B * T), NULL);
    for (int e = 0; e < config.experts; e++)
        pairs += m.chosen[config.experts + e];
    assert_int_equal(pairs, 2 * B * T * config.experts_per_token);
    assert_int_equal(m.dropped[1], 2 * dropped);
    model_release(&m);
}

static void check_one_expert(struct config dense)
{
    struct config routed = dense;
    struct model a, b;
    float score_a[B * T], score_b[B * T];
    routed.routed = true;
    draw_tokens(2);
    open_model(&a, &dense);
    open_model(&b, &routed);
    assert_int_not_equal(a.n_params, b.n_params); /* the router is there */
    train(&a, 5);
    train(&b, 5);
    for (int i = 0; i < TENSOR_COUNT; i++)
        assert_memory_equal(a.params + a.info[i].offset, b.params + b.info[i].offset,
                            (size_t)a.info[i].size * sizeof(real));
    model_score(&a, tokens, targets, B, T, score_a, NULL);
    model_score(&b, tokens, targets, B, T, score_b, NULL);
    assert_memory_equal(score_a, score_b, sizeof score_a);
    model_release(&a);
    model_release(&b);
}

static void test_one_expert_is_dense(void **state)
{
    struct config plain = shape(1, 1), normed = shape(1, 1);
    (void)state;
    normed.qk_norm = true;
    normed.tied = true;
    check_one_expert(plain);
    check_one_expert(normed);
    normed.gate_all = true;
    normed.capacity = 1;
    check_one_expert(normed);
}

static void test_counter_equals_formula(void **state)
{
    struct config shapes[] = {shape(1, 1), shape(4, 1), shape(8, 2), shape(8, 2), shape(4, 1), everything()};
    (void)state;
    shapes[3].shared_experts = 3;
    shapes[4].capacity = 1;
    draw_tokens(3);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct config config = shapes[i];
        struct model m;
        float out[B * T];
        uint64_t before;
        int64_t dropped = 0;
        open_model(&m, &config);
        before = flop_counter();
        train(&m, 3);
        for (int l = 0; config.routed && l < config.depth; l++)
            dropped += m.dropped[l];
        assert_true((config.capacity > 0) == (dropped > 0));
        assert_true((double)(flop_counter() - before) ==
                    cost_train_flops(&config, 3, B, T) - cost_dropped_flops(&config, dropped));
        before = flop_counter();
        model_score(&m, tokens, targets, B, T, out, NULL);
        assert_true((double)(flop_counter() - before) == cost_forward_flops(&config, B, T));
        model_release(&m);
    }
}

static void test_training_lowers_loss(void **state)
{
    struct config config = shape(4, 2);
    struct model m;
    double first, last;
    (void)state;
    draw_tokens(4);
    open_model(&m, &config);
    first = model_forward_backward(&m, tokens, targets, B, T, 1.0 / (B * T), NULL);
    train(&m, 60);
    last = model_forward_backward(&m, tokens, targets, B, T, 1.0 / (B * T), NULL);
    assert_true(fabs(first / (B * T) - log(V)) < 0.5); /* untrained: near the uniform guess */
    assert_true(last < 0.5 * first);
    model_release(&m);
}

static void check_saved(const struct config *config, bool in_i8)
{
    char folder[] = "/tmp/isoflop-test-XXXXXX", path[256];
    struct model m, back;
    struct weights_i8 i8 = {0}, again = {0};
    struct config read;
    struct err err = ERR_INIT;
    bool is_i8;
    int64_t bytes;
    assert_non_null(mkdtemp(folder));
    draw_tokens(5);
    open_model(&m, config);
    train(&m, 3);
    assert_int_equal(quantize_i8(&i8, &m, &err), STATUS_OK);
    assert_int_equal(checkpoint_save(folder, &m, in_i8 ? &i8 : NULL, &bytes, &err), STATUS_OK);
    if (checkpoint_config(folder, &read, &is_i8, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(is_i8, in_i8);
    assert_true(read.width == config->width && read.experts == config->experts && read.routed == config->routed &&
                read.kv_heads == config->kv_heads && read.gate_all == config->gate_all && read.mup == config->mup);
    assert_true(read.qk_norm == config->qk_norm && read.shared_experts == config->shared_experts &&
                read.capacity == config->capacity);
    assert_int_equal(model_open(&back, &read, B, MODEL_SCORE, &err), STATUS_OK);
    if (checkpoint_load(folder, &back, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    if (in_i8) {
        assert_int_equal(quantize_i8(&again, &back, &err), STATUS_OK);
        assert_memory_equal(again.q, i8.q, (size_t)m.n_params);
        quantize_release(&again);
    } else {
        assert_memory_equal(back.params, m.params, (size_t)m.n_params * sizeof(real));
    }
    quantize_release(&i8);
    model_release(&m);
    model_release(&back);
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    assert_int_equal(truncate(path, bytes / 2), 0);
    assert_int_equal(model_open(&back, config, B, MODEL_SCORE, &err), STATUS_OK);
    assert_int_equal(checkpoint_load(folder, &back, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.text, "tensor '")); /* the error names the tensor */
    model_release(&back);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void test_checkpoint_round_trip(void **state)
{
    struct config dense = shape(1, 1), mixture = shape(4, 2), tied = shape(1, 1), qk_norm = shape(1, 1);
    struct config all = everything();
    (void)state;
    tied.tied = true;
    qk_norm.qk_norm = true;
    mixture.gate_all = true;
    check_saved(&dense, false);
    check_saved(&tied, false);
    check_saved(&qk_norm, false);
    check_saved(&all, false);
    check_saved(&all, true);
    check_saved(&mixture, false);
    check_saved(&dense, true);
    check_saved(&mixture, true);
}

/* 8-bit weights and activations stay near full precision, and decoding in parts gives the same bits. */
static void test_int8(void **state)
{
    struct config shapes[] = {shape(1, 1), shape(4, 2), everything()};
    (void)state;
    shapes[2].tied = false; /* a head in 8 bits */
    draw_tokens(6);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct config config = shapes[i];
        struct model m;
        struct weights_i8 i8;
        struct session s;
        struct err err = ERR_INIT;
        float full[B * T], rounded[B * T];
        double difference = 0;
        open_model(&m, &config);
        train(&m, 20);
        model_score(&m, tokens, targets, B, T, full, NULL);
        assert_int_equal(quantize_i8(&i8, &m, &err), STATUS_OK);
        assert_true(quantize_weight_bytes(&m, &i8) < 2 * m.n_params);
        assert_int_equal(session_open(&s, &m, &i8, &err), STATUS_OK);
        session_score(&s, tokens, targets, B, T, rounded, NULL);
        for (int j = 0; j < B * T; j++)
            difference += (double)(rounded[j] - full[j]);
        assert_true(difference != 0);
        /* Nats per token. Where experts are near a tie, rounding sends a token elsewhere: with many, more often. */
        assert_true(fabs(difference) / (B * T) < (config.experts > 4 ? 0.004 : 0.001));
        session_release(&s);
        quantize_release(&i8);
        model_release(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_equals_forward),
        cmocka_unit_test(test_scoring_is_dropless),
        cmocka_unit_test(test_choices_are_counted),
        cmocka_unit_test(test_one_expert_is_dense),
        cmocka_unit_test(test_counter_equals_formula),
        cmocka_unit_test(test_training_lowers_loss),
        cmocka_unit_test(test_checkpoint_round_trip),
        cmocka_unit_test(test_int8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
