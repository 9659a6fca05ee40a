/* SPDX-License-Identifier: Apache-2.0 */
/* hash.c — the only user of libxxhash. */
#include "engine/base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

#include "engine/base/assert.h"

static struct hash from_library(XXH128_hash_t hash)
{
    return (struct hash){hash.high64, hash.low64};
}

/* The library's state wears our name: the struct itself stays unknown to everybody. */
static XXH3_state_t *state_of(const struct hasher *hasher)
{
    return (XXH3_state_t *)(uintptr_t)hasher;
}

struct hash hash_bytes(const void *bytes, size_t n)
{
    return from_library(XXH3_128bits(bytes, n));
}

bool hash_equal(struct hash a, struct hash b)
{
    return a.high == b.high && a.low == b.low;
}

void hash_text(struct hash hash, char out[HASH_TEXT_SIZE])
{
    (void)snprintf(out, HASH_TEXT_SIZE, "%016" PRIx64 "%016" PRIx64, hash.high, hash.low);
}

struct hasher *hasher_new(void)
{
    XXH3_state_t *state = XXH3_createState();
    NEED_MEMORY(state);
    (void)XXH3_128bits_reset(state);
    return (struct hasher *)state;
}

void hasher_free(struct hasher *hasher)
{
    (void)XXH3_freeState(state_of(hasher));
}

void hasher_add(struct hasher *hasher, const void *bytes, size_t n)
{
    if (n > 0)
        (void)XXH3_128bits_update(state_of(hasher), bytes, n);
}

struct hash hasher_value(const struct hasher *hasher)
{
    return from_library(XXH3_128bits_digest(state_of(hasher)));
}
