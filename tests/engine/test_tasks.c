/* SPDX-License-Identifier: Apache-2.0 */
/* test_tasks.c — goal: every item is right and unique, nothing held out is trained on, chance is what a guesser gets.
 *
 * Method: a second opinion on every task (task_opinions.h), and on a hundred thousand items of it where there are so
 * many. Splits are counted. */
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

enum { ITEMS = 100000, DRAWS = 20000, GUESSES = 50000, SEEDS = 3 };

/* ---- hash sets of prompts: other hashes, other prompts ---- */

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
        assert_true(task_items(task, facts_of(1)) >= 100 && task_items(task, facts_of(1)) <= 1000000);
        assert_ptr_equal(task_find(task->name), task);
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
        uint64_t n = task_items(task, facts_of(1)), step = n >= ITEMS ? n / ITEMS : 1; /* 100,000 at least */
        const struct opinion *opinion = opinion_of(task);
        for (uint64_t at = 0; at < n; at += step) {
            char answer[TEXT], understood[TEXT];
            struct item item;
            memset(&item, 'x', sizeof item);
            task->make(task, facts_of(1), at, &item);
            assert_non_null(memchr(item.prompt, 0, sizeof item.prompt));
            assert_non_null(memchr(item.answer, 0, sizeof item.answer));
            if (!opinion_answers(opinion, item.prompt, answer, understood))
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
        uint64_t n = task_items(task, facts_of(1)), *hashes = allocate(n, sizeof *hashes);
        for (uint64_t at = 0; at < n; at++) {
            struct item item;
            task->make(task, facts_of(1), at, &item);
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
        double n = (double)task_items(task, facts_of(1)), p = 1.0 / TASK_HELDOUT_ONE_IN;
        assert_true(!task->only_asked || trained(task, 1) == 0);
        if (task->only_asked || task_find("fact_recall") == task)
            continue; /* how many those are is the seed's */
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            double heldout = n - (double)trained(task, seed);
            assert_true(fabs(heldout - n * p) < 4 * sqrt(n * p * (1 - p)));
        }
    }
}

