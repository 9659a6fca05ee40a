/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c — the last word of a sentence: the verb must agree with the first noun, however many others stand
 * between the two. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/data/lexicon.h"
#include "engine/tasks/task.h"

/* Of the nouns the most frequent only, so that a prompt keeps to its size. */
enum { NOUNS = 16, NUMBERS = 2, PREPOSITIONS = 3 };

static const char *const prepositions[PREPOSITIONS] = {"by", "on", "in"};

static uint64_t sentences(const struct task *task)
{
    return (uint64_t)english_verbs.n * NOUNS * NUMBERS * task_power(PREPOSITIONS * NOUNS * NUMBERS, task->size);
}

static void make_completion(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    const char *verb;
    bool plural;
    int at;
    (void)facts;
    index = task_scatter(index, sentences(task));
    verb = english_verbs.words[index % (uint64_t)english_verbs.n];
    index /= (uint64_t)english_verbs.n;
    plural = index % NUMBERS == 1;
    index /= NUMBERS;
    at = snprintf(out->prompt, sizeof out->prompt, "%s: the %s%s ", verb, english_nouns.words[index % NOUNS],
                  plural ? "s" : "");
    index /= NOUNS;
    for (int i = 0; i < task->size; i++) {
        const char *preposition = prepositions[index % PREPOSITIONS], *noun;
        index /= PREPOSITIONS;
        noun = english_nouns.words[index / NUMBERS % NOUNS];
        at += snprintf(out->prompt + at, sizeof out->prompt - (size_t)at, "%s the %s%s ", preposition, noun,
                       index % NUMBERS == 1 ? "s" : "");
        index /= NUMBERS * NOUNS;
    }
    (void)snprintf(out->answer, sizeof out->answer, "%s%s\n", verb, plural ? "" : "s");
}

/* The guesser knows the verb and its two forms. */
static struct chance chance_forms(const struct task *task, const struct facts *facts)
{
    return chance_one_of(task, facts, NUMBERS);
}

#define ROW(name, help, between, items) {name, help, between, 0, items, make_completion, chance_forms, NULL, NULL, false}

/* The first has 32 verbs, 2 times 32 nouns in their numbers and 3 prepositions, and no more. */
static const struct task rows[] = {
    ROW("completion_1", "end a sentence with the right form of its verb, one noun between it and the subject", 1, 98304),
    ROW("completion_3", "the same with three nouns in between", 3, TASK_MOST_ITEMS),
};

const struct task_family tasks_completion = TASK_FAMILY(rows);
