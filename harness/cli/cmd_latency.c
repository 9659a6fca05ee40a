/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_latency.c — `isoflop latency MODEL`: how long prefill takes, and each step of decode after it.
 *
 * For every batch and prompt: B sequences of random tokens, each its own. A prefill sample is all prompts at once,
 * into empty caches; a decode sample is one more token for every sequence. Decode goes on for as many steps as
 * --generate says and then starts again behind the prompts, so that the cache is as long as it would be in use.
 * Samples count from when two rounds in a row agree. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/rng.h"
#include "harness/analysis/stats.h"
#include "harness/cli/commands.h"
#include "harness/cli/loaded.h"
#include "harness/cli/print.h"
#include "harness/run/clock.h"

enum { LIST_MAX = 32, ROUND_SAMPLES = 5, ROUNDS_MAX = 40 };
#define STEADY 0.05       /* medians of two rounds differ by no more: the warm-up is over */
#define WARM_UP_MAX_S 3.0 /* or this long, whatever they do */

enum { PHASE, BATCH, PROMPT, GENERATE, SAMPLES, P50, P95, P99, RATE, WEIGHTS, COLUMNS };
static const char *const columns[COLUMNS] = {
    "phase",  "batch",  "prompt_tokens", "generated_tokens", "n",
    "p50_ms", "p95_ms", "p99_ms",        "tokens_per_s",     "weights_gb_per_s"};
enum { RAW_PHASE, RAW_BATCH, RAW_PROMPT, RAW_POSITION, RAW_SAMPLE, RAW_MS, RAW_COLUMNS };
static const char *const raw_columns[RAW_COLUMNS] = {"phase",    "batch",  "prompt_tokens",
                                                     "position", "sample", "ms"};

/* What is measured, and the state of one measurement. */
struct bench {
    struct loaded loaded;
    int batches[LIST_MAX], n_batches, prompts[LIST_MAX], n_prompts, generate;
    int64_t samples;
    int32_t *tokens;    /* (largest batch, context) */
    struct span *spans; /* (largest batch) */
    int batch, prompt;  /* now */
    double *ms;         /* (samples) */
    int *positions;     /* (samples): tokens in the cache before */
    struct table summary, raw;
    bool unsteady; /* some warm-up ran out of time */
};

/* ---- one sample ---- */

/* Every sequence takes its next n tokens. */
static double extend_ms(struct bench *b, int n)
{
    struct session *s = &b->loaded.session;
    struct instant before;
    for (int i = 0; i < b->batch; i++) {
        const int32_t *row = b->tokens + (size_t)i * (size_t)b->loaded.config.context;
        b->spans[i] = (struct span){i, row + session_position(s), n};
    }
    before = clock_now();
    (void)session_extend(s, b->spans, b->batch);
    return 1e3 * clock_since(before);
}

static double prefill_ms(struct bench *b)
{
    session_reset(&b->loaded.session);
    return extend_ms(b, b->prompt);
}

static double decode_ms(struct bench *b)
{
    int position = session_position(&b->loaded.session);
    if (position < b->prompt || position >= b->prompt + b->generate)
        (void)prefill_ms(b);
    return extend_ms(b, 1);
}

struct phase {
    const char *name;
    double (*sample)(struct bench *b);
};

static const struct phase phases[] = {{"prefill", prefill_ms}, {"decode", decode_ms}};

/* ---- one row of the answer ---- */

/* False when rounds still differed when time was up. */
static bool warm_up(struct bench *b, const struct phase *phase)
{
    struct instant start = clock_now();
    double last = 0;
    for (int round = 0; round < ROUNDS_MAX && clock_since(start) < WARM_UP_MAX_S; round++) {
        double ms[ROUND_SAMPLES], now = 0;
        for (int i = 0; i < ROUND_SAMPLES; i++)
            ms[i] = phase->sample(b);
        stats_sort(ms, ROUND_SAMPLES);
        now = stats_quantile_sorted(ms, ROUND_SAMPLES, 0.5);
        if (fabs(now - last) <= STEADY * last)
            return true;
        last = now;
    }
    return false;
}

/* Bytes of weights that a step of decode reads: each matrix once, of the experts those that its tokens visit. NaN for
 * several tokens in a mixture, where that depends on their choices. */
