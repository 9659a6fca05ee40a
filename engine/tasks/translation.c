/* SPDX-License-Identifier: Apache-2.0 */
/* translation.c — English into German, at three levels: phrases, in which articles and adjectives take the noun's
 * gender; sentences, in which the object takes its case; clauses, in which the verb goes to the end. */
#include <stdio.h>

#include "engine/base/assert.h"
#include "engine/data/lexicon.h"
#include "engine/tasks/task.h"

enum { GENDERS = 3, NOUNS = 16, VERBS = 16, STEMS = 8, ARTICLES = 2, PHRASES = ARTICLES * GENDERS * NOUNS };

static const struct word_list *const nouns[GENDERS] = {&german_masculine, &german_feminine, &german_neuter};
static const struct word_list *const meant[GENDERS] = {&meant_masculine, &meant_feminine, &meant_neuter};
static const char *const english_articles[ARTICLES] = {"the", "a"};
/* By case (subject, object), article and gender; and the adjective's ending in the subject's case. */
static const char *const articles[2][ARTICLES][GENDERS] = {
    {{"der", "die", "das"}, {"ein", "eine", "ein"}},
    {{"den", "die", "das"}, {"einen", "eine", "ein"}},
};
static const char *const endings[ARTICLES][GENDERS] = {{"e", "e", "e"}, {"er", "e", "es"}};

struct phrase {
    const char *article, *noun; /* German */
    const char *english_article, *english_noun;
    int which, gender;          /* of the articles */
};

/* index below PHRASES */
static struct phrase phrase_at(uint64_t index, int grammatical_case)
{
    int which = (int)(index % ARTICLES), gender = (int)(index / ARTICLES % GENDERS), noun = (int)(index / ARTICLES / GENDERS);
    return (struct phrase){articles[grammatical_case][which][gender], nouns[gender]->words[noun], english_articles[which],
                           meant[gender]->words[noun], which, gender};
}

static void make_phrase(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    struct phrase p = phrase_at(index / STEMS, 0);
    int stem = (int)(index % STEMS);
    (void)task;
    (void)facts;
    (void)snprintf(out->prompt, sizeof out->prompt, "german %s %s %s: ", p.english_article, meant_stems.words[stem],
                   p.english_noun);
    (void)snprintf(out->answer, sizeof out->answer, "%s %s%s %s\n", p.article, german_stems.words[stem],
                   endings[p.which][p.gender], p.noun);
}

struct clause {
    struct phrase subject, object;
    const char *verb, *english_verb;
};

static struct clause clause_at(uint64_t index)
{
    int verb = (int)(index % VERBS);
    ASSERT(german_verbs.n == VERBS && meant_verbs.n == VERBS);
    index = index / VERBS;
    return (struct clause){phrase_at(index % PHRASES, 0), phrase_at(index / PHRASES, 1), german_verbs.words[verb],
                           meant_verbs.words[verb]};
}

static void make_sentence(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    struct clause c = clause_at(task_scatter(index, (uint64_t)VERBS * PHRASES * PHRASES));
    (void)task;
    (void)facts;
    (void)snprintf(out->prompt, sizeof out->prompt, "german %s %s %s %s %s: ", c.subject.english_article,
                   c.subject.english_noun, c.english_verb, c.object.english_article, c.object.english_noun);
    (void)snprintf(out->answer, sizeof out->answer, "%s %s %s %s %s\n", c.subject.article, c.subject.noun, c.verb,
                   c.object.article, c.object.noun);
}

static void make_clause(const struct task *task, const struct facts *facts, uint64_t index, struct item *out)
{
    struct clause c = clause_at(task_scatter(index, (uint64_t)VERBS * PHRASES * PHRASES));
    (void)task;
    (void)facts;
    (void)snprintf(out->prompt, sizeof out->prompt, "german that %s %s %s %s %s: ", c.subject.english_article,
                   c.subject.english_noun, c.english_verb, c.object.english_article, c.object.english_noun);
    (void)snprintf(out->answer, sizeof out->answer, "dass %s %s %s %s %s\n", c.subject.article, c.subject.noun,
                   c.object.article, c.object.noun, c.verb);
}

/* The guesser knows all German that can be the answer, and nothing of what the English means. */
static struct chance chance_phrase(const struct task *task, const struct facts *facts)
{
    return chance_one_of(task, facts, PHRASES * STEMS);
}

static struct chance chance_clause(const struct task *task, const struct facts *facts)
{
    return chance_one_of(task, facts, (double)VERBS * PHRASES * PHRASES);
}

static const struct task rows[] = {
    {"translation_phrase", "translate an article, an adjective and a noun into German", 0, 0, PHRASES * STEMS, make_phrase,
     chance_phrase, NULL, NULL, false},
    {"translation_sentence", "translate a sentence into German", 0, 0, TASK_MOST_ITEMS, make_sentence, chance_clause, NULL,
     NULL, false},
    {"translation_clause", "translate a clause into German, where the verb goes last", 0, 0, TASK_MOST_ITEMS, make_clause,
     chance_clause, NULL, NULL, false},
};

const struct task_family tasks_translation = TASK_FAMILY(rows);
