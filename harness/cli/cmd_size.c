/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_size.c — `isoflop size MODEL`: what a model is and takes, counted from its shape. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/catalogue.h"
#include "harness/cli/commands.h"
#include "harness/cli/machines.h"
#include "harness/cli/print.h"
#include "harness/cli/shape_json.h"
#include "harness/cli/size_measured.h"
#include "harness/cli/size_print.h"

static struct size_facts learn(const struct catalogue_model *m, const struct options *o)
{
    struct size_facts f = {.name = m->name, .shape = &m->shape, .tokens = m->tokens, .note = m->note, .source = m->source};
    int64_t context = option_integer(o, "context");
    f.counts = size_params(f.shape);
    f.tokens_per_sequence = context ? context : f.shape->context;
    f.forward_flops = size_forward_flops(f.shape, f.tokens_per_sequence, false);
    f.causal_flops = size_forward_flops(f.shape, f.tokens_per_sequence, true);
    if (option_given(o, "tokens"))
        f.tokens = option_real(o, "tokens");
    f.train_flops = 6.0 * (double)f.counts.matmul * f.tokens;
    return f;
}

static void print_all(const struct catalogue *catalogue, const struct options *o)
{
    (void)printf("%-18s %9s %9s %13s %9s %9s %8s\n", "model", "total", "active", "non-embedding", "tokens", "6 N D", "16 bits");
    for (int i = 0; i < catalogue->n; i++) {
        struct size_facts f = learn(&catalogue->models[i], o);
        char text[5][32];
        print_count_text(text[0], sizeof text[0], (double)f.counts.total);
        print_count_text(text[1], sizeof text[1], (double)f.counts.active);
        print_count_text(text[2], sizeof text[2], (double)f.counts.non_embedding);
        print_count_text(text[3], sizeof text[3], f.tokens);
        size_bytes_text(text[4], sizeof text[4], 2 * (double)f.counts.total);
        (void)printf("%-18.18s %9s %9s %13s %9s ", f.name, text[0], text[1], text[2], isfinite(f.tokens) ? text[3] : "");
        if (isfinite(f.train_flops))
            (void)printf("%9.2g", f.train_flops);
        else
            (void)printf("%9s", "");
        (void)printf(" %8s\n", text[4]);
    }
    (void)printf("isoflop size MODEL says more; --models FILE adds your own\n");
}

/* A row per model, or per model and piece of hardware. */
static int print_rows(const struct invocation *invocation, const struct catalogue_model *models, int n,
                      const struct machines *machines, const struct size_question *question)
{
    struct table table;
    bool on_hardware = option_given(&invocation->options, "on");
    int code;
    size_table_init(&table, on_hardware);
    for (int i = 0; i < n; i++) {
        struct size_facts f = learn(&models[i], &invocation->options);
        for (int m = 0; m < (on_hardware ? machines->n : 1); m++)
            size_table_add(&table, &f, on_hardware ? &machines->all[m] : NULL, question);
    }
    code = print_table(invocation, &table, "isoflop.size.v1");
    table_release(&table);
    return code;
}

static struct size_question read_question(const struct options *o)
{
    return (struct size_question){
        .knobs = {.utilisation = option_real(o, "utilisation"),
                  .price_per_hour = option_given(o, "price") ? option_real(o, "price") : (double)NAN,
                  .electricity = option_real(o, "electricity"),
                  .grid_intensity = option_real(o, "grid-intensity"),
                  .pue = option_real(o, "pue")},
        .prompt = option_integer(o, "prompt"),
    };
}

/* Those that --on names: one of them, or all. */
static enum status choose_machines(struct machines *machines, const struct options *o, struct err *err)
{
    const char *name = option_text(o, "on");
    const struct machine_profile *one;
    if (!name || strcmp(name, "all") == 0)
        return STATUS_OK;
    enum status status = machines_find(machines, name, &one, err);
    if (status != STATUS_OK)
        return status;
    machines->all[0] = *one;
    machines->n = 1;
    return STATUS_OK;
}

/* A name of the catalogue, else a config.json or a folder with one. note: room of 128. */
static enum status find(const struct catalogue *catalogue, const char *word, struct catalogue_model *out, char *note, struct err *err)
{
    char assumed[64] = "";
    const struct catalogue_model *named;
    struct err folder = ERR_INIT;
    enum status status = catalogue_find(catalogue, word, &named, err);
    if (status == STATUS_OK) {
        *out = *named;
        return STATUS_OK;
    }
    *out = (struct catalogue_model){.name = word, .tokens = NAN, .note = "", .source = ""};
    status = shape_json_read(word, &out->shape, assumed, &folder);
    if (status == STATUS_OK && *assumed) {
        (void)snprintf(note, 128, "family '%s' is not known: read as Llama's, rotary, gated, without biases", assumed);
        out->note = note;
    }
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        return status; /* neither: the catalogue's message, with the nearest name, is the useful one */
    *err = folder;
    return status;
}

/* What the words ask for: all models or one, for people or for programs. */
static int answer(const struct invocation *invocation, const struct catalogue *catalogue, const struct machines *machines)
{
    const struct options *o = &invocation->options;
    struct size_question question = read_question(o);
    struct catalogue_model model;
    char note[128];
    struct err err = ERR_INIT;
    bool table = invocation->json || invocation->csv;
    if (o->n_arguments == 0 && table)
        return print_rows(invocation, catalogue->models, catalogue->n, machines, &question);
    if (o->n_arguments == 0) {
        print_all(catalogue, o);
        return EXIT_CODE_DONE;
    }
    if (find(catalogue, o->arguments[0], &model, note, &err) != STATUS_OK)
        return failed(&err);
    if (table)
        return print_rows(invocation, &model, 1, machines, &question);
    struct size_facts f = learn(&model, o);
    size_print_people(&f, machines, &question);
    return EXIT_CODE_DONE;
}

int cmd_size(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    struct catalogue catalogue;
    struct machines machines;
    struct err err = ERR_INIT;
    int code;
    if (option_flag(o, "measured"))
        return size_measured(invocation);
    if (catalogue_open(&catalogue, option_text(o, "models"), &err) != STATUS_OK)
        return failed(&err);
    if (machines_open(&machines, option_text(o, "hardware"), &err) != STATUS_OK) {
        catalogue_release(&catalogue);
        return failed(&err);
    }
    code = choose_machines(&machines, o, &err) == STATUS_OK ? answer(invocation, &catalogue, &machines) : failed(&err);
    machines_release(&machines);
    catalogue_release(&catalogue);
    return code;
}
