/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan.c — `isoflop plan SPEC`: what would run, and what it would cost. Writes nothing. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/cli/print.h"
#include "harness/cli/sweep.h"
#include "harness/spec/label.h"

/* One row per trial, columns named as in the store. */
static void fill(struct table *table, const struct plan *plan)
{
    static const char *const names[] = {"trial_id", "label", "params_total", "params_active", "params_non_embedding",
                                        "params_matmul", "tokens", "flops_formula", "predicted_seconds",
                                        "predicted_bytes", "flops_marginal"};
    table_init(table, (int)(sizeof names / sizeof *names), names);
    for (int i = 0; i < plan->n_trials; i++) {
        const struct estimate *e = &plan->trials[i].estimate;
        int row = table_add_row(table);
        char label[160];
        plan_label(plan, i, label, sizeof label);
        table_set_text(table, row, 0, plan->trials[i].id);
        table_set_text(table, row, 1, label);
        table_set_integer(table, row, 2, e->params_total);
        table_set_integer(table, row, 3, e->params_active);
        table_set_integer(table, row, 4, e->params_non_embedding);
        table_set_integer(table, row, 5, e->params_matmul);
        table_set_integer(table, row, 6, e->tokens);
        table_set_real(table, row, 7, e->flops);
        table_set_real(table, row, 8, e->seconds > 0 ? e->seconds : NAN);
        table_set_real(table, row, 9, e->bytes);
        table_set_real(table, row, 10, plan->trials[i].flops_marginal);
    }
}

enum { LABEL_WIDTH = 31 };

/* The label, cut between words where the column ends. */
static void fit_label(char *label)
{
    char *comma;
    while (strlen(label) > LABEL_WIDTH && (comma = strrchr(label, ',')) != NULL)
        *comma = 0;
    label[LABEL_WIDTH] = 0;
}

static void print_people(const struct plan *plan, int jobs)
{
    double seconds = 0, flops = 0, marginal = 0, largest = 0;
    char text[4][32];
    (void)printf("%-*s %7s %7s %8s %8s %6s\n", LABEL_WIDTH + 10, plan->name, "params", "tokens", "FLOPs", "seconds", "MiB");
    for (int i = 0; i < plan->n_trials; i++) {
        const struct estimate *e = &plan->trials[i].estimate;
        char label[160];
        plan_label(plan, i, label, sizeof label);
        sweep_count_text(text[0], sizeof text[0], (double)e->params_total);
        sweep_count_text(text[1], sizeof text[1], (double)e->tokens);
        fit_label(label);
        (void)printf("%.8s  %-*s %7s %7s %8.2g %8.1f %6.0f\n", plan->trials[i].id, LABEL_WIDTH, label, text[0], text[1], e->flops, e->seconds,
                     e->bytes / (1 << 20));
        seconds += e->seconds;
        flops += e->flops;
        marginal += plan->trials[i].flops_marginal;
        largest = fmax(largest, e->seconds);
    }
    (void)printf("params: in all, embedding and head included; seconds: on one core of its own\n"
                 "%d trial%s, %.2g FLOPs, about %.0f s with -j %d\n", plan->n_trials,
                 plan->n_trials == 1 ? "" : "s", flops, fmax(largest, seconds / jobs), jobs);
    if (plan->shares_trunks)
        (void)printf("%.2g FLOPs of them executed, %.0f %%, because branches share their trunk\n", marginal,
                     100 * marginal / flops);
    if (plan->n_dropped)
        (void)printf("%d cells dropped by where\n", plan->n_dropped);
}

int cmd_plan(struct invocation *invocation)
{
    const struct options *options = &invocation->options;
    struct err err = ERR_INIT;
    struct plan plan;
    int n, code = EXIT_CODE_DONE;
    const char *const *overrides = option_list(options, "set", &n);
    if (plan_load(&plan, options->arguments[0], overrides, n, &sweep_hooks, &err) != STATUS_OK)
        return failed(&err);
    sweep_calibrate(&plan, NULL);
    if (invocation->json || invocation->csv) {
        struct table table;
        fill(&table, &plan);
        code = print_table(invocation, &table, "isoflop.plan.v1");
        table_release(&table);
    } else {
        print_people(&plan, (int)option_integer(options, "jobs"));
    }
    if (code == EXIT_CODE_DONE && sweep_check_memory(&plan, (int)option_integer(options, "jobs"), &err) != STATUS_OK)
        code = failed(&err);
    plan_release(&plan);
    return code;
}
