/* SPDX-License-Identifier: Apache-2.0 */
/* recall.c — questions about the world's entities. What is asked was stated in the training text as a sentence; of the
 * questions themselves one in eight never was. About entities born after the cutoff year the text says nothing at all. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/data/lexicon.h"
#include "engine/tasks/task.h"

static const char *const questions[FACTS_ATTRIBUTES] = {"year of", "home of", "craft of"};

static void make_question(const struct facts *facts, uint64_t place, struct item *out)
{
    int entity = facts->order[place / FACTS_ATTRIBUTES];
    enum fact_attribute attribute = (enum fact_attribute)(place % FACTS_ATTRIBUTES);
    char name[FACT_TEXT_SIZE], value[FACT_TEXT_SIZE];
    facts_name(entity, name);
    facts_value(facts, entity, attribute, value);
    (void)snprintf(out->prompt, sizeof out->prompt, "%s %s: ", questions[attribute], name);
    (void)snprintf(out->answer, sizeof out->answer, "%s\n", value);
}

static void make_known(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    (void)task;
    make_question(facts, index, out);
}

static void make_late(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    (void)task;
    make_question(facts, (uint64_t)(facts->known * FACTS_ATTRIBUTES) + index, out);
}

static uint64_t count_known(const struct facts *facts)
{
    return (uint64_t)(facts->known * FACTS_ATTRIBUTES);
}

static uint64_t count_late(const struct facts *facts)
{
    return (uint64_t)((facts->n - facts->known) * FACTS_ATTRIBUTES);
}

/* The guesser knows the cities, the crafts and the years of the world, and not whose they are. */
static struct chance chance_values(const struct task *task, const struct facts *facts)
{
    const int values[FACTS_ATTRIBUTES] = {FACTS_YEARS, cities.n, crafts.n};
    uint64_t items = task_items(task, facts);
    struct chance chance = {0};
    for (uint64_t i = 0; i < items; i++) {
        int n = values[i % FACTS_ATTRIBUTES];
        struct item item;
        task->make(task, facts, i, &item);
        chance.exact_match += 1.0 / n / (double)items;
        chance.logprob -= log(n) / (double)strlen(item.answer) / (double)items;
    }
    return chance;
}

static const struct task rows[] = {
    {"fact_recall", "answer a question about what the text has stated", 0, 0, 0, make_known, chance_values, count_known, NULL,
     false},
    {"fact_after_cutoff", "answer one about an entity the text never speaks of, born after the cutoff year", 0, 0, 0,
     make_late, chance_values, count_late, NULL, true},
};

const struct task_family tasks_recall = TASK_FAMILY(rows);
