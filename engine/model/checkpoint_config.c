/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_config.c — see checkpoint_config.h. Reading goes on after the first error without doing harm, and
 * reports that one: the list of keys stays a list. */
#include "engine/model/checkpoint_config.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/json.h"

enum { LONGEST_CONFIG = 1 << 20, CONFIG_MEMORY = 64 << 20 };

/* The architectures, and the defaults of the configuration classes behind them. */
struct family {
    const char *architecture, *model_type;
    bool routed, qk_norm;
    int kv_heads, experts, experts_per_token, context; /* kv_heads 0: as many as heads */
    double rope_base, norm_eps;
    int head_size;       /* 0: width / heads */
    int window;          /* 0: none */
    bool window_off;     /* use_sliding_window is false unless it is given */
};

static const struct family families[] = {
    {"LlamaForCausalLM", "llama", false, false, 0, 1, 1, 2048, 1e4, 1e-6, 0, 0, false},
    {"MistralForCausalLM", "mistral", false, false, 8, 1, 1, 4096 * 32, 1e4, 1e-6, 0, 4096, false},
    {"MixtralForCausalLM", "mixtral", true, false, 8, 8, 2, 4096 * 32, 1e6, 1e-5, 0, 0, false},
    {"Qwen3ForCausalLM", "qwen3", false, true, 32, 1, 1, 32768, 1e4, 1e-6, 128, 4096, true},
};

/* The family a shape is written as. */
static const struct family *family_of(const struct config *c)
{
    return &families[c->routed ? 2 : c->qk_norm ? 3 : c->window ? 1 : 0];
}

/* Ours, where a setting has no counterpart there: the family is then told by model_type alone. */
static const char own_architecture[] = "IsoflopForCausalLM";

struct reader {
    const char *path;
    const struct json *root, *ours;
    size_t known; /* members of `ours` that were asked for */
    enum status status;
    struct err *err;
};

static void refuse(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void refuse(struct reader *r, const char *format, ...)
{
    char text[512];
    va_list args;
    if (r->status != STATUS_OK)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->status = err_set(r->err, STATUS_FORMAT, "%s: %s", r->path, text);
}

/* The member; NULL when it is missing or null, which are the same here. */
static const struct json *member(struct reader *r, const struct json *object, const char *key)
{
    const struct json *value = json_member(object, key);
    if (value && object == r->ours)
        r->known++;
    return json_kind(value) == JSON_IS_NULL ? NULL : value;
}

enum { REQUIRED = -1 };

static int integer(struct reader *r, const struct json *object, const char *key, int fallback)
{
    const struct json *value = member(r, object, key);
    int64_t number = 0;
    if (!value && fallback == REQUIRED)
        refuse(r, "%s is missing", key);
    if (!value)
        return fallback;
    if (!json_get_integer(value, &number))
        refuse(r, "%s is %s, not a whole number", key, json_kind_name(json_kind(value)));
    else if (number < 0 || number > 1 << 30)
        refuse(r, "%s is %lld", key, (long long)number);
    return (int)number;
}

static double real_number(struct reader *r, const struct json *object, const char *key, double fallback)
{
    const struct json *value = member(r, object, key);
    double number = fallback;
    if (value && !json_get_real(value, &number))
        refuse(r, "%s is %s, not a number", key, json_kind_name(json_kind(value)));
    if (!isfinite(number) || number < 0)
        refuse(r, "%s is %g", key, number);
    return number;
}

static bool flag(struct reader *r, const struct json *object, const char *key, bool fallback)
{
    const struct json *value = member(r, object, key);
    bool truth = fallback;
    if (value && !json_get_bool(value, &truth))
        refuse(r, "%s is %s, not true or false", key, json_kind_name(json_kind(value)));
    return truth;
}

static const char *text_of(struct reader *r, const struct json *object, const char *key)
{
    const struct json *value = member(r, object, key);
    const char *text = NULL;
    if (value && !json_get_text(value, &text))
        refuse(r, "%s is %s, not a text", key, json_kind_name(json_kind(value)));
    return text;
}

static const struct family *find_family(struct reader *r)
{
    const char *type = text_of(r, r->root, "model_type"), *architecture = NULL;
    const struct family *by_type = NULL, *by_name = NULL;
    const struct json *list = json_member(r->root, "architectures");
    bool own;
    (void)json_get_text(json_item(list, 0), &architecture);
    own = architecture && strcmp(architecture, own_architecture) == 0;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (type && strcmp(families[i].model_type, type) == 0)
            by_type = &families[i];
        if (architecture && strcmp(families[i].architecture, architecture) == 0)
            by_name = &families[i];
    }
    if (architecture && !own && !by_name)
        refuse(
            r,
            "architectures names '%.64s'; Llama-, Mistral-, Mixtral- and Qwen3ForCausalLM can be read",
            architecture);
    else if (type && !by_type)
        refuse(r, "model_type is '%.64s'; llama, mistral, mixtral and qwen3 can be read", type);
    else if (by_name && by_type && by_name != by_type)
        refuse(r, "architectures says %s, model_type says %s", by_name->architecture, by_type->model_type);
    else if (!by_name && !by_type)
        refuse(r, "neither architectures nor model_type says what kind of model this is");
    return by_name ? by_name : by_type ? by_type : &families[0];
}

