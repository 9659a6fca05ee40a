/* SPDX-License-Identifier: Apache-2.0 */
/* induction.c — recall in context: pairs of a letter and a digit, then one of the letters again; what followed it
 * before follows it now (Olsson 2022). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/tasks/task.h"

enum { VALUES = 8, MOST_PAIRS = 6 };

/* Ways to take the keys: `base` letters, each pair another one. */
static uint64_t key_choices(const struct task *task)
{
    uint64_t n = 1;
    for (int i = 0; i < task->size; i++)
        n *= (uint64_t)(task->base - i);
    return n;
}

static void make_recall(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    int pairs = task->size, asked, at;
    char keys[MOST_PAIRS], values[MOST_PAIRS];
    (void)facts;
    index = task_scatter(index, key_choices(task) * task_power(VALUES, pairs) * (uint64_t)pairs);
    asked = (int)(index % (uint64_t)pairs);
    index /= (uint64_t)pairs;
    for (int i = 0; i < pairs; i++, index /= VALUES)
        values[i] = (char)('1' + index % VALUES);
    (void)task_arrange(index, task->base > 8 ? 'a' : 'm', task->base, pairs, keys);
    at = snprintf(out->prompt, sizeof out->prompt, "recall ");
    for (int i = 0; i < pairs; i++) {
        const char pair[3] = {keys[i], values[i], ' '};
        memcpy(out->prompt + at, pair, sizeof pair);
        at += (int)sizeof pair;
    }
    out->prompt[at++] = keys[asked];
    out->prompt[at] = 0;
    (void)snprintf(out->answer, sizeof out->answer, "%c\n", values[asked]);
}

/* The guesser knows the values in the prompt, but not which one belongs to the letter: each has the share of the pairs
 * it stands in. Greedily it says one that stands in most. Averaged over all values, the first pair's being asked for. */
static struct chance chance_recall(const struct task *task, const struct facts *facts)
{
    uint64_t all = task_power(VALUES, task->size);
    struct chance chance = {0};
    (void)facts;
    for (uint64_t code = 0; code < all; code++) {
        int times[VALUES] = {0}, most = 0, ties = 0, asked = (int)(code % VALUES);
        uint64_t rest = code;
        for (int i = 0; i < task->size; i++, rest /= VALUES)
            times[rest % VALUES]++;
        for (int v = 0; v < VALUES; v++)
            most = times[v] > most ? times[v] : most;
        for (int v = 0; v < VALUES; v++)
            ties += times[v] == most;
        chance.exact_match += times[asked] == most ? 1.0 / ties / (double)all : 0;
        chance.logprob += log(times[asked] / (double)task->size) / 2 / (double)all; /* two bytes, the second certain */
    }
    return chance;
}

static const struct task rows[] = {
    {"induction", "say which digit followed a letter before", 3, 8, 8 * 7 * 6 * 512 * 3, make_recall, chance_recall, NULL,
     NULL, false},
    {"induction_6", "say which digit followed a letter before, of six", 6, 20, TASK_MOST_ITEMS, make_recall, chance_recall,
     NULL, NULL, false},
};

const struct task_family tasks_induction = TASK_FAMILY(rows);
