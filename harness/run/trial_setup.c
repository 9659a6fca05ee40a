/* SPDX-License-Identifier: Apache-2.0 */
/* trial_setup.c — from knobs to what the engine takes, and what can be said of a trial before it runs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/math/blas.h"
#include "engine/math/vec.h"
#include "engine/model/cost.h"
#include "engine/model/optim.h"
#include "harness/run/clock.h"
#include "harness/run/trial_parts.h"
#include "harness/spec/suggest.h"

void trial_config(const struct knobs *k, struct config *out)
{
    int64_t heads = knobs_heads(k);
    *out = (struct config){
        .vocabulary = (int)k->vocabulary,
        .context = (int)k->context,
        .depth = (int)k->depth,
        .width = (int)k->width,
        .heads = (int)heads,
        .kv_heads = (int)(k->kv_heads ? k->kv_heads : heads),
        .ffn = (int)(knobs_ffn(k) / k->granularity),
        .experts = (int)k->experts,
        .experts_per_token = (int)k->experts_per_token,
        .shared_experts = (int)k->shared_experts,
        .capacity = k->capacity,
        .routed = k->experts > 1,
        .gate_all = strcmp(k->gate, "all") == 0,
        .qk_norm = k->qk_norm,
        .tied = k->tied,
        .mup = strcmp(k->parametrization, "mup") == 0,
        .base_width = (int)k->base_width,
        .rope_base = k->rope_base,
        .norm_eps = 1e-5,
        .load_balance = k->load_balance,
        .router_z = k->router_z,
    };
}

int64_t trial_sequences(const struct knobs *knobs)
{
    int64_t n = knobs->batch_tokens / knobs->context;
    return n < 1 ? 1 : n; /* a plan has at least one; a model's context may have been changed by hand */
}

void trial_shape(const struct knobs *knobs, struct train_shape *out)
{
    *out = (struct train_shape){trial_sequences(knobs), (int)knobs->micro_batch, (int)knobs->threads};
}

/* A share of the steps, or so many tokens, as steps; at least one. */
static int64_t whole_steps(double steps)
{
    return steps < 1 ? 1 : llround(steps);
}

void trial_schedule(const struct knobs *k, struct schedule *out)
{
    double steps = (double)trial_steps(k);
    *out = (struct schedule){
        .kind = strcmp(k->schedule, "wsd") == 0      ? SCHEDULE_WSD
                : strcmp(k->schedule, "cosine") == 0 ? SCHEDULE_COSINE
                                                     : SCHEDULE_CONSTANT,
        .steps = trial_steps(k),
        .rising = whole_steps(k->warmup_tokens ? (double)k->warmup_tokens / (double)k->batch_tokens : k->warmup * steps),
        .falling = k->decay > 0 ? whole_steps(k->decay * steps) : 0,
        .final = k->final_lr,
    };
}

int64_t trial_steps(const struct knobs *knobs)
{
    double steps = (double)knobs->tokens / (double)knobs->batch_tokens;
    if (knobs->flops > 0) {
        struct config config;
        trial_config(knobs, &config);
        steps = knobs->flops / cost_train_flops(&config, 1, trial_sequences(knobs), config.context);
    }
    return steps < 1 ? 1 : steps > 1e15 ? (int64_t)1e15 : llround(steps);
}

int trial_score_sequences(const struct knobs *knobs)
{
    struct config config;
    struct train_shape shape;
    trial_config(knobs, &config);
    trial_shape(knobs, &shape);
    return train_micro_batch(&config, &shape);
}

int64_t trial_heldout_windows(const struct knobs *knobs)
{
    bool parities = strcmp(knobs->data_source, "sparse_parity") == 0;
    int64_t counted = parities ? 1 : knobs->context - knobs->context / 2;
    return (knobs->heldout_tokens + counted - 1) / counted;
}

