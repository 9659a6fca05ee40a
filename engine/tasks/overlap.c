/* SPDX-License-Identifier: Apache-2.0 */
/* overlap.c — an open hash table of the items' 64-bit hashes, at most half full. A false alarm takes two lines of equal
 * hash: once in 1e9 runs of 1e6 lines and 1e4 items. */
#include "engine/tasks/overlap.h"

#include <stdatomic.h>
#include <stdlib.h>

struct overlap {
    uint64_t *slots; /* 0: free */
    size_t mask;     /* their number less one */
    _Atomic int64_t found;
};

/* FNV-1a, byte by byte; what is kept is never 0. */
#define HASH_BEGIN 0xcbf29ce484222325u

static uint64_t add_byte(uint64_t hash, int32_t byte)
{
    return (hash ^ (uint64_t)(uint8_t)byte) * 0x100000001b3u;
}

static uint64_t *slot_of(const struct overlap *overlap, uint64_t hash)
{
    size_t at = (size_t)((hash ^ hash >> 32) & overlap->mask);
    while (overlap->slots[at] && overlap->slots[at] != hash)
        at = (at + 1) & overlap->mask;
    return &overlap->slots[at];
}

static void remember(struct overlap *overlap, const struct item *item)
{
    uint64_t hash = HASH_BEGIN;
    for (const char *c = item->prompt; *c; c++)
        hash = add_byte(hash, *c);
    for (const char *c = item->answer; *c && *c != '\n'; c++)
        hash = add_byte(hash, *c);
    *slot_of(overlap, hash | 1) = hash | 1;
}

enum status overlap_new(struct overlap **out, const struct task_choice *tasks, const struct facts *facts, int n,
                        struct err *err)
{
    struct overlap *overlap = calloc(1, sizeof *overlap);
    struct item *items = calloc((size_t)n, sizeof *items);
    size_t slots = 64;
    while (slots < 2 * (size_t)n * (size_t)tasks->n)
        slots *= 2;
    if (overlap)
        overlap->slots = calloc(slots, sizeof *overlap->slots);
    if (!overlap || !items || !overlap->slots) {
        overlap_free(overlap);
        free(items);
        return err_set(err, STATUS_MEMORY, "no memory to watch %d items of %d abilities", n, tasks->n);
    }
    overlap->mask = slots - 1;
    for (int i = 0; i < tasks->n; i++) {
        int found = task_heldout_items(tasks->tasks[i], facts, items, n);
        for (int j = 0; j < found; j++)
            remember(overlap, &items[j]);
    }
    free(items);
    *out = overlap;
    return STATUS_OK;
}

void overlap_free(struct overlap *overlap)
{
    if (overlap)
        free(overlap->slots);
    free(overlap);
}

void overlap_look(struct overlap *overlap, const int32_t *tokens, int n)
{
    uint64_t hash = HASH_BEGIN;
    bool whole = false; /* whether the line began in this text */
    for (int i = 0; i < n; i++) {
        if (tokens[i] != '\n') {
            hash = add_byte(hash, tokens[i]);
            continue;
        }
        if (whole && *slot_of(overlap, hash | 1))
            atomic_fetch_add(&overlap->found, 1);
        whole = true;
        hash = HASH_BEGIN;
    }
}

int64_t overlap_found(const struct overlap *overlap)
{
    return atomic_load(&overlap->found);
}
