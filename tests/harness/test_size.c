/* SPDX-License-Identifier: Apache-2.0 */
/* test_size.c — goal: what is said of models nobody here can train equals what was published, and for the engine's own
 * family what the engine counts.
 *
 * Method: published parameter and FLOP counts, typed here and nowhere in the program, against every shape of the
 * catalogue that has one; random shapes against engine/model/cost.h; broken tables against their messages. */
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
#include "engine/model/cost.h"
#include "harness/cli/catalogue.h"

static void test_published_counts(void **state)
{
    static const struct { const char *name; int64_t total, active; } published[] = {
        {"gpt-1", 116534784, 116534784},
        {"gpt-2-small", 124439808, 124439808},
        {"gpt-2-medium", 354823168, 354823168},
        {"gpt-2-large", 774030080, 774030080},
        {"gpt-2-xl", 1557611200, 1557611200},
        {"gpt-3", 174604259328, 174604259328},
        {"llama-7b", 6738415616, 6738415616},
        {"llama-2-70b", 68976648192, 68976648192},
        {"pythia-70m", 70426624, 70426624},
        {"pythia-410m", 405334016, 405334016},
        {"pythia-12b", 11846072320, 11846072320},
        {"mistral-7b", 7241732096, 7241732096},
        {"mixtral-8x7b", 46702792704, 12879925248},
    };
    struct catalogue catalogue;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(catalogue_open(&catalogue, NULL, &err), STATUS_OK);
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        const struct catalogue_model *m;
        struct size_counts counts;
        assert_int_equal(catalogue_find(&catalogue, published[i].name, &m, &err), STATUS_OK);
        counts = size_params(&m->shape);
        assert_int_equal(counts.total, published[i].total);
        assert_int_equal(counts.active, published[i].active);
    }
    catalogue_release(&catalogue);
}

/* Counts that papers give to two or three digits only. */
static void test_rounded_counts(void **state)
{
    static const struct { const char *name; double total, active; } published[] = {
        {"opt-175b", 175e9, 175e9},       {"gopher-280b", 280e9, 280e9},    {"chinchilla-70b", 70e9, 70e9},
        {"palm-540b", 540.35e9, 540.35e9}, {"llama-13b", 13.0e9, 13.0e9},   {"llama-33b", 32.5e9, 32.5e9},
        {"llama-65b", 65.2e9, 65.2e9},    {"olmoe-1b-7b", 6.92e9, 1.28e9},  {"deepseek-moe-16b", 16.4e9, 2.8e9},
    };
    struct catalogue catalogue;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(catalogue_open(&catalogue, NULL, &err), STATUS_OK);
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        const struct catalogue_model *m;
        struct size_counts counts;
        assert_int_equal(catalogue_find(&catalogue, published[i].name, &m, &err), STATUS_OK);
        counts = size_params(&m->shape);
        assert_true(fabs((double)counts.total / published[i].total - 1) < 0.005);
        assert_true(fabs((double)counts.active / published[i].active - 1) < 0.02);
    }
    catalogue_release(&catalogue);
}

/* GPT-2 without biases at T = 1024, attention over the full square; and GPT-3's training by 6 N D. */
static void test_published_flops(void **state)
{
    struct catalogue catalogue;
    const struct catalogue_model *m;
    struct architecture a;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(catalogue_open(&catalogue, NULL, &err), STATUS_OK);
    assert_int_equal(catalogue_find(&catalogue, "gpt-2-small", &m, &err), STATUS_OK);
    a = m->shape;
    a.biases = a.norm_biases = false;
    assert_int_equal(size_params(&a).total, 124337664);
    assert_true(size_forward_flops(&a, 1024, false) == 291648307200.0);
    assert_true(3 * size_forward_flops(&a, 1024, false) == 874944921600.0);
    assert_true(size_forward_flops(&a, 1024, false) - size_forward_flops(&a, 1024, true) ==
                4.0 * 1024 * 1023 / 2 * 768 * 12);
    assert_int_equal(catalogue_find(&catalogue, "gpt-3", &m, &err), STATUS_OK);
    assert_true(fabs(6 * (double)size_params(&m->shape).matmul * m->tokens / 3.14e23 - 1) < 0.002);
    assert_true(size_cache_bytes(&m->shape, 2) == 2.0 * 96 * 12288 * 2);
    catalogue_release(&catalogue);
}

