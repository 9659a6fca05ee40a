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
#include "harness/cli/bench_machine.h"
#include "harness/cli/bench_timing.h"
#include "harness/run/trial.h"

#define MIB (1 << 20)
#define TRAIN(width_, layers_) \
    {.suite = "train", .name = "width " #width_ ", " #layers_ " layers", .width = width_, .layers = layers_, .batch = 8, .tokens = 128}
#define DECODE(width_, layers_) \
    {.suite = "decode", .name = "width " #width_ ", " #layers_ " layers", .width = width_, .layers = layers_, .batch = 1, .tokens = 1}
#define READ(mib) {.suite = "machine", .name = "read " #mib " MiB", .bytes = (int64_t)(mib) * MIB}
/* Forward X W^T, dX = dY W, dW += dY^T X: NT, NN and TN of the linear algebra libraries. */
#define NT(m, n, k) {.suite = "gemm", .name = "NT " #m " x " #n " x " #k, .M = m, .N = n, .K = k, .transpose_b = true}
#define NN(m, n, k) {.suite = "gemm", .name = "NN " #m " x " #n " x " #k, .M = m, .N = n, .K = k}
#define TN(m, n, k) {.suite = "gemm", .name = "TN " #m " x " #n " x " #k, .M = m, .N = n, .K = k, .transpose_a = true}

static const struct bench_case cases[] = {
    TRAIN(64, 2),
    TRAIN(128, 2),
    DECODE(64, 2),
    DECODE(128, 2),
    {.suite = "machine", .name = "multiply-add"},
    {.suite = "machine", .name = "multiply-add, all CPUs", .all_cpus = true},
    READ(1),
    READ(16),
    READ(256),
    /* layers of width 64 to 1024 */
    NT(4096, 64, 64), NT(4096, 256, 64), NT(4096, 128, 128), NT(4096, 256, 256), NT(4096, 512, 512), NT(2048, 1024, 1024),
    NN(4096, 64, 64), NN(4096, 64, 256), NN(4096, 128, 128), NN(4096, 256, 256), NN(2048, 512, 512),
    TN(64, 64, 4096), TN(128, 128, 4096), TN(256, 256, 4096), TN(512, 512, 2048), TN(768, 768, 256),
    /* a block of 64 queries of one head, against 128 keys */
    NT(64, 128, 32), NN(64, 32, 128), TN(128, 32, 64), NT(64, 128, 64), NN(64, 64, 128), TN(128, 64, 64),
    /* an expert with few tokens, and one token of a decoder */
    NT(1, 256, 128), NT(4, 256, 128), NT(8, 256, 128), NT(16, 256, 128), NT(64, 256, 128), NT(16, 768, 256),
    NT(1, 4096, 1024),
};

enum { EXACT_STEPS = 5 };

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
    NEED_MEMORY(b->tokens && b->targets);
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
static enum status measure_model(const struct bench_case *c, struct bench_sample *out, int *n, struct bench_times *times,
                                 struct err *err)
{
    bool trains = strcmp(c->suite, "train") == 0;
    struct bench_model b;
    struct bench_work works[] = {{bench_peak_round, NULL, 1}, {trains ? train_round : decode_round, &b, 1}};
    double seconds[2] = {0};
    uint64_t before;
    enum status status = open_bench_model(&b, c, err);
    if (status != STATUS_OK) {
        release_bench_model(&b);
        return status;
    }
    before = flop_counter();
    for (int i = 0; i < EXACT_STEPS; i++)
        works[1].round(&b);
    out[(*n)++] = sample(c, "flops", "FLOPs", true, (double)(flop_counter() - before) / EXACT_STEPS);
    if (trains)
        out[(*n)++] = sample(c, "loss_bits", "nats", true, b.loss);
    status = bench_time(works, 2, seconds, err);
    *times = (struct bench_times){.seconds = seconds[1], .peak_seconds = seconds[0]};
    release_bench_model(&b);
    return status;
}

static enum status measure_machine(const struct bench_case *c, struct bench_sample *out, int *n, struct bench_times *times,
                                   struct err *err)
{
    const struct bench_case one_cache = {.bytes = 16384};
    int threads = 1;
    enum status status;
    if (c->bytes > 0) {
        out[(*n)++] = sample(c, "bytes", "B", true, (double)c->bytes);
        return bench_read(c, times, err);
    }
    status = c->all_cpus ? bench_all_threads(times, &threads, err) : bench_read(&one_cache, times, err);
    if (!c->all_cpus)
        times->seconds = times->peak_seconds;
    out[(*n)++] = sample(c, "threads", "", true, threads);
    out[(*n)++] = sample(c, "flops", "FLOPs", true, bench_peak_flops() * threads);
    return status;
}

enum status bench_measure(const struct bench_case *c, struct bench_sample out[BENCH_METRICS_MAX], int *n, struct err *err)
{
    struct bench_times times = {0};
    enum status status;
    vec_flush_subnormals();
    *n = 0;
    if (c->M > 0) {
        out[(*n)++] = sample(c, "flops", "FLOPs", true, 2.0 * c->M * c->N * c->K);
        status = bench_product(c, &times, err);
    } else if (c->width > 0) {
        status = measure_model(c, out, n, &times, err);
    } else {
        status = measure_machine(c, out, n, &times, err);
    }
    if (status != STATUS_OK)
        return status;
    out[(*n)++] = sample(c, "seconds", "s", false, times.seconds);
    out[(*n)++] = sample(c, "peak_flops_per_s", "FLOP/s", false, bench_peak_flops() / times.peak_seconds);
    if (times.openblas_seconds > 0)
        out[(*n)++] = sample(c, "openblas_seconds", "s", false, times.openblas_seconds);
    return STATUS_OK;
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
