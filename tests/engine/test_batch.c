/* SPDX-License-Identifier: Apache-2.0 */
/* test_batch.c — goal: sequences that share a session do not touch each other.
 *
 * Method: prompts of different lengths prefilled together, then decoded together, with one that joins late and one that
 * leaves early; after every step each one's logits against a session of its own that is fed from the start. Grouped
 * and ungrouped heads, tied and untied, mixtures with all their knobs, 8 bits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/model/infer.h"
#include "engine/shrink/quantize.h"

enum { T = 80, V = 64, TOKENS = 2 * T };

/* Several sequences of one session, prefilled together and decoded together, against each by itself. The prompts end
 * inside a pass, at its end and in the next one; one sequence joins late, one leaves early. */
static void check_batch(const struct config *config, bool in_i8)
{
    enum { SEQUENCES = 4, STEPS = 6 };
    static const int prompt[SEQUENCES] = {1, 63, 70, 5};
    struct model m;
    struct weights_i8 i8 = {0};
    struct session together, alone;
    struct span spans[SEQUENCES];
    struct rng rng = rng_open(9, RNG_TEST, 0);
    int32_t tokens[TOKENS];
    struct err err = ERR_INIT;
    for (int i = 0; i < TOKENS; i++)
        tokens[i] = (int32_t)rng_below(&rng, V);
    if (model_open(&m, config, 1, MODEL_SCORE, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    model_init_weights(&m, 7);
    if (in_i8)
        assert_int_equal(quantize_i8(&i8, &m, &err), STATUS_OK);
    assert_int_equal(session_open_batch(&together, &m, in_i8 ? &i8 : NULL, SEQUENCES, &err), STATUS_OK);
    assert_int_equal(session_open(&alone, &m, in_i8 ? &i8 : NULL, &err), STATUS_OK);
    for (int step = 0; step < STEPS; step++) {
        int n = 0;
        const real *logits;
        for (int b = 0; b < SEQUENCES; b++)
            if ((b != 3 || step > 0) && (b != 1 || step < 4))
                spans[n++] = (struct span){b, tokens + 3 * b + together.positions[b],
                                           together.positions[b] ? 1 : prompt[b]};
        logits = session_extend(&together, spans, n);
        for (int i = 0; i < n; i++) {
            int b = spans[i].sequence;
            const real *single;
            session_reset(&alone);
            single = session_feed(&alone, tokens + 3 * b, together.positions[b]);
            for (int v = 0; v < V; v++)
                assert_true(fabs((double)(logits[i * V + v] - single[v])) < (in_i8 ? 2e-3 : 2e-5));
        }
    }
    assert_int_equal(together.positions[1], 63 + 3);
    assert_int_equal(together.positions[3], 5 + 4);
    session_release(&alone);
    session_release(&together);
    quantize_release(&i8);
    model_release(&m);
}

static struct config shape(int experts, int k)
{
    return (struct config){
        .vocabulary = V, .context = T, .depth = 2, .width = 32, .heads = 4, .kv_heads = 2, .ffn = 48,
        .experts = experts, .experts_per_token = k, .routed = experts > 1, .mup = true, .base_width = 64,
        .rope_base = 10000, .norm_eps = 1e-5,
    };
}

static void test_dense(void **state)
{
    struct config grouped = shape(1, 1), tied = shape(1, 1);
    (void)state;
    tied.tied = true;
    tied.kv_heads = 4;
    check_batch(&grouped, false);
    check_batch(&tied, false);
}

static void test_mixture(void **state)
{
    struct config mixture = shape(4, 2), shared = shape(4, 1);
    (void)state;
    shared.qk_norm = true;
    shared.shared_experts = 1;
    check_batch(&mixture, false);
    check_batch(&shared, false);
}

static void test_8_bits(void **state)
{
    struct config dense = shape(1, 1), mixture = shape(4, 2);
    (void)state;
    check_batch(&dense, true);
    check_batch(&mixture, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_mixture),
        cmocka_unit_test(test_8_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
