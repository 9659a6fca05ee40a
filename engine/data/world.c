/* SPDX-License-Identifier: Apache-2.0 */
/* world.c — the generator, and beside it the sums that give its entropy.
 *
 * Main invariant: every choice a line makes goes through choose_… with its probability, and the same
 * probabilities go into the entropy: the two cannot drift apart without the Monte Carlo test noticing. */
#include "engine/data/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/data/facts.h"
#include "engine/data/lexicon.h"
#include "engine/data/zipf.h"
#include "engine/tasks/choice.h"

enum { JUNK_SHORTEST = 8, JUNK_LENGTHS = 24 };

#define GERMAN_SHARE 0.25
#define ADJECTIVE_SHARE 0.3

/* What the entropy of a part comes to. */
struct part {
    double entropy, bytes; /* of one line, in nats and bytes with the '\n' */
    double share;          /* of the lines */
};

struct world {
    struct world_config config;
    struct zipf nouns, verbs, adjectives, german_nouns[3], german_verbs, entities; /* entities: those known */
    struct facts facts;
    struct task_choice tasks;
    double task_logprob[CHOICE_MOST]; /* of one line of a task */
    struct part parts[WORLD_PARTS];
    double entropy, bytes; /* of a line */
};

/* ---- the parts of a line under construction ---- */

struct line {
    char *text;
    int length;
    double logprob;
    struct rng *rng;
};

static void put(struct line *line, const char *text)
{
    size_t n = strlen(text);
    ASSERT(line->length + (int)n < WORLD_LINE_SIZE);
    memcpy(line->text + line->length, text, n + 1);
    line->length += (int)n;
}

static int choose_uniform(struct line *line, int n)
{
    line->logprob -= log(n);
    return (int)rng_below(line->rng, (uint32_t)n);
}

static bool choose_with(struct line *line, double p)
{
    bool yes = rng_uniform(line->rng) < p;
    line->logprob += log(yes ? p : 1 - p);
    return yes;
}

static int choose_zipf(struct line *line, const struct zipf *zipf)
{
    int i = zipf_draw(zipf, line->rng);
    line->logprob += log(zipf_probability(zipf, i));
    return i;
}

/* ---- sentences ---- */

static const char *const articles[2][2] = {{"the ", "a "}, {"the ", "some "}};       /* by number */
static const char *const german_articles[2][3][2] = {                              /* by case and gender */
    {{"der ", "ein "}, {"die ", "eine "}, {"das ", "ein "}},
    {{"den ", "einen "}, {"die ", "eine "}, {"das ", "ein "}},
};

static const struct word_list *const german_nouns[3] = {&german_masculine, &german_feminine, &german_neuter};

/* Returns whether the noun is plural. */
static bool english_phrase(const struct world *w, struct line *line)
{
    bool plural = choose_uniform(line, 2);
    put(line, articles[plural][choose_uniform(line, 2)]);
    if (choose_with(line, ADJECTIVE_SHARE)) {
        put(line, english_adjectives.words[choose_zipf(line, &w->adjectives)]);
        put(line, " ");
    }
    put(line, english_nouns.words[choose_zipf(line, &w->nouns)]);
    put(line, plural ? "s" : "");
    return plural;
}

static void english_sentence(const struct world *w, struct line *line)
{
    bool plural = english_phrase(w, line);
    put(line, " ");
    put(line, english_verbs.words[choose_zipf(line, &w->verbs)]);
    put(line, plural ? " " : "s ");
    (void)english_phrase(w, line);
    put(line, ".\n");
}

static void german_phrase(const struct world *w, struct line *line, int grammatical_case)
{
    int gender = choose_uniform(line, 3);
    put(line, german_articles[grammatical_case][gender][choose_uniform(line, 2)]);
    put(line, german_nouns[gender]->words[choose_zipf(line, &w->german_nouns[gender])]);
}

static void german_sentence(const struct world *w, struct line *line)
{
    german_phrase(w, line, 0);
    put(line, " ");
    put(line, german_verbs.words[choose_zipf(line, &w->german_verbs)]);
    put(line, " ");
    german_phrase(w, line, 1);
    put(line, ".\n");
}

