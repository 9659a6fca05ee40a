/* SPDX-License-Identifier: Apache-2.0 */
/* arithmetic.c — sums of two numbers, plain and modulo a small prime. */
#include <stdio.h>

#include "engine/tasks/task.h"

/* Two-digit sums: the carry makes them hard for a small model. The modulus is small and its table large, so
 * that the held-out pairs can be told from those learnt. */
enum { ADDENDS = 100, MODULUS = 7, MODULAR_ADDENDS = 30 };

static uint64_t count_sums(void)
{
    return ADDENDS * ADDENDS;
}

static void make_sum(uint64_t index, struct item *out)
{
    int a = (int)(index / ADDENDS), b = (int)(index % ADDENDS);
    (void)snprintf(out->prompt, sizeof out->prompt, "%d+%d=", a, b);
    (void)snprintf(out->answer, sizeof out->answer, "%d\n", a + b);
}

/* The guesser knows how often each sum occurs. */
static struct chance chance_sum(void)
{
    return chance_from_answers(&task_addition);
}

static uint64_t count_modular(void)
{
    return MODULAR_ADDENDS * MODULAR_ADDENDS;
}

static void make_modular(uint64_t index, struct item *out)
{
    int a = (int)(index / MODULAR_ADDENDS), b = (int)(index % MODULAR_ADDENDS);
    (void)snprintf(out->prompt, sizeof out->prompt, "mod%d %d+%d=", MODULUS, a, b);
    (void)snprintf(out->answer, sizeof out->answer, "%d\n", (a + b) % MODULUS);
}

static struct chance chance_modular(void)
{
    return chance_from_answers(&task_modular_addition);
}

const struct task task_addition = {
    .name = "addition",
    .help = "add two numbers below 100",
    .count = count_sums,
    .make = make_sum,
    .chance = chance_sum,
};

const struct task task_modular_addition = {
    .name = "modular_addition",
    .help = "add two numbers below 30 modulo 7",
    .count = count_modular,
    .make = make_modular,
    .chance = chance_modular,
};
