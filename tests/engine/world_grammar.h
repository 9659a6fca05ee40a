/* SPDX-License-Identifier: Apache-2.0 */
/* world_grammar.h — the world's language read instead of written: all derivations of a line, and what they add up to.
 *
 * It shares the word lists, what is true of the entities and the rule of what is held out with the engine, and nothing
 * else: articles, agreement, shares, Zipf's law, the cutoff and the forms of facts are stated here once more. */
#ifndef TESTS_ENGINE_WORLD_GRAMMAR_H
#define TESTS_ENGINE_WORLD_GRAMMAR_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/lexicon.h"
#include "engine/data/world.h"
#include "engine/tasks/task.h"
#include "tests/engine/task_opinions.h"

enum { ENTITIES = 192, TASKS = sizeof opinions / sizeof *opinions, WORDS_MAX = 8 };

static const char *const demo_tasks[] = {"copy", "reverse", "addition", "modular_addition", "induction"};

enum kind { KIND_TASK, KIND_FACT, KIND_JUNK, KIND_ENGLISH, KIND_GERMAN, KINDS };

struct grammar {
    double shares[KINDS];
    double harmonic[257];      /* 1 + 1/2 + … + 1/n */
    const struct task *tasks[TASKS]; /* that are practised */
    double task_p[TASKS];      /* of each training item of it */
    double task_items[TASKS];
    int n_tasks;
    const struct facts *facts; /* the generator's, for what the tasks ask */
    double known;              /* entities born up to the cutoff year */
    int rank[ENTITIES];        /* among those; -1: born later */
    bool false_facts;
    uint64_t seed;
    int kinds[KINDS];          /* the caller's count */
};

struct reading {
    int derivations;
    double probability; /* summed over derivations */
    enum kind kind;     /* of the last one found */
};

/* The practised tasks with shares falling as a power of their rank. */
static void grammar_tasks(struct grammar *g, const struct world_config *config)
{
    bool all = config->abilities && strcmp(config->abilities, "all") == 0;
    double sum = 0, shares[TASKS];
    for (int i = 0; i < (all ? task_count() : 5); i++) {
        const struct task *task = all ? task_at(i) : task_find(demo_tasks[i]);
        if (strcmp(task->name, "fact_after_cutoff") == 0)
            continue;
        shares[g->n_tasks] = exp(-config->ability_zipf * log(g->n_tasks + 1));
        sum += shares[g->n_tasks];
        g->tasks[g->n_tasks++] = task;
    }
    for (int i = 0; i < g->n_tasks; i++) {
        struct item item;
        for (uint64_t at = 0; at < task_items(g->tasks[i], g->facts); at++) {
            g->tasks[i]->make(g->tasks[i], g->facts, at, &item);
            g->task_items[i] += !task_is_heldout(&item, g->seed);
        }
        g->task_p[i] = shares[i] / sum / g->task_items[i];
    }
}

/* What there is to know is asked of the generator; that its text keeps to it is for the test to see. */
static struct grammar *grammar_new(const struct world_config *config, const struct facts *facts)
{
    struct grammar *g = calloc(1, sizeof *g);
    double rest = 1 - (config->task_share + config->fact_share + config->junk);
    assert_non_null(g);
    g->seed = config->seed;
    g->facts = opinion_facts = facts;
    g->false_facts = config->false_facts;
    g->shares[KIND_TASK] = config->task_share;
    g->shares[KIND_FACT] = config->fact_share;
    g->shares[KIND_JUNK] = config->junk;
    g->shares[KIND_ENGLISH] = rest * 3 / 4;
    g->shares[KIND_GERMAN] = rest / 4;
    for (int n = 1; n <= 256; n++)
        g->harmonic[n] = g->harmonic[n - 1] + 1.0 / n;
    for (int e = 0; e < ENTITIES; e++)
        g->rank[e] = config->cutoff_year && facts->year[e] > config->cutoff_year ? -1 : (int)g->known++;
    grammar_tasks(g, config);
    return g;
}

