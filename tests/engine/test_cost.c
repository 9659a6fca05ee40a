/* SPDX-License-Identifier: Apache-2.0 */
/* test_cost.c — goal: parameters and FLOPs of known models come out as published.
 *
 * Method: the configurations of well-known models; their counts are facts of the field, typed here and nowhere in
 * the program. Schedules and initial scales are checked against their definitions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/model/cost.h"
#include "engine/model/optim.h"

static struct config llama_7b(void)
{
    return (struct config){.vocabulary = 32000, .context = 2048, .depth = 32, .width = 4096, .heads = 32, .kv_heads = 32,
                           .ffn = 11008, .experts = 1, .experts_per_token = 1, .base_width = 64};
}

static void test_llama(void **state)
{
    struct config c = llama_7b();
    struct param_counts counts = cost_params(&c);
    (void)state;
    assert_int_equal(counts.total, 6738415616);
    assert_int_equal(counts.active, counts.total);
    assert_int_equal(counts.non_embedding, counts.total - 2LL * 32000 * 4096);
    assert_int_equal(counts.matmul, counts.total - 32000LL * 4096 - 65LL * 4096);
}

static void test_mistral_and_mixtral(void **state)
{
    struct config c = llama_7b();
    struct param_counts counts;
    (void)state;
    c.kv_heads = 8;
    c.ffn = 14336;
    assert_int_equal(cost_params(&c).total, 7241732096);
    c.experts = 8;
    c.experts_per_token = 2;
    c.routed = true;
    counts = cost_params(&c);
    assert_int_equal(counts.total, 46702792704);
    assert_int_equal(counts.active, 12879925248);
}

/* Mistral-Nemo (2024), whose 32 heads of 128 are narrower than its width of 5120. */
static void test_head_size(void **state)
{
    struct config c = {.vocabulary = 131072, .context = 1024, .depth = 40, .width = 5120, .heads = 32, .kv_heads = 8,
                       .head_size = 128, .ffn = 14336, .experts = 1, .experts_per_token = 1, .base_width = 64};
    double linear = 2.0 * (40 * (2 * 5120.0 * 4096 + 2 * 5120.0 * 1024 + 3 * 5120.0 * 14336) + 131072.0 * 5120);
    (void)state;
    assert_int_equal(cost_params(&c).total, 12247782400);
    assert_true(cost_forward_flops(&c, 1, 64) == linear * 64 + 40 * 32 * 4.0 * 64 * 64 * 128);
}

/* What a feed-forward layer of experts adds is worked out by hand: three matrices of C F each. */
static void test_experts(void **state)
{
    struct config c = {.vocabulary = 256, .context = 128, .depth = 3, .width = 64, .heads = 4, .kv_heads = 4,
                       .ffn = 192, .experts = 8, .experts_per_token = 2, .routed = true, .base_width = 64};
    struct param_counts coarse = cost_params(&c), fine, counts;
    int64_t expert = 3 * 64 * 192, router = 8 * 64;
    (void)state;
    assert_int_equal(coarse.total - coarse.active, 3 * 6 * expert);
    c.ffn = 192 / 4; /* granularity 4: as much of everything, in smaller pieces */
    c.experts = 32;
    c.experts_per_token = 8;
    fine = cost_params(&c);
    assert_int_equal(fine.total - coarse.total, 3 * 3 * router);
    assert_int_equal(fine.active - coarse.active, 3 * 3 * router);
    assert_int_equal(fine.matmul - coarse.matmul, 3 * 3 * router);
    c.shared_experts = 2;
    counts = cost_params(&c);
    assert_int_equal(counts.total - fine.total, 3 * 2 * expert / 4);
    assert_int_equal(counts.active - fine.active, 3 * 2 * expert / 4);
    assert_int_equal(counts.non_embedding - fine.non_embedding, 3 * 2 * expert / 4);
    assert_int_equal(counts.matmul - fine.matmul, 3 * 2 * expert / 4);
    fine = counts;
    c.qk_norm = true; /* a gain per channel of a head, for queries and for keys */
    counts = cost_params(&c);
    assert_int_equal(counts.total - fine.total, 3 * 2 * 16);
    assert_int_equal(counts.active - fine.active, 3 * 2 * 16);
    assert_int_equal(counts.matmul, fine.matmul);
    c.capacity = 1.25; /* limits who is served, not what there is */
    assert_int_equal(cost_params(&c).active, counts.active);
    assert_true(cost_dropped_flops(&c, 7) == 7 * 3 * 2.0 * 3 * 64 * 48);
}

/* DeepSeekMoE-16B (Dai 2024, sec. 5.1): 64 experts of 1408, 6 of them and 2 shared ones visited, in 27 layers; and a
 * dense layer, which our models cannot have beside them. */
static void test_deepseek(void **state)
{
    struct config c = {.vocabulary = 102400, .context = 4096, .depth = 27, .width = 2048, .heads = 16, .kv_heads = 16,
                       .ffn = 1408, .experts = 64, .experts_per_token = 6, .shared_experts = 2, .routed = true};
    int64_t dense_layer = 4LL * 2048 * 2048 + 3LL * 2048 * 10944 + 2LL * 2048;
    (void)state;
    assert_int_equal(cost_params(&c).total + dense_layer, 16375728128);
}

