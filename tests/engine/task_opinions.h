/* SPDX-License-Identifier: Apache-2.0 */
/* task_opinions.h — a second opinion on every task, written from the prompt's text alone: it answers the question,
 * writes down the prompt it thinks it read, and guesses as one who lacks the ability. */
#ifndef TESTS_ENGINE_TASK_OPINIONS_H
#define TESTS_ENGINE_TASK_OPINIONS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tasks/task.h"

enum { TEXT = 96 };

/* What a guesser says and believes about one prompt: its one best answer, and the probability it gave to the truth. */
struct guess {
    char best[TEXT];
    double p_answer;
};

struct opinion {
    const char *name;
    /* Answers the prompt and writes down the prompt as understood; false: not a prompt of this task. */
    bool (*answer)(const char *prompt, char answer[TEXT], char understood[TEXT]);
    void (*guess)(const char *prompt, const char *answer, struct rng *rng, struct guess *out);
};

static bool answer_copy(const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char word[4];
    if (sscanf(prompt, "copy %3[a-l]", word) != 1 || strlen(word) != 3)
        return false;
    (void)snprintf(understood, TEXT, "copy %s: ", word);
    (void)snprintf(answer, TEXT, "%s\n", word);
    return true;
}

static bool answer_reverse(const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char word[4];
    if (sscanf(prompt, "flip %3[a-l]", word) != 1 || strlen(word) != 3)
        return false;
    (void)snprintf(understood, TEXT, "flip %s: ", word);
    (void)snprintf(answer, TEXT, "%c%c%c\n", word[2], word[1], word[0]);
    return true;
}

static void guess_letters(const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    (void)prompt;
    (void)answer;
    for (int i = 0; i < 3; i++)
        out->best[i] = (char)('a' + rng_below(rng, 12));
    memcpy(out->best + 3, "\n", 2);
    out->p_answer = 1.0 / 1728;
}

static bool answer_sum(const char *prompt, char answer[TEXT], char understood[TEXT])
{
    int a, b;
    if (sscanf(prompt, "%d+%d", &a, &b) != 2 || a < 0 || a > 19 || b < 0 || b > 19)
        return false;
    (void)snprintf(understood, TEXT, "%d+%d=", a, b);
    (void)snprintf(answer, TEXT, "%d\n", a + b);
    return true;
}

/* Of the 400 pairs, s + 1 make the sum s up to 19, and 39 - s from there on. */
static void guess_sum(const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    long sum = strtol(answer, NULL, 10);
    (void)prompt;
    (void)rng;
    memcpy(out->best, "19\n", 4);
    out->p_answer = (double)(sum <= 19 ? sum + 1 : 39 - sum) / 400;
}

static bool answer_modular(const char *prompt, char answer[TEXT], char understood[TEXT])
{
    int a, b;
    if (sscanf(prompt, "mod5 %d+%d", &a, &b) != 2 || a < 0 || a > 19 || b < 0 || b > 19)
        return false;
    (void)snprintf(understood, TEXT, "mod5 %d+%d=", a, b);
    (void)snprintf(answer, TEXT, "%d\n", (a + b) - 5 * ((a + b) / 5));
    return true;
}

/* Of the numbers below 20 four leave each remainder, so every answer is as likely. */
static void guess_modular(const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    (void)prompt;
    (void)answer;
    (void)snprintf(out->best, TEXT, "%d\n", (int)rng_below(rng, 5));
    out->p_answer = 0.2;
}

static bool answer_recall(const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char key[3], value[3], asked;
    int found = -1;
    if (sscanf(prompt, "recall %c%c %c%c %c%c %c", &key[0], &value[0], &key[1], &value[1], &key[2], &value[2],
               &asked) != 7)
        return false;
    for (int i = 0; i < 3; i++) {
        if (key[i] < 'm' || key[i] > 't' || value[i] < '1' || value[i] > '8' || key[i] == key[(i + 1) % 3])
            return false;
        found = key[i] == asked ? i : found;
    }
    if (found < 0)
        return false;
    (void)snprintf(understood, TEXT, "recall %c%c %c%c %c%c %c", key[0], value[0], key[1], value[1], key[2],
                   value[2], asked);
    (void)snprintf(answer, TEXT, "%c\n", value[found]);
    return true;
}

/* Says the value that stands in most pairs, any of the three if they differ; believes in each by how often it stands. */
static void guess_recall(const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    static const size_t places[3] = {8, 11, 14};
    char best = prompt[places[rng_below(rng, 3)]];
    int times = 0;
    for (int i = 0; i < 3; i++) {
        times += prompt[places[i]] == answer[0];
        if (prompt[places[i]] == prompt[places[(i + 1) % 3]])
            best = prompt[places[i]];
    }
    (void)snprintf(out->best, TEXT, "%c\n", best);
    out->p_answer = times / 3.0;
}

static const struct opinion opinions[] = {
    {"copy", answer_copy, guess_letters},
    {"reverse", answer_reverse, guess_letters},
    {"addition", answer_sum, guess_sum},
    {"modular_addition", answer_modular, guess_modular},
    {"induction", answer_recall, guess_recall},
};

/* A task without a second opinion fails: whoever adds one writes both. */
static const struct opinion *opinion_of(const struct task *task)
{
    for (size_t i = 0; i < sizeof opinions / sizeof *opinions; i++)
        if (strcmp(opinions[i].name, task->name) == 0)
            return &opinions[i];
    fail_msg("%s: add its second opinion to this test", task->name);
    return NULL;
}

#endif
