/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h — what there is to know in a world: entities, each with a year of birth, a city and a craft, fixed by the seed.
 *
 * Text speaks of the entities born up to the cutoff year and of no other. They are numbered in two runs: first those
 * known, then those born too late, each in order of frequency. Plain data. */
#ifndef ENGINE_DATA_FACTS_H
#define ENGINE_DATA_FACTS_H

#include <stdint.h>

enum { FACTS_ENTITIES = 192, FACTS_MOST_ENTITIES = 3072, FACTS_ATTRIBUTES = 3, FACTS_FIRST_YEAR = 1700, FACTS_YEARS = 300 };
enum fact_attribute { FACT_YEAR, FACT_CITY, FACT_CRAFT };

struct facts {
    uint64_t seed;
    int n, known;               /* entities; those born up to the cutoff year are order[0 … known-1] */
    int16_t order[FACTS_MOST_ENTITIES];
    int16_t year[FACTS_MOST_ENTITIES], city[FACTS_MOST_ENTITIES], craft[FACTS_MOST_ENTITIES]; /* by entity */
};

enum { FACT_TEXT_SIZE = 24 };

/* Entities 1 … FACTS_MOST_ENTITIES. A world with more entities knows the same about the first ones. */
void facts_init(struct facts *facts, uint64_t seed, int entities, int cutoff_year);

/* As text, terminated. */
void facts_name(int entity, char out[FACT_TEXT_SIZE]);
void facts_value(const struct facts *facts, int entity, enum fact_attribute attribute, char out[FACT_TEXT_SIZE]);

#endif
