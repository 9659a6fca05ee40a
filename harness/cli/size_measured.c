/* SPDX-License-Identifier: Apache-2.0 */
/* size_measured.c — see size_measured.h. Trained models alone, in 32 bits and with one thread: how the others are computed is not
 * what the roofline speaks of. */
#include "harness/cli/size_measured.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/analysis/hardware.h"
#include "harness/analysis/stats.h"
#include "harness/cli/bench_machine.h"
#include "harness/cli/bench_timing.h"
#include "harness/cli/catalogue.h"
#include "harness/cli/models.h"
#include "harness/cli/print.h"
#include "harness/run/sysinfo.h"
#include "harness/run/trial.h"

enum { FP32_BYTES = 4, FEWEST = 4 };

/* ---- The machine ---- */

/* From the first cache to memory; close together where caches end. */
static const struct {
    int64_t bytes;
    const char *name;
} levels[] = {{1 << 15, "32 KiB"}, {1 << 18, "256 KiB"}, {1 << 20, "1 MiB"},   {1 << 21, "2 MiB"},
              {1 << 22, "4 MiB"},  {1 << 23, "8 MiB"},   {1 << 25, "32 MiB"}, {1 << 28, "256 MiB"}};
enum { LEVELS = sizeof levels / sizeof *levels };

struct roofline {
    double flops;             /* FLOP/s of one core */
    double bandwidth[LEVELS]; /* bytes/s from a block of so many bytes */
};

static enum status measure_machine(struct roofline *out, struct err *err)
{
    *out = (struct roofline){0};
    for (int level = 0; level < LEVELS; level++) {
        const struct bench_case reading = {.bytes = levels[level].bytes};
        struct bench_result times;
        enum status status = bench_read(&reading, &times, err);
        if (status != STATUS_OK)
            return status;
        out->bandwidth[level] = (double)levels[level].bytes / times.seconds;
        out->flops = fmax(out->flops, bench_peak_flops() / times.peak_seconds);
    }
    return STATUS_OK;
}

/* How fast a block of so many bytes is read: between two that were measured, straight in logarithms. */
static double bandwidth_at(const struct roofline *r, double bytes)
{
    int level = 0;
    while (level < LEVELS && (double)levels[level].bytes < bytes)
        level++;
    if (level == 0 || level == LEVELS)
        return r->bandwidth[level ? LEVELS - 1 : 0];
    double below = (double)levels[level - 1].bytes, above = (double)levels[level].bytes;
    double share = log(bytes / below) / log(above / below);
    return r->bandwidth[level - 1] * pow(r->bandwidth[level] / r->bandwidth[level - 1], share);
}

static double bound_s(const struct roofline *r, const struct architecture *a, int64_t n, int64_t before)
{
    double bytes = hardware_pass_bytes(a, n, before, FP32_BYTES, FP32_BYTES);
    return fmax(hardware_pass_flops(a, n, before) / r->flops, bytes / bandwidth_at(r, bytes));
}

/* ---- The models ---- */

static const char *const columns[] = {"trial_id", "phase", "params_total", "prompt_tokens", "roofline_ms", "p50_ms", "ratio"};
enum { TRIAL, PHASE, PARAMS, PROMPT, BOUND, MEASURED, RATIO, COLUMNS };

static enum status read_latencies(struct store *store, struct table *out, struct err *err)
{
    static const char sql[] = "SELECT l.trial_id, l.phase, p.params_total, l.prompt_tokens, l.p50_ms FROM v_latency l"
                              " JOIN v_points p ON p.trial_id = l.trial_id JOIN trial t ON t.trial_id = l.trial_id"
                              " WHERE l.batch = 1 AND coalesce(t.shrink, 'none') = 'none' AND coalesce(t.threads, 1) = 1"
                              " AND p.host_key = ?1 ORDER BY l.phase DESC, p.params_total, l.trial_id";
    struct sysinfo info;
    sysinfo_read(&info, "");
    const char *key = info.key;
    enum status status = store_query(store, sql, &key, 1, out, err);
    if (status == STATUS_OK && out->n_rows == 0) {
        table_release(out);
        return err_set(err, STATUS_INSUFFICIENT, "the store has no latencies of this machine (%s)", key);
    }
    return status;
}

