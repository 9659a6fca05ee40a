/* SPDX-License-Identifier: Apache-2.0 */
/* loaded.c — see loaded.h. */
#include "harness/cli/loaded.h"

#include <string.h>
#include <unistd.h>

#include "engine/math/vec.h"
#include "engine/model/checkpoint.h"
#include "harness/cli/models.h"
#include "harness/run/trial.h"

static enum status find_knobs(struct loaded *loaded, struct err *err)
{
    struct err absent = ERR_INIT;
    enum status status = trial_read_knobs(loaded->folder.text, &loaded->knobs, &absent);
    loaded->knows_knobs = status == STATUS_OK;
    if (status == STATUS_NOT_FOUND) {
        knobs_preset(&loaded->knobs);
        return STATUS_OK;
    }
    return status == STATUS_OK ? status : err_set(err, status, "%s", absent.text);
}

/* The session scores one sequence after the other; this many are handed to it at once. */
enum { SESSION_SCORE_SEQUENCES = 16 };

/* The tokenizer.json beside the model; without one, 256 tokens are bytes. */
static enum status find_tokenizer(struct loaded *loaded, struct err *err)
{
    struct str path;
    enum status status = STATUS_OK;
    int V = loaded->config.vocabulary;
    str_init(&path);
    str_format(&path, "%s/tokenizer.json", loaded->folder.text);
    if (access(path.text, F_OK) == 0)
        status = tokenizer_read(&loaded->tokenizer, path.text, err);
    else if (V == TOKENIZER_BYTES)
        loaded->tokenizer = tokenizer_bytes();
    if (status == STATUS_OK && loaded->tokenizer && tokenizer_vocabulary(loaded->tokenizer) > V)
        status = err_set(err, STATUS_FORMAT, "%s has %d tokens, the model %d", path.text,
                         tokenizer_vocabulary(loaded->tokenizer), V);
    str_release(&path);
    return status;
}

enum status loaded_find(struct loaded *out, const char *db, const char *word, struct err *err)
{
    enum status status;
    *out = (struct loaded){0};
    str_init(&out->folder);
    status = models_folder(db, word, &out->folder, err);
    if (status == STATUS_OK)
        status = checkpoint_config(out->folder.text, &out->config, &out->is_i8, err);
    return status == STATUS_OK ? find_knobs(out, err) : status;
}

enum status loaded_read(struct loaded *loaded, struct loaded_use use, struct err *err)
{
    enum status status;
    vec_flush_subnormals();
    loaded->config.context = use.context < loaded->config.context ? use.context : loaded->config.context;
    status = model_open(&loaded->model, &loaded->config, use.sequences, MODEL_SCORE, err);
    if (status == STATUS_OK)
        status = checkpoint_load(loaded->folder.text, &loaded->model, err);
    if (status == STATUS_OK && loaded->is_i8)
        status = quantize_i8(&loaded->i8, &loaded->model, err);
    if (status == STATUS_OK)
        status = session_open_batch(&loaded->session, &loaded->model, loaded->is_i8 ? &loaded->i8 : NULL,
                                    use.batch ? use.batch : 1, err);
    return status;
}

void loaded_release(struct loaded *loaded)
{
    session_release(&loaded->session);
    quantize_release(&loaded->i8);
    model_release(&loaded->model);
    tokenizer_free(loaded->tokenizer);
    str_release(&loaded->folder);
}

bool loaded_reads_bytes(const struct loaded *loaded)
{
    return loaded->tokenizer && tokenizer_vocabulary(loaded->tokenizer) == TOKENIZER_BYTES;
}

enum status loaded_find_text(struct loaded *loaded, struct err *err)
{
    enum status status = find_tokenizer(loaded, err);
    if (status != STATUS_OK || loaded->tokenizer)
        return status;
    return err_set(err, STATUS_USAGE, "%s: the model knows %d tokens, and no tokenizer.json says what "
                   "they are; --ids takes their numbers",
                   loaded->folder.text, loaded->config.vocabulary);
}

static void score_trained(void *context, const int32_t *tokens, const int32_t *targets, int B, int T,
                          float *logprob, uint8_t *is_argmax)
{
    model_score(context, tokens, targets, B, T, logprob, is_argmax);
}

static void score_session(void *context, const int32_t *tokens, const int32_t *targets, int B, int T,
                          float *logprob, uint8_t *is_argmax)
{
    session_score(context, tokens, targets, B, T, logprob, is_argmax);
}

struct scorer loaded_scorer(struct loaded *loaded)
{
    int T = loaded->config.context;
    struct scorer trained = {&loaded->model, model_max_tokens(&loaded->model), T, score_trained, NULL};
    struct scorer session = {&loaded->session, SESSION_SCORE_SEQUENCES * T, T, score_session, NULL};
    return loaded->is_i8 || loaded->model.max_sequences == 0 ? session : trained;
}
