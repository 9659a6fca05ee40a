/* SPDX-License-Identifier: Apache-2.0 */
/* instruct.c — instructions in words, one or two of them, carried out on four different letters. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/tasks/task.h"

enum { LETTERS = 12, LENGTH = 4, WORDS = LETTERS * (LETTERS - 1) * (LETTERS - 2) * (LETTERS - 3), KINDS = 5, LONGEST = 4 * LENGTH };

static const char *const names[KINDS] = {"reverse", "capitals", "behead", "curtail", "twice"};

/* Carries out one instruction on a terminated word. */
static void carry_out(int kind, char word[LONGEST + 1])
{
    size_t n = strlen(word);
    switch (kind) {
    case 0:
        for (size_t i = 0; i < n / 2; i++) {
            char other = word[i];
            word[i] = word[n - 1 - i];
            word[n - 1 - i] = other;
        }
        break;
    case 1:
        for (size_t i = 0; i < n; i++)
            word[i] = (char)toupper((unsigned char)word[i]);
        break;
    case 2:
        memmove(word, word + 1, n);
        break;
    case 3:
        word[n - 1] = 0;
        break;
    default:
        memcpy(word + n, word, n);
        word[2 * n] = 0;
        break;
    }
}

/* The instructions of a code below KINDS^n, the first one first. */
static void carry_out_all(uint64_t code, int n, char word[LONGEST + 1])
{
    for (int i = 0; i < n; i++, code /= KINDS)
        carry_out((int)(code % KINDS), word);
}

static void make_instruction(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    uint64_t kinds = task_power(KINDS, task->size), code;
    char word[LONGEST + 1] = "";
    int at = 0;
    (void)facts;
    index = task_scatter(index, kinds * WORDS);
    code = index % kinds;
    (void)task_arrange(index / kinds, 'a', LETTERS, LENGTH, word);
    at += snprintf(out->prompt, sizeof out->prompt, "do ");
    for (uint64_t i = 0, rest = code; i < (uint64_t)task->size; i++, rest /= KINDS)
        at += snprintf(out->prompt + at, sizeof out->prompt - (size_t)at, "%s ", names[rest % KINDS]);
    (void)snprintf(out->prompt + at, sizeof out->prompt - (size_t)at, "%s: ", word);
    carry_out_all(code, task->size, word);
    (void)snprintf(out->answer, sizeof out->answer, "%s\n", word);
}

/* The guesser knows the word and what instructions there are, and does not read which: it believes in an answer as often
 * as it is one to some instructions, and says one of those that are so most often. As the letters differ, one word
 * stands for all. */
static struct chance chance_instruction(const struct task *task, const struct facts *facts)
{
    enum { MOST = KINDS * KINDS };
    char answers[MOST][LONGEST + 1];
    int kinds = (int)task_power(KINDS, task->size), times[MOST] = {0}, most = 0, ties = 0, first[MOST];
    struct chance chance = {0};
    (void)facts;
    for (int i = 0; i < kinds; i++) {
        memcpy(answers[i], "abcd", LENGTH + 1);
        carry_out_all((uint64_t)i, task->size, answers[i]);
        for (first[i] = 0; strcmp(answers[first[i]], answers[i]) != 0;)
            first[i]++;
        times[first[i]]++;
    }
    for (int i = 0; i < kinds; i++)
        most = times[i] > most ? times[i] : most;
    for (int i = 0; i < kinds; i++)
        ties += times[i] == most;
    for (int i = 0; i < kinds; i++) {
        double p = (double)times[first[i]] / kinds;
        chance.exact_match += times[first[i]] == most ? 1.0 / ties / kinds : 0;
        chance.logprob += log(p) / (double)(strlen(answers[i]) + 1) / kinds;
    }
    return chance;
}

#define ROW(name, help, n, items) {name, help, n, KINDS, items, make_instruction, chance_instruction, NULL, NULL, false}

static const struct task rows[] = {
    ROW("instruct_1", "carry out an instruction on four letters", 1, KINDS * WORDS),
    ROW("instruct_2", "carry out two instructions one after the other", 2, TASK_MOST_ITEMS),
};

const struct task_family tasks_instruct = TASK_FAMILY(rows);