/* ---- words ---- */

struct word {
    const char *text;
    size_t length;
};

/* The words of "… … ….\n"; 0 when the line does not end so or has too many. */
static int split(const char *line, struct word words[WORDS_MAX])
{
    const char *end = strstr(line, ".\n");
    int n = 0;
    if (!end || end[2] != 0)
        return 0;
    for (const char *at = line; at <= end && n < WORDS_MAX;) {
        size_t length = strcspn(at, " .");
        words[n++] = (struct word){at, length};
        if (at + length == end)
            return n;
        at += length + 1;
    }
    return 0;
}

static bool is(struct word word, const char *text)
{
    return strlen(text) == word.length && memcmp(word.text, text, word.length) == 0;
}

/* Zipf's probability of a word of the list with this ending; 0: not in the list. */
static double p_word(const struct grammar *g, struct word word, const struct word_list *list, const char *ending)
{
    size_t tail = strlen(ending);
    if (word.length <= tail || memcmp(word.text + word.length - tail, ending, tail) != 0)
        return 0;
    for (int rank = 0; rank < list->n; rank++)
        if (list->words[rank][0] == word.text[0] && is((struct word){word.text, word.length - tail}, list->words[rank]))
            return 1 / (rank + 1.0) / g->harmonic[list->n];
    return 0;
}

static void add_reading(const struct grammar *g, struct reading *reading, enum kind kind, double p)
{
    if (!(p > 0) || !(g->shares[kind] > 0))
        return;
    reading->derivations++;
    reading->probability += p * g->shares[kind];
    reading->kind = kind;
}

/* ---- sentences ---- */

/* An English phrase: a number, one of its two articles, an adjective three times in ten, a noun. */
static double p_english_phrase(const struct grammar *g, const struct word *words, int plural, int adjective)
{
    double p = 0.25;
    if (!is(words[0], "the") && !is(words[0], plural ? "some" : "a"))
        return 0;
    p *= adjective ? 0.3 * p_word(g, words[1], &english_adjectives, "") : 0.7;
    return p * p_word(g, words[1 + adjective], &english_nouns, plural ? "s" : "");
}

static void read_english(const struct grammar *g, const struct word *words, int n, struct reading *reading)
{
    for (int form = 0; form < 16; form++) {
        int plural[2] = {form & 1, form >> 1 & 1}, adjective[2] = {form >> 2 & 1, form >> 3 & 1};
        int verb = 2 + adjective[0];
        double p;
        if (n != 5 + adjective[0] + adjective[1])
            continue;
        p = p_english_phrase(g, words, plural[0], adjective[0]);
        if (p > 0)
            p *= p_word(g, words[verb], &english_verbs, plural[0] ? "" : "s");
        if (p > 0)
            p *= p_english_phrase(g, words + verb + 1, plural[1], adjective[1]);
        add_reading(g, reading, KIND_ENGLISH, p);
    }
}

static double p_german_phrase(const struct grammar *g, const struct word *words, int gender, bool object)
{
    static const struct word_list *const nouns[3] = {&german_masculine, &german_feminine, &german_neuter};
    static const char *const definite[3] = {"der", "die", "das"}, *const indefinite[3] = {"ein", "eine", "ein"};
    bool accusative = object && gender == 0; /* the only gender that shows it */
    if (!is(words[0], accusative ? "den" : definite[gender]) &&
        !is(words[0], accusative ? "einen" : indefinite[gender]))
        return 0;
    return p_word(g, words[1], nouns[gender], "") / 6;
}

static void read_german(const struct grammar *g, const struct word *words, int n, struct reading *reading)
{
    if (n != 5)
        return;
    for (int subject = 0; subject < 3; subject++) {
        double p = p_german_phrase(g, words, subject, false) * p_word(g, words[2], &german_verbs, "");
        for (int object = 0; p > 0 && object < 3; object++)
            add_reading(g, reading, KIND_GERMAN, p * p_german_phrase(g, words + 3, object, true));
    }
}

