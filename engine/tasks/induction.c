/* SPDX-License-Identifier: Apache-2.0 */
/* induction.c — recall in context: pairs of a letter and a digit, then one of the letters again; what followed it
 * before follows it now (Olsson 2022). */
#include <math.h>
#include <stdio.h>

#include "engine/tasks/task.h"

enum { KEYS = 8, VALUES = 8, PAIRS = 3 };

static uint64_t count_recalls(void)
{
    return (uint64_t)KEYS * (KEYS - 1) * (KEYS - 2) * VALUES * VALUES * VALUES * PAIRS;
}

/* Three different letters from one index: each choice leaves one letter fewer. */
static void choose_keys(uint64_t index, char keys[PAIRS])
{
    char left[KEYS];
    for (int i = 0; i < KEYS; i++)
        left[i] = (char)('m' + i); /* not the letters of copy and reverse */
    for (int i = 0; i < PAIRS; i++) {
        int at = (int)(index % (uint64_t)(KEYS - i));
        index /= (uint64_t)(KEYS - i);
        keys[i] = left[at];
        left[at] = left[KEYS - 1 - i];
    }
}

static void make_recall(uint64_t index, struct item *out)
{
    char keys[PAIRS], values[PAIRS];
    int asked = (int)(index % PAIRS);
    index /= PAIRS;
    for (int i = 0; i < PAIRS; i++) {
        values[i] = (char)('1' + index % VALUES);
        index /= VALUES;
    }
    choose_keys(index, keys);
    (void)snprintf(out->prompt, sizeof out->prompt, "recall %c%c %c%c %c%c %c", keys[0], values[0], keys[1], values[1],
                   keys[2], values[2], keys[asked]);
    (void)snprintf(out->answer, sizeof out->answer, "%c\n", values[asked]);
}

/* The guesser knows the values in the prompt, but not which one belongs to the letter: each has the share of the pairs
 * it stands in. Greedily it says the one that stands in most. Averaged over all values, the asked one being a. */
static struct chance chance_recall(void)
{
    struct chance chance = {0};
    for (int a = 0; a < VALUES; a++) {
        for (int b = 0; b < VALUES; b++) {
            for (int c = 0; c < VALUES; c++) {
                double share = (1 + (a == b) + (a == c)) / (double)PAIRS;
                bool best = b != c || a == b; /* not outvoted by the other two */
                double ties = a != b && a != c && b != c ? PAIRS : 1;
                chance.exact_match += best / ties / (VALUES * VALUES * VALUES);
                chance.logprob += log(share) / 2 / (VALUES * VALUES * VALUES); /* two bytes, the second certain */
            }
        }
    }
    return chance;
}

const struct task task_induction = {
    .name = "induction",
    .help = "say which digit followed a letter before",
    .count = count_recalls,
    .make = make_recall,
    .chance = chance_recall,
};
