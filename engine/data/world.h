/* SPDX-License-Identifier: Apache-2.0 */
/* world.h — the synthetic language `world`: endless, seeded text whose entropy is known.
 *
 * Text is a run of independent lines. A line is, by the shares of the configuration,
 *   a task line     one of the chosen abilities of engine/tasks, drawn from its training items
 *   a fact          "Babin lives in Rome.": an entity drawn by Zipf's law from those born up to the cutoff year, one of
 *                   three attributes; the attributes' values are fixed by the world's seed
 *   junk            random letters, or a fact that is not so
 *   a sentence      English or German, Zipfian words, number and gender agreeing
 * Every line has exactly one derivation, so its probability is the product of its choices, and the entropy per
 * byte is H(line) / E[bytes of a line] (the lines being independent, by renewal theory).
 *
 * A struct world is read-only once open. */
#ifndef ENGINE_DATA_WORLD_H
#define ENGINE_DATA_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "engine/tasks/choice.h"

/* Raised whenever the same settings would give other text. */
#define WORLD_VERSION "3"

enum { WORLD_LINE_SIZE = 128 };

struct world_config {
    uint64_t seed;      /* facts, and which task items are held out */
    double task_share, fact_share, junk; /* shares of lines; the rest are sentences */
    bool false_facts;       /* junk is facts that are not so, instead of random letters */
    const char *abilities;  /* as task_choose takes them; NULL: demo. Not kept */
    double ability_zipf;    /* exponent of the abilities' shares; 0: all the same */
    int entities;           /* 0: FACTS_ENTITIES */
    int cutoff_year;        /* of entities born later nothing is said; 0: of all something is */
};

/* The parts of the mixture. */
enum world_part { WORLD_TASKS, WORLD_FACTS, WORLD_JUNK, WORLD_SENTENCES, WORLD_PARTS };
const char *world_part_name(enum world_part part); /* "tasks" … */

/* What the generator knows of a line. */
struct world_origin {
    double logprob; /* exact natural logarithm of the line's probability */
    enum world_part part;
};

struct world;

/* Life cycle. Shares must be 0 … 1 and add up to at most 1, abilities must be some, and somebody must be born before the
 * cutoff year (STATUS_USAGE). */
MUST_CHECK enum status world_new(struct world **out, const struct world_config *config, struct err *err);
void world_free(struct world *world);

/* One line with its '\n', terminated. Returns its length; origin may be NULL. */
int world_line(const struct world *world, struct rng *rng, char line[WORLD_LINE_SIZE], struct world_origin *origin);

const struct facts *world_facts(const struct world *world);
const struct task_choice *world_tasks(const struct world *world);

/* H(line) / E[length], in nats per byte, and its two parts; exact. */
double world_entropy_floor(const struct world *world);
double world_line_entropy(const struct world *world); /* nats */
double world_line_bytes(const struct world *world);
/* The same of the lines of one part, that it is this part included; NaN for a part without a share. */
double world_part_floor(const struct world *world, enum world_part part);

#endif
