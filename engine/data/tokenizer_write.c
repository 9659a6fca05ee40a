/* SPDX-License-Identifier: Apache-2.0 */
/* tokenizer_write.c — tokenizer.json out: keys in a fixed order, tokens by id, merges by rank as "left right", which
 * all versions of Hugging Face's tokenizers read. Equal tokenizers give equal text, so its hash is their identity. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/hash.h"
#include "engine/data/tokenizer_parts.h"
#include "engine/data/unicode.h"

uint32_t tokenizer_byte_char(uint8_t byte)
{
    if ((byte > 32 && byte < 127) || (byte > 160 && byte != 173))
        return byte;
    return 256u + (byte <= 32 ? byte : byte < 173 ? byte - 127u + 33u : 67u);
}

int tokenizer_char_byte(uint32_t code)
{
    if (code < 256)
        return tokenizer_byte_char((uint8_t)code) == code ? (int)code : -1;
    if (code > 323)
        return -1;
    return code - 256 <= 32 ? (int)code - 256 : code == 323 ? 173 : (int)code - 256 - 33 + 127;
}

/* A character of a JSON string (RFC 8259, section 7). */
static void put_escaped(struct str *json, uint8_t c)
{
    if (c == '"' || c == '\\')
        str_append_char(json, '\\');
    if (c < 0x20)
        str_format(json, "\\u%04x", c);
    else
        str_append_char(json, (char)c);
}

/* A token in the byte-level alphabet; one that is special as it is. */
static void put_token(const struct tokenizer *t, struct str *json, int32_t token)
{
    size_t length;
    const uint8_t *bytes = tokenizer_token(t, token, &length);
    bool is_special = false;
    for (int32_t i = 0; i < t->n_special && !is_special; i++)
        is_special = t->special[i] == token;
    for (size_t i = 0; i < length; i++) {
        uint8_t text[2];
        int n = 1;
        text[0] = bytes[i];
        if (!is_special)
            n = utf8_put(text, tokenizer_byte_char(bytes[i]));
        for (int k = 0; k < n; k++)
            put_escaped(json, text[k]);
    }
}

static void put_added(const struct tokenizer *t, struct str *json)
{
    str_append(json, "  \"added_tokens\": [");
    for (int32_t i = 0; i < t->n_special; i++) {
        str_format(json, "%s\n    {\"id\": %d, \"content\": \"", i ? "," : "", t->special[i]);
        put_token(t, json, t->special[i]);
        str_append(json, "\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, "
                         "\"special\": true}");
    }
    str_append(json, t->n_special ? "\n  ],\n" : "],\n");
}

static void put_splitter(const struct tokenizer *t, struct str *json)
{
    static const char byte_level[] = "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, "
                                     "\"use_regex\": ";
    if (t->split == SPLIT_GPT2) {
        str_format(json, "  \"pre_tokenizer\": %strue},\n", byte_level);
        return;
    }
    str_append(json, "  \"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [\n"
                     "    {\"type\": \"Split\", \"pattern\": {\"Regex\": \"");
    for (const char *c = split_patterns[t->split]; *c; c++)
        put_escaped(json, (uint8_t)*c);
    str_format(json, "\"}, \"behavior\": \"Isolated\", \"invert\": false},\n    %sfalse}]},\n", byte_level);
}

static void put_template(const struct tokenizer *t, struct str *json)
{
    if (t->begin < 0) {
        str_append(json, "  \"post_processor\": null,\n");
        return;
    }
    str_append(json, "  \"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [\n"
                     "    {\"SpecialToken\": {\"id\": \"");
    put_token(t, json, t->begin);
    str_append(json, "\", \"type_id\": 0}}, {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}],\n    \"special_tokens\": {\"");
    put_token(t, json, t->begin);
    str_append(json, "\": {\"id\": \"");
    put_token(t, json, t->begin);
    str_format(json, "\", \"ids\": [%d], \"tokens\": [\"", t->begin);
    put_token(t, json, t->begin);
    str_append(json, "\"]}}},\n");
}

/* Special tokens that stand only among the added ones are the last ids, and are not in the model's vocabulary. */
static void put_model(const struct tokenizer *t, struct str *json)
{
    str_append(json, "  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n"
                     "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n"
                     "    \"fuse_unk\": false,\n    \"byte_fallback\": false,\n");
    str_format(json, "    \"ignore_merges\": %s,\n    \"vocab\": {", t->ignore_merges ? "true" : "false");
    for (int32_t i = 0; i < t->tokens.n; i++) {
        str_append(json, i ? ",\n      \"" : "\n      \"");
        put_token(t, json, i);
        str_format(json, "\": %d", i);
    }
    str_append(json, "\n    },\n    \"merges\": [");
    for (int32_t i = 0; i < t->n_merges; i++) {
        str_append(json, i ? ",\n      \"" : "\n      \"");
        put_token(t, json, t->merges[i].left);
        str_append_char(json, ' ');
        put_token(t, json, t->merges[i].right);
        str_append_char(json, '"');
    }
    str_append(json, t->n_merges ? "\n    ]\n  }\n}\n" : "]\n  }\n}\n");
}

void tokenizer_format(const struct tokenizer *t, struct str *json)
{
    str_append(json, "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n");
    put_added(t, json);
    str_append(json, "  \"normalizer\": null,\n");
    put_splitter(t, json);
    put_template(t, json);
    str_append(json, "  \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, "
                     "\"use_regex\": true},\n");
    put_model(t, json);
}

static enum status write_all(int fd, const struct str *text)
{
    for (size_t at = 0; at < text->length;) {
        ssize_t n = write(fd, text->text + at, text->length - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return STATUS_IO;
        at += (size_t)n;
    }
    return fsync(fd) == 0 ? STATUS_OK : STATUS_IO;
}

enum status tokenizer_write(const struct tokenizer *t, const char *path, struct err *err)
{
    struct str json, beside;
    enum status status = STATUS_OK;
    int fd;
    str_init(&json);
    str_init(&beside);
    tokenizer_format(t, &json);
    str_format(&beside, "%s.%d.tmp", path, (int)getpid());
    fd = open(beside.text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || write_all(fd, &json) != STATUS_OK)
        status = err_set(err, STATUS_IO, "%s: %s", beside.text, strerror(errno));
    if (fd >= 0 && close(fd) != 0 && status == STATUS_OK)
        status = err_set(err, STATUS_IO, "%s: %s", beside.text, strerror(errno));
    if (status == STATUS_OK && rename(beside.text, path) != 0)
        status = err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    if (status != STATUS_OK && fd >= 0)
        (void)unlink(beside.text);
    str_release(&json);
    str_release(&beside);
    return status;
}

void tokenizer_identity(const struct tokenizer *t, struct str *out)
{
    struct str json;
    char hash[HASH_TEXT_SIZE];
    if (t->n_merges == 0 && t->n_special == 0 && t->tokens.n == TOKENIZER_BYTES) {
        str_append(out, "bytes");
        return;
    }
    str_init(&json);
    tokenizer_format(t, &json);
    hash_text(hash_bytes(json.text, json.length), hash);
    str_format(out, "bpe %d xxh3=%s", (int)t->tokens.n, hash);
    str_release(&json);
}
