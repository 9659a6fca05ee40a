/* SPDX-License-Identifier: Apache-2.0 */
/* trunk.c — see trunk.h. A trunk's id is that of a trial with its branches' knobs, where those that branches may differ
 * in stand at their presets. */
#include "harness/spec/trunk.h"

#include <stdlib.h>
#include <string.h>

#include "harness/spec/values.h"

/* What changes nothing before the decay. eval.* is among it. */
static bool may_differ(const struct knob *knob)
{
    static const char *const columns[] = {"tokens", "schedule", "warmup", "decay", "final_lr", "threads"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (strcmp(knob->column, columns[i]) == 0)
            return true;
    return knob_in(knob, "eval");
}

bool trunk_possible(const struct knobs *knobs)
{
    return knobs->warmup_tokens > 0 && strcmp(knobs->schedule, "cosine") != 0 && strcmp(knobs->shrink, "none") == 0;
}

static enum status name_trunk(struct planned_trial *trial, struct ids *ids, struct err *err)
{
    struct knobs knobs = trial->knobs, presets;
    trial->flops_marginal = trial->flops_trunk = trial->estimate.flops;
    if (!trunk_possible(&knobs))
        return STATUS_OK;
    knobs_preset(&presets);
    for (int k = 0; k < knob_count(); k++) {
        size_t at = knob_at(k)->offset;
        if (may_differ(knob_at(k)))
            memcpy((char *)&knobs + at, (const char *)&presets + at, knob_size(knob_at(k)));
    }
    return ids_make(ids, &knobs, trial->trunk, err);
}

static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

static int by_trunk(const void *a, const void *b)
{
    const struct planned_trial *one = a, *two = b;
    int order = strcmp(one->trunk, two->trunk);
    if (order == 0)
        order = compare((double)one->estimate.constant_steps, (double)two->estimate.constant_steps);
    if (order == 0)
        order = compare(one->estimate.flops, two->estimate.flops);
    return order ? order : strcmp(one->id, two->id);
}

static int by_longest_branch(const void *a, const void *b)
{
    const struct planned_trial *one = a, *two = b;
    int order = compare(two->flops_trunk, one->flops_trunk);
    return order ? order : by_trunk(a, b);
}

/* trials: the n branches of one trunk, shortest first. */
static void share(struct planned_trial *trials, int n)
{
    int64_t done = 0;
    double longest = 0;
    for (int i = 0; i < n; i++)
        longest = trials[i].estimate.flops > longest ? trials[i].estimate.flops : longest;
    for (int i = 0; i < n; i++) {
        const struct estimate *e = &trials[i].estimate;
        trials[i].flops_marginal = e->flops * (double)(e->steps - done) / (double)e->steps;
        trials[i].flops_trunk = longest;
        done = e->constant_steps;
    }
}

enum status trunk_find(struct plan *plan, struct ids *ids, struct err *err)
{
    struct planned_trial *trials = plan->trials;
    for (int i = 0; i < plan->n_trials; i++) {
        enum status status = name_trunk(&trials[i], ids, err);
        if (status != STATUS_OK)
            return status;
    }
    qsort(trials, (size_t)plan->n_trials, sizeof *trials, by_trunk);
    for (int i = 0, n; i < plan->n_trials; i += n) {
        n = 1;
        while (*trials[i].trunk && i + n < plan->n_trials && strcmp(trials[i].trunk, trials[i + n].trunk) == 0)
            n++;
        if (n > 1)
            share(trials + i, n);
        else
            trials[i].trunk[0] = 0;
    }
    qsort(trials, (size_t)plan->n_trials, sizeof *trials, by_longest_branch);
    return STATUS_OK;
}

bool trunk_waits(const struct plan *plan, int i, const char *ended, const char *running)
{
    const struct planned_trial *trial = &plan->trials[i];
    for (int k = 0; k < plan->n_trials && *trial->trunk; k++) {
        const struct planned_trial *other = &plan->trials[k];
        if (k != i && strcmp(other->trunk, trial->trunk) == 0 &&
            (running[k] || (!ended[k] && by_trunk(other, trial) < 0)))
            return true;
    }
    return false;
}
