/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_generate.c — `isoflop generate MODEL`: continues a prompt, token by token, as the model would.
 *
 * What a token stands for is said by the tokenizer.json beside the model; without one it is a byte. With --ids
 * tokens are numbers, and nobody has to say.
 *
 * Invariant: the session has seen tokens[start … n-1], at most a context of them. When the context is full, the last
 * half of it becomes the beginning of a new one; a prompt that does not fit begins in the same way. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/str.h"
#include "engine/data/unicode.h"
#include "engine/model/sample.h"
#include "harness/cli/commands.h"
#include "harness/cli/ids.h"
#include "harness/cli/loaded.h"

struct writer {
    struct loaded loaded;
    bool ids; /* tokens are written as numbers, prompt and stops too */
    const char *const *stops;
    int n_stops;
    int32_t *tokens; /* all so far */
    int64_t n, capacity;
    struct candidate *candidates; /* (V), scratch */
    struct str text;              /* what was generated */
    size_t shown;                 /* bytes of it that are out */
};

static void writer_release(struct writer *w)
{
    loaded_release(&w->loaded);
    free(w->tokens);
    free(w->candidates);
    str_release(&w->text);
}

/* ---- the prompt ---- */

static void push(struct writer *w, int32_t token)
{
    if (w->n == w->capacity) {
        w->capacity = w->capacity ? 2 * w->capacity : 1024;
        w->tokens = realloc(w->tokens, (size_t)w->capacity * sizeof *w->tokens);
        NEED_MEMORY(w->tokens);
    }
    w->tokens[w->n++] = token;
}

/* "-" stands for standard input, whole. */
static enum status read_prompt(const char *option, struct str *out, struct err *err)
{
    char block[4096];
    size_t n;
    if (strcmp(option, "-") != 0) {
        str_append(out, option);
        return STATUS_OK;
    }
    while ((n = fread(block, 1, sizeof block, stdin)) > 0)
        str_append_bytes(out, block, n);
    return ferror(stdin) ? err_set(err, STATUS_IO, "standard input: %s", strerror(errno)) : STATUS_OK;
}

static enum status push_ids(struct writer *w, const char *text, struct err *err)
{
    int V = w->loaded.config.vocabulary;
    int32_t token;
    for (const char *at = text + strspn(text, ids_gap); *at;) {
        if (!ids_next(&at, V, &token))
            return err_set(err, STATUS_USAGE,
                           "--prompt: with --ids it is made of numbers from 0 to %d, not '%.20s'", V - 1, at);
        push(w, token);
    }
    return w->n > 0 ? STATUS_OK
                    : err_set(err, STATUS_USAGE, "--ids needs a --prompt: which token comes first?");
}

/* Text begins with the token that the tokenizer wants there, else behind a line end. */
static void push_text(struct writer *w, const struct str *text)
{
    const struct tokenizer *tokenizer = w->loaded.tokenizer;
    int32_t *tokens = calloc(text->length + 1, sizeof *tokens), begin = tokenizer_begin(tokenizer);
    size_t n;
    NEED_MEMORY(tokens);
    if (begin < 0)
        (void)tokenizer_encode(tokenizer, (const uint8_t *)"\n", 1, &begin);
    push(w, begin);
    n = tokenizer_encode(tokenizer, (const uint8_t *)text->text, text->length, tokens);
    for (size_t i = 0; i < n; i++)
        push(w, tokens[i]);
    free(tokens);
}

static enum status push_prompt(struct writer *w, const char *option, struct err *err)
{
    struct str text;
    enum status status;
    str_init(&text);
    status = read_prompt(option ? option : "", &text, err);
    if (status == STATUS_OK && w->ids)
        status = push_ids(w, text.text, err);
    else if (status == STATUS_OK && text.length > TOKENIZER_MOST_TEXT)
        status = err_set(err, STATUS_USAGE, "--prompt: more than %d bytes", TOKENIZER_MOST_TEXT);
    else if (status == STATUS_OK)
        push_text(w, &text);
    str_release(&text);
    return status;
}

