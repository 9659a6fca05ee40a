/* SPDX-License-Identifier: Apache-2.0 */
/* tokenizer_json.c — tokenizer.json in. Files come from strangers: sizes are bounded before anything is allocated,
 * and every key is either understood, known to change no token, or refused by its name. The first complaint is the
 * one reported: after it, the reader only finds its way out. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/json.h"
#include "engine/data/tokenizer_parts.h"
#include "engine/data/unicode.h"

enum { LONGEST_FILE = 64 << 20, MOST_MEMORY = 1 << 30 };

struct reader {
    struct tokenizer *tokenizer;
    const char *name; /* of the file */
    struct err *err;
    enum status status;
};

/* A token while ids are being sorted out. */
struct spelling {
    const char *text;
    bool is_special;
};

__attribute__((format(printf, 2, 3))) static void refuse(struct reader *r, const char *format, ...)
{
    char text[512];
    va_list args;
    if (r->status != STATUS_OK)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->status = err_set(r->err, STATUS_FORMAT, "%s: %s", r->name, text);
}

/* What the value of a key may be: READ is looked at elsewhere, IGNORED changes no token, NEUTRAL has to be off. */
enum rule { READ, IGNORED, NEUTRAL };

struct key {
    const char *name;
    enum rule rule;
};

static bool is_off(const struct json *value)
{
    bool flag = true;
    double number = 1;
    const char *text = "?";
    return json_kind(value) == JSON_IS_MISSING || json_kind(value) == JSON_IS_NULL ||
           (json_get_bool(value, &flag) && !flag) || (json_get_real(value, &number) && number == 0) ||
           (json_get_text(value, &text) && !*text);
}

/* The value is an object all of whose keys are in the table. */
static void check_keys(struct reader *r, const struct json *object, const char *place, const struct key *keys)
{
    struct json_walk walk = {0};
    if (json_kind(object) != JSON_IS_OBJECT)
        refuse(r, "%s is %s, not an object", place, json_kind_name(json_kind(object)));
    while (r->status == STATUS_OK && json_next(object, &walk)) {
        int i = 0;
        while (keys[i].name && strcmp(keys[i].name, walk.key) != 0)
            i++;
        if (!keys[i].name || (keys[i].rule == NEUTRAL && !is_off(walk.value)))
            refuse(r, "%s.%.80s is not supported", place, walk.key);
    }
}

static const char *type_of(const struct json *object)
{
    const char *type = "";
    (void)json_get_text(json_member(object, "type"), &type);
    return type;
}

static bool is_text(const struct json *value, const char *expected)
{
    const char *text;
    return json_get_text(value, &text) && strcmp(text, expected) == 0;
}

static bool is_flag(const struct json *value, bool expected)
{
    bool flag;
    return json_get_bool(value, &flag) && flag == expected;
}

/* ---- tokens ---- */

/* Appends the bytes that a text in the byte-level alphabet stands for; false when a character stands for none. */
static bool to_bytes(const char *text, size_t n, struct str *out)
{
    for (size_t at = 0; at < n;) {
        uint32_t code;
        int byte;
        at += (size_t)utf8_next((const uint8_t *)text + at, n - at, &code);
        byte = tokenizer_char_byte(code);
        if (byte < 0)
            return false;
        str_append_char(out, (char)byte);
    }
    return true;
}

/* Puts one spelling under its id; an added token may repeat what the vocabulary says. Returns whether it is new. */
static bool place_token(struct reader *r, struct spelling *spellings, size_t most, const struct json *id,
                        const char *text, bool is_special)
{
    int64_t at = -1;
    if (!json_get_integer(id, &at) || at < 0 || (size_t)at >= most) {
        refuse(r, "token '%.80s' has no id from 0 to %zu", text, most - 1);
        return false;
    }
    if (spellings[at].text && (strcmp(spellings[at].text, text) != 0 || !is_special)) {
        refuse(r, "tokens '%.80s' and '%.80s' share the id %lld", spellings[at].text, text, (long long)at);
        return false;
    }
    if (spellings[at].text) {
        spellings[at].is_special = true;
        return false;
    }
    spellings[at] = (struct spelling){text, is_special};
    return true;
}

static void add_token(struct reader *r, const struct spelling *spelling, struct str *bytes)
{
    struct tokenizer *t = r->tokenizer;
    int32_t id = t->tokens.n;
    str_clear(bytes);
    if (spelling->is_special)
        str_append(bytes, spelling->text);
    else if (!to_bytes(spelling->text, strlen(spelling->text), bytes))
        refuse(r, "model.vocab: '%.80s' is not in the byte-level alphabet", spelling->text);
    if (bytes->length == 0)
        refuse(r, "token %d is empty", id);
    if (r->status == STATUS_OK && words_add(&t->tokens, (const uint8_t *)bytes->text, bytes->length) != id)
        refuse(r, "two tokens stand for '%.80s'", spelling->text);
    if (spelling->is_special)
        t->special[t->n_special++] = id;
}

