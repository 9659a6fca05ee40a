/* SPDX-License-Identifier: Apache-2.0 */
/* test_tasks.c — goal: every item is right and unique, nothing held out is trained on, chance is what a guesser gets,
 * and the evaluation scores the answer's bytes, all of them and no others.
 *
 * Method: a second opinion on every task (task_opinions.h). Splits are counted. The evaluation is fed scorers whose
 * results are known beforehand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tasks/task.h"
#include "tests/engine/task_opinions.h"

enum { ITEMS = 100000, DRAWS = 50000, GUESSES = 200000, SEEDS = 3 };

/* ---- hash sets of prompts: other hashes, other prompts ---- */

static uint64_t hash_text(const char *text)
{
    uint64_t h = 1469598103934665603u;
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 1099511628211u;
    return h;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void assert_distinct(uint64_t *hashes, uint64_t n, const char *what)
{
    qsort(hashes, n, sizeof *hashes, by_value);
    for (uint64_t i = 1; i < n; i++)
        if (hashes[i] == hashes[i - 1])
            fail_msg("%s: the same prompt twice", what);
}

static void *allocate(uint64_t n, size_t size)
{
    void *memory = calloc(n, size);
    assert_non_null(memory);
    return memory;
}

/* ---- items ---- */

static void test_table(void **state)
{
    (void)state;
    assert_int_equal(task_count(), (int)(sizeof opinions / sizeof *opinions));
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        assert_true(task->count() > 100 && task->count() <= 1000000);
        assert_true(strlen(task->help) > 0);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(task->name, task_at(j)->name);
    }
}

static void test_items(void **state)
{
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        uint64_t n = task->count(), step = n / ITEMS + 1;
        const struct opinion *opinion = opinion_of(task);
        for (uint64_t at = 0; at < n; at += step) {
            char answer[TEXT], understood[TEXT];
            struct item item;
            memset(&item, 'x', sizeof item);
            task->make(at, &item);
            assert_non_null(memchr(item.prompt, 0, sizeof item.prompt));
            assert_non_null(memchr(item.answer, 0, sizeof item.answer));
            if (!opinion->answer(item.prompt, answer, understood))
                fail_msg("%s: no prompt: '%s'", task->name, item.prompt);
            assert_string_equal(item.prompt, understood);
            assert_string_equal(item.answer, answer);
            assert_null(strchr(item.prompt, '\n'));
            assert_ptr_equal(strchr(item.answer, '\n'), item.answer + strlen(item.answer) - 1);
        }
    }
}

static void test_injective(void **state)
{
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        uint64_t n = task->count(), *hashes = allocate(n, sizeof *hashes);
        for (uint64_t at = 0; at < n; at++) {
            struct item item;
            task->make(at, &item);
            hashes[at] = hash_text(item.prompt);
        }
        assert_distinct(hashes, n, task->name);
        free(hashes);
    }
}

/* ---- the split ---- */

static void test_split(void **state)
{
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        double n = (double)task->count(), p = 1.0 / TASK_HELDOUT_ONE_IN;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            double heldout = n - (double)task_train_count(task, seed);
            assert_true(fabs(heldout - n * p) < 4 * sqrt(n * p * (1 - p)));
        }
    }
}

/* Another seed holds out other items, independently: both hold out one in 64. */
static void test_split_by_seed(void **state)
{
    double n = (double)task_addition.count(), both = 0, p = 1.0 / (TASK_HELDOUT_ONE_IN * TASK_HELDOUT_ONE_IN);
    (void)state;
    for (uint64_t at = 0; at < task_addition.count(); at++) {
        struct item item;
        task_addition.make(at, &item);
        both += task_is_heldout(&item, 1) && task_is_heldout(&item, 2);
        assert_int_equal(task_is_heldout(&item, 1), task_is_heldout(&item, 1));
    }
    assert_true(fabs(both - n * p) < 4 * sqrt(n * p));
}

/* Nothing drawn is held out, by the rule and by comparing texts; and every training item is as likely. */
static void test_draws(void **state)
{
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        int n = (int)(task->count() - task_train_count(task, 1));
        struct item *heldout = allocate((uint64_t)n, sizeof *heldout), item;
        uint64_t *hashes = allocate((uint64_t)n, sizeof *hashes);
        struct rng rng = rng_open(1, RNG_TEST, (uint64_t)i);
        assert_int_equal(task_heldout_items(task, 1, heldout, n), n);
        for (int j = 0; j < n; j++)
            hashes[j] = hash_text(heldout[j].prompt);
        assert_distinct(hashes, (uint64_t)n, task->name);
        for (int draw = 0; draw < DRAWS; draw++) {
            uint64_t hash;
            task_draw_train(task, 1, &rng, &item);
            hash = hash_text(item.prompt);
            assert_false(task_is_heldout(&item, 1));
            assert_null(bsearch(&hash, hashes, (size_t)n, sizeof hash, by_value));
        }
        free(heldout);
        free(hashes);
    }
}

