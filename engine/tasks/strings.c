/* SPDX-License-Identifier: Apache-2.0 */
/* strings.c — copying and reversing letters. Both need attention back to the prompt: copying at a fixed distance,
 * reversing at one that changes with every letter. The longer the string, the larger the model that does it. */
#include <stdio.h>

#include "engine/tasks/task.h"

/* Three letters are so short that a model of a hundred thousand parameters meets the rule within a million bytes, and
 * still 1728 strings: too many to learn by heart in that time. */
enum { LETTERS = 12, LONGEST = 16 };

static void spell(const struct task *task, uint64_t index, char string[LONGEST + 1], char reversed[LONGEST + 1])
{
    int n = task->size;
    index = task_scatter(index, task_power(LETTERS, n));
    for (int i = 0; i < n; i++) {
        string[i] = reversed[n - 1 - i] = (char)('a' + index % LETTERS);
        index /= LETTERS;
    }
    string[n] = reversed[n] = 0;
}

static void make_copy(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    char string[LONGEST + 1], reversed[LONGEST + 1];
    (void)facts;
    spell(task, index, string, reversed);
    (void)snprintf(out->prompt, sizeof out->prompt, "copy %s: ", string);
    (void)snprintf(out->answer, sizeof out->answer, "%s\n", string);
}

static void make_reverse(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    char string[LONGEST + 1], reversed[LONGEST + 1];
    (void)facts;
    spell(task, index, string, reversed);
    (void)snprintf(out->prompt, sizeof out->prompt, "flip %s: ", string);
    (void)snprintf(out->answer, sizeof out->answer, "%s\n", reversed);
}

/* The guesser knows the alphabet and the length, and where the line ends. */
static struct chance chance_letters(const struct task *task, const struct facts *facts)
{
    return chance_one_of(task, facts, (double)task_power(LETTERS, task->size));
}

#define ROW(name, help, length, items, make) {name, help, length, LETTERS, items, make, chance_letters, NULL, NULL, false}

static const struct task rows[] = {
    ROW("copy", "repeat three letters", 3, 1728, make_copy),
    ROW("reverse", "repeat three letters backwards", 3, 1728, make_reverse),
    ROW("copy_5", "repeat five letters", 5, TASK_MOST_ITEMS, make_copy),
    ROW("copy_8", "repeat eight letters", 8, TASK_MOST_ITEMS, make_copy),
    ROW("copy_16", "repeat sixteen letters", 16, TASK_MOST_ITEMS, make_copy),
    ROW("reverse_5", "repeat five letters backwards", 5, TASK_MOST_ITEMS, make_reverse),
    ROW("reverse_8", "repeat eight letters backwards", 8, TASK_MOST_ITEMS, make_reverse),
};

const struct task_family tasks_strings = TASK_FAMILY(rows);
