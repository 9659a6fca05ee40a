/* SPDX-License-Identifier: Apache-2.0 */
/* planned.c — see planned.h. */
#include "harness/cli/planned.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

/* Cuts the label between words where the column ends; returns what did not fit, for a line of its own. */
static const char *fit_label(char *label)
{
    size_t cut = strlen(label);
    while (cut > LABEL_WIDTH) {
        const char *comma = memrchr(label, ',', cut);
        if (!comma)
            return "";
        cut = (size_t)(comma - label);
    }
    if (!label[cut])
        return "";
    label[cut] = 0;
    return label + cut + 2; /* past ", " */
}

static void print_people(const struct plan *plan, int jobs)
{
    double seconds = 0, flops = 0, marginal = 0, largest = 0;
    char text[4][32];
    (void)printf("%-*s %7s %7s %8s %8s %6s\n", LABEL_WIDTH + 10, plan->name, "params", "tokens", "FLOPs", "seconds", "MiB");
    for (int i = 0; i < plan->n_trials; i++) {
        const struct estimate *e = &plan->trials[i].estimate;
        char label[160];
        const char *rest;
        plan_label(plan, i, label, sizeof label);
        rest = fit_label(label);
        print_count_text(text[0], sizeof text[0], (double)e->params_total);
        print_count_text(text[1], sizeof text[1], (double)e->tokens);
        (void)printf("%.8s  %-*.*s %7s %7s %8.2g %8.1f %6.0f\n", plan->trials[i].id, LABEL_WIDTH, LABEL_WIDTH, label,
                     text[0], text[1], e->flops, e->seconds, e->bytes / (1 << 20));
        if (*rest)
            (void)printf("          %s\n", rest);
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

int planned_print(const struct invocation *invocation, const struct plan *plan, int jobs)
{
    struct table table;
    int code;
    if (!invocation->json && !invocation->csv) {
        print_people(plan, jobs);
        return EXIT_CODE_DONE;
    }
    fill(&table, plan);
    code = print_table(invocation, &table, "isoflop.plan.v1");
    table_release(&table);
    return code;
}