static double step_bytes(const struct bench *b)
{
    const struct config *c = &b->loaded.config;
    double bytes = 0;
    for (int id = 0; id < TENSOR_COUNT; id++) {
        const struct tensor_info *info = &b->loaded.model.info[id];
        bool small = b->loaded.is_i8 && weights_i8_covers(info->kind);
        double all = small ? (double)info->size + 4 * (double)(info->layers * info->count * info->rows)
                           : 4 * (double)info->size;
        if (info->kind == KIND_EMBED && !c->tied)
            continue; /* looked up by the row */
        if (c->routed && info->count > 1)
            all *= (double)c->experts_per_token / c->experts;
        bytes += all;
    }
    return c->routed && c->experts > c->experts_per_token && b->batch > 1 ? NAN : bytes;
}

static void add_raw(struct bench *b, const struct phase *phase)
{
    for (int64_t i = 0; i < b->samples; i++) {
        int row = table_add_row(&b->raw);
        table_set_text(&b->raw, row, RAW_PHASE, phase->name);
        table_set_integer(&b->raw, row, RAW_BATCH, b->batch);
        table_set_integer(&b->raw, row, RAW_PROMPT, b->prompt);
        table_set_integer(&b->raw, row, RAW_POSITION, b->positions[i]);
        table_set_integer(&b->raw, row, RAW_SAMPLE, i);
        table_set_real(&b->raw, row, RAW_MS, b->ms[i]);
    }
}

static void add_summary(struct bench *b, const struct phase *phase)
{
    bool decodes = phase->sample == decode_ms;
    struct table *t = &b->summary;
    int row = table_add_row(t), n = (int)b->samples;
    double p50;
    stats_sort(b->ms, n);
    p50 = stats_quantile_sorted(b->ms, n, 0.5);
    table_set_text(t, row, PHASE, phase->name);
    table_set_integer(t, row, BATCH, b->batch);
    table_set_integer(t, row, PROMPT, b->prompt);
    if (decodes)
        table_set_integer(t, row, GENERATE, b->generate);
    table_set_integer(t, row, SAMPLES, n);
    table_set_real(t, row, P50, p50);
    table_set_real(t, row, P95, stats_quantile_sorted(b->ms, n, 0.95));
    table_set_real(t, row, P99, stats_quantile_sorted(b->ms, n, 0.99));
    table_set_real(t, row, RATE, (decodes ? 1 : b->prompt) * b->batch * 1e3 / p50);
    if (decodes)
        table_set_real(t, row, WEIGHTS, step_bytes(b) / (p50 * 1e-3) * 1e-9);
}

static void measure(struct bench *b, const struct phase *phase)
{
    b->unsteady = !warm_up(b, phase) || b->unsteady;
    for (int64_t i = 0; i < b->samples; i++) {
        b->ms[i] = phase->sample(b);
        b->positions[i] = session_position(&b->loaded.session) - (phase->sample == decode_ms ? 1 : b->prompt);
    }
    add_raw(b, phase);
    add_summary(b, phase);
}

/* ---- what is asked ---- */

/* "1,2,4" into numbers of 1 … most. */
static enum status read_list(const char *option, const char *text, int most, int *out, int *n,
                             struct err *err)
{
    *n = 0;
    for (const char *at = text;; at++) {
        char *end;
        long value = strtol(at, &end, 10);
        if (end == at || value < 1 || value > most || (*end && *end != ','))
            return err_set(err, STATUS_USAGE, "--%s takes numbers from 1 to %d with commas between, not '%s'",
                           option, most, text);
        if (*n == LIST_MAX)
            return err_set(err, STATUS_USAGE, "--%s: at most %d numbers", option, LIST_MAX);
        out[(*n)++] = (int)value;
        at = end;
        if (!*at)
            return STATUS_OK;
    }
}

static int largest(const int *list, int n)
{
    int most = list[0];
    for (int i = 1; i < n; i++)
        most = list[i] > most ? list[i] : most;
    return most;
}

/* Fills batches, prompts and generate; without --prompt half of what the context, or the window of attention, leaves. */
static enum status read_shape(struct bench *b, const struct options *o, struct err *err)
{
    int context = b->loaded.config.context;
    int window = b->loaded.config.window, room = window > 0 && window < context ? window : context;
    enum status status = read_list("batch", option_text(o, "batch"), 4096, b->batches, &b->n_batches, err);
    b->samples = option_integer(o, "samples");
    b->generate = option_given(o, "generate") ? (int)option_integer(o, "generate")
                  : room / 4 < 32             ? room / 4
                                              : 32;
    b->generate = b->generate < 1 ? 1 : b->generate;
    b->prompts[0] = room / 2 < 512 ? room / 2 : 512;
    b->n_prompts = 1;
    if (status == STATUS_OK && option_text(o, "prompt"))
        status = read_list("prompt", option_text(o, "prompt"), 1 << 20, b->prompts, &b->n_prompts, err);
    if (status != STATUS_OK)
        return status;
    if (b->prompts[0] < 1 || largest(b->prompts, b->n_prompts) + b->generate > context)
        return err_set(err, STATUS_USAGE,
                       "a prompt of %d and %d generated tokens do not fit into the context of %d",
                       largest(b->prompts, b->n_prompts), b->generate, context);
    return STATUS_OK;
}

