/* SPDX-License-Identifier: Apache-2.0 */
/* rng.c — the only user of Random123. The 128-bit counter is (draw, stream, index): no state but it. */
#include "engine/base/rng.h"

#include <math.h>

#include "engine/base/assert.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include <Random123/philox.h>
#pragma GCC diagnostic pop

struct rng rng_open(uint64_t seed, enum rng_stream stream, uint64_t index)
{
    return (struct rng){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, (uint32_t)stream, (uint32_t)index, (uint32_t)(index >> 32)},
    };
}

uint32_t rng_u32(struct rng *rng)
{
    if (rng->left == 0) {
        philox4x32_ctr_t counter = {{rng->counter[0], rng->counter[1], rng->counter[2], rng->counter[3]}};
        philox4x32_key_t key = {{rng->key[0], rng->key[1]}};
        philox4x32_ctr_t block = philox4x32(counter, key);
        for (int i = 0; i < 4; i++)
            rng->buffer[i] = block.v[i];
        rng->counter[0]++;
        rng->left = 4;
    }
    return rng->buffer[4 - rng->left--];
}

uint64_t rng_u64(struct rng *rng)
{
    uint64_t high = rng_u32(rng);
    return high << 32 | rng_u32(rng);
}

uint32_t rng_below(struct rng *rng, uint32_t n)
{
    uint32_t reject = (uint32_t)(-n) % n; /* 2^32 mod n: the part that would favour small values */
    uint32_t draw;
    ASSERT(n > 0);
    do
        draw = rng_u32(rng);
    while (draw < reject);
    return draw % n;
}

double rng_uniform(struct rng *rng)
{
    return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

double rng_normal(struct rng *rng)
{
    double radius = sqrt(-2.0 * log(1.0 - rng_uniform(rng)));
    return radius * cos(6.283185307179586476925 * rng_uniform(rng));
}
