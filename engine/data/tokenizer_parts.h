/* SPDX-License-Identifier: Apache-2.0 */
/* tokenizer_parts.h — what the files of tokenizer share. Private to engine/data/tokenizer*.c. */
#ifndef ENGINE_DATA_TOKENIZER_PARTS_H
#define ENGINE_DATA_TOKENIZER_PARTS_H

#include <stdbool.h>

#include "engine/data/pairs.h"
#include "engine/data/split.h"
#include "engine/data/tokenizer.h"
#include "engine/data/words.h"

/* Tokens left and right become result. */
struct merge {
    int32_t left, right, result;
};

struct tokenizer {
    enum split split;
    bool ignore_merges;     /* a word that is a token is that token, whatever the merges say */
    struct words tokens;    /* the bytes of each, by id */
    int32_t byte_tokens[256];
    struct merge *merges;   /* by rank: the lowest is joined first */
    int32_t n_merges;
    struct pairs ranks;     /* of (left, right) */
    int32_t *special;       /* tokens recognised in the text as a whole, the longest first */
    int32_t n_special;
    int32_t begin;          /* or -1 */
};

/* Without tokens, merges and specials; the pattern is GPT-2's. */
struct tokenizer *tokenizer_new(void);

/* Adds a merge of the next rank; a pair that has one already keeps it. merges must have room. */
void tokenizer_add_merge(struct tokenizer *tokenizer, int32_t left, int32_t right, int32_t result);

/* The character that stands for a byte in tokenizer.json, and back; -1 for one that stands for none. Printable
 * characters of Latin-1 stand for themselves, the other 68 bytes for U+0100 … U+0143 in their order. */
uint32_t tokenizer_byte_char(uint8_t byte);
int tokenizer_char_byte(uint32_t code);

#endif
