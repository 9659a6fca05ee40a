/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.h — a hash map from a pair of tokens to an index: of a merge, or of a count.
 *
 * Open addressing, at most half full. Running out of memory is treated as in str.h. */
#ifndef ENGINE_DATA_PAIRS_H
#define ENGINE_DATA_PAIRS_H

#include <stddef.h>
#include <stdint.h>

struct pair_slot {
    int32_t left, right, index; /* index -1: an empty slot */
};

struct pairs {
    struct pair_slot *slots;
    size_t n, n_slots; /* slots: a power of two */
};

void pairs_init(struct pairs *pairs);
void pairs_release(struct pairs *pairs);

/* The pair's index, or -1. */
int32_t pairs_find(const struct pairs *pairs, int32_t left, int32_t right);

/* The pair's index; a pair that is not there is added under the one given, which must not be negative. */
int32_t pairs_add(struct pairs *pairs, int32_t left, int32_t right, int32_t index);

#endif