static struct part english_part(const struct world *w)
{
    double adjective = -ADJECTIVE_SHARE * log(ADJECTIVE_SHARE) - (1 - ADJECTIVE_SHARE) * log(1 - ADJECTIVE_SHARE) +
                       ADJECTIVE_SHARE * zipf_entropy(&w->adjectives);
    double phrase = 2 * log(2) + adjective + zipf_entropy(&w->nouns);
    double article_bytes = (double)(strlen("the ") + strlen("a ") + strlen("the ") + strlen("some ")) / 4;
    double phrase_bytes = article_bytes + ADJECTIVE_SHARE * (zipf_mean_length(&w->adjectives, &english_adjectives) + 1) +
                          zipf_mean_length(&w->nouns, &english_nouns) + 0.5; /* half the nouns are plural */
    double verb_bytes = 1 + zipf_mean_length(&w->verbs, &english_verbs) + 1 + 0.5;
    return (struct part){2 * phrase + zipf_entropy(&w->verbs), 2 * phrase_bytes + verb_bytes + 2, 0};
}

static struct part german_part(const struct world *w)
{
    struct part part = {zipf_entropy(&w->german_verbs), 2 + zipf_mean_length(&w->german_verbs, &german_verbs) + 2, 0};
    for (int c = 0; c < 2; c++) {
        part.entropy += log(3) + log(2);
        for (int g = 0; g < 3; g++) {
            double article = (double)(strlen(german_articles[c][g][0]) + strlen(german_articles[c][g][1])) / 2;
            part.entropy += zipf_entropy(&w->german_nouns[g]) / 3;
            part.bytes += (article + zipf_mean_length(&w->german_nouns[g], german_nouns[g])) / 3;
        }
    }
    return part;
}

static void sentence(const struct world *w, struct line *line)
{
    if (choose_with(line, GERMAN_SHARE))
        german_sentence(w, line);
    else
        english_sentence(w, line);
}

static struct part sentence_part(const struct world *w)
{
    struct part english = english_part(w), german = german_part(w);
    double choice = -GERMAN_SHARE * log(GERMAN_SHARE) - (1 - GERMAN_SHARE) * log(1 - GERMAN_SHARE);
    return (struct part){choice + GERMAN_SHARE * german.entropy + (1 - GERMAN_SHARE) * english.entropy,
                         GERMAN_SHARE * german.bytes + (1 - GERMAN_SHARE) * english.bytes, 0};
}

/* ---- facts ---- */

static void fact_text(struct line *line, int entity, enum fact_attribute attribute, const char *value)
{
    static const char *const forms[FACTS_ATTRIBUTES] = {" was born in ", " lives in ", " is a "};
    char name[FACT_TEXT_SIZE];
    facts_name(entity, name);
    put(line, name);
    put(line, forms[attribute]);
    put(line, value);
    put(line, ".\n");
}

static void true_fact(const struct world *w, struct line *line, int entity, enum fact_attribute attribute)
{
    char value[FACT_TEXT_SIZE];
    facts_value(&w->facts, entity, attribute, value);
    fact_text(line, entity, attribute, value);
}

static void fact(const struct world *w, struct line *line)
{
    int entity = w->facts.order[choose_zipf(line, &w->entities)];
    true_fact(w, line, entity, (enum fact_attribute)choose_uniform(line, FACTS_ATTRIBUTES));
}

/* Bytes of one line of a part that draws entities as facts do, averaged: text writes the line that says something of the
 * entity, its variant-th way of n to say it. */
static double mean_bytes(const struct world *w, enum fact_attribute attribute, int n,
                         void (*text)(const struct world *, struct line *, int, enum fact_attribute, int))
{
    double bytes = 0;
    for (int rank = 0; rank < w->entities.n; rank++) {
        for (int variant = 0; variant < n; variant++) {
            char room[WORLD_LINE_SIZE];
            struct line line = {.text = room};
            text(w, &line, w->facts.order[rank], attribute, variant);
            bytes += zipf_probability(&w->entities, rank) * line.length / n;
        }
    }
    return bytes;
}

static void true_variant(const struct world *w, struct line *line, int entity, enum fact_attribute attribute, int variant)
{
    (void)variant;
    true_fact(w, line, entity, attribute);
}

