/* SPDX-License-Identifier: Apache-2.0 */
/* test_world.c — goal: the language is what world.h says, and its probabilities and entropy are exact.
 *
 * Method: a second grammar (world_grammar.h) reads each line without knowing how it was made, finds every derivation
 * and adds up their probabilities: there must be one, with the probability the generator gave. Entropy and length are
 * compared with the mean over many lines, and with sums over all that a part of the language can say.
 * Length: every test reads the same language. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/data/world.h"
#include "tests/engine/world_grammar.h"

enum { LINES = 100000, FACTS = ENTITIES * 3 };

static struct world *open_config(const struct world_config *config)
{
    struct world *world;
    struct err err = ERR_INIT;
    if (world_new(&world, config, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return world;
}

static struct world *open_world(uint64_t seed, double tasks, double facts, double junk)
{
    struct world_config config = {.seed = seed, .task_share = tasks, .fact_share = facts, .junk = junk};
    return open_config(&config);
}

/* ---- the words ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

struct forms {
    char text[4000][24];
    int n;
};

static void add_form(struct forms *forms, const char *word, const char *ending)
{
    assert_true(forms->n < (int)(sizeof forms->text / sizeof *forms->text));
    assert_true(strlen(word) > 0 && strlen(word) + strlen(ending) < sizeof forms->text[0]);
    assert_null(strpbrk(word, " .+=:\n"));
    (void)snprintf(forms->text[forms->n++], sizeof forms->text[0], "%s%s", word, ending);
}

static void add_list(struct forms *forms, const struct word_list *list, const char *ending)
{
    for (int i = 0; i < list->n; i++)
        add_form(forms, list->words[i], ending);
}

/* Every word in every form, and the words that sentences, facts and tasks begin with: none of them twice. */
static void test_words_are_disjoint(void **state)
{
    static const char *const others[] = {"the", "a", "some", "der", "die", "das", "ein", "eine", "den", "einen",
                                         "lives", "was", "is", "born", "in", "copy", "flip", "recall", "mod7",
                                         "add", "sum", "sort", "close", "chain", "steps", "parity", "sparse2", "year",
                                         "home", "craft", "german", "code", "rule", "do"};
    static struct forms forms;
    (void)state;
    assert_int_equal(name_starts.n * name_ends.n, ENTITIES);
    assert_int_equal((name_middles.n + 1) * ENTITIES, FACTS_MOST_ENTITIES);
    add_list(&forms, &english_nouns, "");
    add_list(&forms, &english_nouns, "s");
    add_list(&forms, &english_verbs, "");
    add_list(&forms, &english_verbs, "s");
    add_list(&forms, &english_adjectives, "");
    add_list(&forms, &german_masculine, "");
    add_list(&forms, &german_feminine, "");
    add_list(&forms, &german_neuter, "");
    add_list(&forms, &german_verbs, "");
    add_list(&forms, &cities, "");
    add_list(&forms, &crafts, "");
    for (int e = 0; e < FACTS_MOST_ENTITIES; e++) {
        char name[FACT_TEXT_SIZE];
        facts_name(e, name);
        add_form(&forms, name, "");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        add_form(&forms, others[i], "");
    qsort(forms.text, (size_t)forms.n, sizeof *forms.text, by_text);
    for (int i = 1; i < forms.n; i++)
        if (strcmp(forms.text[i - 1], forms.text[i]) == 0)
            fail_msg("'%s' has two readings", forms.text[i]);
}

/* ---- many lines of many worlds ---- */

struct setting {
    const char *name;
    struct world_config config;
};

#define SHARES(tasks, facts, junk_share) .seed = 5, .task_share = tasks, .fact_share = facts, .junk = junk_share

static const struct setting settings[] = {
    {"only tasks", {SHARES(1, 0, 0)}},
    {"only facts", {SHARES(0, 1, 0)}},
    {"only junk", {SHARES(0, 0, 1)}},
    {"only sentences", {SHARES(0, 0, 0)}},
    {"mixed", {SHARES(0.25, 0.125, 0.1)}},
    {"all of them, no rest", {SHARES(0.3, 0.3, 0.4)}},
    {"few", {SHARES(0.001, 0.002, 0.003)}},
    {"all tasks, by Zipf", {SHARES(0.7, 0.1, 0.1), .abilities = "all", .ability_zipf = 0.8, .cutoff_year = 1900}},
    {"lies, after a cutoff", {SHARES(0.1, 0.4, 0.4), .false_facts = true, .cutoff_year = 1800}},
    {"only lies", {SHARES(0, 0, 1), .false_facts = true}},
};

struct sums {
    double logprob, logprob_squares, bytes, bytes_squares;
    double part_logprob[WORLD_PARTS], part_bytes[WORLD_PARTS];
    int kinds[KINDS];
};

/* All that must hold of one line. */
static void check_line(const struct setting *setting, struct grammar *grammar, const char *line, int length,
                       const struct world_origin *origin)
{
    static const enum world_part parts[KINDS] = {WORLD_TASKS, WORLD_FACTS, WORLD_JUNK, WORLD_SENTENCES, WORLD_SENTENCES};
    double logprob = origin->logprob;
    struct reading reading;
    assert_int_equal((int)strlen(line), length);
    assert_true(length > 1 && length < WORLD_LINE_SIZE);
    assert_ptr_equal(strchr(line, '\n'), line + length - 1);
    assert_true(is_utf8(line));
    reading = read_line(grammar, line);
    if (reading.derivations != 1)
        fail_msg("%s: %d derivations of %s", setting->name, reading.derivations, line);
    if (!(fabs(log(reading.probability) - logprob) < 1e-9))
        fail_msg("%s: log-probability %.12g, not %.12g, of %s", setting->name, logprob, log(reading.probability), line);
    assert_int_equal(origin->part, parts[reading.kind]);
    grammar->kinds[reading.kind]++;
}

static void draw_lines(const struct setting *setting, const struct world *world, struct grammar *grammar,
                       struct sums *sums)
{
    struct rng rng = rng_open(11, RNG_TEST, (uint64_t)(setting - settings));
    for (int i = 0; i < LINES; i++) {
        char line[WORLD_LINE_SIZE];
        struct world_origin origin;
        double length = world_line(world, &rng, line, &origin), logprob = origin.logprob;
        check_line(setting, grammar, line, (int)length, &origin);
        sums->part_logprob[origin.part] += logprob;
        sums->part_bytes[origin.part] += length;
        sums->logprob += logprob;
        sums->logprob_squares += logprob * logprob;
        sums->bytes += length;
        sums->bytes_squares += length * length;
    }
    memcpy(sums->kinds, grammar->kinds, sizeof sums->kinds);
}

static void close_to(const struct setting *setting, const char *what, double sum, double squares, double expected)
{
    double mean = sum / LINES, error = sqrt(fmax(0, squares / LINES - mean * mean) / LINES);
    if (!(fabs(mean - expected) <= 4 * error + 1e-9))
        fail_msg("%s: %s is %.6g by the world, %.6g +- %.2g over the lines", setting->name, what, expected, mean, error);
}

static void share_is(const struct setting *setting, const struct sums *sums, enum kind kind, double p)
{
    double share = sums->kinds[kind] / (double)LINES;
    if (!(fabs(share - p) <= 4 * sqrt(p * (1 - p) / LINES)))
        fail_msg("%s: kind %d has a share of %g, not %g", setting->name, (int)kind, share, p);
}

/* The floor of a part, against the lines of that part: a ratio of means, within a few hundredths for a thousand lines. */
static void parts_are(const struct setting *setting, const struct world *world, const struct sums *sums)
{
    for (int part = 0; part < WORLD_PARTS; part++) {
        double floor = world_part_floor(world, (enum world_part)part), bytes = sums->part_bytes[part];
        if (!(bytes > 0))
            assert_true(isnan(floor));
        else if (bytes > 50000 && !(fabs(floor + sums->part_logprob[part] / bytes) < 0.01 * floor))
            fail_msg("%s: the floor of the %s is %g by the world, %g over the lines", setting->name,
                     world_part_name((enum world_part)part), floor, -sums->part_logprob[part] / bytes);
    }
}

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const struct setting *s = &settings[i];
        const struct world_config *c = &s->config;
        struct world *world = open_config(c);
        struct grammar *grammar = grammar_new(c, world_facts(world));
        double rest = fmax(0, 1 - c->task_share - c->fact_share - c->junk);
        struct sums sums = {0};
        draw_lines(s, world, grammar, &sums);
        close_to(s, "the entropy of a line", -sums.logprob, sums.logprob_squares, world_line_entropy(world));
        close_to(s, "the length of a line", sums.bytes, sums.bytes_squares, world_line_bytes(world));
        assert_true(world_entropy_floor(world) == world_line_entropy(world) / world_line_bytes(world));
        share_is(s, &sums, KIND_TASK, c->task_share);
        share_is(s, &sums, KIND_FACT, c->fact_share);
        share_is(s, &sums, KIND_JUNK, c->junk);
        share_is(s, &sums, KIND_ENGLISH, 0.75 * rest);
        share_is(s, &sums, KIND_GERMAN, 0.25 * rest);
        parts_are(s, world, &sums);
        free(grammar);
        world_free(world);
    }
}