enum status trial_estimate(const struct knobs *knobs, struct estimate *out, struct err *err)
{
    struct config config;
    struct param_counts counts;
    struct train_shape shape;
    struct schedule schedule;
    int64_t steps = trial_steps(knobs);
    enum status status;
    trial_config(knobs, &config);
    status = config_check(&config, err);
    if (status != STATUS_OK)
        return err_set(err, STATUS_USAGE, "%s", err->text);
    counts = cost_params(&config);
    trial_shape(knobs, &shape);
    trial_schedule(knobs, &schedule);
    *out = (struct estimate){
        .params_total = counts.total,
        .params_active = counts.active,
        .params_non_embedding = counts.non_embedding,
        .params_matmul = counts.matmul,
        .tokens = steps * knobs->batch_tokens,
        .flops = cost_train_flops(&config, steps, trial_sequences(knobs), config.context),
        .bytes = (double)model_bytes(&config, train_micro_batch(&config, &shape), MODEL_TRAIN) +
                 (double)train_bytes(&config, &shape) + 32e6, /* the program, the data and OpenBLAS's buffer */
        .steps = steps,
        .constant_steps = schedule_constant_steps(&schedule),
        .workers = train_workers(&config, &shape),
    };
    return STATUS_OK;
}

void trial_cache(const char *name, struct str *out)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache)
        str_format(out, "%s/isoflop/%s", cache, name);
    else
        str_format(out, "%s/.cache/isoflop/%s", home ? home : ".", name);
}

void trial_corpora_folder(struct str *out)
{
    trial_cache("corpora", out);
}

void trial_data_path(const struct knobs *knobs, struct str *out)
{
    static const char mark[] = "{corpora}";
    const char *path = knobs->data_path;
    if (strncmp(path, mark, sizeof mark - 1) == 0) {
        trial_corpora_folder(out);
        path += sizeof mark - 1;
    }
    str_append(out, path);
}

/* Adds to the error the name of a file that may have been meant. */
static enum status suggest_path(const char *path, struct err *err)
{
    struct str near;
    enum status status;
    str_init(&near);
    suggest_file(&near, path);
    status = err_set(err, STATUS_NOT_FOUND, "%s%s", err->text, near.text);
    str_release(&near);
    return status;
}

/* Puts the tokenizer, if there is one, into the source, which is closed when that fails. */
static enum status use_tokenizer(const struct knobs *knobs, struct source **source, struct err *err)
{
    struct tokenizer *tokenizer;
    enum status status;
    if (strcmp(knobs->tokenizer, "bytes") == 0)
        return STATUS_OK;
    status = trial_tokenizer(knobs, *source, &tokenizer, err);
    if (status == STATUS_OK)
        status = source_tokenize(*source, tokenizer, err);
    if (status != STATUS_OK) {
        source_free(*source);
        *source = NULL;
    }
    return status;
}

enum status trial_source(const struct knobs *knobs, struct source **out, struct err *err)
{
    struct str path;
    struct source_config config = {
        .kind = strcmp(knobs->data_source, "text") == 0            ? SOURCE_TEXT
                : strcmp(knobs->data_source, "sparse_parity") == 0 ? SOURCE_PARITIES
                                                                   : SOURCE_WORLD,
        .world = {
            .seed = (uint64_t)knobs->data_seed,
            .task_share = knobs->task_share,
            .fact_share = knobs->fact_share,
            .junk = knobs->junk,
            .false_facts = strcmp(knobs->junk_kind, "facts") == 0,
            .abilities = knobs->abilities,
            .ability_zipf = knobs->ability_zipf,
            .entities = (int)knobs->entities,
            .cutoff_year = (int)knobs->cutoff_year,
        },
        .parities = {
            .seed = (uint64_t)knobs->data_seed,
            .tasks = (int)knobs->parity_tasks,
            .places = (int)knobs->parity_places,
            .zipf = knobs->ability_zipf,
        },
        .vocabulary = (int)knobs->vocabulary,
        .unique_tokens = knobs->data_unique_tokens,
        .context = (int)knobs->context,
    };
    enum status status;
    str_init(&path);
    trial_data_path(knobs, &path);
    config.path = path.text;
    status = source_open(out, &config, err);
    if (status != STATUS_OK && strncmp(knobs->data_path, "{corpora}", 9) == 0)
        status = err_set(err, status, "%s: not there yet; type: make corpora", path.text);
    else if (status == STATUS_NOT_FOUND)
        status = suggest_path(path.text, err);
    str_release(&path);
    return status == STATUS_OK ? use_tokenizer(knobs, out, err) : status;
}

enum status trial_identity(const struct knobs *knobs, struct str *out, struct err *err)
{
    struct source *source;
    enum status status = trial_source(knobs, &source, err);
    if (status != STATUS_OK)
        return err_set(err, STATUS_USAGE, "%s", err->text);
    str_append(out, "engine " ENGINE_VERSION "; ");
    source_identity(source, out);
    source_free(source);
    return STATUS_OK;
}
