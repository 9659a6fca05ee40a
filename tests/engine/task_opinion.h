/* SPDX-License-Identifier: Apache-2.0 */
/* task_opinion.h — what a second opinion on a task is; task_opinions.h has them all. */
#ifndef TESTS_ENGINE_TASK_OPINION_H
#define TESTS_ENGINE_TASK_OPINION_H

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/data/lexicon.h"
#include "engine/tasks/task.h"

enum { TEXT = 160 };

#define MAYBE_UNUSED __attribute__((unused)) /* not every test that has opinions needs all of this */

/* What a guesser says and believes about one prompt: its one best answer, and the probability it gave to the truth. */
struct guess {
    char best[TEXT];
    double p_answer;
};

struct opinion {
    const char *name, *begins; /* and the word all its prompts begin with */
    int size, base;            /* its own idea of what tells it from its like */
    /* Answers the prompt and writes down the prompt as understood; false: not a prompt of this task. */
    bool (*answer)(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT]);
    /* NULL: guesses by how often each answer occurs. */
    void (*guess)(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng, struct guess *out);
};

/* The facts asked about, by the last prompt's reader: set by the test. */
static const struct facts *opinion_facts;

#endif
