/* SPDX-License-Identifier: Apache-2.0 */
/* shape_json.c — see shape_json.h. A family is what its config.json leaves unsaid; a key is looked up under every name it has. */
#include "harness/cli/shape_json.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/str.h"

enum { LONGEST = 1 << 20, MEMORY = 1 << 24 };

/* What goes without saying. ffn_times: feed-forward width in widths where no key gives it; 0: it must be given. */
static const struct family {
    const char *type;
    enum size_positions positions;
    bool gated, biases, qkv_biases, norm_biases, tied;
    enum size_qk_norm qk_norm;
    int ffn_times, extra_positions;
} families[] = {
    {.type = "llama", .gated = true},
    {.type = "mistral", .gated = true},
    {.type = "mixtral", .gated = true},
    {.type = "phi3", .gated = true},
    {.type = "deepseek", .gated = true},
    {.type = "gemma", .gated = true, .tied = true},
    {.type = "olmoe", .gated = true, .qk_norm = SIZE_QK_WIDTH},
    {.type = "qwen2", .gated = true, .qkv_biases = true},
    {.type = "qwen2_moe", .gated = true, .qkv_biases = true},
    {.type = "qwen3", .gated = true, .qk_norm = SIZE_QK_HEAD},
    {.type = "qwen3_moe", .gated = true, .qk_norm = SIZE_QK_HEAD},
    {.type = "openai-gpt", .positions = SIZE_LEARNED, .biases = true, .norm_biases = true, .tied = true, .ffn_times = 4},
    {.type = "gpt2", .positions = SIZE_LEARNED, .biases = true, .norm_biases = true, .tied = true, .ffn_times = 4},
    {.type = "opt", .positions = SIZE_LEARNED, .biases = true, .norm_biases = true, .tied = true, .extra_positions = 2},
    {.type = "gpt_neox", .biases = true, .norm_biases = true},
    {.type = "bloom", .biases = true, .norm_biases = true, .tied = true, .ffn_times = 4},
};

static const struct {
    size_t offset;
    const char *names[5];
} numbers[] = {
    {offsetof(struct architecture, layers), {"num_hidden_layers", "n_layer", "num_layers", "n_layers"}},
    {offsetof(struct architecture, width), {"hidden_size", "n_embd", "d_model", "n_embed"}},
    {offsetof(struct architecture, heads), {"num_attention_heads", "n_head", "num_heads", "n_heads"}},
    {offsetof(struct architecture, kv_heads), {"num_key_value_heads", "num_kv_heads", "n_head_kv"}},
    {offsetof(struct architecture, head_size), {"head_dim", "d_head"}},
    {offsetof(struct architecture, ffn), {"intermediate_size", "n_inner", "ffn_dim", "d_ff"}},
    {offsetof(struct architecture, vocabulary), {"vocab_size"}},
    {offsetof(struct architecture, context), {"max_position_embeddings", "n_positions", "n_ctx", "seq_length"}},
    {offsetof(struct architecture, experts), {"num_local_experts", "n_routed_experts", "num_experts"}},
    {offsetof(struct architecture, experts_per_token), {"num_experts_per_tok", "num_experts_per_token", "moe_top_k"}},
    {offsetof(struct architecture, shared_experts), {"n_shared_experts"}},
    {offsetof(struct architecture, expert_ffn), {"moe_intermediate_size"}},
    {offsetof(struct architecture, dense_layers), {"first_k_dense_replace"}},
};

static const struct family *find_family(const char *type)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strcmp(families[i].type, type) == 0)
            return &families[i];
    return NULL;
}

/* Whole numbers under any of their names; 0 where none is there or it is null. */
static enum status read_numbers(const struct json *root, struct architecture *out, struct err *err)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (int k = 0; k < 5 && numbers[i].names[k]; k++) {
            const struct json *value = json_member(root, numbers[i].names[k]);
            int64_t number;
            if (json_kind(value) == JSON_IS_MISSING || json_kind(value) == JSON_IS_NULL)
                continue;
            if (!json_get_integer(value, &number))
                return err_set(err, STATUS_FORMAT, "%s is %s, not a whole number", numbers[i].names[k],
                               json_kind_name(json_kind(value)));
            memcpy((char *)out + numbers[i].offset, &number, sizeof number);
            break;
        }
    return STATUS_OK;
}

