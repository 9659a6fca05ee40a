/* SPDX-License-Identifier: Apache-2.0 */
/* words.h — a set of byte strings, numbered in the order in which they came: a vocabulary, or the words of a text.
 *
 * The strings lie one behind the other in one block. Running out of memory is treated as in str.h. */
#ifndef ENGINE_DATA_WORDS_H
#define ENGINE_DATA_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct words {
    uint8_t *bytes;
    size_t *starts;     /* n + 1: string i is bytes[starts[i]] … bytes[starts[i + 1] - 1] */
    int32_t n;
    int32_t *slots;     /* open addressing, at most half full; -1: empty */
    size_t n_slots;     /* a power of two */
    size_t bytes_capacity, capacity;
};

void words_init(struct words *words);
void words_release(struct words *words);

/* The string's number, or -1. */
int32_t words_find(const struct words *words, const uint8_t *text, size_t length);

/* The string's number; one that is not there is added under the number n. There are at most 2^31 - 1. */
int32_t words_add(struct words *words, const uint8_t *text, size_t length);

/* String number i and its length. */
const uint8_t *words_at(const struct words *words, int32_t i, size_t *length);

/* A hash of the bytes; the same on every machine of one byte order. */
uint64_t words_hash(const uint8_t *text, size_t length);

#endif
