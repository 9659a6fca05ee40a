/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c — a rule shown by two examples in the prompt and applied to a third word: one of the six orders of three
 * letters. Nothing but the examples says which. */
#include <stdio.h>

#include "engine/tasks/task.h"

enum { RULES = 6, LENGTH = 3, LETTERS = 12, WORDS = LETTERS * (LETTERS - 1) * (LETTERS - 2), EXAMPLES = 2 };

static const int orders[RULES][LENGTH] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

static void apply(const int order[LENGTH], const char word[LENGTH], char out[LENGTH])
{
    for (int i = 0; i < LENGTH; i++)
        out[i] = word[order[i]];
}

static void make_rule(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    char words[EXAMPLES + 1][LENGTH], turned[EXAMPLES + 1][LENGTH];
    const int *order;
    (void)task;
    (void)facts;
    index = task_scatter(index, RULES * task_power(WORDS, EXAMPLES + 1));
    order = orders[index % RULES];
    index /= RULES;
    for (int i = 0; i <= EXAMPLES; i++, index /= WORDS) {
        (void)task_arrange(index % WORDS, 'a', LETTERS, LENGTH, words[i]);
        apply(order, words[i], turned[i]);
    }
    (void)snprintf(out->prompt, sizeof out->prompt, "rule %.3s>%.3s %.3s>%.3s %.3s>", words[0], turned[0], words[1],
                   turned[1], words[2]);
    (void)snprintf(out->answer, sizeof out->answer, "%.3s\n", turned[EXAMPLES]);
}

/* The guesser knows the rules and the word, and does not look at the examples. */
static struct chance chance_rule(const struct task *task, const struct facts *facts)
{
    return chance_one_of(task, facts, RULES);
}

static const struct task rows[] = {
    {"rules", "apply a rule shown by two examples", LENGTH, RULES, TASK_MOST_ITEMS, make_rule, chance_rule, NULL, NULL, false},
};

const struct task_family tasks_rules = TASK_FAMILY(rows);
