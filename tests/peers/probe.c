/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c — the engine on a line: a process that reads commands from standard input, so that another program can
 * compare what it computes, and how fast, with the engine's numbers. Only the engine's public functions are used.
 *
 * One command per line, one line of answer: "ok", with numbers behind it where there are any, or "error" and why.
 * Arrays go through files of raw little-endian numbers, models through checkpoints. tests/peers/README.md lists the
 * commands; the table is at the end. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/rng.h"
#include "engine/math/blas.h"
#include "engine/math/vec.h"
#include "engine/model/checkpoint.h"
#include "engine/model/infer.h"
#include "engine/model/optim.h"
#include "engine/model/schedule.h"
#include "harness/run/clock.h"

enum { LINE_SIZE = 4096 };

struct probe {
    struct config config;
    int batch, steps, seed, micro; /* sequences, optimiser steps, of the weights, sequences per pass (0: all) */
    double noise;                  /* added to every weight, so that no gain is exactly one */
    double rate, warmup, decay;
    struct adamw adamw;
    struct model model;
    struct session session;
    bool is_open, has_session;
    int32_t *batches; /* (n_batches, 2, B, T): tokens, then targets */
    int64_t n_batches;
};

/* ---- settings: "name=value" words ---- */

enum setting_type { SETTING_INT, SETTING_BOOL, SETTING_REAL };

static const struct {
    const char *name;
    enum setting_type type;
    size_t offset;
} settings[] = {
    {"vocabulary", SETTING_INT, offsetof(struct probe, config.vocabulary)},
    {"context", SETTING_INT, offsetof(struct probe, config.context)},
    {"depth", SETTING_INT, offsetof(struct probe, config.depth)},
    {"width", SETTING_INT, offsetof(struct probe, config.width)},
    {"heads", SETTING_INT, offsetof(struct probe, config.heads)},
    {"kv_heads", SETTING_INT, offsetof(struct probe, config.kv_heads)},
    {"head_size", SETTING_INT, offsetof(struct probe, config.head_size)},
    {"ffn", SETTING_INT, offsetof(struct probe, config.ffn)},
    {"experts", SETTING_INT, offsetof(struct probe, config.experts)},
    {"experts_per_token", SETTING_INT, offsetof(struct probe, config.experts_per_token)},
    {"routed", SETTING_BOOL, offsetof(struct probe, config.routed)},
    {"gate_all", SETTING_BOOL, offsetof(struct probe, config.gate_all)},
    {"qk_norm", SETTING_BOOL, offsetof(struct probe, config.qk_norm)},
    {"shared_experts", SETTING_INT, offsetof(struct probe, config.shared_experts)},
    {"capacity", SETTING_REAL, offsetof(struct probe, config.capacity)},
    {"tied", SETTING_BOOL, offsetof(struct probe, config.tied)},
    {"mup", SETTING_BOOL, offsetof(struct probe, config.mup)},
    {"base_width", SETTING_INT, offsetof(struct probe, config.base_width)},
    {"rope_base", SETTING_REAL, offsetof(struct probe, config.rope_base)},
    {"norm_eps", SETTING_REAL, offsetof(struct probe, config.norm_eps)},
    {"load_balance", SETTING_REAL, offsetof(struct probe, config.load_balance)},
    {"router_z", SETTING_REAL, offsetof(struct probe, config.router_z)},
    {"batch", SETTING_INT, offsetof(struct probe, batch)},
    {"micro", SETTING_INT, offsetof(struct probe, micro)},
    {"steps", SETTING_INT, offsetof(struct probe, steps)},
    {"seed", SETTING_INT, offsetof(struct probe, seed)},
    {"noise", SETTING_REAL, offsetof(struct probe, noise)},
    {"rate", SETTING_REAL, offsetof(struct probe, rate)},
    {"warmup", SETTING_REAL, offsetof(struct probe, warmup)},
    {"decay", SETTING_REAL, offsetof(struct probe, decay)},
    {"beta1", SETTING_REAL, offsetof(struct probe, adamw.beta1)},
    {"beta2", SETTING_REAL, offsetof(struct probe, adamw.beta2)},
    {"epsilon", SETTING_REAL, offsetof(struct probe, adamw.epsilon)},
    {"weight_decay", SETTING_REAL, offsetof(struct probe, adamw.weight_decay)},
    {"clip", SETTING_REAL, offsetof(struct probe, adamw.clip)},
};