/* How rotary positions are scaled, by an object under either of its keys. */
static void rope_scaling(struct reader *r, const char *key, struct rope_scaling *out)
{
    static const char *const types[] = {"default", "linear", "llama3"}; /* in the order of enum rope_scaling_kind */
    const struct json *object = member(r, r->root, key);
    const char *type = NULL;
    size_t kind = 0;
    if (object && json_kind(object) != JSON_IS_OBJECT)
        refuse(r, "%s is %s, not an object", key, json_kind_name(json_kind(object)));
    if (!object || r->status != STATUS_OK)
        return;
    type = text_of(r, object, json_member(object, "rope_type") ? "rope_type" : "type");
    while (kind < 3 && (!type || strcmp(type, types[kind]) != 0))
        kind++;
    if (kind == 3)
        refuse(r, "%s asks for '%.32s' positions; default, linear and llama3 are computed here", key, type ? type : "?");
    if (real_number(r, object, "partial_rotary_factor", 1) != 1)
        refuse(r, "%s: partial_rotary_factor is not 1; every channel is turned here", key);
    if (kind == 3 || kind == ROPE_UNSCALED)
        return;
    *out = (struct rope_scaling){.kind = (enum rope_scaling_kind)kind, .factor = real_number(r, object, "factor", 0)};
    if (out->kind != ROPE_LLAMA3)
        return;
    out->low = real_number(r, object, "low_freq_factor", 0);
    out->high = real_number(r, object, "high_freq_factor", 0);
    out->original = integer(r, object, "original_max_position_embeddings", REQUIRED);
}

/* Rotary positions: base and scaling, under their old or their new keys. */
static void read_rope(struct reader *r, const struct family *family, struct config *c)
{
    c->rope_base = real_number(r, r->root, "rope_theta", family->rope_base);
    rope_scaling(r, "rope_scaling", &c->rope_scaling);
    rope_scaling(r, "rope_parameters", &c->rope_scaling);
    c->rope_base = real_number(r, member(r, r->root, "rope_parameters"), "rope_theta", c->rope_base);
    if (c->rope_base <= 0)
        refuse(r, "rope_theta is %g", c->rope_base);
}

/* The size of a head, which need not be width / heads. */
static void read_head_size(struct reader *r, const struct family *family, struct config *c)
{
    bool splits = c->heads > 0 && c->width % c->heads == 0;
    int usual = splits ? c->width / c->heads : 0;
    int head = integer(r, r->root, "head_dim", family->head_size ? family->head_size : usual);
    if (head == 0 && member(r, r->root, "head_dim"))
        refuse(r, "head_dim is 0");
    else if (head == 0)
        refuse(r, "head_dim is missing, and hidden_size %d does not split into num_attention_heads %d", c->width, c->heads);
    c->head_size = head == usual ? 0 : head;
}

/* How far attention looks back, where that is less than the context. A null says that there is no limit; a key left out
 * does not. */
