/* SPDX-License-Identifier: Apache-2.0 */
/* test_gradient.c — goal: every gradient the engine computes is the derivative of its loss.
 *
 * Method: the engine built in double precision. For every tensor of tensors.def, at several of its numbers, the
 * analytic gradient is compared with the central difference (L(w+h) - L(w-h)) / 2h; the relative error must stay
 * below 1e-5, under the 1e-4 asked for, with room for the rounding of L itself, which h magnifies. Over a table of
 * shapes: each knob alone, and together. The objective includes the auxiliary losses, whose load shares are constants
 * of the routing: a mixture's routing, and with it who is dropped, must therefore not flip within h, which the seed
 * ensures. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/model/model.h"

enum { B = 2, T = 70, V = 19, SAMPLES = 12 }; /* T beyond one attention block */

static int32_t tokens[B * T], targets[B * T];

/* What differs from a small dense model; 0: as there. */
struct variant {
    const char *name;
    int heads, kv_heads, head_size, experts, k, ffn, shared;
    double capacity, load_balance, router_z;
    bool routed, gate_all, tied, qk_norm, standard;
    struct rope_scaling scaling;
};

static const struct variant variants[] = {
    {.name = "dense"},
    {.name = "standard parametrisation", .standard = true},
    {.name = "grouped heads", .heads = 3, .kv_heads = 1},
    {.name = "heads wider than the stream", .heads = 3, .kv_heads = 1, .head_size = 10},
    {.name = "heads narrower than the stream", .head_size = 4, .qk_norm = true},
    {.name = "scaled positions", .scaling = {ROPE_LLAMA3, 4, 1, 8, 32}},
    {.name = "tied", .tied = true},
    {.name = "qk_norm", .qk_norm = true},
    {.name = "qk_norm, grouped heads", .qk_norm = true, .heads = 6, .kv_heads = 2},
    {.name = "mixture", .experts = 4, .k = 2},
    {.name = "auxiliary losses", .experts = 4, .k = 2, .load_balance = 0.1, .router_z = 0.05},
    {.name = "gate over all, one expert each", .experts = 3, .k = 1, .gate_all = true},
    {.name = "gate over all", .experts = 5, .k = 3, .gate_all = true, .router_z = 0.05},
    {.name = "shared experts", .experts = 4, .k = 2, .shared = 1},
    {.name = "fine-grained", .experts = 12, .k = 4, .ffn = 5, .load_balance = 0.1},
    {.name = "capacity", .experts = 4, .k = 2, .capacity = 0.8},
    {.name = "capacity, auxiliary losses", .experts = 4, .k = 2, .capacity = 0.5, .load_balance = 0.1,
     .router_z = 0.05},
    {.name = "capacity, one expert each", .experts = 3, .k = 1, .gate_all = true, .capacity = 1},
    {.name = "all, chosen gate", .heads = 6, .kv_heads = 2, .head_size = 6, .tied = true, .qk_norm = true, .experts = 8, .k = 4,
     .ffn = 10, .shared = 2, .capacity = 0.9, .load_balance = 0.1, .router_z = 0.05},
    {.name = "all, gate over all", .heads = 3, .kv_heads = 1, .tied = true, .qk_norm = true, .experts = 6, .k = 1,
     .gate_all = true, .ffn = 10, .shared = 3, .capacity = 0.7, .load_balance = 0.1, .router_z = 0.05},
    {.name = "a router with nothing to choose", .routed = true, .shared = 1},
};

static struct config shape(const struct variant *v)
{
    int heads = v->heads ? v->heads : 2;
    return (struct config){
        .vocabulary = V, .context = T, .depth = 2, .width = 12, .heads = heads,
        .kv_heads = v->kv_heads ? v->kv_heads : heads, .head_size = v->head_size, .rope_scaling = v->scaling, .ffn = v->ffn ? v->ffn : 20,
        .experts = v->experts ? v->experts : 1, .experts_per_token = v->k ? v->k : 1, .shared_experts = v->shared,
        .routed = v->routed || v->experts > 1, .capacity = v->capacity, .load_balance = v->load_balance,
        .router_z = v->router_z, .gate_all = v->gate_all, .tied = v->tied, .qk_norm = v->qk_norm, .mup = !v->standard,
        .base_width = 8, .rope_base = 100, .norm_eps = 1e-5,
    };
}

static double objective(struct model *m)
{
    double aux, sum;
    model_zero_gradients(m);
    sum = model_forward_backward(m, tokens, targets, B, T, 1.0 / (B * T), &aux);
    return sum / (B * T) + aux;
}

static void check_tensor(struct model *m, const struct tensor_info *info, const double *gradient, const char *name)
{
    double scale = 0, h = 1e-5, rounding = 8 * DBL_EPSILON * log(V) / h;
    for (int64_t i = 0; i < info->size; i++)
        scale = fmax(scale, fabs(gradient[info->offset + i]));
    if (info->size > 0 && (info->id != TENSOR_router || m->config.experts > 1) && !(scale > 1e-5))
        fail_msg("%s: %s has no gradient", name, info->name); /* it would pass every comparison */
    for (int i = 0; i < SAMPLES && info->size > 0; i++) {
        struct rng rng = rng_open(5, RNG_TEST, (uint64_t)i);
        int64_t at = info->offset + (int64_t)rng_below(&rng, (uint32_t)info->size);
        double *w = m->params + at, kept = *w, up, down, numeric;
        *w = kept + h;
        up = objective(m);
        *w = kept - h;
        down = objective(m);
        *w = kept;
        numeric = (up - down) / (2 * h);
        if (!(fabs(numeric - gradient[at]) <= 1e-5 * (fabs(gradient[at]) + 1e-4 * scale) + rounding))
            fail_msg("%s: %s[%lld]: analytic %.12g, numeric %.12g", name, info->name, (long long)(at - info->offset),
                     gradient[at], numeric);
    }
}

static void check_model(const struct variant *variant)
{
    struct config config = shape(variant);
    struct model m;
    struct err err = ERR_INIT;
    static double gradient[100000];
    struct rng rng = rng_open(3, RNG_TEST, 0);
    for (int i = 0; i < B * T; i++) {
        tokens[i] = (int32_t)rng_below(&rng, V);
        targets[i] = i % 11 == 7 ? -1 : (int32_t)rng_below(&rng, V); /* some positions are left out */
    }
    if (model_open(&m, &config, B, MODEL_TRAIN, &err) != STATUS_OK)
        fail_msg("%s: %s", variant->name, err.text);
    model_init_weights(&m, 11);
    for (int64_t i = 0; i < m.n_params; i++) /* gains off one, so that their gradients are seen */
        m.params[i] += 0.05 * rng_normal(&rng);
    (void)objective(&m);
    assert_true(m.n_params <= (int64_t)(sizeof gradient / sizeof *gradient));
    memcpy(gradient, m.gradients, (size_t)m.n_params * sizeof *gradient);
    if (config.capacity > 0)
        assert_true(m.dropped[0] > 0); /* a limit nobody meets would test nothing */
    for (int i = 0; i < TENSOR_COUNT; i++)
        check_tensor(&m, &m.info[i], gradient, variant->name);
    model_release(&m);
}

static void test_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        check_model(&variants[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gradients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