/* Not to ask for the probability changes nothing; the same rng gives the same line. */
static void test_lines_repeat(void **state)
{
    struct world *world = open_world(1, 0.2, 0.2, 0.2);
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        struct rng rng = rng_open(3, RNG_TEST, i), again = rng;
        char line[WORLD_LINE_SIZE], same[WORLD_LINE_SIZE];
        struct world_origin origin;
        assert_int_equal(world_line(world, &rng, line, &origin), world_line(world, &again, same, NULL));
        assert_string_equal(line, same);
        assert_memory_equal(&rng, &again, sizeof rng);
    }
    world_free(world);
}

/* German is written as Germans do: the letters beyond ASCII come as two bytes. */
static void test_german_letters(void **state)
{
    struct world *world = open_world(1, 0, 0, 0);
    struct rng rng = rng_open(4, RNG_TEST, 0);
    int seen = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char line[WORLD_LINE_SIZE];
        (void)world_line(world, &rng, line, NULL);
        seen |= (strstr(line, "br\xc3\xbc" "cke") != NULL) | (strstr(line, "stra\xc3\x9f" "e") != NULL) << 1 |
                (strstr(line, "verl\xc3\xa4sst") != NULL) << 2;
    }
    assert_int_equal(seen, 7);
    world_free(world);
}

