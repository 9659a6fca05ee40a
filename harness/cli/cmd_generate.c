/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_generate.c — `isoflop generate MODEL`: continues a prompt, token by token, as the model would. What a token
 * stands for is said by the tokenizer.json beside the model; without one it is a byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/data/tokenizer.h"
#include "engine/data/unicode.h"
#include "engine/math/vec.h"
#include "engine/model/checkpoint.h"
#include "engine/shrink/quantize.h"
#include "harness/cli/commands.h"
#include "harness/cli/models.h"

/* A model open for generation. */
struct writer {
    struct model model;
    struct weights_i8 i8;
    struct session session;
    struct tokenizer *tokenizer;
    real *scratch;      /* (V), logits to draw from */
    uint8_t pending[4]; /* the beginning of a character whose end is still to come */
    int n_pending;
};

static enum status open_tokenizer(struct writer *w, const char *folder, int vocabulary, struct err *err)
{
    struct str path;
    enum status status = STATUS_OK;
    str_init(&path);
    str_format(&path, "%s/tokenizer.json", folder);
    if (access(path.text, F_OK) == 0)
        status = tokenizer_read(&w->tokenizer, path.text, err);
    else
        w->tokenizer = tokenizer_bytes();
    str_release(&path);
    if (status != STATUS_OK)
        return status;
    if (tokenizer_vocabulary(w->tokenizer) == TOKENIZER_BYTES && vocabulary != TOKENIZER_BYTES)
        return err_set(err, STATUS_USAGE, "%s: the model knows %d tokens, and no tokenizer.json says what they are", folder,
                       vocabulary);
    if (tokenizer_vocabulary(w->tokenizer) > vocabulary)
        return err_set(err, STATUS_FORMAT, "%s: the model knows %d tokens, its tokenizer.json %d", folder, vocabulary,
                       tokenizer_vocabulary(w->tokenizer));
    return STATUS_OK;
}

static enum status writer_open(struct writer *w, const char *folder, struct err *err)
{
    struct config config;
    bool is_i8;
    enum status status = checkpoint_config(folder, &config, &is_i8, err);
    if (status != STATUS_OK)
        return status;
    status = open_tokenizer(w, folder, config.vocabulary, err);
    if (status == STATUS_OK)
        status = model_open(&w->model, &config, 1, MODEL_SCORE, err);
    if (status == STATUS_OK)
        status = checkpoint_load(folder, &w->model, err);
    if (status == STATUS_OK && is_i8)
        status = quantize_i8(&w->i8, &w->model, err);
    if (status == STATUS_OK)
        status = session_open(&w->session, &w->model, is_i8 ? &w->i8 : NULL, err);
    if (status == STATUS_OK) {
        w->scratch = calloc((size_t)config.vocabulary, sizeof *w->scratch);
        ASSERT(w->scratch);
    }
    return status;
}

static void writer_release(struct writer *w)
{
    session_release(&w->session);
    quantize_release(&w->i8);
    model_release(&w->model);
    tokenizer_free(w->tokenizer);
    free(w->scratch);
}

/* Prints the characters of the pending bytes that are whole; at the end, all of them. Controls, which a terminal
 * might obey, and what is no UTF-8 appear as question marks. */
static void print_pending(struct writer *w, bool is_end)
{
    static const uint8_t lead_of[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    while (w->n_pending > 0) {
        uint32_t code;
        int length = utf8_next(w->pending, (size_t)w->n_pending, &code), wanted = 4;
        while (w->pending[0] < lead_of[wanted])
            wanted--;
        if (code == UNICODE_NONE && !is_end && w->n_pending < wanted)
            return; /* the rest may come with the next token */
        if (code == '\n' || code == '\t' || (code >= ' ' && code < 127) || (code >= 160 && code != UNICODE_NONE))
            (void)fwrite(w->pending, 1, (size_t)length, stdout);
        else
            (void)putchar('?');
        w->n_pending -= length;
        memmove(w->pending, w->pending + length, (size_t)w->n_pending);
    }
}

static void print_token(struct writer *w, int32_t token)
{
    size_t length;
    const uint8_t *bytes = tokenizer_token(w->tokenizer, token, &length);
    for (size_t i = 0; i < length; i++) {
        w->pending[w->n_pending++] = bytes[i];
        print_pending(w, false);
    }
    (void)fflush(stdout);
}

/* When the context is full, its second half becomes the beginning of a new one. */
static const real *next_logits(struct writer *w, int32_t *window, int *filled, int32_t token)
{
    int context = w->model.config.context;
    if (*filled == context) {
        int kept = context / 2;
        memmove(window, window + context - kept, (size_t)kept * sizeof *window);
        *filled = kept;
        session_reset(&w->session);
        (void)session_feed(&w->session, window, kept);
    }
    window[(*filled)++] = token;
    return session_feed(&w->session, &token, 1);
}

/* Text begins with the token the tokenizer wants there, else behind a line end; the logits after the prompt. */
static const real *feed_prompt(struct writer *w, int32_t *window, int *filled, const char *prompt)
{
    size_t n = strlen(prompt), count;
    int32_t *tokens = calloc(n + 1, sizeof *tokens), begin = tokenizer_begin(w->tokenizer);
    const real *logits;
    ASSERT(tokens);
    if (begin < 0)
        (void)tokenizer_encode(w->tokenizer, (const uint8_t *)"\n", 1, &begin);
    logits = next_logits(w, window, filled, begin);
    count = tokenizer_encode(w->tokenizer, (const uint8_t *)prompt, n, tokens);
    for (size_t i = 0; i < count; i++)
        logits = next_logits(w, window, filled, tokens[i]);
    free(tokens);
    return logits;
}

static void generate(struct writer *w, const struct options *o, const char *prompt)
{
    static int32_t window[1 << 20];
    double temperature = option_real(o, "temperature");
    int top_k = (int)option_integer(o, "top-k"), filled = 0, V = tokenizer_vocabulary(w->tokenizer);
    int64_t n = option_integer(o, "tokens");
    uint64_t seed = (uint64_t)option_integer(o, "seed");
    const real *logits = feed_prompt(w, window, &filled, prompt);
    (void)fputs(prompt, stdout);
    for (int64_t i = 0; i < n; i++) {
        struct rng rng = rng_open(seed, RNG_SAMPLE, (uint64_t)i);
        int32_t token;
        memcpy(w->scratch, logits, (size_t)V * sizeof *logits);
        token = sample_token(w->scratch, V, temperature, top_k, &rng);
        print_token(w, token);
        logits = next_logits(w, window, &filled, token);
    }
    print_pending(w, true);
    (void)putchar('\n');
}

int cmd_generate(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    struct writer writer = {0};
    struct err err = ERR_INIT;
    struct str folder;
    enum status status;
    vec_flush_subnormals();
    str_init(&folder);
    status = models_folder(invocation->db, o->arguments[0], &folder, &err);
    if (status == STATUS_OK)
        status = writer_open(&writer, folder.text, &err);
    if (status == STATUS_OK)
        generate(&writer, o, option_text(o, "prompt") ? option_text(o, "prompt") : "");
    writer_release(&writer);
    str_release(&folder);
    return status == STATUS_OK ? EXIT_CODE_DONE : failed(&err);
}
