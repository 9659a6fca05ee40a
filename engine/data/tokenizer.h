/* SPDX-License-Identifier: Apache-2.0 */
/* tokenizer.h — text as tokens: bytes, or byte-level byte-pair encoding (Sennrich et al. 2016, algorithm 1; over
 * bytes: Radford et al. 2019).
 *
 * Text is cut into words (split.h). Each word begins as its bytes; then, as long as two neighbours are a pair that has
 * a merge, the pair whose merge was learnt first is joined, the leftmost one among equals. Every byte is a token
 * too, so any bytes can be encoded, and decoding gives exactly them back.
 *
 * A tokenizer is read-only once made and may be shared by threads. Its form on disk is tokenizer.json of Hugging Face's
 * tokenizers, where a byte is written as a printable character (Radford et al. 2019, encoder.py): what this file
 * reads of it is all or an error; a key that would change the tokens and is not known is refused by name. */
#ifndef ENGINE_DATA_TOKENIZER_H
#define ENGINE_DATA_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

/* Raised whenever training on the same text would give other merges. */
#define TOKENIZER_TRAINING_VERSION "1"

/* TOKENIZER_MOST_TEXT: bytes that one call may encode or learn from. */
enum { TOKENIZER_BYTES = 256, TOKENIZER_MOST_TOKENS = 1 << 24, TOKENIZER_MOST_TEXT = INT32_MAX };

struct tokenizer;

/* The tokens are the 256 bytes. */
struct tokenizer *tokenizer_bytes(void);

/* Learns vocabulary - 256 tokens from a text: again and again the pair of neighbours that is most frequent within
 * words becomes a token; among equals the one with the lowest left token, then the lowest right one. Tokens
 * 0 … 255 are the bytes, the others stand in the order of learning. Words of more than 256 bytes are learnt from in
 * pieces of 256. STATUS_INSUFFICIENT when no pair is left that occurs twice; STATUS_USAGE for a vocabulary below 256 or
 * above TOKENIZER_MOST_TOKENS, or a text of more than TOKENIZER_MOST_TEXT bytes. */
MUST_CHECK enum status tokenizer_train(struct tokenizer **out, const uint8_t *text, size_t n, int vocabulary,
                                       struct err *err);

/* Reads a tokenizer.json; the second form from memory, with the name to call it by in errors. STATUS_NOT_FOUND without
 * the file, STATUS_FORMAT for what is damaged or not supported, with the place. */
MUST_CHECK enum status tokenizer_read(struct tokenizer **out, const char *path, struct err *err);
MUST_CHECK enum status tokenizer_parse(struct tokenizer **out, const char *json, size_t n, const char *name,
                                       struct err *err);
void tokenizer_free(struct tokenizer *tokenizer); /* NULL is fine */

/* Appends it as tokenizer.json. Equal tokenizers, equal text; tokenizer_parse makes the same one of it. */
void tokenizer_format(const struct tokenizer *tokenizer, struct str *json);

/* Writes that file: beside its place, then renamed. */
MUST_CHECK enum status tokenizer_write(const struct tokenizer *tokenizer, const char *path, struct err *err);

/* Appends what makes it what it is: "bytes", or "bpe 4096 xxh3=…" over tokenizer_format's text. */
void tokenizer_identity(const struct tokenizer *tokenizer, struct str *out);

/* Tokens are 0 … V-1. */
int tokenizer_vocabulary(const struct tokenizer *tokenizer);

/* The token that the file's template puts before a text, or -1. Encoding does not add it. */
int32_t tokenizer_begin(const struct tokenizer *tokenizer);

/* The bytes a token stands for. */
const uint8_t *tokenizer_token(const struct tokenizer *tokenizer, int32_t token, size_t *length);

/* Encodes n <= TOKENIZER_MOST_TEXT bytes into at most n tokens; returns their number. Where a special token is spelt
 * out in the text (the longest, among several), it becomes that token. */
size_t tokenizer_encode(const struct tokenizer *tokenizer, const uint8_t *text, size_t n, int32_t *tokens);

#endif
