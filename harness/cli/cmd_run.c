/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c — `isoflop run SPEC`: runs what is missing and says, in one block, what came out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/math/blas.h"
#include "harness/cli/again.h"
#include "harness/cli/commands.h"
#include "harness/cli/planned.h"
#include "harness/cli/summary.h"
#include "harness/cli/sweep.h"
#include "harness/spec/shard.h"

static enum store_rerun rerun_mode(const char *text)
{
    return strcmp(text, "all") == 0 ? STORE_RERUN_ALL : strcmp(text, "failed") == 0 ? STORE_RERUN_FAILED
                                                                                   : STORE_RERUN_NONE;
}

/* "isoflop: 24 trials, 7.1e12 FLOPs, about 70 s on 2 cores (172 GF/s measured, OpenBLAS SkylakeX)" */
static void announce(const struct plan *plan, int jobs, double rate)
{
    double flops = 0, seconds = 0, largest = 0;
    for (int i = 0; i < plan->n_trials; i++) {
        flops += plan->trials[i].flops_marginal;
        seconds += plan->trials[i].estimate.seconds;
        largest = fmax(largest, plan->trials[i].estimate.seconds);
    }
    (void)fprintf(stderr, "isoflop: %d trial%s, %.2g FLOPs, about %.0f s on %d core%s (%.0f GF/s measured, kernels %s)\n",
                  plan->n_trials, plan->n_trials == 1 ? "" : "s", flops, fmax(largest, seconds / jobs), jobs,
                  jobs == 1 ? "" : "s", rate * 1e-9, blas_core());
}

/* What a reader of the numbers must know beside them. */
static void note_outcome(const struct runner_result *result, int pending)
{
    int ended = result->done + result->failed + result->diverged + result->timeout + result->oom;
    if (result->failed + result->diverged + result->timeout + result->oom > 0)
        (void)fprintf(stderr, "isoflop: %d done, %d failed, %d diverged, %d timed out, %d out of memory\n", result->done,
                      result->failed, result->diverged, result->timeout, result->oom);
    if (result->signal)
        (void)fprintf(stderr, "isoflop: stopped; %d of %d trials are left, run the same command to go on\n",
                      pending - ended, pending);
    else if (result->out_of_time)
        (void)fprintf(stderr, "isoflop: the time of --max-wall is over; %d of %d trials are left, run again to go on\n",
                      pending - ended, pending);
    else if (result->out_of_budget)
        (void)fprintf(stderr, "isoflop: the budget is spent; %d of %d trials are left, run again to go on\n",
                      pending - ended, pending);
}

static struct sweep_options read_options(const struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    return (struct sweep_options){
        .db = invocation->db,
        .jobs = (int)option_integer(o, "jobs"),
        .timeout_s = option_seconds(o, "timeout"),
        .wall_s = option_given(o, "max-wall") ? option_seconds(o, "max-wall") : 0,
        .memory_limit_bytes = option_given(o, "mem-limit") ? option_integer(o, "mem-limit") : 0,
        .budget_s = option_given(o, "budget") ? option_seconds(o, "budget") : 0,
        .retries = (int)option_integer(o, "retries"),
        .rerun = rerun_mode(option_text(o, "rerun")),
        .checkpoints = !option_flag(o, "no-checkpoints"),
        .state_every_s = option_seconds(o, "checkpoint-every"),
        .screen = screen_look(2, invocation->no_color),
        .quiet = invocation->quiet,
        .program = invocation->program,
    };
}

/* Leaves of the plan what is missing and prints that. Refuses what the run itself would refuse. */
static int print_missing(struct invocation *invocation, struct plan *plan, const struct sweep_options *options)
{
    struct err err = ERR_INIT;
    char *keep = calloc((size_t)plan->n_trials + 1, 1);
    int n = plan->n_trials;
    enum status status;
    NEED_MEMORY(keep);
    status = sweep_missing(options, plan, keep, &err);
    if (status == STATUS_OK)
        plan_keep(plan, keep);
    free(keep);
    if (status != STATUS_OK || sweep_check_memory(plan, options->jobs, options->memory_limit_bytes, &err) != STATUS_OK)
        return failed(&err);
    if (plan->n_trials > 0)
        return planned_print(invocation, plan, options->jobs);
    (void)fprintf(stderr, "isoflop: nothing to run, all %d trials are in %s\n", n, options->db);
    return EXIT_CODE_DONE;
}

static int run_plan(struct invocation *invocation, struct plan *plan)
{
    const struct options *o = &invocation->options;
    struct sweep_options options = read_options(invocation);
    struct runner_result result;
    struct err err = ERR_INIT;
    double rate;
    int pending = 0, code;
    sweep_calibrate(plan, &rate);
    if (option_flag(o, "dry-run"))
        return print_missing(invocation, plan, &options);
    if (sweep_check_memory(plan, options.jobs, options.memory_limit_bytes, &err) != STATUS_OK)
        return failed(&err);
    if (!invocation->quiet) {
        announce(plan, options.jobs, rate);
        sweep_warn_crowded(plan, options.jobs);
    }
    if (sweep_run(&options, plan, &result, &pending, &err) != STATUS_OK)
        return failed(&err);
    if (pending == 0 && !invocation->quiet)
        (void)fprintf(stderr, "isoflop: nothing to run, all %d trials are in %s\n", plan->n_trials, options.db);
    if (!invocation->quiet || pending > 0)
        note_outcome(&result, pending);
    code = sweep_exit_code(&result);
    if (!result.signal && !result.out_of_time && !invocation->quiet && !option_flag(o, "no-summary") &&
        summary_print(invocation, options.db, plan->name, NULL, &err) != STATUS_OK)
        return failed(&err);
    return code;
}

/* The plan's share of this machine, when --shard names one. */
static enum status take_shard(const struct options *options, struct plan *plan, struct err *err)
{
    int index, n;
    enum status status;
    if (!option_given(options, "shard"))
        return STATUS_OK;
    status = shard_parse(option_text(options, "shard"), &index, &n, err);
    if (status != STATUS_OK)
        return status;
    if (plan->n_trials < n)
        return err_set(err, STATUS_USAGE, "--shard %d/%d: the spec has only %d trial%s", index, n, plan->n_trials,
                       plan->n_trials == 1 ? "" : "s");
    plan_shard(plan, index, n);
    return STATUS_OK;
}

int cmd_run(struct invocation *invocation)
{
    const struct options *options = &invocation->options;
    static const char *const kept[] = {"set", NULL};
    struct err err = ERR_INIT;
    struct plan plan;
    struct str again; /* its text becomes the plan's */
    int n, code;
    const char *const *overrides = option_list(options, "set", &n);
    if (plan_load(&plan, options->arguments[0], overrides, n, &sweep_hooks, &err) != STATUS_OK)
        return failed(&err);
    str_init(&again);
    again_append(invocation, kept, &again);
    plan.command = again.text;
    code = take_shard(options, &plan, &err) == STATUS_OK ? run_plan(invocation, &plan) : failed(&err);
    plan_release(&plan);
    return code;
}
