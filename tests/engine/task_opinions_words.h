/* SPDX-License-Identifier: Apache-2.0 */
/* task_opinions_words.h — second opinions on English and German, on programs, rules and instructions: see
 * task_opinions.h. */
#ifndef TESTS_ENGINE_TASK_OPINIONS_WORDS_H
#define TESTS_ENGINE_TASK_OPINIONS_WORDS_H

#include "tests/engine/task_opinion.h"

/* ---- language ---- */

static int place_in(const struct word_list *list, const char *word)
{
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->words[i], word) == 0)
            return i;
    return -1;
}

/* Cuts the text at its blanks; returns how many words, at most 12. */
static int cut(const char *text, char words[12][TEXT])
{
    int n = 0;
    for (const char *at = text; *at && n < 12; n++) {
        size_t length = strcspn(at, " ");
        memcpy(words[n], at, length);
        words[n][length] = 0;
        at += length + (at[length] == ' ');
    }
    return n;
}

static bool is_plural(const char *noun, bool *known)
{
    char stem[TEXT];
    size_t n = strlen(noun);
    *known = place_in(&english_nouns, noun) >= 0;
    if (*known || n == 0)
        return false;
    memcpy(stem, noun, n);
    stem[n - 1] = 0;
    *known = noun[n - 1] == 's' && place_in(&english_nouns, stem) >= 0;
    return true;
}

static bool answer_completion(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char words[12][TEXT];
    int n = strchr(prompt, ':') ? cut(prompt, words) : 0, colon;
    bool known, plural;
    if (n < 3 + 3 * o->size)
        return false;
    colon = (int)strlen(words[0]) - 1;
    if (colon < 0 || words[0][colon] != ':')
        return false;
    words[0][colon] = 0;
    plural = is_plural(words[2], &known);
    if (place_in(&english_verbs, words[0]) < 0 || strcmp(words[1], "the") != 0 || !known)
        return false;
    (void)snprintf(understood, TEXT, "%.20s: the %.20s ", words[0], words[2]);
    for (int i = 0; i < o->size; i++) {
        char (*phrase)[TEXT] = words + 3 + 3 * i, text[TEXT];
        (void)is_plural(phrase[2], &known);
        if (strcmp(phrase[1], "the") != 0 || !known || strlen(phrase[0]) != 2 || !strstr("by on in", phrase[0]))
            return false;
        (void)snprintf(text, TEXT, "%.2s the %.20s ", phrase[0], phrase[2]);
        memcpy(understood + strlen(understood), text, strlen(text) + 1);
    }
    (void)snprintf(answer, TEXT, "%.20s%s\n", words[0], plural ? "" : "s");
    return true;
}

static void guess_forms(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    (void)o;
    (void)answer;
    (void)snprintf(out->best, TEXT, "%.*s%s\n", (int)strcspn(prompt, ":"), prompt, rng_below(rng, 2) ? "s" : "");
    out->p_answer = 0.5;
}

static bool answer_fact(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    static const char *const words[3] = {"year", "home", "craft"};
    char word[8], name[24], each[FACT_TEXT_SIZE];
    const struct facts *f = opinion_facts;
    if (sscanf(prompt, "%7[a-z] of %23[A-Za-z]:", word, name) != 2)
        return false;
    for (int e = 0; f && e < f->n; e++) {
        facts_name(e, each);
        if (strcmp(each, name) != 0 || (f->year[e] > 1900) != (o->size == 1))
            continue;
        for (int a = 0; a < 3; a++) {
            if (strcmp(word, words[a]) != 0)
                continue;
            (void)snprintf(understood, TEXT, "%s of %s: ", word, name);
            if (a == 0)
                (void)snprintf(answer, TEXT, "%d\n", f->year[e]);
            else
                (void)snprintf(answer, TEXT, "%s\n", a == 1 ? cities.words[f->city[e]] : crafts.words[f->craft[e]]);
            return true;
        }
    }
    return false;
}

static void guess_fact(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    uint32_t n = prompt[0] == 'y' ? 300 : 16, which = rng_below(rng, n);
    (void)o;
    (void)answer;
    if (n == 300)
        (void)snprintf(out->best, TEXT, "%d\n", 1700 + (int)which);
    else
        (void)snprintf(out->best, TEXT, "%s\n", prompt[0] == 'h' ? cities.words[which] : crafts.words[which]);
    out->p_answer = 1.0 / n;
}

/* The German of an English noun: its gender (0 der, 1 die, 2 das), or -1. */
static int german_noun(const char *english, const char **noun)
{
    static const struct word_list *const meant[3] = {&meant_masculine, &meant_feminine, &meant_neuter};
    static const struct word_list *const german[3] = {&german_masculine, &german_feminine, &german_neuter};
    for (int gender = 0; gender < 3; gender++) {
        int at = place_in(meant[gender], english);
        if (at >= 0) {
            *noun = german[gender]->words[at];
            return gender;
        }
    }
    return -1;
}