/* Tokens by id, without a gap; every byte is one of them. */
static void add_tokens(struct reader *r, const struct spelling *spellings, size_t n)
{
    struct tokenizer *t = r->tokenizer;
    struct str bytes;
    str_init(&bytes);
    for (size_t i = 0; i < n && r->status == STATUS_OK; i++) {
        if (!spellings[i].text)
            refuse(r, "no token has the id %zu, though there are %zu tokens", i, n);
        else
            add_token(r, &spellings[i], &bytes);
    }
    for (int b = 0; b < 256 && r->status == STATUS_OK; b++) {
        uint8_t byte = (uint8_t)b;
        t->byte_tokens[b] = words_find(&t->tokens, &byte, 1);
        if (t->byte_tokens[b] < 0)
            refuse(r, "model.vocab: byte 0x%02x has no token", (unsigned)b);
    }
    str_release(&bytes);
}

static void sort_special(struct tokenizer *t)
{
    for (int32_t i = 1; i < t->n_special; i++) { /* few, and in order of their ids */
        int32_t id = t->special[i], k = i;
        size_t length, other;
        (void)tokenizer_token(t, id, &length);
        for (; k > 0 && ((void)tokenizer_token(t, t->special[k - 1], &other), other < length); k--)
            t->special[k] = t->special[k - 1];
        t->special[k] = id;
    }
}

static void read_tokens(struct reader *r, const struct json *vocab, const struct json *added)
{
    static const struct key keys[] = {{"id", READ}, {"content", READ}, {"single_word", NEUTRAL}, {"lstrip", NEUTRAL},
                                      {"rstrip", NEUTRAL}, {"normalized", IGNORED}, {"special", IGNORED}, {NULL, READ}};
    enum { MOST_ADDED = 4096 };
    size_t most = json_count(vocab) + json_count(added), n = 0;
    struct spelling *spellings = calloc(most + 1, sizeof *spellings);
    struct json_walk walk = {0};
    NEED_MEMORY(spellings);
    if (json_kind(vocab) != JSON_IS_OBJECT)
        refuse(r, "model.vocab is %s, not an object", json_kind_name(json_kind(vocab)));
    if (json_count(added) > MOST_ADDED || most > TOKENIZER_MOST_TOKENS)
        refuse(r, "%zu tokens, %zu of them added: more than can be read", most, json_count(added));
    while (r->status == STATUS_OK && json_next(vocab, &walk))
        n += place_token(r, spellings, most, walk.value, walk.key, false);
    for (size_t i = 0; i < json_count(added) && r->status == STATUS_OK; i++) {
        const struct json *token = json_item(added, i);
        const char *content = "";
        check_keys(r, token, "added_tokens[]", keys);
        if (!json_get_text(json_member(token, "content"), &content))
            refuse(r, "added_tokens[%zu] has no content", i);
        n += place_token(r, spellings, most, json_member(token, "id"), content, true);
    }
    r->tokenizer->special = calloc(json_count(added) + 1, sizeof *r->tokenizer->special);
    NEED_MEMORY(r->tokenizer->special);
    if (r->status == STATUS_OK)
        add_tokens(r, spellings, n);
    if (r->status == STATUS_OK)
        sort_special(r->tokenizer);
    free(spellings);
}

/* ---- merges ---- */

/* The two sides of a merge: "left right" or ["left", "right"]. */
static bool sides(const struct json *merge, const char *side[2], size_t length[2])
{
    const char *text, *space;
    if (json_get_text(merge, &text)) {
        space = strchr(text, ' ');
        if (!space)
            return false;
        side[0] = text;
        length[0] = (size_t)(space - text);
        side[1] = space + 1;
    } else {
        if (json_count(merge) != 2 || !json_get_text(json_item(merge, 0), &side[0]) ||
            !json_get_text(json_item(merge, 1), &side[1]))
            return false;
        length[0] = strlen(side[0]);
    }
    length[1] = strlen(side[1]);
    return true;
}