static enum status set_one(struct probe *p, const char *word, struct err *err)
{
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : 0;
    double value;
    char *end;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        void *field = (char *)p + settings[i].offset;
        if (strlen(settings[i].name) != length || strncmp(settings[i].name, word, length) != 0)
            continue;
        value = strtod(equals + 1, &end);
        if (end == equals + 1 || *end)
            return err_set(err, STATUS_USAGE, "'%s': not a number", word);
        if (settings[i].type == SETTING_INT)
            *(int *)field = (int)value;
        else if (settings[i].type == SETTING_BOOL)
            *(bool *)field = value != 0;
        else
            *(double *)field = value;
        return STATUS_OK;
    }
    return err_set(err, STATUS_USAGE, "'%s': no such setting", word);
}

static enum status set_all(struct probe *p, const char *words, struct err *err)
{
    char word[128];
    enum status status = STATUS_OK;
    while (status == STATUS_OK && *(words += strspn(words, " "))) {
        size_t length = strcspn(words, " ");
        if (length >= sizeof word)
            return err_set(err, STATUS_USAGE, "a setting is too long");
        memcpy(word, words, length);
        word[length] = 0;
        status = set_one(p, word, err);
        words += length;
    }
    return status;
}

/* ---- models ---- */

static void close_model(struct probe *p)
{
    if (p->has_session)
        session_release(&p->session);
    if (p->is_open)
        model_release(&p->model);
    p->has_session = p->is_open = false;
}

static enum status open_model(struct probe *p, struct err *err)
{
    enum status status = config_check(&p->config, err);
    if (status == STATUS_OK && (p->batch < 1 || p->steps < 1))
        status = err_set(err, STATUS_USAGE, "batch and steps are at least 1");
    if (status == STATUS_OK)
        status = model_open(&p->model, &p->config, p->batch, MODEL_TRAIN, err);
    if (status != STATUS_OK)
        return status;
    p->is_open = true;
    status = session_open(&p->session, &p->model, NULL, err);
    p->has_session = status == STATUS_OK;
    return status;
}

/* "new name=value ...": a model with weights of its own, all settings at once. */
static enum status do_new(struct probe *p, const char *words, struct err *err)
{
    enum status status = set_all(p, words, err);
    struct rng rng = rng_open((uint64_t)p->seed, RNG_TEST, 1);
    close_model(p);
    if (status == STATUS_OK)
        status = open_model(p, err);
    if (status != STATUS_OK)
        return status;
    model_init_weights(&p->model, (uint64_t)p->seed);
    for (int64_t i = 0; p->noise > 0 && i < p->model.n_params; i++)
        p->model.params[i] += (real)(p->noise * rng_normal(&rng));
    return STATUS_OK;
}

/* "load FOLDER": a checkpoint, which brings its own shape. */
static enum status do_load(struct probe *p, const char *folder, struct err *err)
{
    bool is_i8;
    enum status status = checkpoint_config(folder, &p->config, &is_i8, err);
    close_model(p);
    if (status == STATUS_OK)
        status = open_model(p, err);
    return status == STATUS_OK ? checkpoint_load(folder, &p->model, err) : status;
}

static enum status do_save(struct probe *p, const char *folder, struct err *err)
{
    return checkpoint_save(folder, &p->model, NULL, NULL, err);
}

/* Gradients are laid out like the weights, so a checkpoint gives them the names that others use. */
static enum status do_save_gradients(struct probe *p, const char *folder, struct err *err)
{
    struct model gradients = p->model;
    gradients.params = p->model.gradients;
    gradients.w = p->model.d;
    return checkpoint_save(folder, &gradients, NULL, NULL, err);
}

/* ---- batches ---- */

static int64_t batch_size(const struct probe *p)
{
    return (int64_t)p->batch * p->config.context;
}

