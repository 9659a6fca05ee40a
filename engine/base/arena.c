/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c — a bump allocator over one anonymous mapping. Invariant: base <= next <= end, next aligned. */
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
    *arena = (struct arena){.base = block, .next = block, .end = (char *)block + mapped, .mapped = mapped};
    return STATUS_OK;
}

void arena_release(struct arena *arena)
{
    if (arena->base)
        (void)munmap(arena->base, arena->mapped);
    *arena = (struct arena){0};
}

void *arena_take(struct arena *arena, size_t count, size_t size)
{
    size_t bytes = arena_bytes(count, size);
    void *memory = arena->next;
    ASSERT(!arena->sealed);
    ASSERT(bytes <= (size_t)(arena->end - arena->next));
    arena->next += bytes;
    return memory; /* a fresh anonymous mapping is zero */
}

void arena_seal(struct arena *arena)
{
    arena->sealed = true;
}
