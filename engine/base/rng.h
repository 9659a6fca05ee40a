/* SPDX-License-Identifier: Apache-2.0 */
/* rng.h — counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy
 * as 1, 2, 3", SC 2011).
 *
 * A number is a function of (seed, stream, index) and of nothing else: not of the thread, not of how
 * many numbers were drawn before, not of whether a run was resumed. A struct rng is a cursor over the
 * numbers of one (seed, stream, index); it is copied freely and owns nothing. */
#ifndef ENGINE_BASE_RNG_H
#define ENGINE_BASE_RNG_H

#include <stdint.h>

/* Who draws. Two purposes never share a stream, so adding a draw in one place moves nothing elsewhere. */
enum rng_stream {
    RNG_INIT = 1,     /* initial weights; index: tensor */
    RNG_TRAIN_DATA,   /* training sequences; index: sequence */
    RNG_HELDOUT_DATA, /* held-out sequences; index: sequence */
    RNG_WORLD,        /* facts of the world; index: entity */
    RNG_TASK,         /* task items; index: item */
    RNG_SAMPLE,       /* sampled generation; index: position */
    RNG_BOOTSTRAP,    /* resampling; index: replicate */
    RNG_ORDER,        /* shuffled orders; index: block */
    RNG_TEST,
    RNG_PARITIES      /* sparse parities: places that count; index: sample, for the split */
};

struct rng {
    uint32_t key[2];
    uint32_t counter[4]; /* [0] draws, [1] stream, [2..3] index */
    uint32_t buffer[4];
    int left;
};

struct rng rng_open(uint64_t seed, enum rng_stream stream, uint64_t index);
uint32_t rng_u32(struct rng *rng);
uint64_t rng_u64(struct rng *rng);
/* Uniform in [0, n), without bias; n > 0. */
uint32_t rng_below(struct rng *rng, uint32_t n);
/* Uniform in [0, 1), 53 bits. */
double rng_uniform(struct rng *rng);
/* Standard normal (Box–Muller, one of the pair). */
double rng_normal(struct rng *rng);

#endif
