/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c — several additions and subtractions of digits in a row, modulo ten. Asked for the last result alone, the
 * depth of a model bounds how many steps it can take; with the results in between written out, each is one step. */
#include <stdio.h>

#include "engine/tasks/task.h"

enum { MOST_STEPS = 8 };

/* The expression, and the result after each step. */
static void draw(const struct task *task, uint64_t index, char expression[2 * MOST_STEPS + 2], int results[MOST_STEPS])
{
    uint64_t code = task_scatter(index, 10 * task_power(20, task->size));
    int value = (int)(code % 10), at = 0;
    code /= 10;
    expression[at++] = (char)('0' + value);
    for (int i = 0; i < task->size; i++, code /= 20) {
        int digit = (int)(code % 10), minus = code / 10 % 2 == 1;
        expression[at++] = minus ? '-' : '+';
        expression[at++] = (char)('0' + digit);
        value = (value + (minus ? 10 - digit : digit)) % 10;
        results[i] = value;
    }
    expression[at] = 0;
}

static void make_last(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    char expression[2 * MOST_STEPS + 2];
    int results[MOST_STEPS];
    (void)facts;
    draw(task, index, expression, results);
    (void)snprintf(out->prompt, sizeof out->prompt, "chain %s=", expression);
    (void)snprintf(out->answer, sizeof out->answer, "%d\n", results[task->size - 1]);
}

static void make_shown(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    char expression[2 * MOST_STEPS + 2];
    int results[MOST_STEPS], at = 0;
    (void)facts;
    draw(task, index, expression, results);
    (void)snprintf(out->prompt, sizeof out->prompt, "steps %s=", expression);
    for (int i = 0; i < task->size; i++)
        out->answer[at++] = (char)('0' + results[i]);
    out->answer[at++] = '\n';
    out->answer[at] = 0;
}

/* The guesser knows that results are digits, and how many there are. */
static struct chance chance_last(const struct task *task, const struct facts *facts)
{
    return chance_one_of(task, facts, 10);
}

static struct chance chance_shown(const struct task *task, const struct facts *facts)
{
    return chance_one_of(task, facts, (double)task_power(10, task->size));
}

static const struct task rows[] = {
    {"chain_2", "two steps of adding or subtracting digits modulo 10", 2, 0, 4000, make_last, chance_last, NULL, NULL, false},
    {"chain_4", "four such steps", 4, 0, TASK_MOST_ITEMS, make_last, chance_last, NULL, NULL, false},
    {"chain_8", "eight such steps", 8, 0, TASK_MOST_ITEMS, make_last, chance_last, NULL, NULL, false},
    {"chain_shown_4", "four such steps, every result written out", 4, 0, TASK_MOST_ITEMS, make_shown, chance_shown, NULL, NULL,
     false},
    {"chain_shown_8", "eight such steps, every result written out", 8, 0, TASK_MOST_ITEMS, make_shown, chance_shown, NULL,
     NULL, false},
};

const struct task_family tasks_chain = TASK_FAMILY(rows);
