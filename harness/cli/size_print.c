/* SPDX-License-Identifier: Apache-2.0 */
/* size_print.c — see size_print.h. Tables for people fit 80 columns. */
#include "harness/cli/size_print.h"

#include <math.h>
#include <stdio.h>

#include "harness/cli/help.h"
#include "harness/cli/print.h"

/* ---- A table for programs ---- */

static const char *const columns[] = {
    "model",           "params_total",      "params_active", "params_non_embedding", "params_matmul", "context",
    "flops_forward",   "flops_forward_causal", "tokens",     "flops_6nd",            "fp16_bytes",    "int8_bytes",
    "int4_bytes",      "train_bytes",       "cache_bytes_per_token", "note",         "source",
    "hardware",        "devices",           "train_s",       "device_hours",         "train_usd",     "train_kwh",
    "train_co2_kg",    "train_fits",        "train_memory_bytes", "prompt_tokens",
    "fp16_devices",    "fp16_prefill_ms",   "fp16_decode_ms",
    "int8_devices",    "int8_prefill_ms",   "int8_decode_ms",
    "int4_devices",    "int4_prefill_ms",   "int4_decode_ms",
    "flops_source",    "memory_source",     "power_source",  "price_source",
};
enum { COLUMNS = sizeof columns / sizeof *columns, MODEL_COLUMNS = 17 };

void size_table_init(struct table *table, bool on_hardware)
{
    table_init(table, on_hardware ? COLUMNS : MODEL_COLUMNS, columns);
}

static void add_hardware(struct table *table, int row, const struct size_facts *f, const struct machine_profile *m,
                         const struct size_question *q)
{
    const struct hardware *h = &m->hardware;
    struct training_cost t = hardware_train(h, &q->knobs, f->shape, f->train_flops);
    int c = MODEL_COLUMNS;
    table_set_text(table, row, c++, h->name);
    table_set_real(table, row, c++, h->devices);
    table_set_real(table, row, c++, t.seconds);
    table_set_real(table, row, c++, t.device_hours);
    table_set_real(table, row, c++, t.usd);
    table_set_real(table, row, c++, t.kwh);
    table_set_real(table, row, c++, t.co2_kg);
    table_set_integer(table, row, c++, t.fits);
    table_set_real(table, row, c++, t.memory_bytes);
    table_set_integer(table, row, c++, q->prompt);
    for (int p = 0; p < PRECISIONS; p++) {
        struct running_cost r = hardware_run(h, f->shape, (enum hardware_precision)p, q->prompt, f->tokens_per_sequence);
        if (r.devices > 0)
            table_set_real(table, row, c, r.devices);
        table_set_real(table, row, c + 1, 1e3 * r.prefill_s);
        table_set_real(table, row, c + 2, 1e3 * r.decode_s);
        c += 3;
    }
    table_set_text(table, row, c++, m->flops_source);
    table_set_text(table, row, c++, m->memory_source);
    table_set_text(table, row, c++, m->power_source);
    table_set_text(table, row, c++, m->price_source);
}

void size_table_add(struct table *table, const struct size_facts *f, const struct machine_profile *machine,
                    const struct size_question *question)
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
    if (machine)
        add_hardware(table, row, f, machine, question);
}

/* ---- Texts ---- */

void size_bytes_text(char *out, size_t size, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    int i = 0;
    while (bytes >= 1000 && i < 5) {
        bytes /= 1000;
        i++;
    }
    (void)snprintf(out, size, "%.*f %s", bytes < 10 && i > 0 ? 1 : 0, bytes, units[i]);
}