static void read_window(struct reader *r, const struct family *family, struct config *c)
{
    bool named = json_member(r->root, "sliding_window") != NULL;
    int window = integer(r, r->root, "sliding_window", named ? 0 : family->window);
    bool on = flag(r, r->root, "use_sliding_window", !family->window_off);
    if (named && window == 0 && member(r, r->root, "sliding_window"))
        refuse(r, "sliding_window is 0");
    c->window = on && window < c->context ? window : 0;
}

/* What would silently give other numbers. */
static void refuse_others(struct reader *r)
{
    static const char *const off[] = {"attention_bias", "mlp_bias", "attention_qkv_bias", "use_bias",
                                      "use_qk_norm"};
    static const char *const one[] = {"partial_rotary_factor", "rotary_pct", "embedding_multiplier",
                                      "logits_scaling", "residual_multiplier"};
    static const char *const none[] = {"quantization_config", "final_logit_softcapping",
                                       "attn_logit_softcapping"};
    const char *activation = text_of(r, r->root, "hidden_act");
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        if (flag(r, r->root, off[i], false))
            refuse(r, "%s is true; this engine has none", off[i]);
    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        if (real_number(r, r->root, one[i], 1) != 1)
            refuse(r, "%s is not 1; only 1 is computed here", one[i]);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (member(r, r->root, none[i]))
            refuse(r, "%s is given; this engine has nothing like it", none[i]);
    if (activation && strcmp(activation, "silu") != 0 && strcmp(activation, "swish") != 0)
        refuse(r, "hidden_act is '%.32s'; only silu is computed here", activation);
}

static void read_ours(struct reader *r, struct config *c, bool *is_i8)
{
    r->ours = json_member(r->root, "isoflop");
    c->gate_all = flag(r, r->ours, "gate_all", false);
    c->mup = flag(r, r->ours, "mup", false);
    c->base_width = integer(r, r->ours, "base_width", 64);
    c->router_z = real_number(r, r->ours, "router_z", 0);
    c->qk_norm = flag(r, r->ours, "qk_norm", c->qk_norm);
    c->shared_experts = integer(r, r->ours, "shared_experts", 0);
    c->capacity = real_number(r, r->ours, "capacity", 0);
    *is_i8 = flag(r, r->ours, "int8", false);
    if (r->known != json_count(r->ours))
        refuse(r, "isoflop has settings that this version does not know; it was written by a newer one");
}

static void read_config(struct reader *r, struct config *c, bool *is_i8)
{
    const struct family *family = find_family(r);
    *c = (struct config){
        .vocabulary = integer(r, r->root, "vocab_size", REQUIRED),
        .context = integer(r, r->root, "max_position_embeddings", family->context),
        .depth = integer(r, r->root, "num_hidden_layers", REQUIRED),
        .width = integer(r, r->root, "hidden_size", REQUIRED),
        .heads = integer(r, r->root, "num_attention_heads", REQUIRED),
        .ffn = integer(r, r->root, "intermediate_size", REQUIRED),
        .experts = 1,
        .experts_per_token = 1,
        .routed = family->routed,
        .qk_norm = family->qk_norm,
        .tied = flag(r, r->root, "tie_word_embeddings", false),
        .norm_eps = real_number(r, r->root, "rms_norm_eps", family->norm_eps),
    };
    c->kv_heads = integer(r, r->root, "num_key_value_heads", family->kv_heads ? family->kv_heads : c->heads);
    if (family->routed) {
        c->experts = integer(r, r->root, "num_local_experts", family->experts);
        c->experts_per_token = integer(r, r->root, "num_experts_per_tok", family->experts_per_token);
        c->load_balance = real_number(r, r->root, "router_aux_loss_coef", 0.001);
    }
    read_rope(r, family, c);
    read_head_size(r, family, c);
    read_window(r, family, c);
    read_ours(r, c, is_i8);
    refuse_others(r);
}

