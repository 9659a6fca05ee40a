/* SPDX-License-Identifier: Apache-2.0 */
/* brackets.c — closing what is open: brackets of three kinds, nested to a fixed depth, with closed pairs strewn in
 * between (the Dyck language of bounded depth). The answer undoes them in reverse order. */
#include <stdio.h>

#include "engine/tasks/task.h"

/* Before every bracket that stays open none, one or two closed pairs. */
enum { KINDS = 3, PAIRS = 1 + KINDS + KINDS * KINDS, LEVEL = KINDS * PAIRS };

static const char opening[KINDS + 1] = "([{", closing[KINDS + 1] = ")]}";

static int put_pair(char *out, int kind)
{
    out[0] = opening[kind];
    out[1] = closing[kind];
    return 2;
}

static void make_brackets(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    int at = snprintf(out->prompt, sizeof out->prompt, "close "), depth = task->size;
    (void)facts;
    index = task_scatter(index, task_power(LEVEL, depth));
    for (int level = 0; level < depth; level++, index /= LEVEL) {
        int pairs = (int)(index / KINDS % PAIRS), kind = (int)(index % KINDS);
        if (pairs > KINDS)
            at += put_pair(out->prompt + at, (pairs - 1 - KINDS) / KINDS);
        if (pairs > 0)
            at += put_pair(out->prompt + at, (pairs - 1) % KINDS);
        out->prompt[at++] = opening[kind];
        out->answer[depth - 1 - level] = closing[kind];
    }
    out->prompt[at++] = ' ';
    out->prompt[at] = 0;
    out->answer[depth] = '\n';
    out->answer[depth + 1] = 0;
}

/* The guesser knows the kinds and the depth. */
static struct chance chance_brackets(const struct task *task, const struct facts *facts)
{
    return chance_one_of(task, facts, (double)task_power(KINDS, task->size));
}

#define ROW(name, help, depth, items) {name, help, depth, LEVEL, items, make_brackets, chance_brackets, NULL, NULL, false}

static const struct task rows[] = {
    ROW("brackets_2", "close brackets nested two deep", 2, LEVEL * LEVEL),
    ROW("brackets_4", "close brackets nested four deep", 4, TASK_MOST_ITEMS),
    ROW("brackets_8", "close brackets nested eight deep", 8, TASK_MOST_ITEMS),
};

const struct task_family tasks_brackets = TASK_FAMILY(rows);
