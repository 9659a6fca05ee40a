/* SPDX-License-Identifier: Apache-2.0 */
/* world.h — the synthetic language `world`: endless, seeded text whose entropy is known.
 *
 * Text is a run of independent lines. A line is, by the shares of the configuration,
 *   a task line     one of the abilities of engine/tasks, drawn from its training items
 *   a fact          "Babin lives in Rome.": an entity drawn by Zipf's law, one of three attributes; the
 *                   attributes' values are fixed by the world's seed
 *   junk            random letters
 *   a sentence      English or German, Zipfian words, number and gender agreeing
 * Every line has exactly one derivation, so its probability is the product of its choices, and the entropy per
 * byte is H(line) / E[bytes of a line] (the lines being independent, by renewal theory).
 *
 * A struct world is read-only once open. */
#ifndef ENGINE_DATA_WORLD_H
#define ENGINE_DATA_WORLD_H

#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/rng.h"

/* Raised whenever the same settings would give other text. */
#define WORLD_VERSION "2"

enum { WORLD_LINE_SIZE = 128 };

struct world_config {
    uint64_t seed;      /* facts, and which task items are held out */
    double task_share, fact_share, junk; /* shares of lines; the rest are sentences */
};

struct world;

/* Life cycle. Shares must be 0 … 1 and add up to at most 1 (STATUS_USAGE). */
MUST_CHECK enum status world_new(struct world **out, const struct world_config *config, struct err *err);
void world_free(struct world *world);

/* One line with its '\n', terminated. Returns its length; *logprob (may be NULL) gets the exact natural logarithm of
 * its probability. */
int world_line(const struct world *world, struct rng *rng, char line[WORLD_LINE_SIZE], double *logprob);

/* H(line) / E[length], in nats per byte, and its two parts; exact. */
double world_entropy_floor(const struct world *world);
double world_line_entropy(const struct world *world); /* nats */
double world_line_bytes(const struct world *world);

#endif
