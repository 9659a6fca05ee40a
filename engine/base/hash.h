/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h — 128-bit hashes for names and checksums: XXH3 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
 *
 * Good against accidents, not against malice: two different inputs never meet by chance, but somebody who wants
 * them to can find a pair. A file that has to be proven genuine wants SHA-256. */
#ifndef ENGINE_BASE_HASH_H
#define ENGINE_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash {
    uint64_t high, low;
};

/* 32 hexadecimal digits, high half first, and the terminator. */
enum { HASH_DIGITS = 32, HASH_TEXT_SIZE = HASH_DIGITS + 1 };

struct hash hash_bytes(const void *bytes, size_t n);
bool hash_equal(struct hash a, struct hash b);
void hash_text(struct hash hash, char out[HASH_TEXT_SIZE]);

/* The same hash over bytes that come in parts. Adding nothing is allowed. */
struct hasher;
struct hasher *hasher_new(void);
void hasher_free(struct hasher *hasher); /* NULL is allowed */
void hasher_add(struct hasher *hasher, const void *bytes, size_t n);
struct hash hasher_value(const struct hasher *hasher);

#endif