/* ---- the entropy, exactly ---- */

struct part {
    double entropy, bytes;
};

static double p_zipf(const struct grammar *g, int rank, const struct word_list *list)
{
    return 1 / (rank + 1.0) / g->harmonic[list->n];
}

static void add_choice(struct part *part, double p, size_t bytes)
{
    part->entropy -= p * log(p);
    part->bytes += p * (double)bytes;
}

/* Every noun, with every adjective and without, under every article. */
static struct part sum_english_phrases(const struct grammar *g)
{
    static const char *const articles[4] = {"the", "a", "the", "some"}; /* the last two before plurals */
    struct part part = {0};
    for (size_t a = 0; a < 4; a++) {
        for (int noun = 0; noun < english_nouns.n; noun++) {
            double p = p_zipf(g, noun, &english_nouns) / 4;
            size_t bytes = strlen(articles[a]) + 1 + strlen(english_nouns.words[noun]) + a / 2;
            add_choice(&part, 0.7 * p, bytes);
            for (int i = 0; i < english_adjectives.n; i++)
                add_choice(&part, 0.3 * p * p_zipf(g, i, &english_adjectives),
                           bytes + strlen(english_adjectives.words[i]) + 1);
        }
    }
    return part;
}

static struct part sum_german_phrases(const struct grammar *g, bool object)
{
    static const struct word_list *const nouns[3] = {&german_masculine, &german_feminine, &german_neuter};
    const char *const articles[6] = {object ? "den" : "der", object ? "einen" : "ein", "die", "eine", "das", "ein"};
    struct part part = {0};
    for (size_t a = 0; a < 6; a++)
        for (int noun = 0; noun < nouns[a / 2]->n; noun++)
            add_choice(&part, p_zipf(g, noun, nouns[a / 2]) / 6, strlen(articles[a]) + 1 + strlen(nouns[a / 2]->words[noun]));
    return part;
}

static struct part sum_words(const struct grammar *g, const struct word_list *list)
{
    struct part part = {0};
    for (int i = 0; i < list->n; i++)
        add_choice(&part, p_zipf(g, i, list), strlen(list->words[i]));
    return part;
}

/* Between three parts stand two blanks, after them a stop and a line end; of the verbs every other one takes an -s. */
static struct part sum_sentences(const struct grammar *g)
{
    struct part phrase = sum_english_phrases(g), verb = sum_words(g, &english_verbs), german = sum_words(g, &german_verbs);
    struct part subject = sum_german_phrases(g, false), object = sum_german_phrases(g, true);
    return (struct part){
        0.75 * (2 * phrase.entropy + verb.entropy) + 0.25 * (subject.entropy + german.entropy + object.entropy) -
            0.75 * log(0.75) - 0.25 * log(0.25),
        0.75 * (2 * phrase.bytes + verb.bytes + 0.5) + 0.25 * (subject.bytes + german.bytes + object.bytes) + 4};
}

