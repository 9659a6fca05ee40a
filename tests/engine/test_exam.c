/* SPDX-License-Identifier: Apache-2.0 */
/* test_exam.c — goal: an evaluation scores the answer's bytes, all of them and no others; what a model writes is judged
 * as task.h says; abilities are chosen by name, and held-out items among the training text are found.
 *
 * Method: scorers whose results are known beforehand, fed with the second opinions' answers (task_opinions.h); planted
 * items; estimates against counting all cases. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tasks/machine.h"
#include "engine/tasks/overlap.h"
#include "engine/tasks/task.h"
#include "tests/engine/task_opinions.h"

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
        if (row[0] != '\n' || !opinion_answers(fake->opinion, prompt, answer, understood))
            fake->wrong++;
        for (int t = 0; t < T; t++) {
            int expected = t >= first && t - first < (int)strlen(answer) ? (uint8_t)answer[t - first] : 0;
            bool last = expected == '\n';
            float p[] = {[ORACLE] = 0, [UNIFORM] = -logf(256), [NO_LINE_END] = last ? -1 : 0,
                         [ERRATIC] = -(float)(hash_text(prompt) % 1000 + (uint64_t)t) / 256};
            bool asks = target[t] >= 0;
            fake->wrong += asks != (expected != 0) || (asks && target[t] != expected);
            fake->wrong += asks && t > first && row[t] != (uint8_t)answer[t - first - 1];
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

/* Writes what its kind knows: the answer, a line end too few, or a byte too many; sure of half of it. */
static int fake_write(void *context, const int32_t *tokens, int n, int most, double temperature, struct rng *rng, char *out,
                      double *logprob)
{
    struct fake *fake = context;
    char prompt[TEXT] = "", answer[TEXT] = "", understood[TEXT];
    int length;
    (void)rng;
    for (int t = 1; t < n; t++)
        prompt[t - 1] = (char)tokens[t];
    if (tokens[0] != '\n' || !opinion_answers(fake->opinion, prompt, answer, understood))
        fake->wrong++;
    length = (int)strlen(answer);
    *logprob = log(0.5);
    if (fake->kind == NO_LINE_END)
        memcpy(answer + length - 1, "xyz", 4); /* two bytes more than the answer, and no line end */
    fake->calls++;
    if (fake->kind == ERRATIC && temperature > 0 && fake->calls % 3 != 0)
        memcpy(answer, "?", 2);
    length = (int)strlen(answer) < most ? (int)strlen(answer) : most;
    memcpy(out, answer, (size_t)length);
    return length;
}

static struct task_score evaluate(const struct task *task, struct fake *fake, int max_tokens, int n)
{
    struct scorer scorer = {fake, max_tokens, 160, fake_score, fake_write};
    struct exam exam = {.items = n};
    struct task_score score;
    struct err err = ERR_INIT;
    fake->opinion = opinion_of(task);
    if (task_evaluate(task, facts_of(1), &exam, &scorer, &score, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    if (fake->wrong)
        fail_msg("%s: %d rows are wrong", task->name, fake->wrong);
    assert_int_equal(fake->rows, score.figures[METRIC_EXACT_MATCH].n);
    return score;
}

/* The smallest tasks have not many more held-out items, or fewer. */
enum { FEW_ITEMS = 40 };

static void test_known_scorers(void **state)
{
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        struct fake oracle = {.kind = ORACLE}, uniform = {.kind = UNIFORM}, endless = {.kind = NO_LINE_END};
        struct task_score score = evaluate(task, &oracle, 1024, FEW_ITEMS);
        const struct task_figure *exact = &score.figures[METRIC_EXACT_MATCH], *logprob = &score.figures[METRIC_LOGPROB];
        struct chance chance = task->chance(task, facts_of(1));
        uint64_t heldout = task_items(task, facts_of(1)) - trained(task, 1);
        assert_int_equal(exact->n, heldout < FEW_ITEMS ? (int)heldout : FEW_ITEMS);
        assert_int_equal(exact->n, logprob->n);
        assert_true(exact->value == 1 && exact->stderror == 0);
        assert_true(logprob->value == 0 && logprob->stderror == 0);
        assert_true(exact->chance == chance.exact_match && logprob->chance == chance.logprob);
        assert_int_equal(score.figures[METRIC_BRIER].n, 0);
        score = evaluate(task, &uniform, 1024, FEW_ITEMS);
        assert_true(exact->value == 0);
        assert_true(fabs(logprob->value + log(256)) < 1e-6 && logprob->stderror < 1e-6);
        score = evaluate(task, &endless, 1024, FEW_ITEMS);
        assert_true(exact->value == 0);
        assert_true(fabs(logprob->value - endless.sum / exact->n) < 1e-12 && logprob->value < -0.02);
    }
}

/* However many rows go together, the numbers are the same; and mean and standard error are those of the rows. */
static void test_batching(void **state)
{
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        struct fake fake = {.kind = ERRATIC};
        struct task_score large = evaluate(task_at(i), &fake, 1 << 16, FEW_ITEMS), small;
        const struct task_figure *logprob = &large.figures[METRIC_LOGPROB];
        int n = logprob->n;
        double mean = fake.sum / n, variance = (fake.squares - n * mean * mean) / (n - 1);
        assert_int_equal(fake.calls, 1);
        assert_true(fabs(logprob->value - mean) < 1e-12);
        assert_true(fabs(logprob->stderror - sqrt(variance / n)) < 1e-9 && variance > 0);
        for (int tokens = 120; tokens < 300; tokens += 37) {
            fake = (struct fake){.kind = ERRATIC};
            small = evaluate(task_at(i), &fake, tokens, FEW_ITEMS);
            assert_true(tokens > 120 || fake.calls > 1 || n < 20);
            assert_memory_equal(&small, &large, sizeof small);
        }
    }
}

