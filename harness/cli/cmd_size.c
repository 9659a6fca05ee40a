/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_size.c — `isoflop size MODEL`: what a model is and takes, counted from its shape. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/catalogue.h"
#include "harness/cli/commands.h"
#include "harness/cli/print.h"
#include "harness/cli/sweep.h"

/* What is said of one model. */
struct facts {
    const char *name;
    const struct architecture *shape;
    struct size_counts counts;
    int64_t tokens_per_sequence;
    double forward_flops, causal_flops, tokens, train_flops;
    const char *note, *source;
};

/* Mixed-precision AdamW: 2 bytes weight, 2 gradient, 4 master weight, 4 + 4 moments (Rajbhandari 2020, sec. 3.1). */
enum { TRAIN_BYTES_PER_PARAMETER = 16 };

static struct facts learn(const struct catalogue_model *m, int64_t context)
{
    struct facts f = {.name = m->name, .shape = &m->shape, .tokens = m->tokens, .note = m->note, .source = m->source};
    f.counts = size_params(f.shape);
    f.tokens_per_sequence = context ? context : f.shape->context;
    f.forward_flops = size_forward_flops(f.shape, f.tokens_per_sequence, false);
    f.causal_flops = size_forward_flops(f.shape, f.tokens_per_sequence, true);
    f.train_flops = 6.0 * (double)f.counts.matmul * f.tokens;
    return f;
}

static const char *const columns[] = {
    "model",           "params_total",      "params_active", "params_non_embedding", "params_matmul", "context",
    "flops_forward",   "flops_forward_causal", "tokens",     "flops_6nd",            "fp16_bytes",    "int8_bytes",
    "int4_bytes",      "train_bytes",       "cache_bytes_per_token", "note",         "source",
};

static void add_row(struct table *table, const struct facts *f)
{
    double total = (double)f->counts.total;
    int row = table_add_row(table), c = 0;
    table_set_text(table, row, c++, f->name);
    table_set_integer(table, row, c++, f->counts.total);
    table_set_integer(table, row, c++, f->counts.active);
    table_set_integer(table, row, c++, f->counts.non_embedding);
    table_set_integer(table, row, c++, f->counts.matmul);
    table_set_integer(table, row, c++, f->tokens_per_sequence);
    table_set_real(table, row, c++, f->forward_flops);
    table_set_real(table, row, c++, f->causal_flops);
    table_set_real(table, row, c++, f->tokens);
    table_set_real(table, row, c++, f->train_flops);
    table_set_real(table, row, c++, 2 * total);
    table_set_real(table, row, c++, total);
    table_set_real(table, row, c++, total / 2);
    table_set_real(table, row, c++, TRAIN_BYTES_PER_PARAMETER * total);
    table_set_real(table, row, c++, size_cache_bytes(f->shape, 2));
    table_set_text(table, row, c++, f->note);
    table_set_text(table, row, c++, f->source);
}

/* "6,738,415,616", right-aligned. */
static void print_count(const char *label, int64_t count, const char *says)
{
    char digits[32], grouped[48];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)count), at = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            grouped[at++] = ',';
        grouped[at++] = digits[i];
    }
    grouped[at] = 0;
    (void)printf("  %-14s %19s   %s\n", label, grouped, says);
}

static void bytes_text(char *out, size_t size, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    int i = 0;
    while (bytes >= 1000 && i < 5) {
        bytes /= 1000;
        i++;
    }
    (void)snprintf(out, size, "%.*f %s", bytes < 10 && i > 0 ? 1 : 0, bytes, units[i]);
}

static void print_memory(const char *label, double bytes, const char *says)
{
    char text[32];
    bytes_text(text, sizeof text, bytes);
    (void)printf("  %-14s %19s   %s\n", label, text, says);
}

