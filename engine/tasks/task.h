/* SPDX-License-Identifier: Apache-2.0 */
/* task.h — abilities: questions whose answers can be checked, in one table.
 *
 * A task is a finite, enumerable set of items; an item is a prompt and its answer, one line of text together. Where
 * there are more questions of a kind than can be counted through, the items are the first of a fixed shuffle of all.
 * Items are divided by a hash of their text and the world's seed: one in TASK_HELDOUT_ONE_IN is held out and
 * never appears in training text, the others are what training text is drawn from. Overlap is therefore zero
 * by construction; a test counts it all the same, and so does every trial (overlap.h).
 *
 * Chance is what the best guesser scores who knows the form of the answer but lacks the ability; each task says
 * what such a guesser knows. It is computed from the generator.
 *
 * How to add one: a row in its family's file, or a file with its generator and chance and a row in task.c; and its second
 * opinion in tests/engine. */
#ifndef ENGINE_TASKS_TASK_H
#define ENGINE_TASKS_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "engine/data/facts.h"

enum { ITEM_PROMPT_SIZE = 80, ITEM_ANSWER_SIZE = 48, TASK_HELDOUT_ONE_IN = 8, TASK_MOST_ITEMS = 131072 };

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
    const char *help;   /* one sentence */
    int size, base;     /* what tells it from the others of its family, in the family's own units */
    uint64_t items;     /* in all, a million at most; 0: as count says */
    void (*make)(const struct task *task, const struct facts *facts, uint64_t index, struct item *out); /* injective */
    struct chance (*chance)(const struct task *task, const struct facts *facts);
    uint64_t (*count)(const struct facts *facts);
    bool (*is_right)(const char *answer, const char *said); /* whether said does what the answer does; NULL: no such
                                                               thing, only equal texts are right */
    bool only_asked;    /* all items are held out, none is ever trained on */
};

/* The table, in the order that `all` stands for. */
int task_count(void);
const struct task *task_at(int i);
const struct task *task_find(const char *name); /* NULL: no such task */

/* Items in all; an only_asked task may have none. */
uint64_t task_items(const struct task *task, const struct facts *facts);
bool task_is_heldout(const struct item *item, uint64_t data_seed);
/* Items of the training part and the bytes of their lines; enumerates all. */
struct task_part {
    uint64_t items, bytes;
};
struct task_part task_train_part(const struct task *task, const struct facts *facts);
/* A training item, uniformly drawn; not of a task that is only asked. */
void task_draw_train(const struct task *task, const struct facts *facts, struct rng *rng, struct item *out);
/* Up to n different held-out items in an order that depends on the seed only; returns how many. */
int task_heldout_items(const struct task *task, const struct facts *facts, struct item *out, int n);

/* How items are scored, without this room knowing a model: score is model_score's contract. */
struct scorer {
    void *context;
    int max_tokens; /* most of B T */
    int longest;    /* most of T, and of what write can hold */
    void (*score)(void *context, const int32_t *tokens, const int32_t *targets, int B, int T, float *logprob,
                  uint8_t *is_argmax);
    /* Continues n tokens by up to `most` more, the last of them the first line end; greedily at temperature 0. Returns
     * how many; *logprob gets the natural logarithm of their probability at temperature 1. */
    int (*write)(void *context, const int32_t *tokens, int n, int most, double temperature, struct rng *rng, char *out,
                 double *logprob);
};

struct exam {
    int items; /* held-out items per task, at most */
    int shots; /* solved training items before each question; none where nothing is trained on */
    /* Told of every item scored, in their order; may be NULL. logprob: nats per answer byte. */
    void (*each)(void *context, const struct task *task, const struct item *item, bool exact, double logprob);
    void *each_context;
};

/* The metrics, all on the same n held-out items.
 *   exact_match        every byte of the answer is the model's first choice given those before it, which is what greedy
 *                      decoding would write
 *   logprob            nats per answer byte
 * and of what the model writes when it is let (task_write):
 *   brier              (confidence - right)^2, confidence being the probability it gave to what it wrote (Brier 1950)
 *   calibration_error  over ten bins of confidence, |mean confidence - share right| (Guo 2017, eq. 3)
 *   edit_distance      bytes to insert, delete or replace to make the answer of it (Levenshtein 1966)
 *   executed           does what the answer does; tasks with is_right only, as the next two
 *   pass_at_1, _5      at least one of 1, 5 answers sampled at temperature 0.8 is right: estimated without bias from
 *                      ten samples for each of the first items (Chen 2021, eq. 1) */