/* "the dog" as "den hund"; false: no such phrase. */
static bool german_phrase_of(const char *article, const char *noun, bool object, char out[TEXT])
{
    const char *german;
    int gender = german_noun(noun, &german);
    bool definite = strcmp(article, "the") == 0;
    if (gender < 0 || (!definite && strcmp(article, "a") != 0))
        return false;
    (void)snprintf(out, TEXT, "%s%s %s", definite ? (gender == 0 ? "de" : gender == 1 ? "die" : "das")
                                                 : (gender == 1 ? "eine" : "ein"),
                   gender == 0 ? (object ? (definite ? "n" : "en") : (definite ? "r" : "")) : "", german);
    return true;
}

static bool answer_german_phrase(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char words[12][TEXT], phrase[TEXT];
    int n = strncmp(prompt, o->begins, 7) == 0 ? cut(prompt, words) : 0, stem;
    const char *ending = "e", *noun;
    size_t colon;
    if (n < 4)
        return false;
    colon = strcspn(words[3], ":");
    words[3][colon] = 0;
    stem = place_in(&meant_stems, words[2]);
    if (stem < 0 || !german_phrase_of(words[1], words[3], false, phrase))
        return false;
    if (strncmp(phrase, "ein ", 4) == 0)
        ending = german_noun(words[3], &noun) == 0 ? "er" : "es";
    (void)snprintf(understood, TEXT, "german %.5s %.20s %.20s: ", words[1], words[2], words[3]);
    (void)snprintf(answer, TEXT, "%.*s %s%s %s\n", (int)strcspn(phrase, " "), phrase, german_stems.words[stem], ending,
                   strchr(phrase, ' ') + 1);
    return true;
}

static bool answer_german_sentence(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char words[12][TEXT], subject[TEXT], object[TEXT];
    int n = strncmp(prompt, "german ", 7) == 0 ? cut(prompt, words) : 0, at = 1 + o->size, verb;
    if (n < at + 5 || (o->size && strcmp(words[1], "that") != 0))
        return false;
    words[at + 4][strcspn(words[at + 4], ":")] = 0;
    verb = place_in(&meant_verbs, words[at + 2]);
    if (verb < 0 || !german_phrase_of(words[at], words[at + 1], false, subject) ||
        !german_phrase_of(words[at + 3], words[at + 4], true, object))
        return false;
    (void)snprintf(understood, TEXT, "german %s%.5s %.20s %.20s %.5s %.20s: ", o->size ? "that " : "", words[at],
                   words[at + 1], words[at + 2], words[at + 3], words[at + 4]);
    if (o->size)
        (void)snprintf(answer, TEXT, "dass %.30s %.30s %s\n", subject, object, german_verbs.words[verb]);
    else
        (void)snprintf(answer, TEXT, "%.30s %s %.30s\n", subject, german_verbs.words[verb], object);
    return true;
}

/* Any phrase that the grammar allows; of whole sentences there are too many for a guess ever to be right. */
static void guess_german(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    static const struct word_list *const meant[3] = {&meant_masculine, &meant_feminine, &meant_neuter};
    uint32_t gender = rng_below(rng, 3), noun = rng_below(rng, 16), stem = rng_below(rng, 8), article = rng_below(rng, 2);
    char english[TEXT], understood[TEXT];
    double nouns = 3 * 16 * 2;
    (void)prompt;
    (void)answer;
    (void)snprintf(english, TEXT, "german %s %s %s: ", article ? "the" : "a", meant_stems.words[stem],
                   meant[gender]->words[noun]);
    (void)answer_german_phrase(o, english, out->best, understood);
    out->p_answer = o->base == 8 ? 1 / (nouns * 8) : 1 / (nouns * nouns * 16);
}

/* ---- programs ---- */

/* What the words ask for, as a number; and the program, written while reading. */
static bool answer_program(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char text[TEXT] = "";
    const char *at = prompt;
    int a, b, used = 0, operations = 1, n;
    if (sscanf(at, "code add %1d and %1d%n", &a, &b, &used) == 2 && used)
        n = snprintf(answer, TEXT, "%d%d+", a, b);
    else if (sscanf(at, "code multiply %1d and %1d%n", &a, &b, &used) == 2 && used)
        n = snprintf(answer, TEXT, "%d%d*", a, b);
    else if (sscanf(at, "code subtract %1d from %1d%n", &a, &b, &used) == 2 && used)
        n = snprintf(answer, TEXT, "%d%d-", b, a);
    else
        return false;
    for (at += used; strncmp(at, " then ", 6) == 0 && n < 40; at += used, operations++) {
        used = 0;
        if (sscanf(at, " then add %1d%n", &a, &used) == 1 && used)
            n += snprintf(answer + n, (size_t)(TEXT - n), "%d+", a);
        else if (sscanf(at, " then multiply by %1d%n", &a, &used) == 1 && used)
            n += snprintf(answer + n, (size_t)(TEXT - n), "%d*", a);
        else if (sscanf(at, " then subtract %1d%n", &a, &used) == 1 && used)
            n += snprintf(answer + n, (size_t)(TEXT - n), "%d-", a);
        else if (strncmp(at, " then double", 12) == 0 && (used = 12))
            n += snprintf(answer + n, (size_t)(TEXT - n), "2*");
        else if (strncmp(at, " then square", 12) == 0 && (used = 12))
            n += snprintf(answer + n, (size_t)(TEXT - n), "d*");
        else
            return false;
    }
    if (operations != o->size || strncmp(at, ": ", 2) != 0)
        return false;
    (void)snprintf(answer + n, (size_t)(TEXT - n), "\n");
    (void)snprintf(understood, TEXT, "%s%.*s: ", text, (int)(at - prompt), prompt);
    return true;
}

