/* SPDX-License-Identifier: Apache-2.0 */
/* program.c — instructions in English, to be written as a program for the stack machine of machine.h. A program is right
 * when it computes what was asked for, whatever it looks like. */
#include <stdio.h>

#include "engine/tasks/machine.h"
#include "engine/tasks/task.h"

/* Operands are 1 … 9. What can come first, and then. */
enum { DIGITS = 9, FIRST = 3 * DIGITS * DIGITS, THEN = 3 * DIGITS + 2 };

/* Where the texts end so far. */
struct ends {
    int prompt, answer;
};

static const char *const verbs[3] = {"add", "multiply", "subtract"};
static const char signs[3] = {'+', '*', '-'};

static void put_first(int code, struct item *out, struct ends *ends)
{
    int a = 1 + code % DIGITS, b = 1 + code / DIGITS % DIGITS;
    int kind = code / DIGITS / DIGITS; /* in words, what is subtracted comes first */
    ends->prompt += snprintf(out->prompt, sizeof out->prompt, "code %s %d %s %d", verbs[kind], kind == 2 ? b : a,
                             kind == 2 ? "from" : "and", kind == 2 ? a : b);
    ends->answer += snprintf(out->answer, sizeof out->answer, "%d%d%c", a, b, signs[kind]);
}

static void put_then(int code, struct item *out, struct ends *ends)
{
    char *prompt = out->prompt + ends->prompt, *answer = out->answer + ends->answer;
    size_t room = sizeof out->prompt - (size_t)ends->prompt, space = sizeof out->answer - (size_t)ends->answer;
    if (code < 3 * DIGITS) {
        ends->prompt += snprintf(prompt, room, " then %s%s %d", verbs[code / DIGITS], code / DIGITS == 1 ? " by" : "", 1 + code % DIGITS);
        ends->answer += snprintf(answer, space, "%d%c", 1 + code % DIGITS, signs[code / DIGITS]);
        return;
    }
    ends->prompt += snprintf(prompt, room, " then %s", code == 3 * DIGITS ? "double" : "square");
    ends->answer += snprintf(answer, space, "%s", code == 3 * DIGITS ? "2*" : "d*");
}

static uint64_t programs(const struct task *task)
{
    return FIRST * task_power(THEN, task->size - 1);
}

static void make_program(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    struct ends ends = {0, 0};
    (void)facts;
    index = task_scatter(index, programs(task));
    put_first((int)(index % FIRST), out, &ends);
    index /= FIRST;
    for (int i = 1; i < task->size; i++, index /= THEN)
        put_then((int)(index % THEN), out, &ends);
    (void)snprintf(out->prompt + ends.prompt, sizeof out->prompt - (size_t)ends.prompt, ": ");
    (void)snprintf(out->answer + ends.answer, sizeof out->answer - (size_t)ends.answer, "\n");
}

static bool computes_the_same(const char *answer, const char *said)
{
    int64_t asked, got;
    return machine_run(answer, &asked) && machine_run(said, &got) && asked == got;
}

#define ROW(name, help, operations, items) \
    {name, help, operations, 0, items, make_program, chance_from_answers, NULL, computes_the_same, false}

static const struct task rows[] = {
    ROW("program_1", "write one operation as a program for a stack machine", 1, FIRST),
    ROW("program_2", "write two operations as such a program", 2, (uint64_t)FIRST * THEN),
    ROW("program_3", "write three operations as such a program", 3, TASK_MOST_ITEMS),
};

const struct task_family tasks_program = TASK_FAMILY(rows);