static void seconds_text(char *out, size_t size, double seconds)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{365.25 * 86400, "years"}, {86400, "days"}, {3600, "hours"}, {60, "min"}, {1, "s"}, {1e-3, "ms"}, {1e-6, "us"}};
    size_t i = 0, last = sizeof units / sizeof *units - 1;
    if (isnan(seconds)) {
        (void)snprintf(out, size, "-");
        return;
    }
    while (i < last && seconds < 1.5 * units[i].seconds)
        i++;
    double value = seconds / units[i].seconds;
    if (value < 1e5)
        (void)snprintf(out, size, "%.*f %s", value < 10 ? 1 : 0, value, units[i].name);
    else
        (void)snprintf(out, size, "%.1e %s", value, units[i].name);
}

/* "12 k", "3.4 M": three places at most before the unit. */
static void amount_text(char *out, size_t size, double amount)
{
    static const char *const units[] = {"", " k", " M", " G", " T", " P"};
    int i = 0;
    while (amount >= 1000 && i < 5) {
        amount /= 1000;
        i++;
    }
    (void)snprintf(out, size, "%.*f%s", amount < 10 ? 1 : 0, amount, units[i]);
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

static void print_memory(const char *label, double bytes, const char *says)
{
    char text[32];
    size_bytes_text(text, sizeof text, bytes);
    (void)printf("  %-14s %19s   %s\n", label, text, says);
}

/* ---- For people ---- */

static void print_training(const struct size_facts *f, const struct machines *machines, const struct size_question *q)
{
    const struct hardware_knobs *k = &q->knobs;
    (void)printf("\nto train it %*s %10s %10s %8s %8s %8s\n", 9, "devices", "time", "USD", "kWh", "kg CO2", "memory");
    for (int i = 0; i < machines->n; i++) {
        const struct hardware *h = &machines->all[i].hardware;
        struct training_cost t = hardware_train(h, k, f->shape, f->train_flops);
        char time[24], usd[24], kwh[24], co2[24];
        seconds_text(time, sizeof time, t.seconds);
        amount_text(usd, sizeof usd, t.usd);
        amount_text(kwh, sizeof kwh, t.kwh);
        amount_text(co2, sizeof co2, t.co2_kg);
        (void)printf("  %-12.12s %6.0f %10s %10s %8s %8s %8s\n", h->name, h->devices, time, usd, kwh, co2,
                     t.fits ? "fits" : "too small");
    }
    (void)printf("  at %.3g of peak, %.3g kg CO2 per kWh, %.3g USD per kWh where not included,\n", k->utilisation, k->grid_intensity,
                 k->electricity);
    (void)printf("  PUE %.3g; too small: weights, gradients and AdamW do not fit, so time is moot\n", k->pue);
}

static void print_running(const struct size_facts *f, const struct machines *machines, const struct size_question *q)
{
    static const char *const names[] = {"16 bits", "8 bits", "4 bits"};
    (void)printf("\nto run it     fits in bits  run with  devices  first of %5lld  each further\n", (long long)q->prompt);
    for (int i = 0; i < machines->n; i++) {
        const struct hardware *h = &machines->all[i].hardware;
        struct running_cost r[PRECISIONS], *best = NULL;
        char prefill[24], decode[24], fits[16];
        int p, width = 0;
        for (p = 0; p < PRECISIONS; p++) {
            static const int bits[] = {16, 8, 4};
            r[p] = hardware_run(h, f->shape, (enum hardware_precision)p, q->prompt, f->tokens_per_sequence);
            if (r[p].devices > 0)
                width += snprintf(fits + width, sizeof fits - (size_t)width, "%s%d", width ? " " : "", bits[p]);
            if (r[p].devices > 0 && !best)
                best = &r[p];
        }
        if (!best) {
            char text[32];
            size_bytes_text(text, sizeof text, r[PRECISION_4].memory_bytes);
            (void)printf("  %-12.12s none: 4 bits take %s\n", h->name, text);
            continue;
        }
        seconds_text(prefill, sizeof prefill, best->prefill_s);
        seconds_text(decode, sizeof decode, best->decode_s);
        (void)printf("  %-12.12s %11s  %8s  %7.0f  %14s  %12s\n", h->name, fits, names[best - r], best->devices, prefill, decode);
    }
    (void)printf("  at the roofline, a lower bound: FLOPs over peak, bytes over bandwidth.\n"
                 "  Keys and values of %lld tokens are held. How far off:  isoflop size --measured\n",
                 (long long)f->tokens_per_sequence);
}

static void print_sources(const struct machine_profile *m)
{
    const struct hardware *h = &m->hardware;
    char memory[32];
    size_bytes_text(memory, sizeof memory, h->memory_bytes);
    (void)printf("\n%s   %s\n", h->name, h->what);
    (void)printf("  peak       %.4g TFLOP/s in 16 bits, %.4g in 8\n             %s\n", h->flops_16 / 1e12, h->flops_8 / 1e12,
                 m->flops_source);
    (void)printf("  memory     %s at %.4g GB/s, %.0f %% of it for the model\n             %s\n", memory, h->bandwidth / 1e9,
                 100 * h->usable, m->memory_source);
    (void)printf("  power      %.4g W\n             %s\n", h->power_w, m->power_source);
    (void)printf("  price      %.4g USD an hour%s\n             %s\n", h->price_per_hour,
                 h->power_included ? ", electricity included" : "", m->price_source);
}

void size_print_people(const struct size_facts *f, const struct machines *machines, const struct size_question *question)
{
    const struct architecture *a = f->shape;
    double total = (double)f->counts.total;
    char tokens[32], says[64];
    (void)printf("%s   %lld layers, width %lld, %lld heads", f->name, (long long)a->layers, (long long)a->width,
                 (long long)a->heads);
    if (a->experts > 1)
        (void)printf(", %lld experts, %lld active", (long long)a->experts, (long long)a->experts_per_token);
    if (a->shared_experts)
        (void)printf(", %lld shared", (long long)a->shared_experts);
    (void)fputc('\n', stdout);
    if (*f->note) {
        struct str note;
        str_init(&note);
        str_append(&note, "  ");
        help_wrap(&note, f->note, 2, 2);
        (void)fputs(note.text, stdout);
        str_release(&note);
    }
    print_count("parameters", f->counts.total, "in all");
    print_count("active", f->counts.active, "that one token uses");
    print_count("non-embedding", f->counts.non_embedding, "without embedding, positions, head");
    print_count("matmul", f->counts.matmul, "that multiply, per token");
    (void)snprintf(says, sizeof says, "FLOPs for %lld tokens, full attention", (long long)f->tokens_per_sequence);
    (void)printf("  %-14s %19.4g   %s\n", "forward", f->forward_flops, says);
    (void)printf("  %-14s %19.4g   %s\n", "", f->causal_flops, "the same, masked pairs left out");
    if (isfinite(f->tokens)) {
        print_count_text(tokens, sizeof tokens, f->tokens);
        (void)snprintf(says, sizeof says, "FLOPs by 6 N D for %s tokens", tokens);
        (void)printf("  %-14s %19.3g   %s\n", "training", f->train_flops, says);
    } else {
        (void)printf("  %-14s %19s   %s\n", "training", "-", "tokens are not known; say  --tokens D");
    }
    print_memory("memory", 2 * total, "weights in 16 bits");
    print_memory("", total, "in 8 bits");
    print_memory("", total / 2, "in 4 bits");
    print_memory("", TRAIN_BYTES_PER_PARAMETER * total, "to train: weights, gradients, AdamW");
    print_memory("", hardware_activation_bytes(a, a->context), "activations of one sequence, recomputed");
    print_memory("", size_cache_bytes(a, 2), "keys and values per token, 16 bits");
    if (*f->source)
        (void)printf("  %-14s %19s   %s\n", "shape from", "", f->source);
    if (isfinite(f->train_flops))
        print_training(f, machines, question);
    print_running(f, machines, question);
    if (machines->n == 1)
        print_sources(&machines->all[0]);
}