static struct part sum_tasks(const struct grammar *g)
{
    struct part part = {0};
    for (int i = 0; i < g->n_tasks; i++) {
        struct item item;
        for (uint64_t at = 0; at < task_items(g->tasks[i], g->facts); at++) {
            g->tasks[i]->make(g->tasks[i], g->facts, at, &item);
            if (!task_is_heldout(&item, g->seed))
                add_choice(&part, g->task_p[i], strlen(item.prompt) + strlen(item.answer));
        }
    }
    return part;
}

/* Every lie about every entity. */
static struct part sum_lies(const struct grammar *g)
{
    struct part part = {0};
    for (int e = 0; e < ENTITIES; e++) {
        double p = 1 / (e + 1.0) / g->harmonic[ENTITIES] / 3;
        size_t name = strlen(name_starts.words[e % 16]) + strlen(name_ends.words[e / 16]) + strlen(".\n");
        for (int year = 1; year < 300; year++)
            add_choice(&part, p / 299, name + strlen(" was born in 1700"));
        for (int i = 0; i < 16; i++) {
            if (i != g->facts->city[e])
                add_choice(&part, p / 15, name + strlen(" lives in ") + strlen(cities.words[i]));
            if (i != g->facts->craft[e])
                add_choice(&part, p / 15, name + strlen(" is a ") + strlen(crafts.words[i]));
        }
    }
    return part;
}

static struct part part_of(const struct world *world)
{
    return (struct part){world_line_entropy(world), world_line_bytes(world)};
}

/* The facts' own sum is in test_facts_add_up. */
static void test_entropy(void **state)
{
    const double shares[4] = {0.25, 0.125, 0.1, 0.525};
    struct world *pure[4] = {open_world(5, 1, 0, 0), open_world(5, 0, 1, 0), open_world(5, 0, 0, 1),
                             open_world(5, 0, 0, 0)};
    struct world *mixed = open_world(5, shares[0], shares[1], shares[2]);
    struct world_config lies = {.seed = 5, .junk = 1, .false_facts = true}, all = {.seed = 5, .task_share = 1,
                                .abilities = "all", .ability_zipf = 1};
    struct world *extra[2] = {open_config(&lies), open_config(&all)};
    struct grammar *g = grammar_new(&lies, world_facts(mixed)), *many = grammar_new(&all, world_facts(mixed));
    struct part more[2] = {sum_lies(g), sum_tasks(many)};
    struct part expected[4] = {sum_tasks(g), part_of(pure[1]), {log(24) + 19.5 * log(26), 20.5}, sum_sentences(g)};
    struct part sum = {0};
    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_true(fabs(world_line_entropy(pure[i]) - expected[i].entropy) < 1e-8);
        assert_true(fabs(world_line_bytes(pure[i]) - expected[i].bytes) < 1e-8);
        sum.entropy += shares[i] * (expected[i].entropy - log(shares[i]));
        sum.bytes += shares[i] * expected[i].bytes;
        world_free(pure[i]);
    }
    assert_true(fabs(world_line_entropy(mixed) - sum.entropy) < 1e-8);
    assert_true(fabs(world_line_bytes(mixed) - sum.bytes) < 1e-8);
    for (int i = 0; i < 2; i++) {
        assert_true(fabs(world_line_entropy(extra[i]) - more[i].entropy) < 1e-8);
        assert_true(fabs(world_line_bytes(extra[i]) - more[i].bytes) < 1e-8);
        world_free(extra[i]);
    }
    world_free(mixed);
    free(many);
    free(g);
}

/* ---- facts, all of them ---- */

struct fact {
    char text[WORLD_LINE_SIZE];
    double p;
    int times;
};

/* The rarest fact has p = 1 / (192 H(192) 3) = 3e-4: none is missed in LINES draws but once in 1e10. */
static int collect_facts(const struct world *world, struct fact *facts)
{
    struct rng rng = rng_open(9, RNG_TEST, 0);
    int n = 0;
    for (int i = 0; i < LINES; i++) {
        char line[WORLD_LINE_SIZE];
        struct world_origin origin;
        struct fact *found;
        (void)world_line(world, &rng, line, &origin);
        found = n > 0 ? bsearch(line, facts, (size_t)n, sizeof *facts, by_text) : NULL;
        if (!found) {
            assert_true(n < FACTS);
            found = &facts[n++];
            *found = (struct fact){.p = exp(origin.logprob)};
            memcpy(found->text, line, sizeof line);
            found->times = 1;
            qsort(facts, (size_t)n, sizeof *facts, by_text);
        } else {
            found->times++;
        }
    }
    return n;
}

