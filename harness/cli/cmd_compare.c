/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_compare.c — `isoflop compare A [B]`: is B worse than A? The verdict is the exit code.
 *
 * Speed is compared between runs of one machine only. Two runs were measured one after the other, so their samples
 * are not pairs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/analysis/regress.h"
#include "harness/cli/commands.h"
#include "harness/cli/print.h"
#include "harness/cli/runs.h"

enum { METRICS_MAX = 256 };

/* What is compared: everything both runs measured, but for the figures that only describe the machine. */
static const char metrics_sql[] =
    "SELECT DISTINCT bench, name, metric, exact FROM bench_sample WHERE run_id = ?1 AND metric NOT LIKE '%peak%'"
    " INTERSECT SELECT DISTINCT bench, name, metric, exact FROM bench_sample WHERE run_id = ?2"
    " ORDER BY bench DESC, name, metric";
static const char values_sql[] =
    "SELECT value FROM bench_sample WHERE run_id = ?1 AND bench = ?2 AND name = ?3 AND metric = ?4 ORDER BY sample_id";
static const char hosts_sql[] =
    "SELECT DISTINCT h.host_key FROM bench_sample s JOIN host h ON h.host_id = s.host_id WHERE s.run_id = ?1";

struct comparison {
    char run[2][96];
    char host[2][160];
    struct table metrics;
    struct regress_metric inputs[METRICS_MAX];
    struct regress_result results[METRICS_MAX];
    char names[METRICS_MAX][160];
    int n;
};

static enum status read_values(struct store *store, const struct comparison *c, int row, int side, double **values,
                               int *n, struct err *err)
{
    const char *parameters[4] = {c->run[side], table_text(&c->metrics, row, 0), table_text(&c->metrics, row, 1),
                                 table_text(&c->metrics, row, 2)};
    struct table found;
    enum status status = store_query(store, values_sql, parameters, 4, &found, err);
    if (status != STATUS_OK)
        return status;
    *n = found.n_rows;
    *values = calloc((size_t)found.n_rows + 1, sizeof **values);
    NEED_MEMORY(*values);
    for (int i = 0; i < found.n_rows; i++)
        (*values)[i] = table_number(&found, i, 0);
    table_release(&found);
    return STATUS_OK;
}

static enum status read_host(struct store *store, struct comparison *c, int side, struct err *err)
{
    const char *run = c->run[side];
    struct table found;
    enum status status = store_query(store, hosts_sql, &run, 1, &found, err);
    if (status != STATUS_OK)
        return status;
    (void)str_copy(c->host[side], sizeof c->host[side], found.n_rows == 1 ? table_text(&found, 0, 0) : "several machines");
    table_release(&found);
    return STATUS_OK;
}

static enum status read_metrics(struct store *store, struct comparison *c, double threshold, struct err *err)
{
    const char *runs[2] = {c->run[0], c->run[1]};
    enum status status = store_query(store, metrics_sql, runs, 2, &c->metrics, err);
    c->n = 0;
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < c->metrics.n_rows && i < METRICS_MAX && status == STATUS_OK; i++, c->n++) {
        struct regress_metric *m = &c->inputs[i];
        double *a = NULL, *b = NULL;
        *m = REGRESS_METRIC_INIT;
        (void)snprintf(c->names[i], sizeof c->names[i], "%s %s, %s", table_text(&c->metrics, i, 0),
                       table_text(&c->metrics, i, 1), table_text(&c->metrics, i, 2));
        m->name = c->names[i];
        m->threshold = threshold;
        m->exact = table_number(&c->metrics, i, 3) == 1;
        status = read_values(store, c, i, 0, &a, &m->n_a, err);
        if (status == STATUS_OK)
            status = read_values(store, c, i, 1, &b, &m->n_b, err);
        m->a = a;
        m->b = b;
    }
    return status;
}

static enum status compare(struct store *store, const struct options *o, double threshold, struct comparison *c,
                           struct err *err)
{
    enum status status = runs_find(store, o->arguments[0], c->run[0], sizeof c->run[0], err);
    if (status == STATUS_OK)
        status = runs_find(store, o->n_arguments == 2 ? o->arguments[1] : NULL, c->run[1], sizeof c->run[1], err);
    for (int side = 0; side < 2 && status == STATUS_OK; side++)
        status = read_host(store, c, side, err);
    if (status == STATUS_OK)
        status = read_metrics(store, c, threshold, err);
    if (status == STATUS_OK && c->n == 0)
        status = err_set(err, STATUS_INSUFFICIENT, "runs %s and %s have no case in common", c->run[0], c->run[1]);
    if (status == STATUS_OK)
        status = regress_compare_all(c->inputs, c->n, c->results, err);
    return status;
}