/* ---- what is written ---- */

/* Whether the n bytes are the beginning of a character whose end is still to come. */
static bool is_unfinished(const uint8_t *bytes, size_t n)
{
    size_t wanted = *bytes >= 0xF0 ? 4 : *bytes >= 0xE0 ? 3 : *bytes >= 0xC0 ? 2 : 1;
    return n < wanted;
}

/* Shows whole characters; at the end, whatever is left. Controls, which a terminal might obey, and what is no UTF-8
 * appear as question marks. */
static void show(struct writer *w, size_t until, bool is_end)
{
    while (w->shown < until) {
        const uint8_t *at = (const uint8_t *)w->text.text + w->shown;
        uint32_t code;
        int length = utf8_next(at, until - w->shown, &code);
        if (code == UNICODE_NONE && !is_end && is_unfinished(at, until - w->shown))
            break;
        if (code == '\n' || code == '\t' || (code >= ' ' && code < 127) || (code >= 160 && code != UNICODE_NONE))
            (void)fwrite(at, 1, (size_t)length, stdout);
        else
            (void)putchar('?');
        w->shown += (size_t)length;
    }
    (void)fflush(stdout);
}

static void append_bytes(struct writer *w, int32_t token)
{
    size_t length;
    const uint8_t *bytes = tokenizer_token(w->loaded.tokenizer, token, &length);
    str_append_bytes(&w->text, (const char *)bytes, length);
}

static void append(struct writer *w, int32_t token)
{
    if (w->ids)
        str_format(&w->text, "%s%d", w->text.length ? " " : "", token);
    else if (token < tokenizer_vocabulary(w->loaded.tokenizer)) /* a model may have room for more than it uses */
        append_bytes(w, token);
}

/* Where the first of the stops begins in what is not shown yet, or SIZE_MAX. *held: how many bytes at the end could
 * still become one. */
static size_t find_stop(const struct writer *w, size_t *held)
{
    const char *rest = w->text.text + w->shown;
    size_t length = w->text.length - w->shown, first = SIZE_MAX;
    *held = 0;
    for (int i = 0; i < w->n_stops; i++) {
        size_t n = strlen(w->stops[i]);
        const char *found = memmem(rest, length, w->stops[i], n);
        if (found && (size_t)(found - w->text.text) < first)
            first = (size_t)(found - w->text.text);
        for (size_t k = n - 1; k > *held; k--)
            if (k <= length && memcmp(rest + length - k, w->stops[i], k) == 0)
                *held = k;
    }
    return first;
}

/* With --ids a stop is a token. */
static bool stops_at(const struct writer *w, int32_t token)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", token);
    for (int i = 0; w->ids && i < w->n_stops; i++)
        if (strcmp(w->stops[i], text) == 0)
            return true;
    return false;
}

/* Takes a new token; false when the text ends before it, or in it. */
static bool write_token(struct writer *w, int32_t token)
{
    size_t stop, held;
    if (stops_at(w, token))
        return false;
    append(w, token);
    if (w->ids) {
        show(w, w->text.length, true);
        return true;
    }
    stop = find_stop(w, &held);
    show(w, stop < SIZE_MAX ? stop : w->text.length - held, stop < SIZE_MAX);
    return stop == SIZE_MAX; /* the stop itself is never shown */
}

/* ---- writing ---- */

static const real *next_logits(struct writer *w, int64_t *fed)
{
    struct session *s = &w->loaded.session;
    int context = w->loaded.config.context;
    int64_t fresh = w->n - *fed;
    if (session_position(s) + fresh > context) {
        fresh = (context + 1) / 2;
        session_reset(s);
    }
    *fed = w->n;
    return session_feed(s, w->tokens + w->n - fresh, (int)fresh);
}