static struct part fact_part(const struct world *w)
{
    struct part part = {zipf_entropy(&w->entities) + log(FACTS_ATTRIBUTES), 0, 0};
    for (int a = 0; a < FACTS_ATTRIBUTES; a++)
        part.bytes += mean_bytes(w, (enum fact_attribute)a, 1, true_variant) / FACTS_ATTRIBUTES;
    return part;
}

/* How many values are false of an entity. */
static int false_values(enum fact_attribute attribute)
{
    return (attribute == FACT_YEAR ? FACTS_YEARS : attribute == FACT_CITY ? cities.n : crafts.n) - 1;
}

/* The values in their order, the true one left out. */
static void false_fact(const struct world *w, struct line *line, int entity, enum fact_attribute attribute, int which)
{
    int truth = attribute == FACT_YEAR   ? w->facts.year[entity] - FACTS_FIRST_YEAR
                : attribute == FACT_CITY ? w->facts.city[entity]
                                         : w->facts.craft[entity];
    char year[FACT_TEXT_SIZE];
    which += which >= truth;
    if (attribute == FACT_YEAR) {
        (void)snprintf(year, sizeof year, "%d", FACTS_FIRST_YEAR + which);
        fact_text(line, entity, attribute, year);
    } else {
        fact_text(line, entity, attribute, (attribute == FACT_CITY ? cities : crafts).words[which]);
    }
}

static void draw_false_fact(const struct world *w, struct line *line)
{
    int entity = w->facts.order[choose_zipf(line, &w->entities)];
    enum fact_attribute attribute = (enum fact_attribute)choose_uniform(line, FACTS_ATTRIBUTES);
    false_fact(w, line, entity, attribute, choose_uniform(line, false_values(attribute)));
}

static struct part false_fact_part(const struct world *w)
{
    struct part part = {zipf_entropy(&w->entities) + log(FACTS_ATTRIBUTES), 0, 0};
    for (int i = 0; i < FACTS_ATTRIBUTES; i++) {
        enum fact_attribute a = (enum fact_attribute)i;
        /* Years are equally long, so one of them tells the bytes of all. */
        part.bytes += mean_bytes(w, a, a == FACT_YEAR ? 1 : false_values(a), false_fact) / FACTS_ATTRIBUTES;
        part.entropy += log(false_values(a)) / FACTS_ATTRIBUTES;
    }
    return part;
}

/* ---- tasks and junk ---- */

static void task_line(const struct world *w, struct line *line)
{
    double draw = rng_uniform(line->rng);
    int i = 0, last = 0;
    struct item item;
    for (double sum = 0; i < w->tasks.n; i++) {
        last = w->tasks.share[i] > 0 ? i : last;
        sum += w->tasks.share[i];
        if (draw < sum)
            break;
    }
    i = i < w->tasks.n ? i : last; /* the shares' sum may miss 1 by a rounding */
    task_draw_train(w->tasks.tasks[i], &w->facts, line->rng, &item);
    line->logprob += w->task_logprob[i];
    put(line, item.prompt);
    put(line, item.answer);
}

/* Counts the training items and the bytes of each task's lines, all of them. */
static struct part task_part(struct world *w)
{
    struct part part = {0};
    for (int i = 0; i < w->tasks.n; i++) {
        double share = w->tasks.share[i];
        struct task_part train;
        if (!(share > 0))
            continue;
        train = task_train_part(w->tasks.tasks[i], &w->facts);
        w->task_logprob[i] = log(share / (double)train.items);
        part.entropy -= share * w->task_logprob[i];
        part.bytes += share * (double)train.bytes / (double)train.items;
    }
    return part;
}

/* No spaces and no capital: a junk line is no other kind of line. */
static void junk_line(struct line *line)
{
    int n = JUNK_SHORTEST + choose_uniform(line, JUNK_LENGTHS);
    for (int i = 0; i < n; i++) {
        const char letter[2] = {(char)('a' + choose_uniform(line, 26)), 0};
        put(line, letter);
    }
    put(line, "\n");
}

static struct part junk_part(void)
{
    double letters = JUNK_SHORTEST + (JUNK_LENGTHS - 1) / 2.0;
    return (struct part){log(JUNK_LENGTHS) + letters * log(26), letters + 1, 0};
}

/* ---- the world ---- */

static const char *const part_names[WORLD_PARTS] = {"tasks", "facts", "junk", "sentences"};

const char *world_part_name(enum world_part part)
{
    return part_names[part];
}