static enum status prepare(struct bench *b, struct err *err)
{
    int batch = largest(b->batches, b->n_batches), context = largest(b->prompts, b->n_prompts) + b->generate;
    struct rng rng = rng_open(1, RNG_SAMPLE, 0);
    enum status status =
        loaded_read(&b->loaded, (struct loaded_use){.context = context, .batch = batch}, err);
    if (status != STATUS_OK)
        return status;
    b->tokens = calloc((size_t)batch * (size_t)context, sizeof *b->tokens);
    b->spans = calloc((size_t)batch, sizeof *b->spans);
    b->ms = calloc((size_t)b->samples, sizeof *b->ms);
    b->positions = calloc((size_t)b->samples, sizeof *b->positions);
    NEED_MEMORY(b->tokens && b->spans && b->ms && b->positions);
    for (int64_t i = 0; i < (int64_t)batch * context; i++)
        b->tokens[i] = (int32_t)rng_below(&rng, (uint32_t)b->loaded.config.vocabulary);
    return STATUS_OK;
}

static void measure_all(struct bench *b)
{
    for (int i = 0; i < b->n_batches; i++)
        for (int j = 0; j < b->n_prompts; j++) {
            b->batch = b->batches[i];
            b->prompt = b->prompts[j];
            for (size_t p = 0; p < sizeof phases / sizeof *phases; p++)
                measure(b, &phases[p]);
        }
}

/* ---- what is said ---- */

static void print_people(const struct table *t)
{
    (void)printf("%-8s %5s %6s %6s %10s %10s %10s %9s %7s\n", "phase", "batch", "prompt", "n", "p50 ms",
                 "p95 ms", "p99 ms", "tokens/s", "GB/s");
    for (int r = 0; r < t->n_rows; r++) {
        char rate[16], weights[16] = "";
        (void)snprintf(rate, sizeof rate, "%.0f", table_number(t, r, RATE));
        if (isfinite(table_number(t, r, WEIGHTS)))
            (void)snprintf(weights, sizeof weights, "%.2f", table_number(t, r, WEIGHTS));
        (void)printf("%-8s %5.0f %6.0f %6.0f %10.4g %10.4g %10.4g %9s %7s\n", table_text(t, r, PHASE),
                     table_number(t, r, BATCH), table_number(t, r, PROMPT), table_number(t, r, SAMPLES),
                     table_number(t, r, P50), table_number(t, r, P95), table_number(t, r, P99), rate,
                     weights);
    }
}

static int say(const struct invocation *invocation, const struct bench *b)
{
    if (b->unsteady && !invocation->quiet)
        (void)fprintf(
            stderr,
            "isoflop: the times had not settled when the warm-up ended; is something else running?\n");
    if (option_flag(&invocation->options, "raw"))
        return print_table(invocation, &b->raw, "isoflop.latency_samples.v1");
    if (invocation->json || invocation->csv)
        return print_table(invocation, &b->summary, "isoflop.latency.v1");
    print_people(&b->summary);
    return EXIT_CODE_DONE;
}

int cmd_latency(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    struct bench bench = {0};
    struct err err = ERR_INIT;
    enum status status = loaded_find(&bench.loaded, invocation->db, o->arguments[0], &err);
    int code;
    table_init(&bench.summary, COLUMNS, columns);
    table_init(&bench.raw, RAW_COLUMNS, raw_columns);
    if (status == STATUS_OK)
        status = read_shape(&bench, o, &err);
    if (status == STATUS_OK)
        status = prepare(&bench, &err);
    if (status == STATUS_OK) {
        measure_all(&bench);
        code = say(invocation, &bench);
    } else {
        code = failed(&err);
    }
    free(bench.tokens);
    free(bench.spans);
    free(bench.ms);
    free(bench.positions);
    table_release(&bench.summary);
    table_release(&bench.raw);
    loaded_release(&bench.loaded);
    return code;
}
