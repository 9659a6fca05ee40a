/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_bench.c — `isoflop bench`: times a fixed set of cases, each sample in a process of its own, in an order drawn
 * anew for every block, and stores all samples under one run. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/rng.h"
#include "harness/analysis/stats.h"
#include "harness/cli/bench_cases.h"
#include "harness/cli/commands.h"
#include "harness/cli/folders.h"
#include "harness/cli/print.h"
#include "harness/cli/sweep.h"
#include "harness/run/clock.h"

enum { CASES_MAX = 128, LINES_MAX = 8192 };

/* All samples of one run. */
struct samples {
    struct bench_sample *all;
    int n;
};

/* Starts the program again for one case and reads what it prints. */
static enum status run_case(const char *program, const struct bench_case *c, char out[LINES_MAX], struct err *err)
{
    int ends[2], status_code, n = 0;
    ssize_t got;
    pid_t child;
    if (pipe(ends) != 0)
        return err_set(err, STATUS_IO, "no pipe for a sample: %s", strerror(errno));
    child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execl(program, "isoflop", "__bench", c->suite, c->name, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    while (child > 0 && n < LINES_MAX - 1 && (got = read(ends[0], out + n, (size_t)(LINES_MAX - 1 - n))) > 0)
        n += (int)got;
    out[n] = 0;
    (void)close(ends[0]);
    if (child < 0)
        return err_set(err, STATUS_IO, "no process for a sample: %s", strerror(errno));
    if (waitpid(child, &status_code, 0) != child || !WIFEXITED(status_code) || WEXITSTATUS(status_code) != 0)
        return err_set(err, STATUS_IO, "the process that measured %s %s failed", c->suite, c->name);
    return STATUS_OK;
}

static enum status add_lines(struct samples *samples, char *text, int64_t block, struct err *err)
{
    for (char *line = text, *end; *line; line = end + 1) {
        struct bench_sample s;
        end = strchr(line, '\n');
        if (!end)
            return err_set(err, STATUS_FORMAT, "a sample broke off: %s", line);
        *end = 0;
        if (!bench_line_read(line, &s))
            return err_set(err, STATUS_FORMAT, "a sample cannot be read: %s", line);
        s.block = block;
        samples->all = realloc(samples->all, ((size_t)samples->n + 1) * sizeof *samples->all);
        NEED_MEMORY(samples->all);
        samples->all[samples->n++] = s;
    }
    return STATUS_OK;
}

/* An order of n things drawn by block (Fisher & Yates). */
static void shuffle(int *order, int n, uint64_t block)
{
    struct rng rng = rng_open(1, RNG_ORDER, block);
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int j = (int)rng_below(&rng, (uint32_t)i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

static enum status collect(const struct invocation *invocation, const struct bench_case *const *chosen, int n,
                           struct samples *samples, struct err *err)
{
    int64_t blocks = option_integer(&invocation->options, "samples");
    bool shows = screen_look(2, false).terminal && !invocation->quiet;
    char lines[LINES_MAX];
    enum status status = STATUS_OK;
    for (int64_t block = 0; block < blocks && status == STATUS_OK; block++) {
        int order[CASES_MAX];
        shuffle(order, n, (uint64_t)block);
        for (int i = 0; i < n && status == STATUS_OK; i++) {
            status = run_case(invocation->program, chosen[order[i]], lines, err);
            if (status == STATUS_OK)
                status = add_lines(samples, lines, block, err);
        }
        if (shows)
            (void)fprintf(stderr, "\rblock %lld of %lld", (long long)block + 1, (long long)blocks);
    }
    if (shows)
        (void)fputs("\r\033[K", stderr);
    return status;
}

/* The cases of the suites named on the command line; all when none is. */
static int choose(const struct options *options, const struct bench_case **chosen, struct err *err)
{
    int n = 0;
    for (int a = 0; a < options->n_arguments; a++) {
        bool known = false;
        for (int i = 0; bench_case_at(i); i++)
            known = known || strcmp(bench_case_at(i)->suite, options->arguments[a]) == 0;
        if (!known) {
            (void)err_set(err, STATUS_USAGE, "there is no suite '%s'; there are: train moe decode sweep gemm machine", options->arguments[a]);
            return -1;
        }
    }
    for (int i = 0; bench_case_at(i) && n < CASES_MAX; i++) {
        bool wanted = options->n_arguments == 0;
        for (int a = 0; a < options->n_arguments; a++)
            wanted = wanted || strcmp(bench_case_at(i)->suite, options->arguments[a]) == 0;
        if (wanted)
            chosen[n++] = bench_case_at(i);
    }
    return n;
}

static int gather(const struct samples *samples, const struct bench_case *c, const char *metric, double *values)
{
    int n = 0;
    for (int i = 0; i < samples->n; i++)
        if (strcmp(samples->all[i].bench, c->suite) == 0 && strcmp(samples->all[i].name, c->name) == 0 &&
            strcmp(samples->all[i].metric, metric) == 0)
            values[n++] = samples->all[i].value;
    return n;
}

static double quantile_of(double *values, int n, double q)
{
    double result = NAN;
    struct err ignored = ERR_INIT;
    return stats_quantile(values, n, q, &result, &ignored) == STATUS_OK ? result : NAN;
}

/* The median of a metric over the run's processes; NaN where the case has no such metric. */
static double median_of(const struct samples *samples, const struct bench_case *c, const char *metric, double *values)
{
    int n = gather(samples, c, metric, values);
    return n > 0 ? quantile_of(values, n, 0.5) : NAN;
}

/* The median over the run's processes of one metric over another. */
static double median_ratio(const struct samples *samples, const struct bench_case *c, const char *over, const char *under,
                           double *values)
{
    double *others = calloc((size_t)samples->n + 1, sizeof *others);
    int n = gather(samples, c, over, values), m;
    double result;
    NEED_MEMORY(others);
    m = gather(samples, c, under, others);
    for (int i = 0; i < n && i < m; i++)
        values[i] /= others[i];
    result = n > 0 && n == m ? quantile_of(values, n, 0.5) : NAN;
    free(others);
    return result;
}

/* A cell stays empty where there is nothing to put in. */
static void set(struct table *table, int row, int column, double value)
{
    if (isfinite(value))
        table_set_real(table, row, column, value);
}

enum { RUN_ID, BENCH, NAME, WIDTH, LAYERS, BATCH, TOKENS, THREADS, SAMPLES, SECONDS, SECONDS_P5, SECONDS_P95, TOKENS_PER_S,
       GFLOPS, PEAK_GFLOPS, PEAK_SHARE, OPENBLAS_GFLOPS, OPENBLAS_RATIO, DENSE_RATIO, F32_RATIO, GB_PER_S, READ_GB_PER_S,
       READ_SHARE, OVERHEAD_S, OVERHEAD_SHARE, TWO_JOBS_RATIO, PEAKS_RATIO };

static const char *const columns[] = {
    "run_id", "bench", "name", "width", "layers", "batch", "tokens", "threads", "samples", "seconds_p50", "seconds_p5",
    "seconds_p95", "tokens_per_s", "gflops", "peak_gflops", "peak_share", "openblas_gflops", "openblas_ratio", "dense_ratio",
    "f32_ratio", "gb_per_s", "read_gb_per_s", "read_share", "overhead_s",
    "overhead_share", "two_jobs_ratio", "peaks_ratio"};

/* What the times of all processes say together. Ratios are those of a process, in which both sides took turns. */
static void set_speeds(struct table *table, int row, const struct samples *samples, const struct bench_case *c)
{
    double *values = calloc((size_t)samples->n + 1, sizeof *values);
    double seconds = table_number(table, row, SECONDS), flops, peak, bytes, read;
    NEED_MEMORY(values);
    flops = median_of(samples, c, "flops", values);
    peak = median_of(samples, c, "peak_flops_per_s", values);
    bytes = median_of(samples, c, "bytes", values);
    read = median_of(samples, c, "read_seconds", values);
    set(table, row, GFLOPS, flops / seconds * 1e-9);
    set(table, row, PEAK_GFLOPS, peak * 1e-9);
    set(table, row, PEAK_SHARE, flops / seconds / peak);
    set(table, row, OPENBLAS_GFLOPS, flops / median_of(samples, c, "openblas_seconds", values) * 1e-9);
    set(table, row, OPENBLAS_RATIO, median_ratio(samples, c, "openblas_seconds", "seconds", values));
    set(table, row, DENSE_RATIO, median_ratio(samples, c, "seconds", "dense_seconds", values));
    set(table, row, F32_RATIO, median_ratio(samples, c, "f32_seconds", "seconds", values));
    set(table, row, GB_PER_S, bytes / seconds * 1e-9);
    set(table, row, READ_GB_PER_S, bytes / read * 1e-9);
    set(table, row, READ_SHARE, median_ratio(samples, c, "read_seconds", "seconds", values));
    set(table, row, OVERHEAD_S, median_of(samples, c, "overhead_seconds", values));
    set(table, row, OVERHEAD_SHARE, median_ratio(samples, c, "overhead_seconds", "seconds", values));
    set(table, row, TWO_JOBS_RATIO, median_ratio(samples, c, "two_jobs_seconds", "seconds", values));
    set(table, row, PEAKS_RATIO, median_of(samples, c, "peaks_ratio", values));
    free(values);
}

static void add_row(struct table *table, const struct samples *samples, const struct bench_case *c, const char *run_id)
{
    double *values = calloc((size_t)samples->n + 1, sizeof *values);
    int row = table_add_row(table), n;
    double threads;
    NEED_MEMORY(values);
    threads = median_of(samples, c, "threads", values);
    n = gather(samples, c, "seconds", values);
    table_set_text(table, row, RUN_ID, run_id);
    table_set_text(table, row, BENCH, c->suite);
    table_set_text(table, row, NAME, c->name);
    table_set_real(table, row, SECONDS, quantile_of(values, n, 0.5));
    table_set_real(table, row, SECONDS_P5, quantile_of(values, n, 0.05));
    table_set_real(table, row, SECONDS_P95, quantile_of(values, n, 0.95));
    if (c->width) {
        table_set_integer(table, row, WIDTH, c->width);
        table_set_integer(table, row, LAYERS, c->layers);
        table_set_integer(table, row, BATCH, c->batch);
        table_set_integer(table, row, TOKENS, c->tokens);
        table_set_real(table, row, TOKENS_PER_S, c->batch * c->tokens / table_number(table, row, SECONDS));
    }
    table_set_integer(table, row, THREADS, isfinite(threads) ? (int64_t)threads : 1);
    table_set_integer(table, row, SAMPLES, n);
    set_speeds(table, row, samples, c);
    free(values);
}

/* Reading has a speed in bytes; so has decoding, which is measured by it. */
static void print_row(const struct table *table, int r)
{
    static const struct { int column; const char *text; } besides[] = {
        {OPENBLAS_RATIO, "x OpenBLAS's speed"}, {DENSE_RATIO, "x the dense step's time"},
        {F32_RATIO, "x fp32's speed"}};
    (void)printf("%-7s %-36s %9.1f us %9.1f – %-9.1f", table_text(table, r, BENCH), table_text(table, r, NAME),
                 1e6 * table_number(table, r, SECONDS), 1e6 * table_number(table, r, SECONDS_P5),
                 1e6 * table_number(table, r, SECONDS_P95));
    if (isfinite(table_number(table, r, OVERHEAD_S))) {
        (void)printf(" %6.2f ms %6.1f %%  overhead; -j 2: %.2f x -j 1, two CPUs' peak: %.2f x one's\n",
                     1e3 * table_number(table, r, OVERHEAD_S), 100 * table_number(table, r, OVERHEAD_SHARE),
                     table_number(table, r, TWO_JOBS_RATIO), table_number(table, r, PEAKS_RATIO));
        return;
    }
    if (!isfinite(table_number(table, r, GB_PER_S)))
        (void)printf(" %6.1f GF/s %4.0f %%", table_number(table, r, GFLOPS), 100 * table_number(table, r, PEAK_SHARE));
    else if (isfinite(table_number(table, r, READ_SHARE)))
        (void)printf(" %6.1f GB/s %4.0f %%", table_number(table, r, GB_PER_S), 100 * table_number(table, r, READ_SHARE));
    else
        (void)printf(" %6.1f GB/s       ", table_number(table, r, GB_PER_S));
    for (size_t i = 0; i < sizeof besides / sizeof *besides; i++) {
        double ratio = table_number(table, r, besides[i].column);
        if (isfinite(ratio))
            (void)printf("  %.2f %s", ratio, besides[i].text);
    }
    (void)putchar('\n');
}

static int print_rows(const struct invocation *invocation, const struct samples *samples,
                      const struct bench_case *const *chosen, int n, const char *run_id)
{
    struct table table;
    int code = EXIT_CODE_DONE;
    table_init(&table, (int)(sizeof columns / sizeof *columns), columns);
    for (int i = 0; i < n; i++)
        add_row(&table, samples, chosen[i], run_id);
    if (invocation->json || invocation->csv) {
        code = print_table(invocation, &table, "isoflop.bench.v1");
    } else {
        (void)printf("%-44s %12s %21s %11s %6s  %s\n", "one thread unless named", "median", "p5 to p95", "speed", "peak",
                     "beside it");
        for (int r = 0; r < n; r++)
            print_row(&table, r);
        (void)printf("run %s\n", run_id);
    }
    table_release(&table);
    return code;
}

static enum status keep(const struct invocation *invocation, const struct samples *samples, const char *run_id,
                        struct err *err)
{
    const char *name = option_text(&invocation->options, "baseline");
    struct store *store;
    struct owner owner;
    enum status status = folders_make_for_store(invocation->db, err);
    if (status == STATUS_OK)
        status = store_open(&store, invocation->db, STORE_WRITE, err);
    if (status != STATUS_OK)
        return status;
    status = sweep_owner(store, &owner, err);
    if (status == STATUS_OK)
        status = store_put_bench(store, run_id, &owner, samples->all, samples->n, err);
    if (status == STATUS_OK && name)
        status = store_put_baseline(store, name, run_id, err);
    store_close(store);
    return status;
}

/* The time of day and the process: unique on a machine, sorted by time. */
static void make_run_id(char *out, size_t size)
{
    char now[CLOCK_TEXT_SIZE];
    int n = 0;
    clock_utc_text(now, sizeof now);
    for (const char *c = now; *c; c++)
        if (*c != ':' && *c != '-')
            now[n++] = *c;
    now[n] = 0;
    (void)snprintf(out, size, "%s.%d", now, (int)getpid());
}

int cmd_bench(struct invocation *invocation)
{
    const struct bench_case *chosen[CASES_MAX];
    const char *name = option_text(&invocation->options, "baseline");
    struct samples samples = {0};
    struct err err = ERR_INIT;
    char run_id[64];
    int n = choose(&invocation->options, chosen, &err), code;
    if (n > 0 && name && !str_is_name(name))
        (void)err_set(&err, STATUS_USAGE, "'%s' is no name: letters, digits, '.', '_' and '-' only", name);
    if (err.status != STATUS_OK)
        return failed(&err);
    make_run_id(run_id, sizeof run_id);
    if (collect(invocation, chosen, n, &samples, &err) != STATUS_OK || keep(invocation, &samples, run_id, &err) != STATUS_OK)
        code = failed(&err);
    else
        code = print_rows(invocation, &samples, chosen, n, run_id);
    free(samples.all);
    return code;
}

int cmd_bench_case(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    const struct bench_case *c = bench_case_find(o->arguments[0], o->arguments[1]);
    struct bench_sample samples[BENCH_METRICS_MAX];
    struct err err = ERR_INIT;
    struct str text;
    int n;
    if (!c)
        (void)err_set(&err, STATUS_USAGE, "there is no case '%s' '%s'", o->arguments[0], o->arguments[1]);
    else
        (void)!bench_measure(c, samples, &n, &err);
    if (err.status != STATUS_OK)
        return failed(&err);
    str_init(&text);
    for (int i = 0; i < n; i++)
        bench_line_write(&samples[i], &text);
    (void)fputs(text.text, stdout);
    str_release(&text);
    return EXIT_CODE_DONE;
}