static void print_one(const struct facts *f)
{
    const struct architecture *a = f->shape;
    double total = (double)f->counts.total;
    char tokens[32], context[64];
    (void)printf("%s   %lld layers, width %lld, %lld heads", f->name, (long long)a->layers, (long long)a->width,
                 (long long)a->heads);
    if (a->experts > 1)
        (void)printf(", %lld experts, %lld active", (long long)a->experts, (long long)a->experts_per_token);
    if (a->shared_experts)
        (void)printf(", %lld shared", (long long)a->shared_experts);
    (void)printf("\n%s%s%s", *f->note ? "  " : "", f->note, *f->note ? "\n" : "");
    print_count("parameters", f->counts.total, "in all");
    print_count("active", f->counts.active, "that one token uses");
    print_count("non-embedding", f->counts.non_embedding, "without embedding, positions, head");
    print_count("matmul", f->counts.matmul, "that multiply, per token");
    (void)snprintf(context, sizeof context, "FLOPs for %lld tokens, full attention", (long long)f->tokens_per_sequence);
    (void)printf("  %-14s %19.4g   %s\n", "forward", f->forward_flops, context);
    (void)printf("  %-14s %19.4g   %s\n", "", f->causal_flops, "the same, masked pairs left out");
    if (isfinite(f->tokens)) {
        char says[64];
        sweep_count_text(tokens, sizeof tokens, f->tokens);
        (void)snprintf(says, sizeof says, "FLOPs by 6 N D for %s tokens", tokens);
        (void)printf("  %-14s %19.3g   %s\n", "training", f->train_flops, says);
    }
    print_memory("memory", 2 * total, "weights in 16 bits");
    print_memory("", total, "in 8 bits");
    print_memory("", total / 2, "in 4 bits");
    print_memory("", TRAIN_BYTES_PER_PARAMETER * total, "to train: weights, gradients, AdamW; no activations");
    print_memory("", size_cache_bytes(a, 2), "keys and values per token, 16 bits");
    if (*f->source)
        (void)printf("  %-14s %19s   %s\n", "shape from", "", f->source);
}

static void print_all(const struct catalogue *catalogue, int64_t context)
{
    (void)printf("%-18s %9s %9s %13s %9s %9s %8s\n", "model", "total", "active", "non-embedding", "tokens", "6 N D", "16 bits");
    for (int i = 0; i < catalogue->n; i++) {
        struct facts f = learn(&catalogue->models[i], context);
        char text[5][32];
        sweep_count_text(text[0], sizeof text[0], (double)f.counts.total);
        sweep_count_text(text[1], sizeof text[1], (double)f.counts.active);
        sweep_count_text(text[2], sizeof text[2], (double)f.counts.non_embedding);
        sweep_count_text(text[3], sizeof text[3], f.tokens);
        bytes_text(text[4], sizeof text[4], 2 * (double)f.counts.total);
        (void)printf("%-18.18s %9s %9s %13s %9s ", f.name, text[0], text[1], text[2], isfinite(f.tokens) ? text[3] : "");
        if (isfinite(f.train_flops))
            (void)printf("%9.2g", f.train_flops);
        else
            (void)printf("%9s", "");
        (void)printf(" %8s\n", text[4]);
    }
    (void)printf("isoflop size MODEL says more; --models FILE adds your own\n");
}

static int print_models(const struct invocation *invocation, const struct catalogue_model *models, int n)
{
    int64_t context = option_integer(&invocation->options, "context");
    struct table table;
    int code;
    table_init(&table, (int)(sizeof columns / sizeof *columns), columns);
    for (int i = 0; i < n; i++) {
        struct facts f = learn(&models[i], context);
        add_row(&table, &f);
    }
    code = print_table(invocation, &table, "isoflop.size.v1");
    table_release(&table);
    return code;
}

/* A name of the catalogue, else a folder with a config.json. */
static enum status find(const struct catalogue *catalogue, const char *word, struct catalogue_model *out, struct err *err)
{
    const struct catalogue_model *named;
    struct err folder = ERR_INIT;
    enum status status = catalogue_find(catalogue, word, &named, err);
    if (status == STATUS_OK) {
        *out = *named;
        return STATUS_OK;
    }
    *out = (struct catalogue_model){.name = word, .tokens = NAN, .note = "", .source = ""};
    status = catalogue_config(word, &out->shape, &folder);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        return status; /* neither: the catalogue's message, with the nearest name, is the useful one */
    *err = folder;
    return status;
}

int cmd_size(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    struct catalogue catalogue;
    struct catalogue_model model;
    struct err err = ERR_INIT;
    bool table = invocation->json || invocation->csv;
    enum status status;
    int code = EXIT_CODE_DONE;
    if (catalogue_open(&catalogue, option_text(o, "models"), &err) != STATUS_OK)
        return failed(&err);
    if (o->n_arguments == 0 && table) {
        code = print_models(invocation, catalogue.models, catalogue.n);
    } else if (o->n_arguments == 0) {
        print_all(&catalogue, option_integer(o, "context"));
    } else {
        status = find(&catalogue, o->arguments[0], &model, &err);
        if (status != STATUS_OK) {
            code = failed(&err);
        } else if (table) {
            code = print_models(invocation, &model, 1);
        } else {
            struct facts f = learn(&model, option_integer(o, "context"));
            print_one(&f);
        }
    }
    catalogue_release(&catalogue);
    return code;
}