/* Another seed holds out other items, independently: both hold out one in 64. */
static void test_split_by_seed(void **state)
{
    const struct task *task = task_find("addition");
    double n = (double)task_items(task, facts_of(1)), both = 0, p = 1.0 / (TASK_HELDOUT_ONE_IN * TASK_HELDOUT_ONE_IN);
    (void)state;
    for (uint64_t at = 0; at < task_items(task, facts_of(1)); at++) {
        struct item item;
        task->make(task, facts_of(1), at, &item);
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
        int n = (int)(task_items(task, facts_of(1)) - trained(task, 1));
        struct item *heldout = allocate((uint64_t)n, sizeof *heldout), item;
        uint64_t *hashes = allocate((uint64_t)n, sizeof *hashes);
        struct rng rng = rng_open(1, RNG_TEST, (uint64_t)i);
        assert_int_equal(task_heldout_items(task, facts_of(1), heldout, n), n);
        for (int j = 0; j < n; j++)
            hashes[j] = hash_text(heldout[j].prompt);
        assert_distinct(hashes, (uint64_t)n, task->name);
        for (int draw = 0; draw < DRAWS && !task->only_asked; draw++) {
            uint64_t hash;
            task_draw_train(task, facts_of(1), &rng, &item);
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
    const struct task *task = task_find("modular_addition");
    double drawn[400] = {0}, expected = DRAWS / (double)trained(task, 1), squares = 0;
    double freedom = (double)trained(task, 1) - 1;
    struct rng rng = rng_open(2, RNG_TEST, 0);
    struct item item;
    (void)state;
    for (int draw = 0; draw < DRAWS; draw++) {
        int a, b;
        task_draw_train(task, facts_of(1), &rng, &item);
        assert_int_equal(sscanf(item.prompt, "mod5 %d+%d", &a, &b), 2);
        drawn[a * 20 + b]++;
    }
    for (uint64_t at = 0; at < 400; at++) {
        task->make(task, facts_of(1), at, &item);
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
        uint64_t hashes[MANY], all = task_items(task, facts_of(3)) - trained(task, 3);
        int n = task_heldout_items(task, facts_of(3), many, MANY), same = 0, some = n < FEW ? n : FEW, others;
        assert_int_equal(n, all < MANY ? (int)all : MANY);
        assert_true(n >= 2);
        assert_int_equal(task_heldout_items(task, facts_of(3), few, FEW), some);
        for (int j = 0; j < some; j++)
            assert_string_equal(few[j].prompt, many[j].prompt);
        for (int j = 0; j < n; j++) {
            assert_true(task->only_asked || task_is_heldout(&many[j], 3));
            hashes[j] = hash_text(many[j].prompt);
        }
        assert_distinct(hashes, (uint64_t)n, task->name);
        others = task_heldout_items(task, facts_of(4), few, FEW);
        for (int j = 0; j < some && j < others; j++)
            same += strcmp(few[j].prompt, many[j].prompt) == 0;
        assert_true(2 * same < some);
        assert_int_equal(task_heldout_items(task, facts_of(3), few, 0), 0);
    }
    free(many);
    free(few);
}

/* ---- chance ---- */

/* How often each answer occurs over all items, by its hash. */
struct census {
    uint64_t *answers, n, most; /* sorted; the answer that occurs most often */
};

static uint64_t times(const struct census *census, uint64_t answer)
{
    uint64_t bounds[2];
    for (int upper = 0; upper < 2; upper++) {
        uint64_t low = 0, high = census->n;
        while (low < high) {
            uint64_t middle = (low + high) / 2;
            if (census->answers[middle] < answer || (upper && census->answers[middle] == answer))
                low = middle + 1;
            else
                high = middle;
        }
        bounds[upper] = low;
    }
    return bounds[1] - bounds[0];
}

static struct census take_census(const struct task *task)
{
    struct census census = {NULL, task_items(task, facts_of(1)), 0};
    uint64_t best = 0;
    census.answers = allocate(census.n, sizeof *census.answers);
    for (uint64_t at = 0; at < census.n; at++) {
        struct item item;
        task->make(task, facts_of(1), at, &item);
        census.answers[at] = hash_text(item.answer);
    }
    qsort(census.answers, census.n, sizeof *census.answers, by_value);
    for (uint64_t at = 0; at < census.n; at += times(&census, census.answers[at])) {
        if (times(&census, census.answers[at]) > best) {
            best = times(&census, census.answers[at]);
            census.most = census.answers[at];
        }
    }
    return census;
}

/* One guess: whether it is right, and the logarithm of what was believed of the truth, per byte. */
static bool guess(const struct opinion *o, const struct census *census, const struct item *item, struct rng *rng,
                  double *logprob)
{
    struct guess guess = {.p_answer = 0};
    bool right;
    if (o->guess) {
        o->guess(o, item->prompt, item->answer, rng, &guess);
        right = strcmp(guess.best, item->answer) == 0;
    } else {
        guess.p_answer = (double)times(census, hash_text(item->answer)) / (double)census->n;
        right = hash_text(item->answer) == census->most;
    }
    *logprob = log(guess.p_answer) / (double)strlen(item->answer);
    return right;
}

static void test_chance(void **state)
{
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        const struct opinion *opinion = opinion_of(task);
        struct chance chance = task->chance(task, facts_of(1));
        struct census census = take_census(task);
        struct rng rng = rng_open(7, RNG_TEST, (uint64_t)i);
        double right = 0, sum = 0, squares = 0, mean, error, c = chance.exact_match;
        for (int g = 0; g < GUESSES; g++) {
            struct item item;
            double logprob;
            task->make(task, facts_of(1), rng_below(&rng, (uint32_t)census.n), &item);
            right += guess(opinion, &census, &item, &rng, &logprob);
            sum += logprob;
            squares += logprob * logprob;
        }
        right /= GUESSES;
        mean = sum / GUESSES;
        error = sqrt(fmax(0, squares / GUESSES - mean * mean) / GUESSES);
        if (!(fabs(right - c) < 4 * sqrt(c * (1 - c) / GUESSES) + 2.0 / GUESSES))
            fail_msg("%s: chance says %g, the guesser gets %g", task->name, c, right);
        /* Of many questions only some are items, so how often their sums occur is a sample too. */
        if (!(fabs(mean - chance.logprob) < 4 * error * sqrt(1 + GUESSES / (double)census.n) + 1e-9))
            fail_msg("%s: chance says %g nats, the guesser gets %g", task->name, chance.logprob, mean);
        free(census.answers);
    }
}

static void test_scatter(void **state)
{
    static const uint64_t sizes[] = {1, 2, 3, 100, 1024, 98304};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t n = sizes[i], *seen = allocate(n, sizeof *seen), moved = 0;
        for (uint64_t at = 0; at < n; at++) {
            seen[at] = task_scatter(at, n);
            assert_true(seen[at] < n);
            moved += seen[at] != at;
        }
        assert_distinct(seen, n, "scattered");
        assert_true(n < 100 || moved > n * 9 / 10);
        free(seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),         cmocka_unit_test(test_items),
        cmocka_unit_test(test_injective),     cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_by_seed), cmocka_unit_test(test_draws),
        cmocka_unit_test(test_draws_are_uniform), cmocka_unit_test(test_heldout_items),
        cmocka_unit_test(test_chance),        cmocka_unit_test(test_scatter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