static void test_draws_are_uniform(void **state)
{
    const struct task *task = &task_modular_addition;
    double drawn[400] = {0}, expected = DRAWS / (double)task_train_count(task, 1), squares = 0;
    double freedom = (double)task_train_count(task, 1) - 1;
    struct rng rng = rng_open(2, RNG_TEST, 0);
    struct item item;
    (void)state;
    for (int draw = 0; draw < DRAWS; draw++) {
        int a, b;
        task_draw_train(task, 1, &rng, &item);
        assert_int_equal(sscanf(item.prompt, "mod5 %d+%d", &a, &b), 2);
        drawn[a * 20 + b]++;
    }
    for (uint64_t at = 0; at < 400; at++) {
        task->make(at, &item);
        if (!task_is_heldout(&item, 1))
            squares += (drawn[at] - expected) * (drawn[at] - expected) / expected;
    }
    assert_true(fabs(squares - freedom) < 4 * sqrt(2 * freedom));
}

/* Fewer held-out items are the first of more; asking for more than there are gives all. */
static void test_heldout_items(void **state)
{
    enum { MANY = 2000, FEW = 37 };
    struct item *many = allocate(MANY, sizeof *many), *few = allocate(FEW, sizeof *few);
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        uint64_t hashes[MANY], all = task->count() - task_train_count(task, 3);
        int n = task_heldout_items(task, 3, many, MANY), same = 0;
        assert_int_equal(n, all < MANY ? (int)all : MANY);
        assert_int_equal(task_heldout_items(task, 3, few, FEW), FEW);
        for (int j = 0; j < FEW; j++)
            assert_string_equal(few[j].prompt, many[j].prompt);
        for (int j = 0; j < n; j++) {
            assert_true(task_is_heldout(&many[j], 3));
            hashes[j] = hash_text(many[j].prompt);
        }
        assert_distinct(hashes, (uint64_t)n, task->name);
        assert_int_equal(task_heldout_items(task, 4, few, FEW), FEW);
        for (int j = 0; j < FEW; j++)
            same += strcmp(few[j].prompt, many[j].prompt) == 0;
        assert_true(same < FEW / 2);
        assert_int_equal(task_heldout_items(task, 3, few, 0), 0);
    }
    free(many);
    free(few);
}

/* ---- chance ---- */

static void test_chance(void **state)
{
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        const struct opinion *opinion = opinion_of(task);
        struct chance chance = task->chance();
        struct rng rng = rng_open(7, RNG_TEST, (uint64_t)i);
        double right = 0, sum = 0, squares = 0, mean, error;
        for (int g = 0; g < GUESSES; g++) {
            struct item item;
            struct guess guess;
            double logprob;
            task->make(rng_below(&rng, (uint32_t)task->count()), &item);
            opinion->guess(item.prompt, item.answer, &rng, &guess);
            right += strcmp(guess.best, item.answer) == 0;
            logprob = log(guess.p_answer) / (double)strlen(item.answer);
            sum += logprob;
            squares += logprob * logprob;
        }
        right /= GUESSES;
        mean = sum / GUESSES;
        error = sqrt(fmax(0, squares / GUESSES - mean * mean) / GUESSES);
        if (!(fabs(right - chance.exact_match) < 4 * sqrt(right * (1 - right) / GUESSES)))
            fail_msg("%s: chance says %g, the guesser gets %g", task->name, chance.exact_match, right);
        if (!(fabs(mean - chance.logprob) < 4 * error + 1e-9))
            fail_msg("%s: chance says %g nats, the guesser gets %g", task->name, chance.logprob, mean);
    }
}

/* ---- the evaluation ---- */

/* Reads rows as a model does: position t sees tokens[0 … t] and is asked for targets[t]. */
struct fake {
    const struct opinion *opinion;
    enum { ORACLE, UNIFORM, NO_LINE_END, ERRATIC } kind;
    int calls, rows, wrong;  /* wrong: rows that are not '\n', a prompt and its answer */
    double sum, squares;     /* of the rows' means */
};

