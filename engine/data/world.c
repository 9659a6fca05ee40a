/* SPDX-License-Identifier: Apache-2.0 */
/* world.c — the generator, and beside it the sums that give its entropy.
 *
 * Main invariant: every choice a line makes goes through choose_… with its probability, and the same
 * probabilities go into the entropy: the two cannot drift apart without the Monte Carlo test noticing. */
#include "engine/data/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/data/lexicon.h"
#include "engine/data/zipf.h"
#include "engine/tasks/task.h"

enum { TASKS_MAX = 32, ATTRIBUTES = 3, FIRST_YEAR = 1700, YEARS = 300, JUNK_SHORTEST = 8, JUNK_LENGTHS = 24 };

#define GERMAN_SHARE 0.25
#define ADJECTIVE_SHARE 0.3

/* What the entropy of a part comes to. */
struct part {
    double entropy, bytes; /* of one line, in nats and bytes with the '\n' */
};

struct world {
    struct world_config config;
    struct zipf nouns, verbs, adjectives, german_nouns[3], german_verbs, entities;
    int year[ZIPF_MAX], city[ZIPF_MAX], craft[ZIPF_MAX]; /* by entity */
    double task_logprob[TASKS_MAX];                      /* of one item of a task */
    double entropy, bytes;                               /* of a line */
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
    return (struct part){2 * phrase + zipf_entropy(&w->verbs), 2 * phrase_bytes + verb_bytes + 2};
}

static struct part german_part(const struct world *w)
{
    struct part part = {zipf_entropy(&w->german_verbs), 2 + zipf_mean_length(&w->german_verbs, &german_verbs) + 2};
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
                         GERMAN_SHARE * german.bytes + (1 - GERMAN_SHARE) * english.bytes};
}

/* ---- facts ---- */

static void fact_text(const struct world *w, struct line *line, int entity, int attribute)
{
    char year[5] = {0};
    put(line, name_starts.words[entity % name_starts.n]);
    put(line, name_ends.words[entity / name_starts.n]);
    switch (attribute) {
    case 0:
        for (int i = 3, y = w->year[entity]; i >= 0; i--, y /= 10)
            year[i] = (char)('0' + y % 10);
        put(line, " was born in ");
        put(line, year);
        break;
    case 1:
        put(line, " lives in ");
        put(line, cities.words[w->city[entity]]);
        break;
    default:
        put(line, " is a ");
        put(line, crafts.words[w->craft[entity]]);
        break;
    }
    put(line, ".\n");
}

static void fact(const struct world *w, struct line *line)
{
    int entity = choose_zipf(line, &w->entities);
    fact_text(w, line, entity, choose_uniform(line, ATTRIBUTES));
}

static struct part fact_part(const struct world *w)
{
    struct part part = {zipf_entropy(&w->entities) + log(ATTRIBUTES), 0};
    for (int e = 0; e < w->entities.n; e++) {
        for (int a = 0; a < ATTRIBUTES; a++) {
            char text[WORLD_LINE_SIZE];
            struct line line = {.text = text};
            fact_text(w, &line, e, a);
            part.bytes += zipf_probability(&w->entities, e) * line.length / ATTRIBUTES;
        }
    }
    return part;
}

/* ---- tasks and junk ---- */

static void task_line(const struct world *w, struct line *line)
{
    int i = choose_uniform(line, task_count());
    struct item item;
    task_draw_train(task_at(i), w->config.seed, line->rng, &item);
    line->logprob += w->task_logprob[i];
    put(line, item.prompt);
    put(line, item.answer);
}

/* Counts the training items and the bytes of each task's lines, all of them. */
static struct part task_part(struct world *w)
{
    struct part part = {log(task_count()), 0};
    ASSERT(task_count() <= TASKS_MAX);
    for (int i = 0; i < task_count(); i++) {
        const struct task *task = task_at(i);
        uint64_t n = task->count(), train = 0, bytes = 0;
        struct item item;
        for (uint64_t j = 0; j < n; j++) {
            task->make(j, &item);
            if (!task_is_heldout(&item, w->config.seed)) {
                train++;
                bytes += strlen(item.prompt) + strlen(item.answer);
            }
        }
        w->task_logprob[i] = -log((double)train);
        part.entropy += log((double)train) / task_count();
        part.bytes += (double)bytes / (double)train / task_count();
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
    return (struct part){log(JUNK_LENGTHS) + letters * log(26), letters + 1};
}

/* ---- the world ---- */

static void add_part(struct world *w, double share, struct part part)
{
    if (share > 0) {
        w->entropy += share * (part.entropy - log(share));
        w->bytes += share * part.bytes;
    }
}

enum status world_new(struct world **out, const struct world_config *config, struct err *err)
{
    struct world *w;
    double sentences = 1 - (config->task_share + config->fact_share + config->junk);
    if (!(config->task_share >= 0 && config->fact_share >= 0 && config->junk >= 0 && sentences >= -1e-12))
        return err_set(err, STATUS_USAGE, "the shares of tasks, facts and junk must not be negative or exceed 1 together");
    w = calloc(1, sizeof *w);
    if (!w)
        return err_set(err, STATUS_MEMORY, "no memory for the world");
    w->config = *config;
    zipf_init(&w->nouns, english_nouns.n);
    zipf_init(&w->verbs, english_verbs.n);
    zipf_init(&w->adjectives, english_adjectives.n);
    for (int g = 0; g < 3; g++)
        zipf_init(&w->german_nouns[g], german_nouns[g]->n);
    zipf_init(&w->german_verbs, german_verbs.n);
    zipf_init(&w->entities, name_starts.n * name_ends.n);
    for (int e = 0; e < w->entities.n; e++) {
        struct rng rng = rng_open(config->seed, RNG_WORLD, (uint64_t)e);
        w->year[e] = FIRST_YEAR + (int)rng_below(&rng, YEARS);
        w->city[e] = (int)rng_below(&rng, (uint32_t)cities.n);
        w->craft[e] = (int)rng_below(&rng, (uint32_t)crafts.n);
    }
    add_part(w, config->task_share, config->task_share > 0 ? task_part(w) : (struct part){0});
    add_part(w, config->fact_share, fact_part(w));
    add_part(w, config->junk, junk_part());
    add_part(w, sentences > 1e-12 ? sentences : 0, sentence_part(w));
    *out = w;
    return STATUS_OK;
}

void world_free(struct world *world)
{
    free(world);
}

int world_line(const struct world *w, struct rng *rng, char text[WORLD_LINE_SIZE], double *logprob)
{
    const struct world_config *c = &w->config;
    struct line line = {.text = text, .rng = rng};
    double draw = rng_uniform(rng), tasks = c->task_share, facts = tasks + c->fact_share, junk = facts + c->junk;
    double share;
    if (draw < tasks) {
        share = c->task_share;
        task_line(w, &line);
    } else if (draw < facts) {
        share = c->fact_share;
        fact(w, &line);
    } else if (draw < junk) {
        share = c->junk;
        junk_line(&line);
    } else {
        share = 1 - junk;
        sentence(w, &line);
    }
    if (logprob)
        *logprob = line.logprob + log(share);
    return line.length;
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