enum task_metric {
    METRIC_EXACT_MATCH,
    METRIC_LOGPROB,
    METRIC_BRIER,
    METRIC_CALIBRATION_ERROR,
    METRIC_EDIT_DISTANCE,
    METRIC_EXECUTED,
    METRIC_PASS_AT_1,
    METRIC_PASS_AT_5,
    TASK_METRICS
};
const char *task_metric_name(enum task_metric metric);

struct task_figure {
    int n;                        /* items; 0: not measured */
    double value, stderror, chance; /* NaN: none */
};

struct task_score {
    struct task_figure figures[TASK_METRICS];
};

/* Fills the first two figures and empties the others. STATUS_INSUFFICIENT when there are fewer than two items, or when
 * one does not fit the scorer. */
MUST_CHECK enum status task_evaluate(const struct task *task, const struct facts *facts, const struct exam *exam,
                                     const struct scorer *scorer, struct task_score *out, struct err *err);
/* Fills the others, after task_evaluate with the same arguments. */
MUST_CHECK enum status task_write(const struct task *task, const struct facts *facts, const struct exam *exam,
                                  const struct scorer *scorer, struct task_score *out, struct err *err);

/* 1 - C(n - c, k) / C(n, k): the probability that k of n samples, c of them right, hold a right one. k <= n. */
double task_pass_at(int n, int c, int k);

/* Bytes to insert, delete or replace in what was said to make the answer of it; neither longer than TASK_SAID. */
enum { TASK_SAID = ITEM_ANSWER_SIZE + 4 };
int task_edit_distance(const char *said, const char *answer);

/* Chance of the metrics of what is written (written.c). right[k-1]: one of k answers is right; tasks with is_right only. */
enum { TASK_MOST_TRIES = 5 };
struct written_chance {
    double edit_distance, right[TASK_MOST_TRIES];
};
void task_written_chance(const struct task *task, const struct facts *facts, struct written_chance *out);

/* What a row holds: a line end, as in training text, the shots, and the question. */
enum { EXAM_MOST_SHOTS = 8, EXAM_ROW = 1 + (1 + EXAM_MOST_SHOTS) * (ITEM_PROMPT_SIZE + ITEM_ANSWER_SIZE) };
/* Writes all but the question, terminated; the same for all items of a task. Returns its length. */
int task_shots(const struct task *task, const struct facts *facts, int shots, char out[EXAM_ROW]);

/* ---- for the families ---- */

struct task_family {
    const struct task *tasks;
    int n;
};

/* Defined in the families' files. */
extern const struct task_family tasks_strings, tasks_sort, tasks_arithmetic, tasks_chain, tasks_induction, tasks_brackets,
    tasks_parity, tasks_completion, tasks_recall, tasks_translation, tasks_program, tasks_rules, tasks_instruct;

#define TASK_FAMILY(array) {array, (int)(sizeof(array) / sizeof *(array))}

/* Where index comes to lie in a fixed shuffle of 0 … n-1; n at most 2^62. */
uint64_t task_scatter(uint64_t index, uint64_t n);
/* base to the power of exponent, which must not exceed 2^62. */
uint64_t task_power(uint64_t base, int exponent);
/* The index-th way to take k different letters of the n from `first` on, k <= n <= 26; the rest of the index is
 * returned: so an index below n (n-1) … (n-k+1) is used up. */
uint64_t task_arrange(uint64_t index, char first, int n, int k, char *out);

/* Chance of a guesser who knows how often each answer occurs over all items and nothing of the prompt: the most
 * frequent answer for exact match, the entropy of answers for log-probability. Enumerates all items. */
struct chance chance_from_answers(const struct task *task, const struct facts *facts);
/* Chance of a guesser who holds n answers equally likely, the right one among them. Enumerates all items for their
 * length. */
struct chance chance_one_of(const struct task *task, const struct facts *facts, double n);

#endif
