/* SPDX-License-Identifier: Apache-2.0 */
/* sort.c — letters in the order of the alphabet. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/tasks/task.h"

enum { LETTERS = 12, LONGEST = 8 };

/* How often each letter occurs; the string itself goes to out. */
static void draw(const struct task *task, uint64_t index, char out[LONGEST + 1], int times[LETTERS])
{
    memset(times, 0, LETTERS * sizeof *times);
    index = task_scatter(index, task_power(LETTERS, task->size));
    for (int i = 0; i < task->size; i++) {
        out[i] = (char)('a' + index % LETTERS);
        times[index % LETTERS]++;
        index /= LETTERS;
    }
    out[task->size] = 0;
}

static void make_sorted(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    char string[LONGEST + 1];
    int times[LETTERS], n = 0;
    (void)facts;
    draw(task, index, string, times);
    (void)snprintf(out->prompt, sizeof out->prompt, "sort %s: ", string);
    for (int letter = 0; letter < LETTERS; letter++)
        while (times[letter]-- > 0)
            out->answer[n++] = (char)('a' + letter);
    memcpy(out->answer + n, "\n", 2);
}

/* The guesser knows the letters of the prompt and writes them in any order: of k letters there are k! / (the product
 * of the factorials of how often each occurs). */
static struct chance chance_order(const struct task *task, const struct facts *facts)
{
    struct chance chance = {0};
    uint64_t items = task_items(task, facts);
    for (uint64_t i = 0; i < items; i++) {
        char string[LONGEST + 1];
        int times[LETTERS];
        double orders = 1;
        draw(task, i, string, times);
        for (int k = 2; k <= task->size; k++)
            orders *= k;
        for (int letter = 0; letter < LETTERS; letter++)
            for (int k = 2; k <= times[letter]; k++)
                orders /= k;
        chance.exact_match += 1 / orders / (double)items;
        chance.logprob -= log(orders) / (task->size + 1) / (double)items;
    }
    return chance;
}

#define ROW(name, help, length, items) {name, help, length, LETTERS, items, make_sorted, chance_order, NULL, NULL, false}

static const struct task rows[] = {
    ROW("sort_3", "put three letters in order", 3, 1728),
    ROW("sort_5", "put five letters in order", 5, TASK_MOST_ITEMS),
    ROW("sort_8", "put eight letters in order", 8, TASK_MOST_ITEMS),
};

const struct task_family tasks_sort = TASK_FAMILY(rows);
