/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.c — the map of pairs: linear probing from a multiplicative hash (Knuth 1973, 6.4). */
#include "engine/data/pairs.h"

#include <stdlib.h>

#include "engine/base/assert.h"

static struct pair_slot *empty_slots(size_t n)
{
    struct pair_slot *slots = malloc(n * sizeof *slots);
    NEED_MEMORY(slots);
    for (size_t i = 0; i < n; i++)
        slots[i].index = -1;
    return slots;
}

void pairs_init(struct pairs *pairs)
{
    *pairs = (struct pairs){.n_slots = 256};
    pairs->slots = empty_slots(pairs->n_slots);
}

void pairs_release(struct pairs *pairs)
{
    free(pairs->slots);
    *pairs = (struct pairs){0};
}

/* The pair's slot, or the empty one where it belongs. */
static struct pair_slot *find_slot(struct pair_slot *slots, size_t n_slots, int32_t left, int32_t right)
{
    uint64_t hash = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(hash >> 20) & (n_slots - 1);
    while (slots[i].index >= 0 && (slots[i].left != left || slots[i].right != right))
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

int32_t pairs_find(const struct pairs *pairs, int32_t left, int32_t right)
{
    return find_slot(pairs->slots, pairs->n_slots, left, right)->index;
}

static void grow(struct pairs *pairs)
{
    size_t n_slots = 2 * pairs->n_slots;
    struct pair_slot *slots = empty_slots(n_slots);
    for (size_t i = 0; i < pairs->n_slots; i++)
        if (pairs->slots[i].index >= 0)
            *find_slot(slots, n_slots, pairs->slots[i].left, pairs->slots[i].right) = pairs->slots[i];
    free(pairs->slots);
    pairs->slots = slots;
    pairs->n_slots = n_slots;
}

int32_t pairs_add(struct pairs *pairs, int32_t left, int32_t right, int32_t index)
{
    struct pair_slot *slot = find_slot(pairs->slots, pairs->n_slots, left, right);
    ASSERT(index >= 0);
    if (slot->index >= 0)
        return slot->index;
    *slot = (struct pair_slot){left, right, index};
    if (2 * ++pairs->n > pairs->n_slots)
        grow(pairs);
    return index;
}