static void read_merge(struct reader *r, const struct json *merge, size_t i, struct str *bytes)
{
    struct tokenizer *t = r->tokenizer;
    const char *side[2];
    size_t length[2], middle;
    int32_t left, right, result;
    str_clear(bytes);
    if (!sides(merge, side, length) || !to_bytes(side[0], length[0], bytes)) {
        refuse(r, "model.merges[%zu] is no pair of tokens", i);
        return;
    }
    middle = bytes->length;
    if (!to_bytes(side[1], length[1], bytes)) {
        refuse(r, "model.merges[%zu] is no pair of tokens", i);
        return;
    }
    left = words_find(&t->tokens, (const uint8_t *)bytes->text, middle);
    right = words_find(&t->tokens, (const uint8_t *)bytes->text + middle, bytes->length - middle);
    result = words_find(&t->tokens, (const uint8_t *)bytes->text, bytes->length);
    if (left < 0 || right < 0 || result < 0)
        refuse(r, "model.merges[%zu]: a side, or what it makes, is not in model.vocab", i);
    else if (pairs_find(&t->ranks, left, right) >= 0)
        refuse(r, "model.merges[%zu]: the pair has a merge already", i);
    else
        tokenizer_add_merge(t, left, right, result);
}

static void read_model(struct reader *r, const struct json *model, const struct json *added)
{
    static const struct key keys[] = {
        {"type", READ}, {"vocab", READ}, {"merges", READ}, {"ignore_merges", READ}, {"fuse_unk", IGNORED},
        {"dropout", NEUTRAL}, {"unk_token", IGNORED}, {"continuing_subword_prefix", NEUTRAL},
        {"end_of_word_suffix", NEUTRAL}, {"byte_fallback", NEUTRAL}, {NULL, READ}};
    const struct json *merges = json_member(model, "merges");
    struct str bytes;
    if (strcmp(type_of(model), "BPE") != 0)
        refuse(r, "model.type '%.40s' is not supported; BPE is", type_of(model));
    check_keys(r, model, "model", keys);
    if (json_kind(merges) != JSON_IS_ARRAY)
        refuse(r, "model.merges is %s, not an array", json_kind_name(json_kind(merges)));
    if (r->status == STATUS_OK)
        read_tokens(r, json_member(model, "vocab"), added);
    r->tokenizer->ignore_merges = is_flag(json_member(model, "ignore_merges"), true);
    r->tokenizer->merges = calloc(json_count(merges) + 1, sizeof *r->tokenizer->merges);
    NEED_MEMORY(r->tokenizer->merges);
    str_init(&bytes);
    for (size_t i = 0; i < json_count(merges) && r->status == STATUS_OK; i++)
        read_merge(r, json_item(merges, i), i, &bytes);
    str_release(&bytes);
}

/* ---- around the model ---- */

static const struct key byte_level_keys[] = {
    {"type", READ}, {"add_prefix_space", READ}, {"trim_offsets", IGNORED}, {"use_regex", READ}, {NULL, READ}};

/* Whether ByteLevel cuts words itself. */
static bool read_byte_level(struct reader *r, const struct json *value)
{
    bool use_regex = true;
    if (strcmp(type_of(value), "ByteLevel") != 0)
        refuse(r, "pre_tokenizer.type '%.40s' is not supported; ByteLevel is, alone or after one Split", type_of(value));
    check_keys(r, value, "pre_tokenizer", byte_level_keys);
    if (!is_flag(json_member(value, "add_prefix_space"), false))
        refuse(r, "pre_tokenizer.add_prefix_space has to be false");
    (void)json_get_bool(json_member(value, "use_regex"), &use_regex);
    return use_regex;
}

static void read_split(struct reader *r, const struct json *value)
{
    static const struct key keys[] = {
        {"type", READ}, {"pattern", READ}, {"behavior", READ}, {"invert", NEUTRAL}, {NULL, READ}};
    const char *pattern = "";
    int split = 0;
    if (strcmp(type_of(value), "Split") != 0)
        refuse(r, "pre_tokenizer.type '%.40s' is not supported before ByteLevel; Split is", type_of(value));
    check_keys(r, value, "pre_tokenizer", keys);
    if (!is_text(json_member(value, "behavior"), "Isolated"))
        refuse(r, "pre_tokenizer.behavior has to be Isolated");
    (void)json_get_text(json_member(json_member(value, "pattern"), "Regex"), &pattern);
    while (split < SPLIT_COUNT && strcmp(pattern, split_patterns[split]) != 0)
        split++;
    if (split == SPLIT_COUNT)
        refuse(r, "pre_tokenizer.pattern '%.200s' is not supported; those of GPT-2 and Llama 3 are", pattern);
    else
        r->tokenizer->split = (enum split)split;
}

static void read_splitter(struct reader *r, const struct json *value)
{
    static const struct key keys[] = {{"type", READ}, {"pretokenizers", READ}, {NULL, READ}};
    const struct json *parts = json_member(value, "pretokenizers");
    if (strcmp(type_of(value), "Sequence") != 0) {
        if (!read_byte_level(r, value))
            refuse(r, "pre_tokenizer.use_regex false without a Split is not supported");
        return;
    }
    check_keys(r, value, "pre_tokenizer", keys);
    if (json_count(parts) != 2)
        refuse(r, "pre_tokenizer.pretokenizers has to be a Split and ByteLevel");
    read_split(r, json_item(parts, 0));
    if (read_byte_level(r, json_item(parts, 1)))
        refuse(r, "pre_tokenizer.use_regex has to be false after a Split");
}