/* Whether all of them can be ranked; weights that are no numbers make logits that are none. */
static bool all_finite(const real *logits, int V)
{
    bool finite = true;
    for (int v = 0; v < V; v++)
        finite = finite && isfinite(logits[v]);
    return finite;
}

static enum status generate(struct writer *w, const struct options *o, struct err *err)
{
    int V = w->loaded.config.vocabulary;
    int64_t n = option_integer(o, "tokens"), fed = 0, top_k = option_integer(o, "top-k");
    uint64_t seed = (uint64_t)option_integer(o, "seed");
    struct sampling how = {option_real(o, "temperature"), top_k < V ? (int)top_k : 0,
                           option_real(o, "top-p")};
    bool goes_on = true;
    for (int64_t i = 0; i < n && goes_on; i++) {
        struct rng rng = rng_open(seed, RNG_SAMPLE, (uint64_t)i);
        const real *logits = next_logits(w, &fed);
        if (!all_finite(logits, V)) {
            (void)putchar('\n');
            return err_set(err, STATUS_FORMAT, "%s: the logits of token %lld are not finite; are its weights?", w->loaded.folder.text,
                           (long long)w->n);
        }
        int32_t token = sample_token(logits, V, &how, w->candidates, &rng);
        goes_on = write_token(w, token);
        push(w, token);
    }
    if (goes_on)
        show(w, w->text.length, true);
    (void)putchar('\n');
    return STATUS_OK;
}

/* As many tokens as will be seen, so that a short text does not pay for a long context. */
static int wanted_context(const struct writer *w, const struct options *o)
{
    int64_t n = w->n + option_integer(o, "tokens");
    return n < INT_MAX ? (int)n : INT_MAX;
}

static enum status prepare(struct writer *w, const struct options *o, struct err *err)
{
    int V = w->loaded.config.vocabulary;
    enum status status;
    w->ids = option_flag(o, "ids");
    w->stops = option_list(o, "stop", &w->n_stops);
    for (int i = 0; i < w->n_stops; i++)
        if (!*w->stops[i])
            return err_set(err, STATUS_USAGE, "--stop: nothing stops everything; give some text");
    status = w->ids ? STATUS_OK : loaded_find_text(&w->loaded, err);
    if (status == STATUS_OK)
        status = push_prompt(w, option_text(o, "prompt"), err);
    if (status == STATUS_OK)
        status = loaded_read(&w->loaded, (struct loaded_use){.context = wanted_context(w, o)}, err);
    if (status != STATUS_OK)
        return status;
    w->candidates = calloc((size_t)V, sizeof *w->candidates);
    NEED_MEMORY(w->candidates);
    if (w->n > w->loaded.config.context)
        (void)fprintf(stderr, "isoflop: the prompt has %lld tokens, the context %d; only the last %d count\n",
                      (long long)w->n, w->loaded.config.context, (w->loaded.config.context + 1) / 2);
    return STATUS_OK;
}

static void echo_prompt(struct writer *w)
{
    for (int64_t i = w->ids ? 0 : 1; i < w->n; i++) /* text: without the line end that was put before it */
        append(w, w->tokens[i]);
    show(w, w->text.length, true);
    if (!w->ids)
        str_clear(&w->text);
    w->shown = w->ids ? w->shown : 0;
}

int cmd_generate(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    struct writer writer = {0};
    struct err err = ERR_INIT;
    enum status status;
    str_init(&writer.text);
    status = loaded_find(&writer.loaded, invocation->db, o->arguments[0], &err);
    if (status == STATUS_OK)
        status = prepare(&writer, o, &err);
    if (status == STATUS_OK) {
        if (!option_flag(o, "no-echo"))
            echo_prompt(&writer);
        status = generate(&writer, o, &err);
    }
    writer_release(&writer);
    return status == STATUS_OK ? EXIT_CODE_DONE : failed(&err);
}
