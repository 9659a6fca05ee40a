/* SPDX-License-Identifier: Apache-2.0 */
/* bench_cases.c — the cases, what each kind is measured by, and the metrics as samples. */
#include "harness/cli/bench_cases.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/math/vec.h"
#include "harness/cli/bench_machine.h"
#include "harness/cli/bench_models.h"
#include "harness/cli/bench_sweep.h"
#include "harness/cli/bench_timing.h"

#define MIB (1 << 20)
#define SHAPE(width_, layers_) .width = width_, .layers = layers_
#define TRAIN(width_, layers_, batch_, tokens_, ...)                                                                     \
    {.suite = "train", .name = "width " #width_ ", " #layers_ " layers, " #batch_ " x " #tokens_, .kind = BENCH_TRAINING, \
     SHAPE(width_, layers_), .batch = batch_, .tokens = tokens_, __VA_ARGS__}
#define MOE(width_, layers_)                                                                                           \
    {.suite = "moe", .name = "width " #width_ ", " #layers_ " layers, 8 experts, 2 used", .kind = BENCH_TRAINING,       \
     SHAPE(width_, layers_), .experts = 8, .experts_per_token = 2, .batch = 16, .tokens = 128, .beside = "dense"}
#define INFER(what, width_, layers_, tokens_, ...)                                                                     \
    {.suite = "decode", .name = what ", width " #width_ ", " #layers_ " layers", .kind = BENCH_INFERENCE,               \
     SHAPE(width_, layers_), .batch = 1, .tokens = tokens_, __VA_ARGS__}
/* A token, and a prompt of 64, in both precisions. */
#define DECODE(width, layers, ...)                                                                                     \
    INFER("fp32", width, layers, 1, __VA_ARGS__), INFER("int8", width, layers, 1, .i8 = true, .beside = "f32", __VA_ARGS__), \
    INFER("fp32 prompt", width, layers, 64, __VA_ARGS__),                                                               \
    INFER("int8 prompt", width, layers, 64, .i8 = true, .beside = "f32", __VA_ARGS__)
#define SWEEP(name_, width_, layers_, trials_, tokens_)                                                                 \
    {.suite = "sweep", .name = name_, .kind = BENCH_SWEEP, SHAPE(width_, layers_), .batch = 1, .tokens = tokens_,       \
     .trials = trials_, .beside = "two_jobs"}
#define READ(mib) {.suite = "machine", .name = "read " #mib " MiB", .kind = BENCH_READING, .bytes = (int64_t)(mib) * MIB}
/* Forward X W^T, dX = dY W, dW += dY^T X: NT, NN and TN of the linear algebra libraries. */
#define PRODUCT(what, m, n, k, ...)                                                                                    \
    {.suite = "gemm", .name = what " " #m " x " #n " x " #k, .kind = BENCH_PRODUCT, .M = m, .N = n, .K = k,             \
     .beside = "openblas", __VA_ARGS__}
#define NT(m, n, k) PRODUCT("NT", m, n, k, .transpose_b = true)
#define NN(m, n, k) PRODUCT("NN", m, n, k, .transpose_b = false)
#define TN(m, n, k) PRODUCT("TN", m, n, k, .transpose_a = true)

static const struct bench_case cases[] = {
    TRAIN(64, 2, 16, 128, .vocabulary = 256),
    TRAIN(128, 4, 16, 128, .vocabulary = 256),
    TRAIN(256, 6, 16, 128, .vocabulary = 256),
    TRAIN(512, 8, 8, 256, .vocabulary = 256),
    TRAIN(768, 12, 4, 64, .vocabulary = 50257),
    MOE(128, 4),
    MOE(256, 6),
    DECODE(64, 2, .vocabulary = 256),
    DECODE(128, 4, .vocabulary = 256),
    DECODE(256, 6, .vocabulary = 256),
    DECODE(512, 8, .vocabulary = 256),
    DECODE(768, 12, .vocabulary = 50257),
    SWEEP("10 trials of 1 step", 16, 1, 10, 512),
    SWEEP("4 trials of 192 steps", 32, 2, 4, 98304),
    {.suite = "machine", .name = "multiply-add", .kind = BENCH_PEAK},
    {.suite = "machine", .name = "multiply-add, all CPUs", .kind = BENCH_PEAK_ALL},
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

/* The figures of a result as metrics. Where the name is NULL it is "<beside>_seconds". */
static const struct metric { const char *name, *unit; bool exact; size_t offset; } metrics[] = {
    {"flops", "FLOPs", true, offsetof(struct bench_result, flops)},
    {"bytes", "B", true, offsetof(struct bench_result, bytes)},
    {"threads", "", true, offsetof(struct bench_result, threads)},
    {"loss_bits", "nats", true, offsetof(struct bench_result, loss)},
    {"seconds", "s", false, offsetof(struct bench_result, seconds)},
    {NULL, "s", false, offsetof(struct bench_result, beside_seconds)},
    {"read_seconds", "s", false, offsetof(struct bench_result, read_seconds)},
    {"overhead_seconds", "s", false, offsetof(struct bench_result, overhead_seconds)},
    {"peaks_ratio", "", false, offsetof(struct bench_result, peaks_ratio)},
};

enum status bench_measure(const struct bench_case *c, struct bench_sample out[BENCH_METRICS_MAX], int *n, struct err *err)
{
    static enum status (*const measure[])(const struct bench_case *, struct bench_result *, struct err *) = {
        [BENCH_TRAINING] = bench_training, [BENCH_INFERENCE] = bench_inference, [BENCH_PRODUCT] = bench_product,
        [BENCH_READING] = bench_read,      [BENCH_PEAK] = bench_peak,           [BENCH_PEAK_ALL] = bench_peak_all,
        [BENCH_SWEEP] = bench_sweep,
    };
    struct bench_result result = {0};
    char beside[48] = "";
    enum status status;
    vec_flush_subnormals();
    status = measure[c->kind](c, &result, err);
    if (status != STATUS_OK)
        return status;
    (void)snprintf(beside, sizeof beside, "%s_seconds", c->beside ? c->beside : "");
    *n = 0;
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        const struct metric *m = &metrics[i];
        double value;
        memcpy(&value, (const char *)&result + m->offset, sizeof value);
        if (value != 0)
            out[(*n)++] = sample(c, m->name ? m->name : beside, m->unit, m->exact, value);
    }
    out[(*n)++] = sample(c, "peak_flops_per_s", "FLOP/s", false, bench_peak_flops() / result.peak_seconds);
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
