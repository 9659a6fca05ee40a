/* SPDX-License-Identifier: Apache-2.0 */
/* bench_cases.c — the cases and their loops. The engine is used as a trial uses it: one thread, arena, counters. */
#include "harness/cli/bench_cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/rng.h"
#include "engine/math/blas.h"
#include "engine/math/vec.h"
#include "engine/model/cost.h"
#include "engine/model/infer.h"
#include "engine/model/optim.h"
#include "harness/analysis/stats.h"
#include "harness/run/clock.h"
#include "harness/run/trial.h"

static const struct bench_case cases[] = {
    {.suite = "train", .name = "width 64, 2 layers", .width = 64, .layers = 2, .batch = 8, .tokens = 128},
    {.suite = "train", .name = "width 128, 2 layers", .width = 128, .layers = 2, .batch = 8, .tokens = 128},
    {.suite = "decode", .name = "width 64, 2 layers", .width = 64, .layers = 2, .batch = 1, .tokens = 1},
    {.suite = "decode", .name = "width 128, 2 layers", .width = 128, .layers = 2, .batch = 1, .tokens = 1},
    {.suite = "gemm", .name = "512 x 192 x 64", .M = 512, .N = 192, .K = 64, .batch = 1, .tokens = 1},
    {.suite = "gemm", .name = "1024 x 128 x 128", .M = 1024, .N = 128, .K = 128, .batch = 1, .tokens = 1},
};

enum { ROUNDS_MAX = 2000, EXACT_STEPS = 5, PEAK_SIZE = 512 };

#define MEASURE_S 0.15
#define WARM_UP_S 0.5

const struct bench_case *bench_case_at(int i)
{
    return i >= 0 && i < (int)(sizeof cases / sizeof *cases) ? &cases[i] : NULL;
}

const struct bench_case *bench_case_find(const char *suite, const char *name)
{
    for (int i = 0; bench_case_at(i); i++)
        if (strcmp(cases[i].suite, suite) == 0 && strcmp(cases[i].name, name) == 0)
            return &cases[i];
    return NULL;
}

/* ---- one round of work, timed ---- */

struct work {
    void (*round)(void *context);
    void *context;
    double items; /* per round: what `seconds` is divided by */
};

/* Warm until a round is within 5 % of the one before it, or the time is up. */
static void warm_up(const struct work *work)
{
    struct instant start = clock_now();
    double last = INFINITY, now;
    do {
        struct instant before = clock_now();
        work->round(work->context);
        now = clock_since(before);
        if (fabs(now - last) <= 0.05 * last && clock_since(start) > WARM_UP_S / 10)
            return;
        last = now;
    } while (clock_since(start) < WARM_UP_S);
}

static enum status time_work(const struct work *work, double *seconds, struct err *err)
{
    static double rounds[ROUNDS_MAX];
    struct instant start;
    int n = 0;
    warm_up(work);
    start = clock_now();
    while (n < ROUNDS_MAX && (n < 5 || clock_since(start) < MEASURE_S)) {
        struct instant before = clock_now();
        work->round(work->context);
        rounds[n++] = clock_since(before) / work->items;
    }
    return stats_median(rounds, n, seconds, err);
}

static struct bench_sample sample(const struct bench_case *c, const char *metric, const char *unit, bool exact,
                                  double value)
{
    struct bench_sample s = {.exact = exact, .value = value};
    (void)str_copy(s.bench, sizeof s.bench, c->suite);
    (void)str_copy(s.name, sizeof s.name, c->name);
    (void)str_copy(s.metric, sizeof s.metric, metric);
    (void)str_copy(s.unit, sizeof s.unit, unit);
    return s;
}

/* ---- matrix products ---- */

struct product {
    int M, N, K;
    real *a, *b, *c;
};

static void product_round(void *context)
{
    struct product *p = context;
    gemm(false, true, p->M, p->N, p->K, 1, p->a, p->K, p->b, p->K, 0, p->c, p->N);
}

static enum status time_product(int M, int N, int K, double *seconds, struct err *err)
{
    struct product p = {M, N, K, calloc((size_t)M * (size_t)K, sizeof(real)), calloc((size_t)N * (size_t)K, sizeof(real)),
                        calloc((size_t)M * (size_t)N, sizeof(real))};
    struct work work = {product_round, &p, 1};
    enum status status;
    if (!p.a || !p.b || !p.c) {
        status = err_set(err, STATUS_MEMORY, "no memory for a product of %d x %d x %d", M, N, K);
    } else {
        for (int i = 0; i < M * K; i++)
            p.a[i] = (real)(i % 7) - 3;
        for (int i = 0; i < N * K; i++)
            p.b[i] = (real)(i % 5) - 2;
        status = time_work(&work, seconds, err);
    }
    free(p.a);
    free(p.b);
    free(p.c);
    return status;
}

/* ---- models ---- */

struct bench_model {
    const struct bench_case *the_case;
    struct model model;
    struct session session;
    int32_t *tokens, *targets;
    int64_t step;
    double loss;
};

static void train_round(void *context)
{
    struct bench_model *b = context;
    const struct bench_case *c = b->the_case;
    const struct adamw adamw = {0.9, 0.99, 1e-8, 0.1, 1};
    int n = c->batch * c->tokens;
    model_zero_gradients(&b->model);
    b->loss = model_forward_backward(&b->model, b->tokens, b->targets, c->batch, c->tokens, 1.0 / n, NULL) / n;
    (void)adamw_step(&b->model, &adamw, 0.003, ++b->step);
}

