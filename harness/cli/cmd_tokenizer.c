/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_tokenizer.c — `isoflop tokenizer train|encode|decode FILE`: making and trying out a tokenizer by hand. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/tokenizer.h"
#include "harness/cli/commands.h"

/* The whole file; "-" is standard input. */
static enum status read_text(const char *path, struct str *out, struct err *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char block[1 << 16];
    size_t n;
    enum status status = STATUS_OK;
    if (!file)
        return err_set(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "%s: %s", path, strerror(errno));
    while (out->length <= TOKENIZER_MOST_TEXT && (n = fread(block, 1, sizeof block, file)) > 0)
        str_append_bytes(out, block, n);
    if (ferror(file))
        status = err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    else if (out->length > TOKENIZER_MOST_TEXT)
        status = err_set(err, STATUS_USAGE, "%s: more than the %d bytes that can be read", path, TOKENIZER_MOST_TEXT);
    if (file != stdin)
        (void)fclose(file);
    return status;
}

/* Learns from a text and writes tokenizer.json. */
static enum status train(const struct invocation *invocation, const struct str *text, struct err *err)
{
    const char *path = option_text(&invocation->options, "output");
    struct tokenizer *tokenizer;
    enum status status = tokenizer_train(&tokenizer, (const uint8_t *)text->text, text->length,
                                         (int)option_integer(&invocation->options, "vocabulary"), err);
    if (status != STATUS_OK)
        return status;
    status = tokenizer_write(tokenizer, path, err);
    if (status == STATUS_OK && !invocation->quiet)
        (void)printf("%s has %d tokens\n", path, tokenizer_vocabulary(tokenizer));
    tokenizer_free(tokenizer);
    return status;
}

/* A line per token of the text: its number, and its bytes as C would write them. */
static void print_tokens(const struct tokenizer *tokenizer, const int32_t *tokens, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length;
        const uint8_t *bytes = tokenizer_token(tokenizer, tokens[i], &length);
        (void)printf("%d\t", (int)tokens[i]);
        for (size_t k = 0; k < length; k++) {
            if (bytes[k] < ' ' || bytes[k] >= 127 || bytes[k] == '\\')
                (void)printf("\\x%02x", bytes[k]);
            else
                (void)putchar(bytes[k]);
        }
        (void)putchar('\n');
    }
}

static enum status encode(const struct tokenizer *tokenizer, const struct str *text, struct err *err)
{
    int32_t *tokens = malloc((text->length + 1) * sizeof *tokens);
    size_t n;
    if (!tokens)
        return err_set(err, STATUS_MEMORY, "no memory for %zu tokens", text->length);
    n = tokenizer_encode(tokenizer, (const uint8_t *)text->text, text->length, tokens);
    print_tokens(tokenizer, tokens, n);
    free(tokens);
    return STATUS_OK;
}

/* Reads the number at the beginning of each line and prints that token's bytes. */
static enum status decode(const struct tokenizer *tokenizer, const struct str *text, struct err *err)
{
    int line = 1;
    for (const char *at = text->text; *at; line++) {
        const char *end = at + strcspn(at, "\n");
        char *after;
        long token = strtol(at, &after, 10);
        size_t length;
        const uint8_t *bytes;
        if (after == at || after > end || token < 0 || token >= tokenizer_vocabulary(tokenizer))
            return err_set(err, STATUS_USAGE, "line %d: no token from 0 to %d", line, tokenizer_vocabulary(tokenizer) - 1);
        bytes = tokenizer_token(tokenizer, (int32_t)token, &length);
        (void)fwrite(bytes, 1, length, stdout);
        at = *end ? end + 1 : end;
    }
    return STATUS_OK;
}

int cmd_tokenizer(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    const char *action = o->arguments[0];
    bool is_train = strcmp(action, "train") == 0, is_encode = strcmp(action, "encode") == 0;
    struct tokenizer *tokenizer = NULL;
    struct err err = ERR_INIT;
    struct str text;
    enum status status = STATUS_OK;
    str_init(&text);
    if (!is_train && !is_encode && strcmp(action, "decode") != 0)
        status = err_set(&err, STATUS_USAGE, "tokenizer takes  train FILE,  encode FILE  or  decode FILE");
    if (status == STATUS_OK)
        status = read_text(o->arguments[1], &text, &err);
    if (status == STATUS_OK && !is_train)
        status = tokenizer_read(&tokenizer, option_text(o, "tokenizer"), &err);
    if (status == STATUS_OK)
        status = is_train ? train(invocation, &text, &err) : is_encode ? encode(tokenizer, &text, &err)
                                                                       : decode(tokenizer, &text, &err);
    tokenizer_free(tokenizer);
    str_release(&text);
    return status == STATUS_OK ? EXIT_CODE_DONE : failed(&err);
}