/* An oracle that is sure of half: each answer right at a confidence of 0.5. And one who never ends a line: three bytes
 * in the place of one. */
static void test_writing(void **state)
{
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        struct fake fakes[3] = {{.kind = ORACLE}, {.kind = NO_LINE_END}, {.kind = ERRATIC}};
        for (int k = 0; k < 3; k++) {
            struct scorer scorer = {&fakes[k], 1024, 160, fake_score, fake_write};
            struct exam exam = {.items = FEW_ITEMS};
            struct task_score score = evaluate(task, &fakes[k], 1024, FEW_ITEMS);
            const struct task_figure *f = score.figures;
            struct err err = ERR_INIT;
            bool right = k != 1;
            fakes[k].calls = 0;
            assert_int_equal(task_write(task, facts_of(1), &exam, &scorer, &score, &err), STATUS_OK);
            assert_int_equal(fakes[k].wrong, 0);
            assert_int_equal(f[METRIC_BRIER].n, f[METRIC_EXACT_MATCH].n);
            assert_true(fabs(f[METRIC_BRIER].value - 0.25) < 1e-12 && f[METRIC_BRIER].stderror < 1e-6);
            assert_true(fabs(f[METRIC_CALIBRATION_ERROR].value - 0.5) < 1e-12);
            assert_true(f[METRIC_EDIT_DISTANCE].value == (right ? 0 : 3));
            assert_true(f[METRIC_EDIT_DISTANCE].chance > 0);
            assert_int_equal(f[METRIC_EXECUTED].n, task->is_right ? f[METRIC_EXACT_MATCH].n : 0);
            if (task->is_right) {
                assert_true(f[METRIC_EXECUTED].value == right);
                assert_true(f[METRIC_EXECUTED].chance == f[METRIC_PASS_AT_1].chance);
                assert_true(f[METRIC_PASS_AT_5].chance > f[METRIC_PASS_AT_1].chance);
                assert_true(f[METRIC_PASS_AT_1].n > 1 && f[METRIC_PASS_AT_1].n <= 32);
                /* The erratic one is right three times in ten, or four. */
                assert_true(k == 2 ? f[METRIC_PASS_AT_1].value >= 0.3 && f[METRIC_PASS_AT_1].value <= 0.4
                                   : f[METRIC_PASS_AT_1].value == right);
                assert_true(k == 2 ? f[METRIC_PASS_AT_5].value > 0.9 : f[METRIC_PASS_AT_5].value == right);
            }
        }
    }
}

/* What each item was told to come to, and whose it was. */
struct told {
    const struct task *task;
    int n, exact, unknown;
    double logprob;
};

static void hear(void *context, const struct task *task, const struct item *item, bool exact, double logprob)
{
    struct told *told = context;
    told->n++;
    told->exact += exact;
    told->logprob += logprob;
    told->unknown += task != told->task || !task_is_heldout(item, 1);
}

/* The items' own figures add up to the means. */
static void test_each_item(void **state)
{
    const struct task *task = task_find("sort_5");
    struct fake fake = {.kind = ERRATIC, .opinion = opinion_of(task)};
    struct scorer scorer = {&fake, 1024, 160, fake_score, fake_write};
    struct told told = {.task = task};
    struct exam exam = {.items = FEW_ITEMS, .each = hear, .each_context = &told};
    struct task_score score;
    (void)state;
    assert_int_equal(task_evaluate(task, facts_of(1), &exam, &scorer, &score, NULL), STATUS_OK);
    assert_int_equal(told.n, FEW_ITEMS);
    assert_int_equal(told.unknown, 0);
    assert_true(fabs(told.logprob / told.n - score.figures[METRIC_LOGPROB].value) < 1e-12);
    assert_true((double)told.exact / told.n == score.figures[METRIC_EXACT_MATCH].value);
}

