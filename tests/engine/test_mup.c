/* SPDX-License-Identifier: Apache-2.0 */
/* test_mup.c — goal: under muP a model's activations keep their size as it grows wider; under the standard
 * parametrisation they do not (coordinate check, Yang 2022, sec. D.1).
 *
 * Method: models of widths 64 to 512, alike but for the width and what grows with it, take ten steps at one learning
 * rate on one batch. The root mean square of each layer's contribution to the residual stream, of the stream at the
 * end, and of the logits is compared over the widths. With ISOFLOP_VERBOSE set the figures are printed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/layers/linear.h"
#include "engine/model/optim.h"

enum { B = 2, T = 32, V = 64, L = 2, STEPS = 10, N_WIDTHS = 4, N_POINTS = 2 * L + 2 };

static const int widths[N_WIDTHS] = {64, 128, 256, 512};
static const char *const points[N_POINTS] = {"attention 0", "feed-forward 0", "attention 1", "feed-forward 1", "stream",
                                             "logits"};

/* What is compared: a shape at one width. */
struct variant {
    const char *name;
    bool mup, tied, qk_norm, mixture;
};

static struct config shape(const struct variant *v, int width)
{
    return (struct config){
        .vocabulary = V, .context = T, .depth = L, .width = width, .heads = width / 16, .kv_heads = width / 32,
        .ffn = v->mixture ? width : 3 * width, .experts = v->mixture ? 4 : 1, .experts_per_token = v->mixture ? 2 : 1,
        .shared_experts = v->mixture, .routed = v->mixture, .tied = v->tied, .qk_norm = v->qk_norm, .mup = v->mup,
        .base_width = 64, .rope_base = 10000, .norm_eps = 1e-5, .load_balance = 0.01, .router_z = 0.001,
    };
}

static double rms(const real *x, const real *minus, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double d = (double)x[i] - (minus ? (double)minus[i] : 0);
        sum += d * d;
    }
    return sqrt(sum / n);
}

static void measure(double out[N_POINTS], struct model *m)
{
    int C = m->config.width, n = B * T;
    static real logits[B * T * V];
    for (int l = 0; l < L; l++) {
        const struct layer_activations *a = &m->layers[l];
        out[2 * l] = rms(a->mid, a->x, n * C);
        out[2 * l + 1] = rms(l + 1 < L ? m->layers[l + 1].x : m->last, a->mid, n * C);
    }
    out[2 * L] = rms(m->last, NULL, n * C);
    linear_forward(logits, m->norm, m->config.tied ? m->w.embed : m->w.head, n, C, V);
    out[2 * L + 1] = rms(logits, NULL, n * V);
}

static void train(double out[N_POINTS], const struct variant *v, int width, double rate)
{
    static int32_t tokens[B * T], targets[B * T];
    const struct adamw adamw = {.beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-12, .weight_decay = 0.1};
    struct config config = shape(v, width);
    struct rng rng = rng_open(1, RNG_TEST, 0);
    struct model m;
    struct err err = ERR_INIT;
    float score[B * T];
    for (int i = 0; i < B * T; i++) {
        tokens[i] = (int32_t)rng_below(&rng, V);
        targets[i] = (tokens[i] * 7 + 3) % V;
    }
    if (model_open(&m, &config, B, MODEL_TRAIN, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    model_init_weights(&m, 3);
    for (int step = 1; step <= STEPS; step++) {
        model_zero_gradients(&m);
        (void)model_forward_backward(&m, tokens, targets, B, T, 1.0 / (B * T), NULL);
        (void)adamw_step(&m, &adamw, rate, step);
    }
    model_score(&m, tokens, targets, B, T, score, NULL);
    measure(out, &m);
    model_release(&m);
}

/* The largest over the smallest size of each point over the widths; returns the worst point's. */
static double spread(const struct variant *v, double rate)
{
    double at[N_WIDTHS][N_POINTS], worst = 0;
    bool verbose = getenv("ISOFLOP_VERBOSE") != NULL;
    for (int w = 0; w < N_WIDTHS; w++)
        train(at[w], v, widths[w], rate);
    for (int p = 0; p < N_POINTS; p++) {
        double low = INFINITY, high = 0;
        for (int w = 0; w < N_WIDTHS; w++) {
            low = fmin(low, at[w][p]);
            high = fmax(high, at[w][p]);
        }
        worst = fmax(worst, high / low);
        if (verbose)
            (void)fprintf(stderr, "%s, %-8s %-14s %7.3f %7.3f %7.3f %7.3f  %.2f\n", v->name,
                          v->mup ? "mup" : "standard", points[p], at[0][p], at[1][p], at[2][p],
                          at[3][p], high / low);
    }
    return worst;
}

static void test_coordinates(void **state)
{
    const struct variant variants[] = {
        {"dense", true, false, false, false},
        {"tied", true, true, false, false},
        {"mixture", true, false, true, true}, /* with QK-norm and a shared expert */
    };
    (void)state;
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        struct variant standard = variants[i];
        double under_mup = spread(&variants[i], 0.01), under_standard;
        standard.mup = false;
        under_standard = spread(&standard, 0.01);
        if (!(under_mup < 2) || !(under_standard > 2 * under_mup))
            fail_msg("%s: over the widths activations vary by a factor of %.2f under mup, of %.2f under standard",
                     variants[i].name, under_mup, under_standard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_coordinates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