/* Adds the row's bound; models whose shape the knobs alone do not tell (a tokenizer of their own) are left out. */
static enum status add_bound(struct table *out, struct store *store, const struct roofline *r, const struct table *in, int row,
                             struct err *err)
{
    struct knobs knobs;
    struct config config;
    const char *trial = table_text(in, row, 0), *phase = table_text(in, row, 1);
    int64_t prompt = (int64_t)table_number(in, row, 3);
    enum status status = models_knobs(store, trial, &knobs, err);
    if (status != STATUS_OK)
        return status;
    trial_config(&knobs, &config);
    struct architecture a = catalogue_shape(&config);
    if ((double)size_params(&a).total != table_number(in, row, 2))
        return STATUS_OK;
    bool decodes = strcmp(phase, "decode") == 0;
    double bound = 1e3 * (decodes ? bound_s(r, &a, 1, prompt) : bound_s(r, &a, prompt, 0)), p50 = table_number(in, row, 4);
    int at = table_add_row(out);
    table_set_text(out, at, TRIAL, trial);
    table_set_text(out, at, PHASE, phase);
    table_set_integer(out, at, PARAMS, (int64_t)table_number(in, row, 2));
    table_set_integer(out, at, PROMPT, prompt);
    table_set_real(out, at, BOUND, bound);
    table_set_real(out, at, MEASURED, p50);
    table_set_real(out, at, RATIO, p50 / bound);
    return STATUS_OK;
}

/* ---- What comes of it ---- */

struct verdict {
    int n;
    double median, least, most; /* measured over roofline */
    double error;               /* median relative error, each foretold by the median factor of the others */
};

static struct verdict judge(const struct table *t, const char *phase)
{
    struct verdict v = {.least = (double)INFINITY, .median = (double)NAN, .error = (double)NAN};
    size_t room = (size_t)t->n_rows + 1;
    double *ratio = malloc(3 * room * sizeof *ratio), *others = ratio + room, *errors = others + room, factor;
    NEED_MEMORY(ratio);
    for (int row = 0; row < t->n_rows; row++) {
        if (strcmp(table_text(t, row, PHASE), phase) != 0)
            continue;
        ratio[v.n] = table_number(t, row, RATIO);
        v.least = fmin(v.least, ratio[v.n]);
        v.most = fmax(v.most, ratio[v.n]);
        v.n++;
    }
    for (int i = 0; i < v.n && v.n >= FEWEST; i++) {
        int m = 0;
        for (int j = 0; j < v.n; j++)
            if (j != i)
                others[m++] = ratio[j];
        errors[i] = stats_median(others, m, &factor, NULL) == STATUS_OK ? fabs(factor / ratio[i] - 1) : (double)NAN;
    }
    if (v.n >= FEWEST)
        (void)!(stats_median(ratio, v.n, &v.median, NULL) || stats_median(errors, v.n, &v.error, NULL));
    free(ratio);
    return v;
}

static void print_people(const struct roofline *r, const struct table *t)
{
    static const char *const phases[] = {"prefill", "decode"};
    (void)printf("roofline of one core here: %.3g GFLOP/s; reading, in GB/s:\n", r->flops / 1e9);
    for (int level = 0; level < LEVELS; level++)
        (void)printf("  %8s %6.3g%s", levels[level].name, r->bandwidth[level] / 1e9, level % 4 == 3 ? "\n" : "");
    (void)fputc('\n', stdout);
    (void)printf("  %-8s %7s %32s %22s\n", "phase", "models", "measured over roofline", "error once scaled");
    for (int p = 0; p < 2; p++) {
        struct verdict v = judge(t, phases[p]);
        if (v.n < FEWEST)
            (void)printf("  %-8s %7d   at least %d wanted\n", phases[p], v.n, FEWEST);
        else
            (void)printf("  %-8s %7d  %10.2f times (%.2f … %.2f) %20.0f %%\n", phases[p], v.n, v.median, v.least, v.most,
                         100 * v.error);
    }
    (void)printf("\n  error: median over models, each foretold by its roofline times the others' median\n"
                 "  factor. The bound leaves out calls, norms, softmax and other load on the machine.\n");
}

int size_measured(const struct invocation *invocation)
{
    struct roofline r;
    struct table latencies, rows;
    struct store *store;
    struct err err = ERR_INIT;
    int code = EXIT_CODE_DONE;
    if (store_open(&store, invocation->db, STORE_READ, &err) != STATUS_OK)
        return failed(&err);
    enum status status = read_latencies(store, &latencies, &err);
    if (status != STATUS_OK) {
        store_close(store);
        return failed(&err);
    }
    table_init(&rows, COLUMNS, columns);
    status = measure_machine(&r, &err);
    for (int row = 0; row < latencies.n_rows && status == STATUS_OK; row++)
        status = add_bound(&rows, store, &r, &latencies, row, &err);
    store_close(store);
    if (status != STATUS_OK)
        code = failed(&err);
    else if (invocation->json || invocation->csv)
        code = print_table(invocation, &rows, "isoflop.size-measured.v1");
    else
        print_people(&r, &rows);
    table_release(&rows);
    table_release(&latencies);
    return code;
}
