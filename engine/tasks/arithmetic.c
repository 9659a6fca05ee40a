/* SPDX-License-Identifier: Apache-2.0 */
/* arithmetic.c — sums of two numbers, plain and modulo a small prime. */
#include <stdio.h>

#include "engine/tasks/task.h"

/* Few enough sums that each is met often; one in eight is held out, so knowing them by heart does not help. */
enum { ADDENDS = 20, MODULUS = 5, MODULAR_ADDENDS = 20 };

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
    .help = "add two numbers below 20",
    .count = count_sums,
    .make = make_sum,
    .chance = chance_sum,
};

const struct task task_modular_addition = {
    .name = "modular_addition",
    .help = "add two numbers below 20 modulo 5",
    .count = count_modular,
    .make = make_modular,
    .chance = chance_modular,
};
