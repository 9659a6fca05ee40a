/* SPDX-License-Identifier: Apache-2.0 */
/* test_tokenizer.c — goal: what is encoded decodes to itself whatever it is; merges are learnt and applied as the
 * definition says; tokenizer.json goes out and in; what is not supported is refused by its key.
 *
 * Method: the definitions of training and of encoding written down naively, quadratic in everything, beside the real
 * ones; random bytes; hand-cut words; a hand-written tokenizer.json whose encodings follow from its merges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/data/split.h"
#include "engine/data/tokenizer.h"
#include "engine/data/tokenizer_parts.h"
#include "engine/data/unicode.h"

static const char sample[] =
    "It's the tale of a tale: the tailor's tail, they'll tell, was taller than the tailor. aaaa aaa aaaaaaa abcabcbc\n"
    "Die längste Straße läuft über die Brücke; über 1234 Brücken, 12 Straßen und 345 Wege.  \n\n\tthe the  the   the\n"
    "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x81\xA8\xE6\x97\xA5\xE6\x9C\xAC; \xF0\x9F\x98\x80\xF0\x9F\x98\x80 !!! ??? ... \xFF\xFE\xC3";

/* ---- characters and words ---- */

static void test_utf8(void **state)
{
    static const struct { const char *text; int length; uint32_t code; } cases[] = {
        {"a", 1, 'a'}, {"\xC3\xA4", 2, 0xE4}, {"\xE2\x82\xAC", 3, 0x20AC}, {"\xF0\x9F\x98\x80", 4, 0x1F600},
        {"\xC0\x80", 1, UNICODE_NONE}, {"\xED\xA0\x80", 1, UNICODE_NONE}, {"\xF4\x90\x80\x80", 1, UNICODE_NONE},
        {"\xE2\x82", 1, UNICODE_NONE}, {"\x80", 1, UNICODE_NONE}, {"\xE0\x9F\xBF", 1, UNICODE_NONE},
        {"\xF5\x80\x80\x80", 1, UNICODE_NONE}, {"\xC3(", 1, UNICODE_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t code = 0;
        assert_int_equal(utf8_next((const uint8_t *)cases[i].text, strlen(cases[i].text), &code), cases[i].length);
        assert_int_equal(code, cases[i].code);
    }
    assert_int_equal(unicode_class(0xE4), CHAR_LETTER);
    assert_int_equal(unicode_class(0x4E00), CHAR_LETTER);
    assert_int_equal(unicode_class(0x9FFF), CHAR_LETTER);
    assert_int_equal(unicode_class(0x2163), CHAR_NUMBER); /* a Roman numeral */
    assert_int_equal(unicode_class(0xBD), CHAR_NUMBER);
    assert_int_equal(unicode_class(0x3000), CHAR_SPACE);
    assert_int_equal(unicode_class(0x301), CHAR_OTHER);   /* a combining mark */
    assert_int_equal(unicode_class(UNICODE_NONE), CHAR_OTHER);
}

/* Words joined by bars are the text with bars put in. */
static void cuts(enum split split, const char *barred)
{
    char text[128], found[256];
    size_t n = 0, at = 0, out = 0;
    for (const char *c = barred; *c; c++)
        if (*c != '|')
            text[n++] = *c;
    while (at < n) {
        size_t length = split_next(split, (const uint8_t *)text + at, n - at);
        assert_true(length > 0 && length <= n - at);
        memcpy(found + out, text + at, length);
        out += length;
        at += length;
        found[out++] = '|';
    }
    found[out ? out - 1 : 0] = 0;
    assert_string_equal(found, barred);
}

static void test_words(void **state)
{
    (void)state;
    cuts(SPLIT_GPT2, "It|'s| the| tailor|'ll| do|'|nt");
    cuts(SPLIT_GPT2, "IT|'|S| '|Re| '|re");
    cuts(SPLIT_GPT2, "a|  | b|\n|\n|c|  ");
    cuts(SPLIT_GPT2, "x|12345| 678|...| ?!|\t|\t|y");
    cuts(SPLIT_GPT2, "Stra\xC3\x9F" "e|\xE2\x82\xAC|\xC2\xBD|\xC2\xA0|\xC3\xA4");
    cuts(SPLIT_GPT2, "a|\xFF\xC3|b");
    cuts(SPLIT_GPT2, " \xC2\xA0|\xC2\xA0|a");
    cuts(SPLIT_LLAMA3, "It|'S| the|\ttab|(paren|)| '|tis");
    cuts(SPLIT_LLAMA3, "123|456|7| |890");
    cuts(SPLIT_LLAMA3, "end|.\n\n|    \n|  | x");
    cuts(SPLIT_LLAMA3, "a|\n|b|\r\n|c| !!\n|d|   ");
    cuts(SPLIT_LLAMA3, "a|'\xC5\xBF|b|'LL|'Ve|\xFF" "c");
}

/* ---- naive definitions ---- */

struct naive {
    int32_t tokens[4096];
    int32_t word_ends[4096]; /* exclusive, in tokens */
    int n, n_words;
};

static void naive_cut(struct naive *v, enum split split, const uint8_t *text, size_t n)
{
    v->n = v->n_words = 0;
    for (size_t at = 0, length; at < n; at += length) {
        length = split_next(split, text + at, n - at);
        for (size_t i = 0; i < length; i++)
            v->tokens[v->n++] = text[at + i];
        v->word_ends[v->n_words++] = v->n;
    }
}

static bool is_end(const struct naive *v, int at)
{
    for (int w = 0; w < v->n_words; w++)
        if (v->word_ends[w] == at)
            return true;
    return false;
}

/* Joins the pair at `at`, whose right token goes away. */
static void naive_join(struct naive *v, int at, int32_t result)
{
    v->tokens[at] = result;
    memmove(v->tokens + at + 1, v->tokens + at + 2, (size_t)(v->n - at - 2) * sizeof *v->tokens);
    v->n--;
    for (int w = 0; w < v->n_words; w++)
        v->word_ends[w] -= v->word_ends[w] > at + 1;
}

/* The most frequent pair within words, the lowest among equals, counted anew from the text. */
static int naive_best(const struct naive *v, int32_t *left, int32_t *right)
{
    int best = 0;
    for (int i = 0; i + 1 < v->n; i++) {
        int count = 0;
        if (is_end(v, i + 1))
            continue;
        for (int k = 0; k + 1 < v->n; k++)
            count += v->tokens[k] == v->tokens[i] && v->tokens[k + 1] == v->tokens[i + 1] && !is_end(v, k + 1);
        if (count > best || (count == best && (v->tokens[i] < *left ||
                                               (v->tokens[i] == *left && v->tokens[i + 1] < *right)))) {
            best = count;
            *left = v->tokens[i];
            *right = v->tokens[i + 1];
        }
    }
    return best;
}

static void check_training(const uint8_t *text, size_t n, int vocabulary)
{
    static struct naive v;
    struct tokenizer *t = NULL;
    struct err err = ERR_INIT;
    int best = 2;
    enum status status = tokenizer_train(&t, text, n, vocabulary, &err);
    naive_cut(&v, SPLIT_GPT2, text, n);
    for (int i = 0; status == STATUS_OK && i < t->n_merges; i++) {
        int32_t left = 0, right = 0;
        best = naive_best(&v, &left, &right);
        assert_true(best >= 2);
        assert_int_equal(t->merges[i].left, left);
        assert_int_equal(t->merges[i].right, right);
        for (int k = 0; k + 1 < v.n; k++)
            if (v.tokens[k] == left && v.tokens[k + 1] == right && !is_end(&v, k + 1))
                naive_join(&v, k, t->merges[i].result);
    }
    if (status == STATUS_OK)
        assert_int_equal(tokenizer_vocabulary(t), vocabulary);
    else
        assert_int_equal(status, STATUS_INSUFFICIENT);
    tokenizer_free(t);
}

static void test_training(void **state)
{
    uint8_t text[1200];
    struct rng rng = rng_open(5, RNG_TEST, 1);
    (void)state;
    check_training((const uint8_t *)sample, sizeof sample - 1, 290);
    check_training((const uint8_t *)sample, 0, 256);
    for (int round = 0; round < 12; round++) { /* few letters: ties, overlaps, and tokens spelt in two ways */
        size_t n = 100 + rng_below(&rng, 1000);
        for (size_t i = 0; i < n; i++)
            text[i] = (uint8_t)"abc "[rng_below(&rng, round % 2 ? 4 : 3)];
        if (round % 2 == 0)
            for (size_t i = 40; i < n; i += 41)
                text[i] = ' ';
        check_training(text, n, 256 + 30);
    }
}

static void naive_encode(const struct tokenizer *t, struct naive *v, const uint8_t *text, size_t n)
{
    naive_cut(v, t->split, text, n);
    for (;;) {
        int best = -1, at = -1;
        for (int i = 0; i + 1 < v->n; i++) {
            for (int m = 0; m < t->n_merges && !is_end(v, i + 1); m++) {
                if (t->merges[m].left == v->tokens[i] && t->merges[m].right == v->tokens[i + 1] &&
                    (best < 0 || m < best)) {
                    best = m;
                    at = i;
                }
            }
        }
        if (best < 0)
            return;
        naive_join(v, at, t->merges[best].result);
    }
}

static struct tokenizer *trained(int vocabulary)
{
    struct tokenizer *t = NULL;
    struct err err = ERR_INIT;
    if (tokenizer_train(&t, (const uint8_t *)sample, sizeof sample - 1, vocabulary, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return t;
}

static void test_encoding(void **state)
{
    static struct naive v;
    static int32_t tokens[1024];
    struct tokenizer *t = trained(305);
    struct rng rng = rng_open(6, RNG_TEST, 2);
    (void)state;
    for (int round = 0; round < 60; round++) {
        uint8_t text[400];
        size_t n = 1 + rng_below(&rng, 390), count;
        for (size_t i = 0; i < n; i++) /* pieces of the sample, out of order */
            text[i] = (uint8_t)(i % 7 ? sample[(i * 3 + (size_t)round * 11) % (sizeof sample - 1)] : "ate lthe"[i % 8]);
        if (round % 3 == 0)
            memset(text, 'a', n);
        if (round % 3 == 1)
            memcpy(text, sample + round, n < sizeof sample - 61 ? n : sizeof sample - 61);
        t->split = round % 2 ? SPLIT_GPT2 : SPLIT_LLAMA3;
        count = tokenizer_encode(t, text, n, tokens);
        naive_encode(t, &v, text, n);
        assert_int_equal(count, v.n);
        assert_memory_equal(tokens, v.tokens, count * sizeof *tokens);
    }
    tokenizer_free(t);
}

/* ---- round trips ---- */

static void round_trip(const struct tokenizer *t, const uint8_t *text, size_t n)
{
    int32_t *tokens = malloc((n + 1) * sizeof *tokens);
    size_t count = tokenizer_encode(t, text, n, tokens), at = 0;
    assert_true(count <= n);
    for (size_t i = 0; i < count; i++) {
        size_t length;
        const uint8_t *bytes = tokenizer_token(t, tokens[i], &length);
        assert_true(at + length <= n);
        assert_memory_equal(bytes, text + at, length);
        at += length;
    }
    assert_int_equal(at, n);
    free(tokens);
}

static void test_round_trip(void **state)
{
    enum { LONG = 1 << 20 };
    struct tokenizer *t = trained(305), *bytes = tokenizer_bytes();
    uint8_t *text = malloc(LONG);
    struct rng rng = rng_open(7, RNG_TEST, 3);
    (void)state;
    assert_non_null(text);
    for (int split = 0; split < SPLIT_COUNT; split++) {
        t->split = (enum split)split;
        round_trip(t, (const uint8_t *)sample, sizeof sample - 1);
        round_trip(t, text, 0);
        for (int b = 0; b < 256; b++) {
            uint8_t byte = (uint8_t)b;
            round_trip(t, &byte, 1);
            round_trip(bytes, &byte, 1);
        }
        for (int round = 0; round < 200; round++) {
            size_t n = rng_below(&rng, 300);
            for (size_t i = 0; i < n; i++)
                text[i] = (uint8_t)rng_below(&rng, round % 2 ? 256 : 40);
            round_trip(t, text, n);
        }
        memset(text, 'a', LONG); /* one word of a megabyte: a quadratic encoder would not come back */
        round_trip(t, text, LONG);
        memset(text, ' ', LONG);
        round_trip(t, text, LONG);
    }
    free(text);
    tokenizer_free(bytes);
    tokenizer_free(t);
}

/* ---- tokenizer.json ---- */

/* A vocabulary of the 256 bytes in another order, three merges and two added tokens, put together by hand. The values
 * of the keys named `key` is replaced by `value`. */
static void write_fixture(struct str *json, const char *what, const char *by)
{
    const char *at;
    struct str text;
    str_init(&text);
    str_append(&text, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":["
                      "{\"id\":259,\"content\":\"<|end|>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                      "\"normalized\":false,\"special\":true},"
                      "{\"id\":260,\"content\":\"<|end|>>\",\"special\":true}],\"normalizer\":null,"
                      "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},"
                      "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
                      "\"<|end|>\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]},"
                      "\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{");
    for (int b = 0; b < 256; b++) {
        uint8_t spelt[3] = {0};
        (void)utf8_put(spelt, tokenizer_byte_char((uint8_t)b));
        str_format(&text, "\"%s%s\":%d,", b == '"' || b == '\\' ? "\\" : "", (const char *)spelt, 255 - b);
    }
    str_append(&text, "\"he\":256,\"\\u0120t\":257,\"\\u0120the\":258},"
                      "\"merges\":[\"h e\",[\"\\u0120\",\"t\"],\"\\u0120t he\"]}}");
    at = what ? strstr(text.text, what) : NULL;
    assert_true(!what || at);
    str_append_bytes(json, text.text, at ? (size_t)(at - text.text) : text.length);
    if (at) {
        str_append(json, by);
        str_append(json, at + strlen(what));
    }
    str_release(&text);
}

static void test_fixture(void **state)
{
    static const int32_t expected[] = {255 - 'a', 258, 255 - 'r', 256, 255 - ' ', 256, 259, 257, 260, 255 - '\n'};
    static const char text[] = "a therhe he<|end|> t<|end|>>\n";
    struct tokenizer *t = NULL, *again = NULL;
    struct err err = ERR_INIT;
    struct str json, second;
    int32_t tokens[64];
    (void)state;
    str_init(&json);
    str_init(&second);
    write_fixture(&json, NULL, NULL);
    if (tokenizer_parse(&t, json.text, json.length, "fixture", &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(tokenizer_vocabulary(t), 261);
    assert_int_equal(tokenizer_begin(t), 259);
    assert_int_equal(tokenizer_encode(t, (const uint8_t *)text, sizeof text - 1, tokens),
                     sizeof expected / sizeof *expected);
    assert_memory_equal(tokens, expected, sizeof expected);
    round_trip(t, (const uint8_t *)text, sizeof text - 1);
    str_clear(&json);
    tokenizer_format(t, &json);
    if (tokenizer_parse(&again, json.text, json.length, "ours", &err) != STATUS_OK)
        fail_msg("%s", err.text);
    tokenizer_format(again, &second);
    assert_string_equal(json.text, second.text);
    tokenizer_free(again);
    tokenizer_free(t);
    str_release(&json);
    str_release(&second);
}

static void test_refusals(void **state)
{
    static const struct { const char *what, *by, *named; } cases[] = {
        {"\"type\":\"BPE\"", "\"type\":\"Unigram\"", "Unigram"},
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}", "normalizer"},
        {"\"type\":\"BPE\"", "\"type\":\"BPE\",\"byte_fallback\":true", "byte_fallback"},
        {"\"type\":\"BPE\"", "\"type\":\"BPE\",\"dropout\":0.1", "dropout"},
        {"\"type\":\"BPE\"", "\"type\":\"BPE\",\"magic\":1", "magic"},
        {"\"add_prefix_space\":false", "\"add_prefix_space\":true", "add_prefix_space"},
        {"\"add_prefix_space\":false", "\"add_prefix_space\":false,\"use_regex\":false", "use_regex"},
        {"{\"type\":\"ByteLevel\",\"add_prefix_space\":false}", "{\"type\":\"Whitespace\"}", "Whitespace"},
        {"{\"type\":\"ByteLevel\",\"add_prefix_space\":false}",
         "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"x+\"},"
         "\"behavior\":\"Isolated\",\"invert\":false},"
         "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]}", "x+"},
        {"\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":{\"type\":\"Fuse\"}", "Fuse"},
        {"\"lstrip\":false", "\"lstrip\":true", "lstrip"},
        {"\"truncation\":null", "\"truncation\":{}", "truncation"},
        {"\"padding\":null", "\"paddling\":null", "paddling"},
        {"TemplateProcessing", "BertProcessing", "BertProcessing"},
        {"{\"id\":\"<|end|>\"", "{\"id\":\"<|x|>\"", "<|x|>"},
        {"\"h e\"", "\"he\"", "merges[0]"},
        {"\"h e\"", "\"h q\"", "merges[0]"},
        {"\"h e\"", "[\"h\"]", "merges[0]"},
        {"\"\\u0120t he\"", "\"h e\"", "merges[2]"},
        {"\"he\":256", "\"he\":4096", "he"},
        {"\"he\":256", "\"he\":1", "share"},
        {"\"he\":256", "\"\":256", "empty"},
        {"\"he\":256", "\"\xE2\x82\xAC\":256", "alphabet"},
        {"\"a\":158", "\"zz\":158", "0x61"},
        {"\"vocab\":{", "\"vocab\":[{", ""},
        {"\"content\":\"<|end|>>\"", "\"content\":\"he\"", "he"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tokenizer *t = NULL;
        struct err err = ERR_INIT;
        struct str json;
        str_init(&json);
        write_fixture(&json, cases[i].what, cases[i].by);
        assert_int_equal(tokenizer_parse(&t, json.text, json.length, "fixture", &err), STATUS_FORMAT);
        assert_null(t);
        if (!strstr(err.text, cases[i].named) || strncmp(err.text, "fixture:", 8) != 0)
            fail_msg("%s -> %s: %s", cases[i].what, cases[i].by, err.text);
        str_release(&json);
    }
}

static void test_out_and_in(void **state)
{
    struct tokenizer *t = trained(305), *again = NULL;
    struct err err = ERR_INIT;
    struct str json, second, name;
    (void)state;
    str_init(&json);
    str_init(&second);
    str_init(&name);
    t->split = SPLIT_LLAMA3;
    tokenizer_format(t, &json);
    if (tokenizer_parse(&again, json.text, json.length, "ours", &err) != STATUS_OK)
        fail_msg("%s", err.text);
    tokenizer_format(again, &second);
    assert_string_equal(json.text, second.text);
    assert_int_equal(again->n_merges, t->n_merges);
    assert_memory_equal(again->merges, t->merges, (size_t)t->n_merges * sizeof *t->merges);
    tokenizer_identity(again, &name);
    assert_memory_equal(name.text, "bpe 305 xxh3=", 13);
    for (size_t cut = 0; cut < json.length; cut += 97) { /* no beginning of the file is a tokenizer */
        struct tokenizer *none = NULL;
        assert_int_equal(tokenizer_parse(&none, json.text, cut, "cut", &err), STATUS_FORMAT);
        assert_null(none);
    }
    for (int b = 0; b < 256; b++)
        assert_int_equal(tokenizer_char_byte(tokenizer_byte_char((uint8_t)b)), b);
    tokenizer_free(again);
    tokenizer_free(t);
    str_release(&json);
    str_release(&second);
    str_release(&name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),     cmocka_unit_test(test_words),      cmocka_unit_test(test_training),
        cmocka_unit_test(test_encoding), cmocka_unit_test(test_round_trip), cmocka_unit_test(test_fixture),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_out_and_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
