/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c — a bump allocator over one anonymous mapping. Invariant: used <= capacity, used aligned. */
#include "engine/base/arena.h"

#include <stdint.h>
#include <sys/mman.h>

#include "engine/base/assert.h"

enum { HUGE_PAGE = 2 << 20 };

size_t arena_bytes(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - ARENA_ALIGNMENT)
        return SIZE_MAX;
    return (bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
}

struct arena arena_counting(void)
{
    return (struct arena){.capacity = SIZE_MAX};
}

enum status arena_init(struct arena *arena, size_t bytes, struct err *err)
{
    size_t mapped;
    void *block;
    if (bytes > SIZE_MAX / 2)
        return err_set(err, STATUS_MEMORY, "a block of %zu bytes is more than any machine has", bytes);
    mapped = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    if (mapped == 0)
        mapped = HUGE_PAGE;
    block = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return err_set(err, STATUS_MEMORY, "cannot get %zu bytes of memory for the model", mapped);
    (void)madvise(block, mapped, MADV_HUGEPAGE); /* advice only: small pages work too */
    *arena = (struct arena){.base = block, .capacity = mapped};
    return STATUS_OK;
}

void arena_release(struct arena *arena)
{
    if (arena->base)
        (void)munmap(arena->base, arena->capacity);
    *arena = (struct arena){0};
}

void *arena_take(struct arena *arena, size_t count, size_t size)
{
    size_t bytes = arena_bytes(count, size), at = arena->used;
    ASSERT(!arena->sealed);
    if (arena->base == NULL) {
        arena->used = bytes > SIZE_MAX - at ? SIZE_MAX : at + bytes;
        return NULL;
    }
    ASSERT(bytes <= arena->capacity - at);
    arena->used = at + bytes;
    return arena->base + at; /* a fresh anonymous mapping is zero */
}

void arena_seal(struct arena *arena)
{
    arena->sealed = true;
}
