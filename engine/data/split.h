/* SPDX-License-Identifier: Apache-2.0 */
/* split.h — cutting text into the words within which byte pairs are merged.
 *
 * The two patterns are those published with GPT-2 (Radford et al. 2019) and Llama 3 (2024), hand-compiled: a word is
 * what the pattern's first alternative that matches takes. Every character belongs to exactly one word, so words
 * joined are the text. Bytes that are not UTF-8 count as [^\s\p{L}\p{N}]. */
#ifndef ENGINE_DATA_SPLIT_H
#define ENGINE_DATA_SPLIT_H

#include <stddef.h>
#include <stdint.h>

enum split { SPLIT_GPT2, SPLIT_LLAMA3, SPLIT_COUNT };

/* The regular expressions as tokenizer.json quotes them. */
extern const char *const split_patterns[SPLIT_COUNT];

/* Bytes of the first word of text, of which n >= 1 bytes are left. */
size_t split_next(enum split split, const uint8_t *text, size_t n);

#endif
