/* SPDX-License-Identifier: Apache-2.0 */
/* words.c — the set of byte strings. Invariant: starts[n] is the number of bytes in use. */
#include "engine/data/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

static int32_t *empty_slots(size_t n)
{
    int32_t *slots = malloc(n * sizeof *slots);
    NEED_MEMORY(slots);
    memset(slots, 0xFF, n * sizeof *slots);
    return slots;
}

void words_init(struct words *words)
{
    *words = (struct words){.n_slots = 1024, .capacity = 512, .bytes_capacity = 4096};
    words->slots = empty_slots(words->n_slots);
    words->starts = calloc(words->capacity + 1, sizeof *words->starts);
    words->bytes = malloc(words->bytes_capacity);
    NEED_MEMORY(words->starts && words->bytes);
}

void words_release(struct words *words)
{
    free(words->bytes);
    free(words->starts);
    free(words->slots);
    *words = (struct words){0};
}

/* Eight bytes at a time, each stirred in by a multiplication whose upper half is folded back. */
uint64_t words_hash(const uint8_t *text, size_t length)
{
    const uint64_t factor = 0x9E3779B97F4A7C15u;
    uint64_t hash = length * factor;
    for (size_t i = 0; i < length; i += 8) {
        uint64_t chunk = 0;
        memcpy(&chunk, text + i, length - i < 8 ? length - i : 8);
        hash = (hash ^ chunk) * factor;
        hash ^= hash >> 32;
    }
    return hash;
}

const uint8_t *words_at(const struct words *words, int32_t i, size_t *length)
{
    ASSERT(i >= 0 && i < words->n);
    *length = words->starts[i + 1] - words->starts[i];
    return words->bytes + words->starts[i];
}

/* The string's slot, or the empty one where it belongs. */
static size_t find_slot(const struct words *words, const uint8_t *text, size_t length)
{
    size_t i = (size_t)words_hash(text, length) & (words->n_slots - 1), other_length;
    while (words->slots[i] >= 0) {
        const uint8_t *other = words_at(words, words->slots[i], &other_length);
        if (other_length == length && memcmp(other, text, length) == 0)
            break;
        i = (i + 1) & (words->n_slots - 1);
    }
    return i;
}

int32_t words_find(const struct words *words, const uint8_t *text, size_t length)
{
    return words->slots[find_slot(words, text, length)];
}

static void make_room(struct words *words, size_t length)
{
    size_t used = words->starts[words->n];
    if ((size_t)words->n == words->capacity) {
        words->capacity *= 2;
        words->starts = realloc(words->starts, (words->capacity + 1) * sizeof *words->starts);
        NEED_MEMORY(words->starts);
    }
    if (used + length > words->bytes_capacity) {
        words->bytes_capacity = 2 * (used + length);
        words->bytes = realloc(words->bytes, words->bytes_capacity);
        NEED_MEMORY(words->bytes);
    }
}

static void grow_slots(struct words *words)
{
    free(words->slots);
    words->n_slots *= 2;
    words->slots = empty_slots(words->n_slots);
    for (int32_t i = 0; i < words->n; i++) {
        size_t length;
        const uint8_t *text = words_at(words, i, &length);
        words->slots[find_slot(words, text, length)] = i;
    }
}

int32_t words_add(struct words *words, const uint8_t *text, size_t length)
{
    size_t slot = find_slot(words, text, length);
    if (words->slots[slot] >= 0)
        return words->slots[slot];
    ASSERT(words->n < INT32_MAX);
    make_room(words, length);
    if (length > 0)
        memcpy(words->bytes + words->starts[words->n], text, length);
    words->starts[words->n + 1] = words->starts[words->n] + length;
    words->slots[slot] = words->n++;
    if (2 * (size_t)words->n > words->n_slots)
        grow_slots(words);
    return words->n - 1;
}
