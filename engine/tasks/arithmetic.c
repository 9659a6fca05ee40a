/* SPDX-License-Identifier: Apache-2.0 */
/* arithmetic.c — sums of two numbers: small ones, of one to four digits in two formats, and modulo a prime.
 *
 * Of the sums with digits both addends and the sum have a fixed number of digits, leading zeros included (Lee 2023). In
 * the second format the sum is written with its least significant digit first, in the order in which the carries arise. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/tasks/task.h"

static void make_sum(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    int a = (int)index / task->base, b = (int)index % task->base;
    (void)facts;
    (void)snprintf(out->prompt, sizeof out->prompt, "%d+%d=", a, b);
    (void)snprintf(out->answer, sizeof out->answer, "%d\n", a + b);
}

static void make_modular(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    int a = (int)index / task->base, b = (int)index % task->base;
    (void)facts;
    (void)snprintf(out->prompt, sizeof out->prompt, "mod%d %d+%d=", task->size, a, b);
    (void)snprintf(out->answer, sizeof out->answer, "%d\n", (a + b) % task->size);
}

static void make_digits(const struct task *task, uint64_t index, const char *word, bool reversed, struct item *out)
{
    uint64_t numbers = task_power(10, task->size), both = task_scatter(index, numbers * numbers);
    int n = task->size, a = (int)(both / numbers), b = (int)(both % numbers), sum = a + b;
    (void)snprintf(out->prompt, sizeof out->prompt, "%s %0*d+%0*d=", word, n, a, n, b);
    for (int i = 0; i <= n; i++, sum /= 10)
        out->answer[reversed ? i : n - i] = (char)('0' + sum % 10);
    memcpy(out->answer + n + 1, "\n", 2);
}

static void make_most_first(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    (void)facts;
    make_digits(task, index, "add", false, out);
}

static void make_least_first(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    (void)facts;
    make_digits(task, index, "sum", true, out);
}

/* The guesser knows how often each sum of such numbers occurs: of n^2 pairs n - |s - (n-1)| make the sum s. */
static struct chance chance_digits(const struct task *task, const struct facts *facts)
{
    double n = (double)task_power(10, task->size);
    struct chance chance = {.exact_match = 1 / n};
    (void)facts;
    for (double s = 0; s < 2 * n - 1; s++) {
        double p = (n - fabs(s - (n - 1))) / n / n;
        chance.logprob += p * log(p) / (task->size + 2);
    }
    return chance;
}

#define SUMS(name, help, below) {name, help, 0, below, below * below, make_sum, chance_from_answers, NULL, NULL, false}
#define MODULAR(name, help, modulus, below) \
    {name, help, modulus, below, below * below, make_modular, chance_from_answers, NULL, NULL, false}
#define DIGITS(name, help, digits, items, make) {name, help, digits, 10, items, make, chance_digits, NULL, NULL, false}

/* Of the first, few enough sums that each is met often; one in eight is held out, so knowing them by heart does not
 * help. The moduli divide the number of addends, or are it: every remainder is as likely. */
static const struct task rows[] = {
    SUMS("addition", "add two numbers below 20", 20),
    MODULAR("modular_addition", "add two numbers below 20 modulo 5", 5, 20),
    MODULAR("modular_7", "add two numbers below 98 modulo 7", 7, 98),
    MODULAR("modular_23", "add two numbers below 92 modulo 23", 23, 92),
    MODULAR("modular_97", "add two numbers below 97 modulo 97", 97, 97),
    DIGITS("addition_1", "add two digits", 1, 100, make_most_first),
    DIGITS("addition_2", "add two numbers of two digits", 2, 10000, make_most_first),
    DIGITS("addition_3", "add two numbers of three digits", 3, TASK_MOST_ITEMS, make_most_first),
    DIGITS("addition_4", "add two numbers of four digits", 4, TASK_MOST_ITEMS, make_most_first),
    DIGITS("addition_lsd_1", "add two digits, least significant digit of the sum first", 1, 100, make_least_first),
    DIGITS("addition_lsd_2", "the same with two digits each", 2, 10000, make_least_first),
    DIGITS("addition_lsd_3", "the same with three digits each", 3, TASK_MOST_ITEMS, make_least_first),
    DIGITS("addition_lsd_4", "the same with four digits each", 4, TASK_MOST_ITEMS, make_least_first),
};

const struct task_family tasks_arithmetic = TASK_FAMILY(rows);