/* Of answers that are one of seven, or of two, equally often, the best guess misses six of seven, or one of two, less
 * what a sample of 256 leaves to luck. With more tries a guesser is right more often, each try adding less; a program is
 * right at least as often as it is the same. */
static void test_guess(void **state)
{
    struct written_chance seven, two;
    (void)state;
    task_written_chance(task_find("modular_7"), facts_of(1), &seven);
    task_written_chance(task_find("parity_8"), facts_of(1), &two);
    assert_true(seven.edit_distance < 6 / 7.0 && seven.edit_distance > 6 / 7.0 - 0.08);
    assert_true(two.edit_distance <= 0.5 && two.edit_distance > 0.5 - 0.12);
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        struct written_chance guess = {0};
        double gain = 1;
        if (!task->is_right)
            continue;
        task_written_chance(task, facts_of(1), &guess);
        assert_true(guess.right[0] >= 1 / 256.0 && guess.right[0] < 0.2);
        for (int k = 1; k < TASK_MOST_TRIES; k++) {
            assert_true(guess.right[k] > guess.right[k - 1]);
            assert_true(guess.right[k] - guess.right[k - 1] <= gain + 1e-12);
            gain = guess.right[k] - guess.right[k - 1];
        }
    }
}

/* Against drawing all subsets of k by hand. */
static void test_pass_at(void **state)
{
    (void)state;
    for (int n = 1; n <= 10; n++) {
        for (int c = 0; c <= n; c++) {
            for (int k = 1; k <= n; k++) {
                int subsets = 0, with = 0;
                for (int set = 0; set < 1 << n; set++) {
                    if (__builtin_popcount((unsigned)set) != k)
                        continue;
                    subsets++;
                    with += (set & ((1 << c) - 1)) != 0;
                }
                assert_true(fabs(task_pass_at(n, c, k) - with / (double)subsets) < 1e-12);
            }
        }
    }
}

/* Shots are training items of the task, each a line, the same for all questions; none where nothing is trained. */
static void test_shots(void **state)
{
    char shots[EXAM_ROW];
    (void)state;
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        int length = task_shots(task, facts_of(1), 3, shots), lines = 0;
        assert_int_equal(length, (int)strlen(shots));
        assert_int_equal(shots[0], '\n');
        for (const char *at = shots + 1; *at; at = strchr(at, '\n') + 1, lines++) {
            char answer[TEXT], understood[TEXT];
            struct item item = {"", ""};
            size_t prompt, all = strcspn(at, "\n") + 1;
            assert_true(opinion_answers(opinion_of(task), at, answer, understood));
            prompt = strlen(understood);
            memcpy(item.prompt, understood, prompt + 1);
            memcpy(item.answer, at + prompt, all - prompt);
            assert_string_equal(item.answer, answer);
            assert_false(task_is_heldout(&item, 1));
        }
        assert_int_equal(lines, task->only_asked ? 0 : 3);
        assert_int_equal(task_shots(task, facts_of(1), 0, shots), 1);
    }
}