static bool flag(const struct json *root, const char *key, bool otherwise)
{
    bool value = otherwise;
    (void)json_get_bool(json_member(root, key), &value);
    return value;
}

/* What the numbers leave open: shapes that follow from others, and what the family says. */
static enum status complete(const struct json *root, const struct family *family, struct architecture *a, struct err *err)
{
    int64_t shared_ffn = 0;
    if (a->layers < 1 || a->width < 1 || a->heads < 1 || a->vocabulary < 1)
        return err_set(err, STATUS_FORMAT, "no %s is given", a->layers < 1    ? "num_hidden_layers"
                                                             : a->width < 1   ? "hidden_size"
                                                             : a->heads < 1   ? "num_attention_heads"
                                                                              : "vocab_size");
    if (a->ffn == 0 && family->ffn_times > 0)
        a->ffn = family->ffn_times * a->width;
    if (a->ffn == 0)
        return err_set(err, STATUS_FORMAT, "no intermediate_size is given");
    if (json_kind(json_member(root, "kv_lora_rank")) == JSON_IS_INTEGER)
        return err_set(err, STATUS_FORMAT, "latent attention (kv_lora_rank) is not a shape that size can count");
    a->kv_heads = flag(root, "multi_query", false) ? 1 : a->kv_heads ? a->kv_heads : a->heads;
    a->head_size = a->head_size ? a->head_size : a->width / a->heads;
    a->context = a->context ? a->context : 2048;
    a->experts = a->experts ? a->experts : 1;
    a->experts_per_token = a->experts_per_token && a->experts > 1 ? a->experts_per_token : a->experts > 1 ? 2 : 1;
    a->expert_ffn = a->expert_ffn ? a->expert_ffn : a->ffn;
    (void)json_get_integer(json_member(root, "shared_expert_intermediate_size"), &shared_ffn);
    if (shared_ffn > 0 && a->shared_experts == 0) /* one wide expert of all tokens counts as several */
        a->shared_experts = shared_ffn / a->expert_ffn;
    if (a->shared_experts == 0) /* of our own files */
        (void)json_get_integer(json_member(json_member(root, "isoflop"), "shared_experts"), &a->shared_experts);
    if (a->experts == 1)
        a->shared_experts = a->dense_layers = 0;
    a->positions = family->positions;
    a->position_rows = family->positions == SIZE_LEARNED ? a->context + family->extra_positions : 0;
    a->norms = 2;
    a->gated = family->gated;
    a->biases = family->biases || flag(root, "mlp_bias", false);
    a->qkv_biases = family->qkv_biases || flag(root, "attention_bias", false);
    a->norm_biases = family->norm_biases;
    a->final_norm = strcmp(family->type, "openai-gpt") != 0;
    a->tied = flag(root, "tie_word_embeddings", family->tied);
    a->qk_norm = flag(json_member(root, "isoflop"), "qk_norm", false) ? SIZE_QK_HEAD : family->qk_norm;
    return size_check(a, err);
}

static enum status read_shape(const struct json *root, struct architecture *out, char assumed[64], struct err *err)
{
    const char *type = "";
    const struct family *family;
    struct architecture a = {0};
    if (json_kind(root) != JSON_IS_OBJECT)
        return err_set(err, STATUS_FORMAT, "holds %s, not an object", json_kind_name(json_kind(root)));
    (void)json_get_text(json_member(root, "model_type"), &type);
    family = find_family(type);
    enum status status = read_numbers(root, &a, err);
    if (status == STATUS_OK)
        status = complete(root, family ? family : &families[0], &a, err);
    if (status != STATUS_OK)
        return status;
    (void)snprintf(assumed, 64, "%.40s", family ? "" : *type ? type : "no model_type");
    *out = a;
    return STATUS_OK;
}

enum status shape_json_read(const char *path, struct architecture *out, char assumed[64], struct err *err)
{
    size_t length = strlen(path);
    struct str file;
    struct json *root = NULL;
    str_init(&file);
    str_format(&file, "%s%s", path, length > 5 && strcmp(path + length - 5, ".json") == 0 ? "" : "/config.json");
    enum status status = json_read(&root, file.text, LONGEST, MEMORY, err);
    if (status == STATUS_OK) {
        status = read_shape(root, out, assumed, err);
        if (status != STATUS_OK)
            status = err_prefix(err, "%s", file.text);
        json_free(root);
    }
    str_release(&file);
    return status;
}
