/* SPDX-License-Identifier: Apache-2.0 */
/* strings.c — copying and reversing three letters. Both need attention back to the prompt: copying
 * at a fixed distance, reversing at one that changes with every letter. */
#include <math.h>
#include <stdio.h>

#include "engine/tasks/task.h"

/* So short that a model of a hundred thousand parameters meets the rule within a million bytes, and still 1728
 * strings: too many to learn by heart in that time. */
enum { LETTERS = 12, LENGTH = 3 };

static uint64_t count_strings(void)
{
    uint64_t n = 1;
    for (int i = 0; i < LENGTH; i++)
        n *= LETTERS;
    return n;
}

static void spell(uint64_t index, char string[LENGTH + 1], char reversed[LENGTH + 1])
{
    for (int i = 0; i < LENGTH; i++) {
        string[i] = reversed[LENGTH - 1 - i] = (char)('a' + index % LETTERS);
        index /= LETTERS;
    }
    string[LENGTH] = reversed[LENGTH] = 0;
}

static void make_copy(uint64_t index, struct item *out)
{
    char string[LENGTH + 1], reversed[LENGTH + 1];
    spell(index, string, reversed);
    (void)snprintf(out->prompt, sizeof out->prompt, "copy %s: ", string);
    (void)snprintf(out->answer, sizeof out->answer, "%s\n", string);
}

static void make_reverse(uint64_t index, struct item *out)
{
    char string[LENGTH + 1], reversed[LENGTH + 1];
    spell(index, string, reversed);
    (void)snprintf(out->prompt, sizeof out->prompt, "flip %s: ", string);
    (void)snprintf(out->answer, sizeof out->answer, "%s\n", reversed);
}

/* The guesser knows the alphabet and the length, and where the line ends. */
static struct chance chance_letters(void)
{
    return (struct chance){
        .exact_match = 1 / (double)count_strings(),
        .logprob = -log(LETTERS) * LENGTH / (LENGTH + 1),
    };
}

const struct task task_copy = {
    .name = "copy",
    .help = "repeat three letters",
    .count = count_strings,
    .make = make_copy,
    .chance = chance_letters,
};

const struct task task_reverse = {
    .name = "reverse",
    .help = "repeat three letters backwards",
    .count = count_strings,
    .make = make_reverse,
    .chance = chance_letters,
};
