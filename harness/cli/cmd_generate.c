/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_generate.c — `isoflop generate MODEL`: continues a prompt, token by token, as the model would. */
#include <stdio.h>
#include <string.h>

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
};

static enum status writer_open(struct writer *w, const char *folder, struct err *err)
{
    struct config config;
    bool is_i8;
    enum status status = checkpoint_config(folder, &config, &is_i8, err);
    if (status != STATUS_OK)
        return status;
    if (config.vocabulary != 256)
        return err_set(err, STATUS_USAGE, "%s: only byte-level models (256 tokens, not %d) can be given text", folder,
                       config.vocabulary);
    status = model_open(&w->model, &config, 1, MODEL_SCORE, err);
    if (status == STATUS_OK)
        status = checkpoint_load(folder, &w->model, err);
    if (status == STATUS_OK && is_i8)
        status = quantize_i8(&w->i8, &w->model, err);
    if (status == STATUS_OK)
        status = session_open(&w->session, &w->model, is_i8 ? &w->i8 : NULL, err);
    return status;
}

static void writer_release(struct writer *w)
{
    session_release(&w->session);
    quantize_release(&w->i8);
    model_release(&w->model);
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

static void generate(struct writer *w, const struct options *o, const char *prompt)
{
    static int32_t window[1 << 20];
    double temperature = option_real(o, "temperature");
    int top_k = (int)option_integer(o, "top-k"), filled = 0;
    int64_t n = option_integer(o, "tokens");
    uint64_t seed = (uint64_t)option_integer(o, "seed");
    const real *logits = next_logits(w, window, &filled, '\n'); /* text begins after a line end */
    for (const char *c = prompt; *c; c++)
        logits = next_logits(w, window, &filled, (uint8_t)*c);
    (void)fputs(prompt, stdout);
    for (int64_t i = 0; i < n; i++) {
        struct rng rng = rng_open(seed, RNG_SAMPLE, (uint64_t)i);
        real scratch[256];
        int32_t token;
        memcpy(scratch, logits, sizeof scratch);
        token = sample_token(scratch, 256, temperature, top_k, &rng);
        (void)putchar(token == '\n' || token == '\t' || (token >= ' ' && token != 127) ? token : '?');
        (void)fflush(stdout);
        logits = next_logits(w, window, &filled, token);
    }
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