static void add_part(struct world *w, enum world_part which, double share, struct part part)
{
    part.share = share;
    w->parts[which] = part;
    if (share > 0) {
        w->entropy += share * (part.entropy - log(share));
        w->bytes += share * part.bytes;
    }
}

static void count_parts(struct world *w)
{
    const struct world_config *c = &w->config;
    double sentences = 1 - (c->task_share + c->fact_share + c->junk);
    add_part(w, WORLD_TASKS, c->task_share, c->task_share > 0 ? task_part(w) : (struct part){0});
    add_part(w, WORLD_FACTS, c->fact_share, fact_part(w));
    add_part(w, WORLD_JUNK, c->junk, c->false_facts ? false_fact_part(w) : junk_part());
    add_part(w, WORLD_SENTENCES, sentences > 1e-12 ? sentences : 0, sentence_part(w));
}

static enum status open_parts(struct world *w, struct err *err)
{
    const struct world_config *c = &w->config;
    facts_init(&w->facts, c->seed, c->entities ? c->entities : FACTS_ENTITIES, c->cutoff_year ? c->cutoff_year : INT16_MAX);
    if (w->facts.known == 0)
        return err_set(err, STATUS_USAGE, "data.cutoff_year %d: nobody of %d was born by then", c->cutoff_year, w->facts.n);
    zipf_init(&w->nouns, english_nouns.n);
    zipf_init(&w->verbs, english_verbs.n);
    zipf_init(&w->adjectives, english_adjectives.n);
    for (int g = 0; g < 3; g++)
        zipf_init(&w->german_nouns[g], german_nouns[g]->n);
    zipf_init(&w->german_verbs, german_verbs.n);
    zipf_init(&w->entities, w->facts.known);
    return task_choose(c->abilities ? c->abilities : "demo", c->ability_zipf, &w->tasks, err);
}

enum status world_new(struct world **out, const struct world_config *config, struct err *err)
{
    struct world *w;
    enum status status;
    double sentences = 1 - (config->task_share + config->fact_share + config->junk);
    if (!(config->task_share >= 0 && config->fact_share >= 0 && config->junk >= 0 && sentences >= -1e-12))
        return err_set(err, STATUS_USAGE, "the shares of tasks, facts and junk must not be negative or exceed 1 together");
    w = calloc(1, sizeof *w);
    if (!w)
        return err_set(err, STATUS_MEMORY, "no memory for the world");
    w->config = *config;
    status = open_parts(w, err);
    w->config.abilities = NULL; /* the caller's */
    if (status != STATUS_OK) {
        world_free(w);
        return status;
    }
    count_parts(w);
    *out = w;
    return STATUS_OK;
}

void world_free(struct world *world)
{
    free(world);
}

int world_line(const struct world *w, struct rng *rng, char text[WORLD_LINE_SIZE], struct world_origin *origin)
{
    struct line line = {.text = text, .rng = rng};
    double draw = rng_uniform(rng), sum = 0;
    int part = 0;
    while (part < WORLD_SENTENCES && draw >= (sum += w->parts[part].share))
        part++;
    if (part == WORLD_TASKS)
        task_line(w, &line);
    else if (part == WORLD_FACTS)
        fact(w, &line);
    else if (part == WORLD_JUNK && w->config.false_facts)
        draw_false_fact(w, &line);
    else if (part == WORLD_JUNK)
        junk_line(&line);
    else
        sentence(w, &line);
    if (origin)
        *origin = (struct world_origin){line.logprob + log(part == WORLD_SENTENCES ? 1 - sum : w->parts[part].share),
                                        (enum world_part)part};
    return line.length;
}

const struct facts *world_facts(const struct world *world)
{
    return &world->facts;
}

const struct task_choice *world_tasks(const struct world *world)
{
    return &world->tasks;
}

double world_line_entropy(const struct world *world)
{
    return world->entropy;
}

double world_line_bytes(const struct world *world)
{
    return world->bytes;
}

double world_entropy_floor(const struct world *world)
{
    return world->entropy / world->bytes;
}

double world_part_floor(const struct world *world, enum world_part which)
{
    const struct part *part = &world->parts[which];
    return part->share > 0 ? (part->entropy - log(part->share)) / part->bytes : NAN;
}
