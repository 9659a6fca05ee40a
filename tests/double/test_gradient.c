/* SPDX-License-Identifier: Apache-2.0 */
/* test_gradient.c — goal: every gradient the engine computes is the derivative of its loss.
 *
 * Method: the engine built in double precision. For every tensor of tensors.def, at several of its numbers, the
 * analytic gradient is compared with the central difference (L(w+h) - L(w-h)) / 2h; the relative error must stay
 * below 1e-6, far under the 1e-4 asked for. The objective includes the auxiliary losses, whose load shares are
 * constants of the routing: a mixture's routing must therefore not flip within h, which the seed ensures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/model/model.h"

enum { B = 2, T = 70, V = 19, SAMPLES = 24 }; /* T beyond one attention block */

static int32_t tokens[B * T], targets[B * T];

static struct config small(void)
{
    return (struct config){
        .vocabulary = V, .context = T, .depth = 2, .width = 12, .heads = 2, .kv_heads = 2, .ffn = 20, .experts = 1,
        .experts_per_token = 1, .mup = true, .base_width = 8, .rope_base = 100, .norm_eps = 1e-5,
    };
}

static double objective(struct model *m)
{
    double aux, sum;
    model_zero_gradients(m);
    sum = model_forward_backward(m, tokens, targets, B, T, 1.0 / (B * T), &aux);
    return sum / (B * T) + aux;
}

static void check_tensor(struct model *m, const struct tensor_info *info, const double *gradient)
{
    double scale = 0;
    for (int64_t i = 0; i < info->size; i++)
        scale = fmax(scale, fabs(gradient[info->offset + i]));
    if (info->size > 0)
        assert_true(scale > 1e-9); /* a tensor nobody uses would pass every comparison */
    for (int i = 0; i < SAMPLES && info->size > 0; i++) {
        struct rng rng = rng_open(5, RNG_TEST, (uint64_t)i);
        int64_t at = info->offset + (int64_t)rng_below(&rng, (uint32_t)info->size);
        double *w = m->params + at, kept = *w, h = 1e-5, up, down, numeric;
        *w = kept + h;
        up = objective(m);
        *w = kept - h;
        down = objective(m);
        *w = kept;
        numeric = (up - down) / (2 * h);
        if (!(fabs(numeric - gradient[at]) <= 1e-6 * (fabs(gradient[at]) + 1e-2 * scale)))
            fail_msg("%s[%lld]: analytic %.12g, numeric %.12g", info->name, (long long)(at - info->offset),
                     gradient[at], numeric);
    }
}

static void check_model(struct config config)
{
    struct model m;
    struct err err = ERR_INIT;
    static double gradient[100000];
    struct rng rng = rng_open(3, RNG_TEST, 0);
    for (int i = 0; i < B * T; i++) {
        tokens[i] = (int32_t)rng_below(&rng, V);
        targets[i] = i % 11 == 7 ? -1 : (int32_t)rng_below(&rng, V); /* some positions are left out */
    }
    if (model_open(&m, &config, B, MODEL_TRAIN, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    model_init_weights(&m, 11);
    for (int64_t i = 0; i < m.n_params; i++) /* gains off one, so that their gradients are seen */
        m.params[i] += 0.05 * rng_normal(&rng);
    (void)objective(&m);
    assert_true(m.n_params <= (int64_t)(sizeof gradient / sizeof *gradient));
    memcpy(gradient, m.gradients, (size_t)m.n_params * sizeof *gradient);
    for (int i = 0; i < TENSOR_COUNT; i++)
        check_tensor(&m, &m.info[i], gradient);
    model_release(&m);
}

static void test_dense(void **state)
{
    (void)state;
    check_model(small());
}

static void test_grouped_heads_tied(void **state)
{
    struct config config = small();
    (void)state;
    config.heads = 3;
    config.kv_heads = 1;
    config.tied = true;
    check_model(config);
}

static void test_mixture(void **state)
{
    struct config config = small();
    (void)state;
    config.experts = 4;
    config.experts_per_token = 2;
    config.routed = true;
    config.load_balance = 0.1;
    config.router_z = 0.05;
    check_model(config);
}

static void test_mixture_top1(void **state)
{
    struct config config = small();
    (void)state;
    config.experts = 3;
    config.routed = true;
    config.gate_all = true;
    check_model(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_grouped_heads_tied),
        cmocka_unit_test(test_mixture),
        cmocka_unit_test(test_mixture_top1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
