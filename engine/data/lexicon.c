/* SPDX-License-Identifier: Apache-2.0 */
/* lexicon.c — plain lists; see lexicon.h for their rules. */
#include "engine/data/lexicon.h"

#define LIST(name, ...)                                   \
    static const char *const name##_words[] = {__VA_ARGS__}; \
    const struct word_list name = {name##_words, (int)(sizeof name##_words / sizeof *name##_words)}

LIST(english_nouns,
     "dog", "cat", "girl", "boy", "king", "queen", "teacher", "bird", "horse", "farmer", "doctor", "friend", "ship",
     "river", "house", "garden", "book", "letter", "song", "table", "window", "door", "road", "bridge", "forest",
     "mountain", "island", "village", "market", "tower", "stone", "tree", "flower", "apple", "lamp", "clock", "mirror",
     "painter", "sailor", "soldier", "writer", "singer", "baker", "hunter", "merchant", "prince", "dragon", "rabbit",
     "spider", "eagle", "tiger", "monkey", "donkey", "turtle", "wagon", "basket", "bottle", "candle", "button",
     "hammer", "ladder", "pillow", "ribbon", "saddle");

LIST(english_verbs,
     "see", "like", "find", "know", "hear", "follow", "help", "want", "need", "love", "take", "leave", "paint", "draw",
     "build", "open", "guard", "greet", "thank", "trust", "fear", "chase", "admire", "avoid", "remember", "forget",
     "describe", "visit", "welcome", "repair", "return", "ignore");

LIST(english_adjectives,
     "old", "small", "big", "young", "red", "green", "happy", "quiet", "brave", "clever", "strange", "golden", "silent",
     "gentle", "lonely", "famous", "hungry", "ancient", "narrow", "broken", "wooden", "distant", "curious", "honest",
     "noble", "humble", "bitter", "tender", "mighty", "patient", "cunning", "weary");

LIST(german_masculine,
     "hund", "mann", "junge", "vogel", "freund", "wald", "berg", "garten", "baum", "brief", "turm", "markt", "fluss",
     "kuchen", "apfel", "stuhl");
LIST(german_feminine,
     "katze", "frau", "blume", "stadt", "schule", "tochter", "mutter", "insel", "brücke", "lampe", "straße", "wolke",
     "geschichte", "sonne", "uhr", "tasche");
LIST(german_neuter,
     "kind", "haus", "pferd", "buch", "dorf", "lied", "schiff", "fenster", "bild", "feld", "schloss", "brot", "tier",
     "wasser", "licht", "boot");
LIST(german_verbs,
     "sieht", "liebt", "findet", "kennt", "sucht", "hat", "malt", "zeigt", "braucht", "verliert", "kauft", "baut",
     "holt", "fragt", "besucht", "verlässt");

LIST(meant_masculine,
     "dog", "man", "boy", "bird", "friend", "forest", "mountain", "garden", "tree", "letter", "tower", "market", "river",
     "cake", "apple", "chair");
LIST(meant_feminine,
     "cat", "woman", "flower", "city", "school", "daughter", "mother", "island", "bridge", "lamp", "street", "cloud",
     "story", "sun", "clock", "bag");
LIST(meant_neuter,
     "child", "house", "horse", "book", "village", "song", "ship", "window", "picture", "field", "castle", "bread",
     "animal", "water", "light", "boat");
LIST(meant_verbs,
     "sees", "loves", "finds", "knows", "seeks", "has", "paints", "shows", "needs", "loses", "buys", "builds",
     "fetches", "asks", "visits", "leaves");
LIST(german_stems, "alt", "klein", "neu", "gut", "rot", "schön", "kalt", "still");
LIST(meant_stems, "old", "small", "new", "good", "red", "fair", "cold", "quiet");

LIST(name_starts, "Ba", "Ce", "Do", "Fi", "Ga", "He", "Jo", "Ka", "Li", "Mo", "Na", "Pe", "Ro", "Su", "Ta", "Vi");
LIST(name_middles, "bo", "ci", "do", "fu", "gi", "hu", "jo", "ku", "lo", "mi", "nu", "po", "qui", "so", "wa");
LIST(name_ends, "bin", "da", "fer", "gor", "lin", "mar", "nox", "pel", "ra", "sil", "tan", "ven");
LIST(cities,
     "Rome", "Paris", "Berlin", "Vienna", "Madrid", "Lisbon", "Athens", "Dublin", "Oslo", "Prague", "Bern", "London",
     "Warsaw", "Riga", "Turin", "Basel");
LIST(crafts,
     "pilot", "judge", "nurse", "clerk", "miller", "tailor", "cook", "smith", "poet", "miner", "monk", "scout", "barber",
     "porter", "weaver", "potter");
