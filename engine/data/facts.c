/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c — an entity's facts are drawn from a stream of its own, so they depend on nothing but the seed. */
#include "engine/data/facts.h"

#include <stdio.h>

#include "engine/base/assert.h"
#include "engine/base/rng.h"
#include "engine/base/str.h"
#include "engine/data/lexicon.h"

void facts_init(struct facts *facts, uint64_t seed, int entities, int cutoff_year)
{
    int late = 0;
    ASSERT(entities > 0 && entities <= FACTS_MOST_ENTITIES);
    ASSERT(name_starts.n * name_ends.n * (name_middles.n + 1) == FACTS_MOST_ENTITIES);
    *facts = (struct facts){.seed = seed, .n = entities};
    for (int e = 0; e < entities; e++) {
        struct rng rng = rng_open(seed, RNG_WORLD, (uint64_t)e);
        facts->year[e] = (int16_t)(FACTS_FIRST_YEAR + (int)rng_below(&rng, FACTS_YEARS));
        facts->city[e] = (int16_t)rng_below(&rng, (uint32_t)cities.n);
        facts->craft[e] = (int16_t)rng_below(&rng, (uint32_t)crafts.n);
        if (facts->year[e] <= cutoff_year)
            facts->order[facts->known++] = (int16_t)e;
    }
    for (int e = 0; e < entities; e++)
        if (facts->year[e] > cutoff_year)
            facts->order[facts->known + late++] = (int16_t)e;
}

/* Two syllables, and from the 193rd entity on one between them. */
void facts_name(int entity, char out[FACT_TEXT_SIZE])
{
    int pair = entity % (name_starts.n * name_ends.n), middle = entity / (name_starts.n * name_ends.n);
    (void)snprintf(out, FACT_TEXT_SIZE, "%s%s%s", name_starts.words[pair % name_starts.n],
                   middle > 0 ? name_middles.words[middle - 1] : "", name_ends.words[pair / name_starts.n]);
}

void facts_value(const struct facts *facts, int entity, enum fact_attribute attribute, char out[FACT_TEXT_SIZE])
{
    if (attribute == FACT_YEAR)
        (void)snprintf(out, FACT_TEXT_SIZE, "%d", facts->year[entity]);
    else
        (void)str_copy(out, FACT_TEXT_SIZE, attribute == FACT_CITY ? cities.words[facts->city[entity]]
                                                                  : crafts.words[facts->craft[entity]]);
}