static enum status do_batches(struct probe *p, const char *path, struct err *err)
{
    FILE *file = fopen(path, "rb");
    int64_t size = 2 * batch_size(p), capacity = p->steps;
    if (!file)
        return err_set(err, STATUS_NOT_FOUND, "%s: cannot be read", path);
    free(p->batches);
    p->batches = calloc((size_t)(capacity * size), sizeof *p->batches);
    ASSERT(p->batches);
    p->n_batches = (int64_t)fread(p->batches, (size_t)size * sizeof *p->batches, (size_t)capacity, file);
    (void)fclose(file);
    for (int64_t i = 0; i < p->n_batches * size; i++)
        if (p->batches[i] < 0 || p->batches[i] >= p->config.vocabulary)
            return err_set(err, STATUS_FORMAT, "%s: token %d is not in the vocabulary", path, p->batches[i]);
    return p->n_batches > 0 ? STATUS_OK : err_set(err, STATUS_FORMAT, "%s: not one whole batch", path);
}

static const int32_t *batch_at(const struct probe *p, int64_t i)
{
    ASSERT(p->n_batches > 0);
    return p->batches + i % p->n_batches * 2 * batch_size(p);
}

/* ---- what the engine computes ---- */

static enum status write_reals(FILE *file, const real *numbers, int64_t n, struct err *err)
{
    return fwrite(numbers, sizeof *numbers, (size_t)n, file) == (size_t)n
               ? STATUS_OK : err_set(err, STATUS_IO, "cannot write an array");
}

/* The logits after every part of `part` tokens of the first batch: (B, T / part, V). */
static enum status write_logits(struct probe *p, const char *path, int part, struct err *err)
{
    const int32_t *tokens = batch_at(p, 0);
    int T = p->config.context;
    FILE *file = fopen(path, "wb");
    enum status status = file ? STATUS_OK : err_set(err, STATUS_IO, "%s: cannot be written", path);
    for (int b = 0; status == STATUS_OK && b < p->batch; b++) {
        session_reset(&p->session);
        for (int t = 0; status == STATUS_OK && t + part <= T; t += part)
            status = write_reals(file, session_feed(&p->session, tokens + b * T + t, part), p->config.vocabulary, err);
    }
    if (file && fclose(file) != 0 && status == STATUS_OK)
        status = err_set(err, STATUS_IO, "%s: cannot be written", path);
    return status;
}

static enum status do_logits(struct probe *p, const char *path, struct err *err)
{
    return write_logits(p, path, 1, err);
}

static enum status do_prefill(struct probe *p, const char *path, struct err *err)
{
    return write_logits(p, path, p->config.context, err);
}

/* Gradients of the mean loss of one batch, and of the auxiliary losses; the sums of both in *loss and *aux. */
static void compute_gradients(struct probe *p, int64_t i, double *loss, double *aux)
{
    const int32_t *tokens = batch_at(p, i), *targets = tokens + batch_size(p);
    int T = p->config.context, micro = p->micro > 0 ? p->micro : p->batch;
    double part;
    *loss = *aux = 0;
    model_zero_gradients(&p->model);
    for (int b = 0; b < p->batch; b += micro) {
        int n = p->batch - b < micro ? p->batch - b : micro;
        *loss += model_forward_backward(&p->model, tokens + b * T, targets + b * T, n, T,
                                        1.0 / (double)batch_size(p), &part);
        *aux += part * n / p->batch;
    }
    *loss /= (double)batch_size(p);
}

static double step(struct probe *p, int64_t i)
{
    const struct schedule schedule = {
        .kind = SCHEDULE_WSD,
        .steps = p->steps,
        .rising = lround(fmax(1, p->warmup * (double)p->steps)),
        .falling = lround(p->decay * (double)p->steps),
    };
    return adamw_step(&p->model, &p->adamw, p->rate * schedule_factor(&schedule, i), i + 1);
}

/* "gradients I" of batch I: mean loss, auxiliary loss. */
static enum status do_gradients(struct probe *p, const char *number, struct err *err)
{
    double loss, aux;
    (void)err;
    compute_gradients(p, strtoll(number, NULL, 10), &loss, &aux);
    (void)printf("ok %.9g %.9g\n", loss, aux);
    return STATUS_DONE;
}

