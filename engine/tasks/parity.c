/* SPDX-License-Identifier: Apache-2.0 */
/* parity.c — whether the ones among bits are odd in number: among all bits, or among a few at fixed places that nobody
 * names. Of the latter, learning is a search for the places, slow and then sudden (Barak 2022); the former does not appear
 * in a small model without steps in between. */
#include <stdio.h>

#include "engine/tasks/task.h"

/* Places of the sparse parities, the first two of the last three. */
static const int places[] = {3, 10, 6};

static void put_bits(uint64_t bits, int n, char *out)
{
    for (int i = 0; i < n; i++)
        out[i] = (char)('0' + (bits >> i & 1));
    out[n] = 0;
}

static void make_parity(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    char bits[33];
    int ones = 0;
    (void)facts;
    put_bits(index, task->base, bits);
    for (int i = 0; i < task->base; i++)
        ones += bits[i] == '1';
    (void)snprintf(out->prompt, sizeof out->prompt, "parity %s=", bits);
    (void)snprintf(out->answer, sizeof out->answer, "%d\n", ones % 2);
}

static void make_sparse(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    char bits[33];
    int ones = 0;
    (void)facts;
    put_bits(index, task->base, bits);
    for (int i = 0; i < task->size; i++)
        ones += bits[places[i]] == '1';
    (void)snprintf(out->prompt, sizeof out->prompt, "sparse%d %s=", task->size, bits);
    (void)snprintf(out->answer, sizeof out->answer, "%d\n", ones % 2);
}

#define ROW(name, help, ones, bits, make) {name, help, ones, bits, 1 << (bits), make, chance_from_answers, NULL, NULL, false}

static const struct task rows[] = {
    ROW("parity_8", "parity of eight bits", 8, 8, make_parity),
    ROW("parity_16", "parity of sixteen bits", 16, 16, make_parity),
    ROW("parity_sparse_2", "parity of two of sixteen bits, always the same two", 2, 16, make_sparse),
    ROW("parity_sparse_3", "parity of three of sixteen bits, always the same three", 3, 16, make_sparse),
};

const struct task_family tasks_parity = TASK_FAMILY(rows);
