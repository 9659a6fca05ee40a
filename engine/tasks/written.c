/* SPDX-License-Identifier: Apache-2.0 */
/* written.c — chance of the metrics of what is written. The guesser knows how often each answer occurs and nothing of the
 * prompt, so it says the same of every question: the answer that is nearest to all, or right for most of them. With several
 * tries it adds the answer that is right for most of those that the answers before it are not right for, which is within
 * 1 - 1/e of the best (Nemhauser 1978). Computed over a sample of the generator's items, candidates being their answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/tasks/task.h"

enum { SAMPLE = 256 };

static int draw_sample(const struct task *task, const struct facts *facts, struct item *items)
{
    struct rng rng = rng_open(facts->seed, RNG_TASK, 2);
    if (task->only_asked)
        return task_heldout_items(task, facts, items, SAMPLE);
    for (int i = 0; i < SAMPLE; i++)
        task_draw_train(task, facts, &rng, &items[i]);
    return SAMPLE;
}

static bool said_before(const struct item *items, int candidate)
{
    for (int i = 0; i < candidate; i++)
        if (strcmp(items[i].answer, items[candidate].answer) == 0)
            return true;
    return false;
}

static double nearest(const struct item *items, int n)
{
    double best = INFINITY;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        if (said_before(items, i))
            continue;
        for (int j = 0; j < n; j++)
            sum += task_edit_distance(items[i].answer, items[j].answer);
        best = fmin(best, sum / n);
    }
    return best;
}

/* How many of the questions still open the candidate is right for; with close, they are open no more. */
static int covers(const struct task *task, const struct item *items, int n, int candidate, bool *open, bool close)
{
    int covered = 0;
    for (int i = 0; i < n; i++) {
        bool right = open[i] && task->is_right(items[i].answer, items[candidate].answer);
        covered += right;
        open[i] = open[i] && !(right && close);
    }
    return covered;
}

static void most_right(const struct task *task, const struct item *items, int n, double right[TASK_MOST_TRIES])
{
    bool open[SAMPLE];
    int sum = 0;
    for (int i = 0; i < n; i++)
        open[i] = true;
    for (int try = 0; try < TASK_MOST_TRIES; try++) {
        int best = 0, most = -1;
        for (int i = 0; i < n; i++) {
            int covered = said_before(items, i) ? -1 : covers(task, items, n, i, open, false);
            if (covered > most) {
                most = covered;
                best = i;
            }
        }
        sum += covers(task, items, n, best, open, true);
        right[try] = (double)sum / n;
    }
}

void task_written_chance(const struct task *task, const struct facts *facts, struct written_chance *out)
{
    struct item *items = calloc(SAMPLE, sizeof *items);
    int n;
    NEED_MEMORY(items);
    n = draw_sample(task, facts, items);
    out->edit_distance = nearest(items, n);
    if (task->is_right)
        most_right(task, items, n, out->right);
    free(items);
}