enum status checkpoint_config_read(struct config *out, bool *is_i8, const char *path, struct err *err)
{
    struct reader r = {.path = path, .err = err};
    struct config config;
    struct json *root;
    bool i8 = false;
    r.status = json_read(&root, path, LONGEST_CONFIG, CONFIG_MEMORY, err);
    if (r.status != STATUS_OK)
        return r.status;
    r.root = root;
    if (json_kind(root) != JSON_IS_OBJECT)
        refuse(&r, "holds %s, not an object", json_kind_name(json_kind(root)));
    else
        read_config(&r, &config, &i8);
    json_free(root);
    if (r.status != STATUS_OK)
        return r.status;
    if (config_check(&config, err) != STATUS_OK)
        return err_prefix(err, "%s", path);
    *out = config;
    *is_i8 = i8;
    return STATUS_OK;
}

/* Positions scaled, and a window on them: keys that models of ours do not need. */
static void format_reach(struct str *json, const struct config *c)
{
    const struct rope_scaling *s = &c->rope_scaling;
    char factor[32], low[32], high[32];
    str_from_double(factor, sizeof factor, s->factor);
    str_from_double(low, sizeof low, s->low);
    str_from_double(high, sizeof high, s->high);
    if (s->kind == ROPE_LINEAR)
        str_format(json, "  \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": %s},\n", factor);
    if (s->kind == ROPE_LLAMA3)
        str_format(json, "  \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": %s, \"low_freq_factor\": %s, "
                   "\"high_freq_factor\": %s, \"original_max_position_embeddings\": %d},\n", factor, low, high, s->original);
    if (c->window)
        str_format(json, "  \"sliding_window\": %d,\n  \"use_sliding_window\": true,\n", c->window);
}

/* Numbers and our own words only, so the JSON is written directly. */
void checkpoint_config_format(struct str *json, const struct config *c, bool is_i8)
{
    const struct family *family = family_of(c);
    const char *architecture = family->architecture;
    char theta[32], eps[32], balance[32], z[32], capacity[32];
    str_from_double(theta, sizeof theta, c->rope_base);
    str_from_double(eps, sizeof eps, c->norm_eps);
    str_from_double(balance, sizeof balance, c->load_balance);
    str_from_double(z, sizeof z, c->router_z);
    str_from_double(capacity, sizeof capacity, c->capacity);
    if (c->routed && (c->gate_all || c->qk_norm || c->shared_experts)) /* none of these in Mixtral */
        architecture = own_architecture;
    str_format(json, "{\n  \"architectures\": [\"%s\"],\n  \"model_type\": \"%s\",\n", architecture,
               family->model_type);
    str_format(json, "  \"hidden_size\": %d,\n  \"intermediate_size\": %d,\n  \"num_hidden_layers\": %d,\n",
               c->width, c->ffn, c->depth);
    str_format(json, "  \"num_attention_heads\": %d,\n  \"num_key_value_heads\": %d,\n  \"head_dim\": %d,\n",
               c->heads, c->kv_heads, config_head_size(c));
    str_format(json, "  \"vocab_size\": %d,\n  \"max_position_embeddings\": %d,\n", c->vocabulary,
               c->context);
    str_format(json, "  \"rms_norm_eps\": %s,\n  \"rope_theta\": %s,\n  \"tie_word_embeddings\": %s,\n", eps,
               theta, c->tied ? "true" : "false");
    format_reach(json, c);
    if (c->routed)
        str_format(json,
                   "  \"num_local_experts\": %d,\n  \"num_experts_per_tok\": %d,\n"
                   "  \"router_aux_loss_coef\": %s,\n",
                   c->experts, c->experts_per_token, balance);
    str_format(
        json, "  \"hidden_act\": \"silu\",\n  \"attention_bias\": false,\n  \"torch_dtype\": \"float32\",\n");
    str_format(json,
               "  \"isoflop\": {\"gate_all\": %s, \"mup\": %s, \"base_width\": %d, \"router_z\": %s, "
               "\"qk_norm\": %s, \"shared_experts\": %d, \"capacity\": %s, \"int8\": %s}\n}\n",
               c->gate_all ? "true" : "false", c->mup ? "true" : "false", c->base_width, z,
               c->qk_norm ? "true" : "false", c->shared_experts, capacity, is_i8 ? "true" : "false");
}