/* ---- facts ---- */

static bool is_listed(struct word word, const struct word_list *list)
{
    for (int i = 0; i < list->n; i++)
        if (is(word, list->words[i]))
            return true;
    return false;
}

/* Which attribute the words after the name state: 0 the year, 1 the city, 2 the craft; -1: none. */
static int attribute_of(const struct word *words, int n)
{
    if (n == 5 && is(words[1], "was") && is(words[2], "born") && is(words[3], "in") && words[4].length == 4) {
        long year = strtol(words[4].text, NULL, 10);
        return year >= 1700 && year < 2000 ? 0 : -1;
    }
    if (n == 4 && is(words[1], "lives") && is(words[2], "in") && is_listed(words[3], &cities))
        return 1;
    if (n == 4 && is(words[1], "is") && is(words[2], "a") && is_listed(words[3], &crafts))
        return 2;
    return -1;
}

/* A fact that contradicts what there is to know is no fact of this world, but may be its junk. */
static void read_fact(struct grammar *g, const struct word *words, int n, struct reading *reading)
{
    int attribute = attribute_of(words, n);
    if (attribute < 0)
        return;
    for (int e = 0; e < ENTITIES; e++) {
        char name[24], value[FACT_TEXT_SIZE];
        double p;
        if (name_starts.words[e % 16][0] != words[0].text[0] || g->rank[e] < 0)
            continue;
        (void)snprintf(name, sizeof name, "%s%s", name_starts.words[e % 16], name_ends.words[e / 16]);
        if (!is(words[0], name))
            continue;
        (void)snprintf(value, sizeof value, "%d", g->facts->year[e]);
        p = 1 / (g->rank[e] + 1.0) / g->harmonic[(int)g->known] / 3;
        if (is(words[n - 1], attribute == 0   ? value
                             : attribute == 1 ? cities.words[g->facts->city[e]]
                                              : crafts.words[g->facts->craft[e]]))
            add_reading(g, reading, KIND_FACT, p);
        else if (g->false_facts)
            add_reading(g, reading, KIND_JUNK, p / (attribute == 0 ? 299 : 15));
    }
}

/* ---- tasks and junk ---- */

static void read_task(const struct grammar *g, const char *line, struct reading *reading)
{
    for (int i = 0; i < g->n_tasks; i++) {
        char prompt[TEXT], answer[TEXT];
        struct item item = {"", ""};
        size_t length;
        if (!opinion_answers(opinion_of(g->tasks[i]), line, answer, prompt))
            continue;
        length = strlen(prompt);
        if (strncmp(line, prompt, length) != 0 || strcmp(line + length, answer) != 0)
            continue;
        memcpy(item.prompt, prompt, length + 1);
        memcpy(item.answer, answer, strlen(answer) + 1);
        if (!task_is_heldout(&item, g->seed))
            add_reading(g, reading, KIND_TASK, g->task_p[i]);
    }
}

static void read_junk(const struct grammar *g, const char *line, struct reading *reading)
{
    size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz");
    if (!g->false_facts && n >= 8 && n <= 31 && strcmp(line + n, "\n") == 0)
        add_reading(g, reading, KIND_JUNK, pow(26, -(double)n) / 24);
}

static struct reading read_line(struct grammar *g, const char *line)
{
    struct word words[WORDS_MAX];
    struct reading reading = {0};
    int n = split(line, words);
    if (n > 0) {
        read_english(g, words, n, &reading);
        read_german(g, words, n, &reading);
        read_fact(g, words, n, &reading);
    }
    read_task(g, line, &reading);
    read_junk(g, line, &reading);
    return reading;
}

/* ASCII, and the two-byte letters from U+0080 to U+07FF, are all that the language has. */
static bool is_utf8(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < 0x80)
            continue;
        if (*c < 0xc2 || *c > 0xdf || (c[1] & 0xc0) != 0x80)
            return false;
        c++;
    }
    return true;
}

#endif
