/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h — one block of memory per lifetime (process, plan, trial), handed out front to back.
 *
 * Nothing is freed singly: releasing the arena frees all. Memory is zeroed and 64-byte aligned.
 * A copy of the struct is a scratch arena: what it hands out is forgotten when the copy goes out of
 * scope. A sealed arena hands out nothing more; asking it is a bug. */
#ifndef ENGINE_BASE_ARENA_H
#define ENGINE_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

struct arena {
    char *base;      /* start of the block; NULL while counting */
    size_t used;
    size_t capacity; /* bytes of the block */
    bool sealed;
};

enum { ARENA_ALIGNMENT = 64 };

/* An arena that hands out NULL and only counts in `used`: run a layout on it first to learn its size. */
struct arena arena_counting(void);

/* Maps one block of at least `bytes` (huge pages where the system grants them). */
MUST_CHECK enum status arena_init(struct arena *arena, size_t bytes, struct err *err);
void arena_release(struct arena *arena);

/* Zeroed memory for count elements of the given size. Too little room is a bug: whoever makes an arena
 * counts first. A size that overflows saturates while counting, and arena_init then refuses it. */
void *arena_take(struct arena *arena, size_t count, size_t size);

/* What arena_take(count, size) consumes; SIZE_MAX when the product overflows. */
size_t arena_bytes(size_t count, size_t size);

void arena_seal(struct arena *arena);

#define ARENA_NEW(arena, type, count) ((type *)arena_take((arena), (size_t)(count), sizeof(type)))

#endif