/* ---- rules and instructions ---- */

/* The rule is what both examples have in common: which letter of the word each letter of the result is. */
static bool answer_rule(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char a[4], b[4], c[4], d[4], e[4];
    (void)o;
    if (sscanf(prompt, "rule %3[a-l]>%3[a-l] %3[a-l]>%3[a-l] %3[a-l]>", a, b, c, d, e) != 5 || strlen(e) != 3)
        return false;
    for (int i = 0; i < 3; i++) {
        const char *from = strchr(a, b[i]);
        if (!from || d[i] != c[from - a])
            return false;
        answer[i] = e[from - a];
    }
    memcpy(answer + 3, "\n", 2);
    (void)snprintf(understood, TEXT, "rule %s>%s %s>%s %s>", a, b, c, d, e);
    return true;
}

static void guess_rule(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    char left[3];
    (void)o;
    (void)answer;
    memcpy(left, prompt + 21, 3);
    for (int i = 0, n = 3; i < 3; i++, n--) {
        uint32_t at = rng_below(rng, (uint32_t)n);
        out->best[i] = left[at];
        left[at] = left[n - 1];
    }
    memcpy(out->best + 3, "\n", 2);
    out->p_answer = 1.0 / 6;
}

static const char *const commands[5] = {"reverse", "capitals", "behead", "curtail", "twice"};

static void obey(const char *command, char word[TEXT])
{
    char before[TEXT];
    int n = (int)strlen(word);
    memcpy(before, word, TEXT);
    if (strcmp(command, "reverse") == 0)
        for (int i = 0; i < n; i++)
            word[i] = before[n - 1 - i];
    else if (strcmp(command, "capitals") == 0)
        for (int i = 0; i < n; i++)
            word[i] = before[i] >= 'a' ? (char)(before[i] - 32) : before[i];
    else if (strcmp(command, "behead") == 0)
        (void)snprintf(word, TEXT, "%.20s", before + 1);
    else if (strcmp(command, "curtail") == 0)
        (void)snprintf(word, TEXT, "%.*s", n - 1, before);
    else
        (void)snprintf(word, TEXT, "%.20s%.20s", before, before);
}

static bool answer_instruction(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char words[12][TEXT], word[TEXT] = "";
    int n = strncmp(prompt, "do ", 3) == 0 ? cut(prompt, words) : 0, last = 1 + o->size;
    if (n < last + 1 || words[last][4] != ':')
        return false;
    memcpy(word, words[last], 4);
    (void)snprintf(understood, TEXT, "do ");
    for (int i = 1; i < last; i++) {
        bool known = false;
        for (int c = 0; c < 5; c++)
            known = known || strcmp(commands[c], words[i]) == 0;
        if (!known)
            return false;
        obey(words[i], word);
        (void)snprintf(understood + strlen(understood), 20, "%.10s ", words[i]);
    }
    (void)snprintf(understood + strlen(understood), 20, "%.4s: ", words[last]);
    (void)snprintf(answer, TEXT, "%.30s\n", word);
    return true;
}

/* Tries all instructions on the word; says what most of them give. */
static void guess_instruction(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng,
                              struct guess *out)
{
    char results[25][TEXT];
    const char *word = strchr(prompt, ':') - 4;
    int n = o->size == 1 ? 5 : 25, most = 0, ties = 0, right = 0, which, times[25] = {0};
    for (int i = 0; i < n; i++) {
        (void)snprintf(results[i], TEXT, "%.4s", word);
        obey(commands[i % 5], results[i]);
        if (o->size == 2)
            obey(commands[i / 5], results[i]);
        right += strncmp(results[i], answer, strlen(answer) - 1) == 0 && strlen(results[i]) == strlen(answer) - 1;
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            times[i] += strcmp(results[i], results[j]) == 0;
        most = times[i] > most ? times[i] : most;
    }
    for (int i = 0; i < n; i++)
        ties += times[i] == most;
    which = (int)rng_below(rng, (uint32_t)ties);
    for (int i = 0; i < n; i++)
        if (times[i] == most && which-- == 0)
            (void)snprintf(out->best, TEXT, "%.30s\n", results[i]);
    out->p_answer = right / (double)n;
}

#endif
