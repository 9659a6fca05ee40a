/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: no bytes make the reader of tokenizer.json misbehave, and what it accepts is a tokenizer. Promises checked: what
 * it encodes (the file itself, as a text at hand) decodes to the same bytes; written by us and read again it is the
 * same; a refusal has a text. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/data/tokenizer.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct tokenizer *t, const uint8_t *text, size_t n)
{
    int32_t *tokens = malloc((n + 1) * sizeof *tokens);
    size_t count = tokenizer_encode(t, text, n, tokens), at = 0, length;
    struct tokenizer *again = NULL;
    struct err err = ERR_INIT;
    struct str ours, second;
    for (size_t i = 0; i < count; i++, at += length) {
        const uint8_t *bytes = tokenizer_token(t, tokens[i], &length);
        ASSERT(at + length <= n && memcmp(bytes, text + at, length) == 0);
    }
    ASSERT(at == n);
    str_init(&ours);
    str_init(&second);
    tokenizer_format(t, &ours);
    ASSERT(tokenizer_parse(&again, ours.text, ours.length, "ours", &err) == STATUS_OK);
    tokenizer_format(again, &second);
    ASSERT(strcmp(ours.text, second.text) == 0);
    str_release(&ours);
    str_release(&second);
    tokenizer_free(again);
    free(tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tokenizer *t = NULL;
    struct err err = ERR_INIT;
    if (tokenizer_parse(&t, (const char *)data, size, "input", &err) == STATUS_OK)
        check(t, data, size);
    else
        ASSERT(err.status == STATUS_FORMAT && *err.text);
    tokenizer_free(t);
    return 0;
}
