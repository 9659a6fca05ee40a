/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate.c — predicted seconds from a short measurement of this machine.
 *
 * The measuring happens in a forked child, so that the process that runs a sweep never computes. A few widths are
 * measured and the others read off between them. */
#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/sweep.h"
#include "harness/run/trial.h"

enum { WIDTHS_MAX = 6 };

/* What a trial takes beside its training steps: start, scoring, latency. Measured on the demo's trials. */
static const double TRIAL_OVERHEAD_S = 0.25, STEP_OVERHEAD = 1.1;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Up to WIDTHS_MAX different widths of the plan, ascending, its smallest and largest among them. */
static int choose_widths(const struct plan *plan, double widths[WIDTHS_MAX])
{
    double *all = calloc((size_t)plan->n_trials, sizeof *all);
    int n = 0, chosen = 0;
    if (!all)
        return 0;
    for (int i = 0; i < plan->n_trials; i++)
        all[i] = (double)plan->trials[i].knobs.width;
    qsort(all, (size_t)plan->n_trials, sizeof *all, by_value);
    for (int i = 0; i < plan->n_trials; i++)
        if (i == 0 || all[i] != all[i - 1])
            all[n++] = all[i];
    for (int i = 0; i < WIDTHS_MAX && i < n; i++)
        widths[chosen++] = all[n <= WIDTHS_MAX ? i : i * (n - 1) / (WIDTHS_MAX - 1)];
    free(all);
    return chosen;
}

static int measure(int n, const double *widths, double *rates)
{
    int ends[2], got = 0;
    pid_t child;
    if (pipe(ends) != 0)
        return 0;
    child = fork();
    if (child == 0) {
        for (int i = 0; i < n; i++) {
            double rate = trial_calibrate((int64_t)widths[i]);
            if (write(ends[1], &rate, sizeof rate) != sizeof rate)
                _exit(1);
        }
        _exit(0);
    }
    (void)close(ends[1]);
    while (child > 0 && got < n && read(ends[0], &rates[got], sizeof *rates) == sizeof *rates)
        got++;
    (void)close(ends[0]);
    if (child > 0)
        (void)waitpid(child, NULL, 0);
    return got;
}

/* The rate at a width, linear between the measured ones. */
static double rate_at(double width, int n, const double *widths, const double *rates)
{
    int i = 0;
    while (i + 2 < n && width > widths[i + 1])
        i++;
    if (n == 1 || width <= widths[i])
        return rates[i];
    return rates[i] + (rates[i + 1] - rates[i]) * (width - widths[i]) / (widths[i + 1] - widths[i]);
}

void sweep_calibrate(struct plan *plan, double *flops_per_s)
{
    double widths[WIDTHS_MAX], rates[WIDTHS_MAX];
    int n = measure(choose_widths(plan, widths), widths, rates);
    if (flops_per_s)
        *flops_per_s = n > 0 ? rates[n / 2] : NAN;
    for (int i = 0; i < plan->n_trials && n > 0; i++) {
        struct planned_trial *trial = &plan->trials[i];
        double rate = rate_at((double)trial->knobs.width, n, widths, rates);
        trial->estimate.seconds =
            TRIAL_OVERHEAD_S + STEP_OVERHEAD * trial->flops_marginal / rate / (double)trial->estimate.workers;
    }
}