/* For T = 64 (one block of queries) the causal saving is nil, so 2 products of 2 T T D each per head remain. */
static void test_flops(void **state)
{
    struct config c = {.vocabulary = 256, .context = 128, .depth = 3, .width = 64, .heads = 4, .kv_heads = 4, .ffn = 192,
                       .experts = 1, .experts_per_token = 1, .base_width = 64};
    double linear = 2.0 * (3 * (4 * 64 * 64 + 3 * 64 * 192) + 256 * 64);
    (void)state;
    assert_true(cost_forward_flops(&c, 1, 64) == linear * 64 + 3 * 4 * 4.0 * 64 * 64 * 16);
    assert_true(cost_forward_flops(&c, 1, 128) == linear * 128 + 3 * 4 * 4.0 * (64 * 64 + 64 * 128) * 16);
    assert_true(cost_train_flops(&c, 10, 4, 64) == 120 * cost_forward_flops(&c, 1, 64));
    assert_true(cost_6nd(&c, 1000) == 3000 * linear);
}

static void test_parametrisation(void **state)
{
    struct config c = llama_7b();
    struct tensor_info info[TENSOR_COUNT];
    (void)state;
    c.mup = true;
    (void)config_tensors(&c, info);
    assert_true(config_rate_factor(&c, &info[TENSOR_attn_qkv]) == 64.0 / 4096);
    assert_true(config_rate_factor(&c, &info[TENSOR_embed]) == 1);
    assert_true(fabs(config_init_std(&c, &info[TENSOR_head]) - 2.0 / 4096) < 1e-15);
    assert_true(fabs(config_init_std(&c, &info[TENSOR_router]) - 8.0 / 4096) < 1e-15);
    assert_true(config_rate_factor(&c, &info[TENSOR_router]) == 64.0 / 4096);
    assert_true(config_rate_factor(&c, &info[TENSOR_q_norm]) == 1 && config_init_gain(&c, &info[TENSOR_q_norm]) == 1);
    assert_true(config_rate_factor(&c, &info[TENSOR_final_norm]) == 1);
    assert_true(config_rate_factor(&c, &info[TENSOR_shared_in]) == 64.0 / 4096);
    c.tied = true; /* the final gain is the output multiplier */
    assert_true(config_rate_factor(&c, &info[TENSOR_embed]) == 1);
    assert_true(fabs(config_init_std(&c, &info[TENSOR_embed]) - 0.25 / 8) < 1e-15);
    assert_true(config_init_gain(&c, &info[TENSOR_final_norm]) == 64.0 / 4096);
    assert_true(config_rate_factor(&c, &info[TENSOR_final_norm]) == 64.0 / 4096);
    assert_true(config_init_gain(&c, &info[TENSOR_ffn_norm]) == 1);
    c.tied = false;
    c.mup = false;
    assert_true(config_rate_factor(&c, &info[TENSOR_attn_qkv]) == 1);
    assert_true(fabs(config_init_std(&c, &info[TENSOR_head]) - 0.25 / 64) < 1e-15);
    assert_true(fabs(config_init_std(&c, &info[TENSOR_router]) - 1.0 / 64) < 1e-15);
}

/* At the base width the two parametrisations are one. */
static void test_base_width(void **state)
{
    struct config mup = llama_7b(), standard;
    (void)state;
    mup.mup = true;
    mup.base_width = mup.width;
    standard = mup;
    standard.mup = false;
    for (int tied = 0; tied < 2; tied++) {
        struct tensor_info info[TENSOR_COUNT];
        mup.tied = standard.tied = tied;
        (void)config_tensors(&mup, info);
        for (int i = 0; i < TENSOR_COUNT; i++) {
            double a = config_init_std(&mup, &info[i]), b = config_init_std(&standard, &info[i]);
            assert_true(info[i].size == 0 || fabs(a - b) < 1e-12 * (1 + b));
            assert_true(config_init_gain(&mup, &info[i]) == 1 && config_rate_factor(&mup, &info[i]) == 1);
        }
    }
}

/* What decay takes from a weight in a step without gradient does not depend on the width. */
static void test_decay(void **state)
{
    const struct adamw adamw = {.beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .weight_decay = 0.1};
    (void)state;
    for (int width = 32; width <= 128; width *= 2) {
        struct config c = {.vocabulary = 8, .context = 8, .depth = 1, .width = width, .heads = 2, .kv_heads = 2,
                           .ffn = 32, .experts = 1, .experts_per_token = 1, .mup = true, .base_width = 64, .rope_base = 100};
        struct model m;
        struct err err = ERR_INIT;
        assert_int_equal(model_open(&m, &c, 1, MODEL_TRAIN, &err), STATUS_OK);
        for (int64_t i = 0; i < m.n_params; i++)
            m.params[i] = 1;
        (void)adamw_step(&m, &adamw, 0.5, 1);
        assert_true(fabs((double)m.w.ffn_in[0] - 0.95) < 1e-6);
        assert_true(m.w.embed[0] == 1 && m.w.final_norm[0] == 1);
        model_release(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama),
        cmocka_unit_test(test_mistral_and_mixtral),
        cmocka_unit_test(test_head_size), cmocka_unit_test(test_experts),
        cmocka_unit_test(test_deepseek),
        cmocka_unit_test(test_flops),
        cmocka_unit_test(test_parametrisation),
        cmocka_unit_test(test_base_width),
        cmocka_unit_test(test_decay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