/* "train": all steps, one batch each; the mean loss before each. */
static enum status do_train(struct probe *p, const char *nothing, struct err *err)
{
    double loss, aux;
    (void)nothing, (void)err;
    (void)printf("ok");
    for (int64_t i = 0; i < p->steps; i++) {
        compute_gradients(p, i, &loss, &aux);
        (void)step(p, i);
        (void)printf(" %.9g", loss);
    }
    (void)printf("\n");
    return STATUS_DONE;
}

/* ---- how long it takes ---- */

/* "time-train N" steps on the first batch: seconds of processor time. */
static enum status do_time_train(struct probe *p, const char *number, struct err *err)
{
    int64_t n = strtoll(number, NULL, 10);
    double start = clock_cpu_s(), loss, aux;
    (void)err;
    for (int64_t i = 0; i < n; i++) {
        compute_gradients(p, 0, &loss, &aux);
        (void)adamw_step(&p->model, &p->adamw, p->rate, i + 1);
    }
    (void)printf("ok %.9g\n", clock_cpu_s() - start);
    return STATUS_DONE;
}

/* "time-decode N" tokens of one sequence, from an empty cache: seconds of processor time. */
static enum status do_time_decode(struct probe *p, const char *number, struct err *err)
{
    const int32_t *tokens = batch_at(p, 0);
    int64_t n = strtoll(number, NULL, 10);
    double start;
    (void)err;
    ASSERT(n <= p->config.context);
    session_reset(&p->session);
    start = clock_cpu_s();
    for (int64_t i = 0; i < n; i++)
        (void)session_feed(&p->session, tokens + i, 1);
    (void)printf("ok %.9g\n", clock_cpu_s() - start);
    return STATUS_DONE;
}

/* "core": the OpenBLAS kernels this processor should be given, or those OpenBLAS took when they are right. */
static enum status do_core(struct probe *p, const char *nothing, struct err *err)
{
    const char *wanted = blas_wanted_core();
    (void)p, (void)nothing, (void)err;
    (void)printf("ok %s\n", wanted ? wanted : blas_openblas_core());
    return STATUS_DONE;
}

/* ---- the line ---- */

static const struct command {
    const char *name;
    bool needs_model, needs_batches;
    enum status (*run)(struct probe *, const char *argument, struct err *); /* STATUS_DONE: has answered */
} commands[] = {
    {"new", false, false, do_new},
    {"load", false, false, do_load},
    {"save", true, false, do_save},
    {"save-gradients", true, false, do_save_gradients},
    {"batches", true, false, do_batches},
    {"logits", true, true, do_logits},
    {"prefill", true, true, do_prefill},
    {"gradients", true, true, do_gradients},
    {"train", true, true, do_train},
    {"time-train", true, true, do_time_train},
    {"time-decode", true, true, do_time_decode},
    {"core", false, false, do_core},
};

static enum status run_line(struct probe *p, const char *line, struct err *err)
{
    size_t length = strcspn(line, " ");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *c = &commands[i];
        if (strlen(c->name) != length || strncmp(c->name, line, length) != 0)
            continue;
        if (c->needs_model && !p->has_session)
            return err_set(err, STATUS_USAGE, "'%s' needs a model", c->name);
        if (c->needs_batches && p->n_batches == 0)
            return err_set(err, STATUS_USAGE, "'%s' needs batches", c->name);
        return c->run(p, line + length + (line[length] == ' '), err);
    }
    return err_set(err, STATUS_USAGE, "no such command");
}

int main(void)
{
    static char line[LINE_SIZE];
    static struct probe probe = {
        .config = {.experts = 1, .experts_per_token = 1, .base_width = 64, .rope_base = 10000, .norm_eps = 1e-5},
        .batch = 1, .steps = 1, .seed = 1, .adamw = {.beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8},
    };
    vec_flush_subnormals(); /* as every trial does */
    while (fgets(line, sizeof line, stdin)) {
        struct err err = ERR_INIT;
        enum status status;
        line[strcspn(line, "\n")] = 0;
        status = run_line(&probe, line, &err);
        if (status == STATUS_OK)
            (void)printf("ok\n");
        else if (status != STATUS_DONE)
            (void)printf("error %s\n", err.text);
        (void)fflush(stdout);
    }
    close_model(&probe);
    free(probe.batches);
    return 0;
}