/* A template may put one special token before the text. */
static void read_template(struct reader *r, const struct json *value)
{
    static const struct key keys[] = {
        {"type", READ}, {"single", READ}, {"pair", IGNORED}, {"special_tokens", IGNORED}, {NULL, READ}};
    const struct json *single = json_member(value, "single");
    size_t n = json_count(single);
    const char *text = "";
    struct tokenizer *t = r->tokenizer;
    check_keys(r, value, "post_processor", keys);
    if (n < 1 || n > 2 || !is_text(json_member(json_member(json_item(single, n - 1), "Sequence"), "id"), "A"))
        refuse(r, "post_processor.single has to be the text, or one special token and the text");
    if (n < 2 || r->status != STATUS_OK)
        return;
    (void)json_get_text(json_member(json_member(json_item(single, 0), "SpecialToken"), "id"), &text);
    for (int32_t i = 0; i < t->n_special; i++) {
        size_t length;
        const uint8_t *special = tokenizer_token(t, t->special[i], &length);
        if (length == strlen(text) && memcmp(special, text, length) == 0)
            t->begin = t->special[i];
    }
    if (t->begin < 0)
        refuse(r, "post_processor.single: '%.80s' is not among added_tokens", text);
}

static void read_post_processor(struct reader *r, const struct json *value, bool may_nest)
{
    static const struct key keys[] = {{"type", READ}, {"processors", READ}, {NULL, READ}};
    const struct json *parts = json_member(value, "processors");
    if (json_kind(value) == JSON_IS_MISSING || json_kind(value) == JSON_IS_NULL)
        return;
    if (strcmp(type_of(value), "ByteLevel") == 0) /* changes the places of tokens, which nobody asks for */
        check_keys(r, value, "post_processor", byte_level_keys);
    else if (strcmp(type_of(value), "TemplateProcessing") == 0)
        read_template(r, value);
    else if (strcmp(type_of(value), "Sequence") != 0 || !may_nest)
        refuse(r, "post_processor.type '%.40s' is not supported", type_of(value));
    else {
        check_keys(r, value, "post_processor", keys);
        for (size_t i = 0; i < json_count(parts) && r->status == STATUS_OK; i++)
            read_post_processor(r, json_item(parts, i), false);
    }
}

static void read_root(struct reader *r, const struct json *root)
{
    static const struct key keys[] = {
        {"version", IGNORED}, {"truncation", NEUTRAL}, {"padding", NEUTRAL}, {"added_tokens", READ},
        {"normalizer", NEUTRAL}, {"pre_tokenizer", READ}, {"post_processor", READ}, {"decoder", READ},
        {"model", READ}, {NULL, READ}};
    const struct json *decoder = json_member(root, "decoder"), *added = json_member(root, "added_tokens");
    check_keys(r, root, "tokenizer", keys);
    if (added && json_kind(added) != JSON_IS_ARRAY && json_kind(added) != JSON_IS_NULL)
        refuse(r, "added_tokens is %s, not an array", json_kind_name(json_kind(added)));
    read_splitter(r, json_member(root, "pre_tokenizer"));
    if (strcmp(type_of(decoder), "ByteLevel") != 0)
        refuse(r, "decoder.type '%.40s' is not supported; ByteLevel is", type_of(decoder));
    read_model(r, json_member(root, "model"), added);
    if (r->status == STATUS_OK)
        read_post_processor(r, json_member(root, "post_processor"), true);
}

static enum status make(struct tokenizer **out, const struct json *root, const char *name, struct err *err)
{
    struct reader r = {tokenizer_new(), name, err, STATUS_OK};
    read_root(&r, root);
    if (r.status == STATUS_OK)
        *out = r.tokenizer;
    else
        tokenizer_free(r.tokenizer);
    return r.status;
}

enum status tokenizer_parse(struct tokenizer **out, const char *json, size_t n, const char *name, struct err *err)
{
    struct json *root;
    enum status status = json_parse(&root, json, n, MOST_MEMORY, name, 0, err);
    if (status != STATUS_OK)
        return status;
    status = make(out, root, name, err);
    json_free(root);
    return status;
}

enum status tokenizer_read(struct tokenizer **out, const char *path, struct err *err)
{
    struct json *root;
    enum status status = json_read(&root, path, LONGEST_FILE, MOST_MEMORY, err);
    if (status != STATUS_OK)
        return status;
    status = make(out, root, path, err);
    json_free(root);
    return status;
}