static void decode_round(void *context)
{
    struct bench_model *b = context;
    if (session_position(&b->session) == b->model.config.context)
        session_reset(&b->session);
    (void)session_feed(&b->session, b->tokens + session_position(&b->session), 1);
}

static enum status open_bench_model(struct bench_model *b, const struct bench_case *c, struct err *err)
{
    struct knobs knobs;
    struct config config;
    struct rng rng = rng_open(1, RNG_TEST, 0);
    enum status status;
    *b = (struct bench_model){.the_case = c};
    knobs_preset(&knobs);
    knobs.width = c->width;
    knobs.depth = c->layers;
    trial_config(&knobs, &config);
    status = model_open(&b->model, &config, c->batch, MODEL_TRAIN, err);
    if (status != STATUS_OK)
        return status;
    model_init_weights(&b->model, 1);
    status = session_open(&b->session, &b->model, NULL, err);
    b->tokens = calloc((size_t)(c->batch * config.context), sizeof *b->tokens);
    b->targets = calloc((size_t)(c->batch * config.context), sizeof *b->targets);
    ASSERT(b->tokens && b->targets);
    for (int i = 0; i < c->batch * config.context; i++) {
        b->tokens[i] = (int32_t)rng_below(&rng, 64);
        b->targets[i] = (int32_t)rng_below(&rng, 64);
    }
    return status;
}

static void release_bench_model(struct bench_model *b)
{
    session_release(&b->session);
    model_release(&b->model);
    free(b->tokens);
    free(b->targets);
}

/* A few steps from a fixed seed first: their FLOPs and the last loss are exact, whatever the speed. */
static enum status measure_model(const struct bench_case *c, struct bench_sample *out, int *n, struct err *err)
{
    bool trains = strcmp(c->suite, "train") == 0;
    struct bench_model b;
    struct work work = {trains ? train_round : decode_round, &b, 1};
    double seconds = 0;
    uint64_t before;
    enum status status = open_bench_model(&b, c, err);
    if (status != STATUS_OK) {
        release_bench_model(&b);
        return status;
    }
    before = flop_counter();
    for (int i = 0; i < EXACT_STEPS; i++)
        work.round(&b);
    out[(*n)++] = sample(c, "flops", "FLOPs", true, (double)(flop_counter() - before) / EXACT_STEPS);
    if (trains)
        out[(*n)++] = sample(c, "loss_bits", "nats", true, b.loss);
    status = time_work(&work, &seconds, err);
    out[(*n)++] = sample(c, "seconds", "s", false, seconds);
    release_bench_model(&b);
    return status;
}

enum status bench_measure(const struct bench_case *c, struct bench_sample out[BENCH_METRICS_MAX], int *n, struct err *err)
{
    double seconds = 0, peak = 0;
    enum status status;
    vec_flush_subnormals();
    *n = 0;
    if (c->M > 0) {
        status = time_product(c->M, c->N, c->K, &seconds, err);
        out[(*n)++] = sample(c, "flops", "FLOPs", true, 2.0 * c->M * c->N * c->K);
        out[(*n)++] = sample(c, "seconds", "s", false, seconds);
    } else {
        status = measure_model(c, out, n, err);
    }
    if (status == STATUS_OK)
        status = time_product(PEAK_SIZE, PEAK_SIZE, PEAK_SIZE, &peak, err);
    if (status == STATUS_OK)
        out[(*n)++] = sample(c, "gemm_peak_flops_per_s", "FLOP/s", false, 2.0 * PEAK_SIZE * PEAK_SIZE * PEAK_SIZE / peak);
    return status;
}

/* ---- the line between processes: suite|name|metric|unit|exact|value ---- */

void bench_line_write(const struct bench_sample *s, struct str *out)
{
    str_format(out, "%s|%s|%s|%s|%d|%.17g\n", s->bench, s->name, s->metric, s->unit, s->exact, s->value);
}

/* Cuts the text at the next '|' and returns what lies before it. */
static const char *field(char **at)
{
    char *start = *at, *end = start ? strchr(start, '|') : NULL;
    *at = end ? end + 1 : NULL;
    if (end)
        *end = 0;
    return start;
}

bool bench_line_read(const char *line, struct bench_sample *out)
{
    char copy[512], *at = copy, *end;
    struct bench_sample s = {0};
    const char *bench, *name, *metric, *unit, *exact;
    if (!str_copy(copy, sizeof copy, line))
        return false;
    bench = field(&at);
    name = field(&at);
    metric = field(&at);
    unit = field(&at);
    exact = field(&at);
    if (!at || (strcmp(exact, "0") != 0 && strcmp(exact, "1") != 0))
        return false;
    s.exact = *exact == '1';
    s.value = strtod(at, &end);
    if (end == at || (*end != 0 && *end != '\n') || !isfinite(s.value))
        return false;
    if (!str_copy(s.bench, sizeof s.bench, bench) || !str_copy(s.name, sizeof s.name, name) ||
        !str_copy(s.metric, sizeof s.metric, metric) || !str_copy(s.unit, sizeof s.unit, unit))
        return false;
    *out = s;
    return true;
}
