/* SPDX-License-Identifier: Apache-2.0 */
/* task.h — abilities: questions whose answers can be checked, in one table.
 *
 * A task is a finite, enumerable set of items; an item is a prompt and its answer, one line of text together.
 * Items are divided by a hash of their text and the world's seed: one in TASK_HELDOUT_ONE_IN is held out and
 * never appears in training text, the others are what training text is drawn from. Overlap is therefore zero
 * by construction; a test counts it all the same.
 *
 * Chance is what the best guesser scores who knows the form of the answer but lacks the ability; each task says
 * what such a guesser knows. It is computed from the generator.
 *
 * How to add one: a file with its generator and its chance, and a row in task.c. */
#ifndef ENGINE_TASKS_TASK_H
#define ENGINE_TASKS_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/rng.h"

enum { ITEM_PROMPT_SIZE = 40, ITEM_ANSWER_SIZE = 24, TASK_HELDOUT_ONE_IN = 8 };

/* The answer ends with '\n', which counts: knowing where to stop is part of it. Both are terminated. */
struct item {
    char prompt[ITEM_PROMPT_SIZE];
    char answer[ITEM_ANSWER_SIZE];
};

struct chance {
    double exact_match;
    double logprob; /* mean over items of the mean nats per answer byte, <= 0 */
};

struct task {
    const char *name;
    const char *help;    /* one sentence */
    uint64_t (*count)(void); /* items in all, a million at most */
    void (*make)(uint64_t index, struct item *out); /* injective: other index, other text */
    struct chance (*chance)(void);
};

int task_count(void);
const struct task *task_at(int i);

bool task_is_heldout(const struct item *item, uint64_t data_seed);
/* Items of the training part; enumerates all. */
uint64_t task_train_count(const struct task *task, uint64_t data_seed);
/* A training item, uniformly drawn. */
void task_draw_train(const struct task *task, uint64_t data_seed, struct rng *rng, struct item *out);
/* Up to n different held-out items in an order that depends on the seed only; returns how many. */
int task_heldout_items(const struct task *task, uint64_t data_seed, struct item *out, int n);

/* How items are scored, without this room knowing a model: model_score's contract. */
struct scorer {
    void *context;
    int max_tokens; /* most of B T */
    void (*score)(void *context, const int32_t *tokens, const int32_t *targets, int B, int T, float *logprob,
                  uint8_t *is_argmax);
};

/* Both metrics are on the same n held-out items. Exact match: every byte of the answer is the model's first
 * choice given those before it, which is what greedy decoding would write. */
struct task_score {
    int n;
    double exact_match, exact_match_stderr, exact_match_chance;
    double logprob, logprob_stderr, logprob_chance; /* nats per answer byte */
};

MUST_CHECK enum status task_evaluate(const struct task *task, uint64_t data_seed, int n_items,
                                     const struct scorer *scorer, struct task_score *out, struct err *err);

/* Rows of the table, defined in the families' files. */
extern const struct task task_copy, task_reverse, task_addition, task_modular_addition, task_induction;

/* Chance of a guesser who knows how often each answer occurs over all items and nothing of the prompt: the most
 * frequent answer for exact match, the entropy of answers for log-probability. Enumerates all items. */
struct chance chance_from_answers(const struct task *task);

#endif