static void fake_score(void *context, const int32_t *tokens, const int32_t *targets, int B, int T, float *logprob,
                       uint8_t *is_argmax)
{
    struct fake *fake = context;
    fake->calls++;
    for (int b = 0; b < B; b++) {
        const int32_t *row = tokens + b * T, *target = targets + b * T;
        char prompt[TEXT] = "", answer[TEXT] = "", understood[TEXT];
        int first = 0, asked = 0;
        double mean = 0;
        while (first < T && target[first] < 0)
            first++;
        for (int t = 1; t <= first && t < T; t++)
            prompt[t - 1] = (char)row[t];
        if (row[0] != '\n' || !fake->opinion->answer(prompt, answer, understood))
            fake->wrong++;
        for (int t = 0; t < T; t++) {
            char expected = t >= first && t - first < (int)strlen(answer) ? answer[t - first] : 0;
            bool last = expected == '\n';
            float p[] = {[ORACLE] = 0, [UNIFORM] = -logf(256), [NO_LINE_END] = last ? -1 : 0,
                         [ERRATIC] = -(float)(hash_text(prompt) % 1000 + (uint64_t)t) / 256};
            bool asks = target[t] >= 0;
            fake->wrong += asks != (expected != 0) || (asks && target[t] != expected);
            fake->wrong += asks && t > first && row[t] != answer[t - first - 1];
            asked += asks;
            logprob[b * T + t] = asks ? p[fake->kind] : 0;
            is_argmax[b * T + t] = asks && (fake->kind == ORACLE || (fake->kind == NO_LINE_END && !last));
            mean += (double)logprob[b * T + t];
        }
        fake->rows++;
        mean /= asked;
        fake->sum += mean;
        fake->squares += mean * mean;
    }
}

static struct task_score evaluate(const struct task *task, struct fake *fake, int max_tokens, int n)
{
    struct scorer scorer = {fake, max_tokens, fake_score};
    struct task_score score;
    struct err err = ERR_INIT;
    fake->opinion = opinion_of(task);
    if (task_evaluate(task, 1, n, &scorer, &score, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(fake->wrong, 0);
    assert_int_equal(fake->rows, score.n);
    return score;
}

/* The smallest tasks have not many more held-out items. */
enum { FEW_ITEMS = 40 };

static void test_known_scorers(void **state)
{
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        struct fake oracle = {.kind = ORACLE}, uniform = {.kind = UNIFORM}, endless = {.kind = NO_LINE_END};
        struct task_score score = evaluate(task, &oracle, 1024, FEW_ITEMS);
        assert_int_equal(score.n, FEW_ITEMS);
        assert_true(score.exact_match == 1 && score.exact_match_stderr == 0);
        assert_true(score.logprob == 0 && score.logprob_stderr == 0);
        assert_true(score.exact_match_chance == task->chance().exact_match);
        assert_true(score.logprob_chance == task->chance().logprob);
        score = evaluate(task, &uniform, 1024, FEW_ITEMS);
        assert_true(score.exact_match == 0);
        assert_true(fabs(score.logprob + log(256)) < 1e-6 && score.logprob_stderr < 1e-6);
        score = evaluate(task, &endless, 1024, FEW_ITEMS);
        assert_true(score.exact_match == 0);
        assert_true(fabs(score.logprob - endless.sum / FEW_ITEMS) < 1e-12 && score.logprob < -0.1);
    }
}

/* However many rows go together, the numbers are the same; and mean and standard error are those of the rows. */
static void test_batching(void **state)
{
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        struct fake fake = {.kind = ERRATIC};
        struct task_score large = evaluate(task_at(i), &fake, 1 << 16, FEW_ITEMS), small;
        double mean = fake.sum / FEW_ITEMS, variance = (fake.squares - FEW_ITEMS * mean * mean) / (FEW_ITEMS - 1);
        assert_int_equal(fake.calls, 1);
        assert_true(fabs(large.logprob - mean) < 1e-12);
        assert_true(fabs(large.logprob_stderr - sqrt(variance / FEW_ITEMS)) < 1e-9 && variance > 0);
        for (int tokens = 20; tokens < 200; tokens += 7) {
            fake = (struct fake){.kind = ERRATIC};
            small = evaluate(task_at(i), &fake, tokens, FEW_ITEMS);
            assert_true(tokens > 60 || fake.calls > 5);
            assert_memory_equal(&small, &large, sizeof small);
        }
    }
}

static void test_refusals(void **state)
{
    struct fake fake = {.kind = ORACLE, .opinion = &opinions[0]};
    struct scorer scorer = {&fake, 8, fake_score};
    struct task_score score = {.n = -5};
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(task_evaluate(&task_copy, 1, 10, &scorer, &score, &err), STATUS_INSUFFICIENT);
    assert_non_null(strstr(err.text, "copy"));
    scorer.max_tokens = 1024;
    assert_int_equal(task_evaluate(&task_copy, 1, 1, &scorer, &score, &err), STATUS_INSUFFICIENT);
    assert_int_equal(score.n, -5);
    assert_int_equal(fake.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),         cmocka_unit_test(test_items),
        cmocka_unit_test(test_injective),     cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_by_seed), cmocka_unit_test(test_draws),
        cmocka_unit_test(test_draws_are_uniform), cmocka_unit_test(test_heldout_items),
        cmocka_unit_test(test_chance),        cmocka_unit_test(test_known_scorers),
        cmocka_unit_test(test_batching),      cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