static void test_machine(void **state)
{
    static const struct { const char *program; bool ends; int64_t result; } cases[] = {
        {"34+", true, 7},   {"34-\n", true, -1},   {"34*d*2+", true, 146}, {"7\n++", true, 7},
        {"", false, 0},     {"3+", false, 0},      {"34", false, 0},       {"3 4+", false, 0},
        {"d", false, 0},    {"34/", false, 0},     {"9d*d*d*", true, 43046721},
        {"9d*d*d*d*", false, 0},                   {"12345678+++++++", true, 36},
        {"123456789++++++++", false, 0},           {"1d+d+d+d+d+d+d+d+d+d+d+d+d+d+d+", true, 32768},
        {"1d+d+d+d+d+d+d+d+d+d+d+d+d+d+d+d+", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t result = -7;
        if (machine_run(cases[i].program, &result) != cases[i].ends)
            fail_msg("'%s' should %s", cases[i].program, cases[i].ends ? "end" : "fail");
        assert_int_equal(result, cases[i].ends ? cases[i].result : -7);
    }
}

/* ---- choosing, and watching ---- */

static void test_choice(void **state)
{
    struct task_choice choice;
    struct err err = ERR_INIT;
    double sum = 0;
    (void)state;
    assert_int_equal(task_choose("demo", 0, &choice, &err), STATUS_OK);
    assert_int_equal(choice.n, 5);
    for (int i = 0; i < 5; i++)
        assert_true(choice.share[i] == 0.2);
    assert_int_equal(task_choose(" fact* sort_3  copy ", 1, &choice, &err), STATUS_OK);
    assert_int_equal(choice.n, 4);
    assert_string_equal(choice.tasks[1]->name, "fact_after_cutoff");
    assert_true(choice.share[1] == 0);
    assert_true(fabs(choice.share[0] - 6 / 11.0) < 1e-12 && fabs(choice.share[3] - 2 / 11.0) < 1e-12);
    assert_int_equal(task_choose("all", 0.5, &choice, &err), STATUS_OK);
    assert_int_equal(choice.n, task_count());
    for (int i = 0; i < choice.n; i++)
        sum += choice.share[i];
    assert_true(fabs(sum - 1) < 1e-12);
    choice.n = -1;
    assert_int_equal(task_choose("sort_4", 0, &choice, &err), STATUS_USAGE);
    assert_non_null(strstr(err.text, "did you mean 'sort_"));
    assert_int_equal(task_choose("sort_3 sort*", 0, &choice, &err), STATUS_USAGE);
    assert_int_equal(task_choose("fact_after_cutoff", 0, &choice, &err), STATUS_USAGE);
    assert_int_equal(task_choose("zzz*", 0, &choice, &err), STATUS_USAGE);
    assert_int_equal(choice.n, -1);
}

/* Held-out lines planted among others are counted, halves of them and others are not. */
static void test_overlap(void **state)
{
    enum { ITEMS_PLANTED = 20 };
    struct item items[ITEMS_PLANTED];
    struct overlap *overlap = NULL;
    struct task_choice choice;
    struct err err = ERR_INIT;
    struct rng rng = rng_open(3, RNG_TEST, 0);
    int32_t tokens[8192];
    int n = 0, planted = 0;
    (void)state;
    assert_int_equal(task_choose("all", 0, &choice, &err), STATUS_OK);
    assert_int_equal(overlap_new(&overlap, &choice, facts_of(1), ITEMS_PLANTED, &err), STATUS_OK);
    for (int i = 0; i < choice.n; i++) {
        const struct task *task = choice.tasks[i];
        int found = task_heldout_items(task, facts_of(1), items, ITEMS_PLANTED);
        char text[2 * TEXT];
        struct item trained_on = {"nothing", "\n"};
        if (!task->only_asked)
            task_draw_train(task, facts_of(1), &rng, &trained_on);
        (void)snprintf(text, sizeof text, "%s%s%s%s", trained_on.prompt, trained_on.answer, items[found - 1].prompt,
                       items[found - 1].answer);
        for (const char *c = text; *c; c++)
            tokens[n++] = (uint8_t)*c;
        planted++;
    }
    overlap_look(overlap, tokens, n);
    assert_int_equal(overlap_found(overlap), planted);
    overlap_look(overlap, tokens, n - 1); /* the last line does not end */
    assert_int_equal(overlap_found(overlap), 2 * planted - 1);
    overlap_free(overlap);
    overlap_free(NULL);
}

static void test_refusals(void **state)
{
    const struct task *copy = task_find("copy");
    struct fake fake = {.kind = ORACLE, .opinion = opinion_of(copy)};
    struct scorer scorer = {&fake, 8, 160, fake_score, fake_write};
    struct exam exam = {.items = 10};
    struct task_score score = {.figures[0].n = -5};
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(task_evaluate(copy, facts_of(1), &exam, &scorer, &score, &err), STATUS_INSUFFICIENT);
    assert_non_null(strstr(err.text, "copy"));
    scorer.max_tokens = 1024;
    scorer.longest = 12;
    assert_int_equal(task_evaluate(copy, facts_of(1), &exam, &scorer, &score, &err), STATUS_INSUFFICIENT);
    scorer.longest = 160;
    exam.items = 1;
    assert_int_equal(task_evaluate(copy, facts_of(1), &exam, &scorer, &score, &err), STATUS_INSUFFICIENT);
    assert_int_equal(score.figures[0].n, -5);
    assert_int_equal(fake.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_scorers), cmocka_unit_test(test_batching), cmocka_unit_test(test_writing),
        cmocka_unit_test(test_pass_at),       cmocka_unit_test(test_shots),    cmocka_unit_test(test_machine),
        cmocka_unit_test(test_choice),        cmocka_unit_test(test_overlap),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_each_item),     cmocka_unit_test(test_guess),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
