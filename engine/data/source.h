/* SPDX-License-Identifier: Apache-2.0 */
/* source.h — where sequences come from: the world, a text file, or sparse parities (parities.h). Tokens are bytes, or of
 * a text what a tokenizer makes of it.
 *
 * A window is a run of consecutive tokens and a pure function of its arguments: not of earlier calls, not of the
 * thread. Training windows are drawn by (seed, index), or by (seed, index modulo the number of unique ones); held-out
 * windows (stream RNG_HELDOUT_DATA) never overlap what training sees. */
#ifndef ENGINE_DATA_SOURCE_H
#define ENGINE_DATA_SOURCE_H

#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "engine/base/str.h"
#include "engine/data/parities.h"
#include "engine/data/tokenizer.h"
#include "engine/data/world.h"

enum source_kind { SOURCE_WORLD, SOURCE_TEXT, SOURCE_PARITIES };

struct source_config {
    enum source_kind kind;
    const char *path;   /* text */
    int context;        /* longest window less one: the file must hold some in either part */
    int vocabulary;     /* parities: tokens there may be; their window is one sample, so their bits are context - 2 */
    struct world_config world;
    struct parities_config parities;
    int64_t unique_tokens; /* training goes round in so many tokens, in whole sequences; 0: it never repeats */
};

struct source;

/* Life cycle. STATUS_NOT_FOUND without the file, STATUS_IO when it may not be read,
 * STATUS_FORMAT when it is too small or no file but a folder. */
MUST_CHECK enum status source_open(struct source **out, const struct source_config *config, struct err *err);
void source_free(struct source *source); /* NULL is fine */

/* Text only: from now on tokens are the tokenizer's, which the source takes over, also when it fails. Either part is
 * encoded by itself, 4 bytes per token. STATUS_FORMAT when a part has too few tokens or bytes too many. */
MUST_CHECK enum status source_tokenize(struct source *source, struct tokenizer *tokenizer, struct err *err);
const struct tokenizer *source_tokenizer(const struct source *source); /* NULL: tokens are bytes */

/* n tokens. World: lines drawn from (seed, stream, index), entered at a byte drawn from the same. Text: training
 * windows lie anywhere in the first nine tenths; held-out windows are spread evenly over the last tenth and do not
 * depend on the seed. Parities: one sample, whole. n <= context + 1. */
void source_window(const struct source *source, uint64_t seed, enum rng_stream stream, uint64_t index,
                   int32_t *tokens, int n);

/* World only: the part of the mixture that each of the window's tokens belongs to (enum world_part). */
void source_window_parts(const struct source *source, uint64_t seed, enum rng_stream stream, uint64_t index,
                         uint8_t *parts, int n);
const struct world *source_world(const struct source *source); /* NULL for other sources */
const struct parities *source_parities(const struct source *source); /* likewise */

/* Of a window's n targets, so many at its end are learnt and scored: all, but of a sample of parities its answer. */
int source_scored(const struct source *source, int n);

double source_entropy_floor(const struct source *source);   /* nats per token that is scored; NaN for text */
int64_t source_bytes_of(const struct source *source, int32_t token); /* that the token stands for */
int64_t source_train_bytes(const struct source *source);    /* different ones there are; 0: endless */
const uint8_t *source_train_text(const struct source *source); /* those bytes; NULL for the world */

/* How many different tokens the training windows 0 … count-1 of n tokens hold: of a text file its bytes that lie in
 * some window, or its tokens, counted; the world does not repeat itself. */
int64_t source_unique_tokens(const struct source *source, uint64_t seed, int64_t count, int n);

/* Appends what makes the data the data: "world 1 seed=1 …", "text sha256=… bytes=…", and the tokenizer, if any. */
void source_identity(const struct source *source, struct str *out);

#endif
