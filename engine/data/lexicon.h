/* SPDX-License-Identifier: Apache-2.0 */
/* lexicon.h — the words of the world's sentences. Lists are ordered by frequency: the first word is the most
 * common (Zipf). No word is in two lists and no inflected form equals another word, so that a sentence has exactly
 * one derivation; a test checks it. */
#ifndef ENGINE_DATA_LEXICON_H
#define ENGINE_DATA_LEXICON_H

struct word_list {
    const char *const *words;
    int n;
};

/* English: plural nouns and singular verbs take an -s. */
extern const struct word_list english_nouns, english_verbs, english_adjectives;
/* German: nouns by gender; verbs in the third person singular. */
extern const struct word_list german_masculine, german_feminine, german_neuter, german_verbs;
/* What they mean, word by word in the same order, and stems of adjectives with their meanings: for translating. */
extern const struct word_list meant_masculine, meant_feminine, meant_neuter, meant_verbs, german_stems, meant_stems;
/* Syllables of the entities' names, and what can be known about them. */
extern const struct word_list name_starts, name_middles, name_ends, cities, crafts;

#endif