static void print_line(const struct comparison *c, int i, double threshold, bool color)
{
    const struct regress_result *r = &c->results[i];
    const char *verdict = regress_verdict_name(r);
    bool bad = r->verdict == REGRESS_REGRESSION;
    if (c->inputs[i].exact) {
        (void)printf("%-38s exact: %s\n", c->names[i], bad ? "CHANGED" : verdict);
        return;
    }
    (void)printf("%-38s", c->names[i]);
    if (r->verdict == REGRESS_INSUFFICIENT) {
        (void)printf(" %d + %d samples: not enough, needs %d + %d\n", r->n_a, r->n_b, REGRESS_MIN_PAIRS, REGRESS_MIN_PAIRS);
        return;
    }
    (void)printf(" %+.1f %% [%.1f, %.1f]  p %.2g, %d + %d  %s%s%s", 100 * (r->ratio - 1), 100 * (exp(r->log_interval.low) - 1),
                 100 * (exp(r->log_interval.high) - 1), r->p_adjusted, r->n_a, r->n_b, bad && color ? "\033[31m" : "",
                 bad ? "REGRESSION" : verdict, bad && color ? "\033[0m" : "");
    if (bad)
        (void)printf(" (threshold %g %%)", 100 * threshold);
    (void)putchar('\n');
}

static int print_document(const struct invocation *invocation, const struct comparison *c)
{
    static const char *const names[] = {"baseline_run", "candidate_run", "bench", "name", "metric", "median_a", "median_b",
                                        "ratio", "ratio_low", "ratio_high", "p_adjusted", "n_a", "n_b", "verdict"};
    struct table table;
    int code;
    table_init(&table, (int)(sizeof names / sizeof *names), names);
    for (int i = 0; i < c->n; i++) {
        const struct regress_result *r = &c->results[i];
        int row = table_add_row(&table);
        table_set_text(&table, row, 0, c->run[0]);
        table_set_text(&table, row, 1, c->run[1]);
        for (int k = 0; k < 3; k++)
            table_set_text(&table, row, 2 + k, table_text(&c->metrics, i, k));
        table_set_real(&table, row, 5, r->median_a);
        table_set_real(&table, row, 6, r->median_b);
        table_set_real(&table, row, 7, r->ratio);
        table_set_real(&table, row, 8, exp(r->log_interval.low));
        table_set_real(&table, row, 9, exp(r->log_interval.high));
        table_set_real(&table, row, 10, r->p_adjusted);
        table_set_integer(&table, row, 11, r->n_a);
        table_set_integer(&table, row, 12, r->n_b);
        table_set_text(&table, row, 13, regress_verdict_name(r));
    }
    code = print_table(invocation, &table, "isoflop.compare.v1");
    table_release(&table);
    return code;
}

/* Says once what would decide what is open. */
static void print_advice(const struct comparison *c, double threshold)
{
    int undecided = 0;
    for (int i = 0; i < c->n; i++)
        undecided += c->results[i].verdict == REGRESS_UNDECIDED;
    if (undecided)
        (void)printf("undecided: no change was shown, and one beyond %g %% was not ruled out; more --samples narrow the "
                     "interval\n", 100 * threshold);
}

/* Regressions first: they are what the caller asked about. */
static int verdict_code(const struct comparison *c)
{
    int code = EXIT_CODE_DONE;
    for (int i = 0; i < c->n; i++) {
        if (c->results[i].verdict == REGRESS_REGRESSION)
            return EXIT_CODE_REGRESSION;
        if (c->results[i].verdict == REGRESS_INSUFFICIENT)
            code = EXIT_CODE_INSUFFICIENT;
    }
    return code;
}

int cmd_compare(struct invocation *invocation)
{
    struct comparison *c = calloc(1, sizeof *c);
    double threshold = option_real(&invocation->options, "threshold") / 100;
    struct err err = ERR_INIT;
    struct store *store;
    int code;
    NEED_MEMORY(c);
    if (store_open(&store, invocation->db, STORE_READ, &err) != STATUS_OK) {
        free(c);
        return failed(&err);
    }
    if (compare(store, &invocation->options, threshold, c, &err) != STATUS_OK) {
        code = failed(&err);
    } else if (strcmp(c->host[0], c->host[1]) != 0) {
        (void)fprintf(stderr, "isoflop: not comparable, measured on two machines:\n  %s: %s\n  %s: %s\n", c->run[0],
                      c->host[0], c->run[1], c->host[1]);
        code = EXIT_CODE_INSUFFICIENT;
    } else {
        code = verdict_code(c);
        if (invocation->json || invocation->csv)
            code = print_document(invocation, c) == EXIT_CODE_DONE ? code : EXIT_CODE_RUNTIME;
        for (int i = 0; !invocation->json && !invocation->csv && i < c->n; i++)
            print_line(c, i, threshold, screen_look(1, invocation->no_color).color);
        if (!invocation->json && !invocation->csv)
            print_advice(c, threshold);
    }
    for (int i = 0; i < c->n; i++) {
        free((void *)(uintptr_t)c->inputs[i].a);
        free((void *)(uintptr_t)c->inputs[i].b);
    }
    if (c->metrics.names)
        table_release(&c->metrics);
    store_close(store);
    free(c);
    return code;
}