/* Random shapes of the engine's family: both ways of counting must agree in all conventions. */
static void test_equals_the_engine(void **state)
{
    struct rng rng = rng_open(5, RNG_TEST, 0);
    (void)state;
    for (int i = 0; i < 500; i++) {
        int kv = 1 + (int)rng_below(&rng, 4), heads = kv * (1 + (int)rng_below(&rng, 4));
        int width = heads * 2 * (1 + (int)rng_below(&rng, 16)), experts = 1 + (int)rng_below(&rng, 8);
        struct config c = {.vocabulary = 2 + (int)rng_below(&rng, 1000), .context = 64, .depth = 1 + (int)rng_below(&rng, 5),
                           .width = width, .heads = heads, .kv_heads = kv, .ffn = 1 + (int)rng_below(&rng, 300),
                           .experts = experts, .experts_per_token = 1 + (int)rng_below(&rng, (uint32_t)experts),
                           .routed = experts > 1, .tied = rng_below(&rng, 2) == 1, .base_width = 64};
        struct architecture a = {.layers = c.depth, .width = c.width, .heads = c.heads, .kv_heads = c.kv_heads,
                                 .head_size = width / heads, .ffn = c.ffn, .vocabulary = c.vocabulary, .context = 64,
                                 .experts = experts, .experts_per_token = c.experts_per_token, .expert_ffn = c.ffn,
                                 .norms = 2, .gated = true, .final_norm = true, .tied = c.tied};
        struct param_counts engine;
        struct size_counts counts;
        struct err err = ERR_INIT;
        c.qk_norm = rng_below(&rng, 2) == 1;
        if (rng_below(&rng, 2) == 1)
            a.head_size = c.head_size = 2 * (1 + (int)rng_below(&rng, 16));
        c.shared_experts = experts > 1 ? (int)rng_below(&rng, 3) : 0;
        a.qk_norm = c.qk_norm ? SIZE_QK_HEAD : SIZE_QK_NONE;
        a.shared_experts = c.shared_experts;
        engine = cost_params(&c);
        assert_int_equal(size_check(&a, &err), STATUS_OK);
        counts = size_params(&a);
        assert_int_equal(counts.total, engine.total);
        assert_int_equal(counts.active, engine.active);
        assert_int_equal(counts.non_embedding, engine.non_embedding);
        assert_int_equal(counts.matmul, engine.matmul);
        /* One block of queries: the engine then computes the full square, as size_forward_flops counts it. */
        assert_true(size_forward_flops(&a, 64, false) == cost_forward_flops(&c, 1, 64));
    }
}

static const char header[] = "name,layers,width,heads,kv_heads,head_size,ffn,vocabulary,context,positions,position_rows,"
                             "gated,biases,norm,norms,final_norm,qk_norm,tied,experts,experts_per_token,shared_experts,"
                             "expert_ffn,dense_layers\n";

static enum status read_row(const char *row, struct err *err)
{
    char path[] = "/tmp/isoflop-size-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    struct catalogue catalogue;
    enum status status;
    assert_non_null(file);
    (void)fprintf(file, "%s%s\n", header, row);
    assert_int_equal(fclose(file), 0);
    status = catalogue_open(&catalogue, path, err);
    (void)unlink(path);
    if (status == STATUS_OK)
        catalogue_release(&catalogue);
    return status;
}

static void test_bad_rows(void **state)
{
    static const struct { const char *row, *says; } bad[] = {
        {"a,2,64,4,4,16,192,256,128,rotary,0,yes,none,rms,2,yes,none,no,1,1,0,192,3", ":2: dense_layers 3"},
        {"a,2,64,4,3,16,192,256,128,rotary,0,yes,none,rms,2,yes,none,no,1,1,0,192,0", ":2: 4 heads do not share 3"},
        {"a,two,64,4,4,16,192,256,128,rotary,0,yes,none,rms,2,yes,none,no,1,1,0,192,0", ":2: layers takes a whole number"},
        {"a,2,64,4,4,16,192,256,128,cubic,0,yes,none,rms,2,yes,none,no,1,1,0,192,0", ":2: positions does not take 'cubic'"},
        {"a,2,64,4,4,16,192,256,128,learned,0,yes,none,rms,2,yes,none,no,1,1,0,192,0", ":2: position_rows goes with"},
        {"a b,2,64,4,4,16,192,256,128,rotary,0,yes,none,rms,2,yes,none,no,1,1,0,192,0", ":2: 'a b' is not a name"},
        {"a,-1,64,4,4,16,192,256,128,rotary,0,yes,none,rms,2,yes,none,no,1,1,0,192,0", "layers -1 is not between"},
        {"a,90000,16000000,4,4,1000000,192,256,128,rotary,0,yes,none,rms,2,yes,none,no,1,1,0,192,0", "more than 4e+18"},
    };
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(read_row("a,2,64,4,4,16,192,256,128,rotary,0,yes,none,rms,2,yes,none,no,1,1,0,192,0", &err), STATUS_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = ERR_INIT;
        assert_int_equal(read_row(bad[i].row, &err), STATUS_FORMAT);
        if (!strstr(err.text, bad[i].says))
            fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_counts),  cmocka_unit_test(test_rounded_counts),
        cmocka_unit_test(test_published_flops),   cmocka_unit_test(test_equals_the_engine),
        cmocka_unit_test(test_bad_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