static void test_facts_add_up(void **state)
{
    static struct fact facts[FACTS];
    struct world *world = open_world(5, 0, 1, 0);
    double p = 0, entropy = 0, bytes = 0, squares = 0;
    (void)state;
    assert_int_equal(collect_facts(world, facts), FACTS);
    for (int i = 0; i < FACTS; i++) {
        double expected = LINES * facts[i].p;
        p += facts[i].p;
        entropy -= facts[i].p * log(facts[i].p);
        bytes += facts[i].p * (double)strlen(facts[i].text);
        squares += (facts[i].times - expected) * (facts[i].times - expected) / expected;
    }
    assert_true(fabs(p - 1) < 1e-9);
    assert_true(fabs(entropy - world_line_entropy(world)) < 1e-9);
    assert_true(fabs(bytes - world_line_bytes(world)) < 1e-9);
    assert_true(fabs(squares - (FACTS - 1)) < 4 * sqrt(2 * (FACTS - 1)));
    world_free(world);
}

/* The same seed knows the same facts, whatever else the world is made of; another seed knows others. */
static void test_facts_by_seed(void **state)
{
    static struct fact facts[3][FACTS];
    struct world *worlds[3] = {open_world(5, 0, 1, 0), open_world(5, 0, 1, 0), open_world(6, 0, 1, 0)};
    struct world *mixed = open_world(5, 0.2, 0.5, 0.1);
    struct rng rng = rng_open(10, RNG_TEST, 0);
    int same = 0;
    (void)state;
    for (int w = 0; w < 3; w++)
        assert_int_equal(collect_facts(worlds[w], facts[w]), FACTS);
    for (int i = 0; i < FACTS; i++) {
        assert_string_equal(facts[0][i].text, facts[1][i].text);
        same += bsearch(facts[0][i].text, facts[2], FACTS, sizeof **facts, by_text) != NULL;
    }
    assert_true(same < FACTS / 8); /* by chance one in 300, 16 and 16 */
    for (int i = 0; i < 2000; i++) {
        char line[WORLD_LINE_SIZE];
        (void)world_line(mixed, &rng, line, NULL);
        if (line[0] >= 'A' && line[0] <= 'Z')
            assert_non_null(bsearch(line, facts[0], FACTS, sizeof **facts, by_text));
    }
    for (int w = 0; w < 3; w++)
        world_free(worlds[w]);
    world_free(mixed);
}

/* ---- refusals ---- */

static void test_bad_shares(void **state)
{
    static const double bad[][3] = {
        {-0.1, 0, 0}, {0, -0.1, 0},    {0, 0, -0.1},    {1.1, 0, 0}, {0, 1.1, 0}, {0, 0, 1.1},      {0.5, 0.5, 0.1},
        {0.4, 0.4, 0.4}, {NAN, 0, 0}, {0, NAN, 0}, {0, 0, NAN}, {INFINITY, 0, 0}, {2, -1, 0},
    };
    struct world_config nobody = {.seed = 1, .cutoff_year = 1600}, nothing = {.seed = 1, .abilities = "juggling"};
    struct world *none = NULL;
    struct err why = ERR_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct world *world = NULL;
        struct world_config config = {.seed = 1, .task_share = bad[i][0], .fact_share = bad[i][1], .junk = bad[i][2]};
        struct err err = ERR_INIT;
        assert_int_equal(world_new(&world, &config, &err), STATUS_USAGE);
        assert_true(strlen(err.text) > 0);
        assert_null(world);
    }
    assert_int_equal(world_new(&none, &nobody, &why), STATUS_USAGE);
    assert_int_equal(world_new(&none, &nothing, &why), STATUS_USAGE);
    assert_null(none);
    world_free(open_world(1, 0.1, 0.2, 0.7)); /* adds up to a little less than 1 */
    world_free(open_world(1, 0.7, 0.2, 0.1)); /* or more */
    world_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_disjoint), cmocka_unit_test(test_lines),
        cmocka_unit_test(test_lines_repeat),       cmocka_unit_test(test_german_letters),
        cmocka_unit_test(test_facts_add_up),       cmocka_unit_test(test_facts_by_seed),
        cmocka_unit_test(test_entropy),            cmocka_unit_test(test_bad_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
