/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: models that others wrote are read to the bit, or refused with the reason; never read wrongly. Method: Llama-
 * and Mixtral-shaped models built by hand in every type, in one file and in three, each number compared with what
 * its bits are by definition; all 2^16 patterns of both halves; one configuration or tensor for each thing that this
 * engine does not compute. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/half.h"
#include "engine/layers/rope.h"
#include "engine/model/checkpoint.h"
#include "tests/engine/foreign.h"

static void test_halves(void **state)
{
    static const char *const names[] = {"F16", "BF16"};
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        for (uint32_t i = 0; i <= UINT16_MAX; i++) {
            uint16_t half = (uint16_t)i;
            uint32_t bits = kind ? half_bits_from_bf16(half) : half_bits_from_f16(half);
            double wanted = foreign_value(i, names[kind]);
            float found = half_to_float(bits);
            if (isnan(wanted)) /* the payload's upper bits, and the sign */
                assert_true(isnan(found) && bits >> 31 == i >> 15 &&
                            (bits >> 13 & 1023) == (kind ? i << 3 & 1023 : i & 1023));
            else if ((double)found != wanted || (signbit(found) != 0) != (i >> 15 == 1))
                fail_msg("%s 0x%04x is %g, read as %g", names[kind], (unsigned)i, wanted, (double)found);
        }
    }
}

/* Where the engine keeps a tensor of the other side: our tensor, its first row. */
static const real *kept(const struct model *m, const char *name, int columns)
{
    const int C = FOREIGN_C, HD = FOREIGN_H * foreign_head, KD = FOREIGN_K * foreign_head, F = FOREIGN_F;
    int layer = 0, expert = 0, used = 0;
    const struct {
        const char *name;
        const real *at;
        int per_layer, first;
    } ours[] = {
        {"self_attn.q_proj.weight", m->w.attn_qkv, HD + 2 * KD, 0},
        {"self_attn.k_proj.weight", m->w.attn_qkv, HD + 2 * KD, HD},
        {"self_attn.v_proj.weight", m->w.attn_qkv, HD + 2 * KD, HD + KD},
        {"self_attn.o_proj.weight", m->w.attn_out, C, 0},
        {"input_layernorm.weight", m->w.attn_norm, C, 0},
        {"post_attention_layernorm.weight", m->w.ffn_norm, C, 0},
        {"mlp.gate_proj.weight", m->w.ffn_in, 2 * F, 0},
        {"mlp.up_proj.weight", m->w.ffn_in, 2 * F, F},
        {"mlp.down_proj.weight", m->w.ffn_out, C, 0},
        {"block_sparse_moe.gate.weight", m->w.router, FOREIGN_E, 0},
        {"w1.weight", m->w.ffn_in, 2 * F, 0},
        {"w3.weight", m->w.ffn_in, 2 * F, F},
        {"w2.weight", m->w.ffn_out, C, 0},
    };
    if (strcmp(name, "model.embed_tokens.weight") == 0)
        return m->w.embed;
    if (strcmp(name, "model.norm.weight") == 0)
        return m->w.final_norm;
    if (strcmp(name, "lm_head.weight") == 0)
        return m->w.head;
    assert_int_equal(sscanf(name, "model.layers.%d.%n", &layer, &used), 1);
    name += used;
    if (sscanf(name, "block_sparse_moe.experts.%d.%n", &expert, &used) == 1) {
        name += used;
        layer = layer * FOREIGN_E + expert;
    }
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(ours[i].name, name) == 0)
            return ours[i].at + (layer * ours[i].per_layer + ours[i].first) * (columns ? columns : 1);
    fail_msg("no place for %s", name);
    return NULL;
}

static void check_read(bool mixtral, bool tied, const char *dtype, int shards)
{
    char folder[32], more[96];
    struct config config;
    struct model m;
    struct err err = ERR_INIT;
    struct foreign_tensor t;
    bool is_i8 = true;
    foreign_open(folder);
    (void)snprintf(more, sizeof more, ",\"max_position_embeddings\":16,\"tie_word_embeddings\":%s",
                   tied ? "true" : "false");
    foreign_config(folder, mixtral, more);
    foreign_model(folder, mixtral, tied, dtype, shards);
    if (checkpoint_config(folder, &config, &is_i8, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_true(!is_i8 && config.context == 16 && config.kv_heads == FOREIGN_K && config.tied == tied);
    assert_true(config.experts == (mixtral ? FOREIGN_E : 1) && config.experts_per_token == (mixtral ? 2 : 1));
    assert_true(config.rope_base == (mixtral ? 1e6 : 1e4) && config.norm_eps == (mixtral ? 1e-5 : 1e-6));
    assert_int_equal(model_open(&m, &config, 1, MODEL_SCORE, &err), STATUS_OK);
    if (checkpoint_load(folder, &m, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    for (int i = 0; foreign_tensor_at(&t, i, mixtral, tied); i++) {
        const real *found = kept(&m, t.name, t.columns);
        for (int64_t j = 0; j < (int64_t)t.rows * (t.columns ? t.columns : 1); j++) {
            double wanted = foreign_value(foreign_bits((unsigned)i, j, dtype), dtype);
            if ((double)found[j] != wanted)
                fail_msg("%s[%d] of %s is %g, read as %g", t.name, (int)j, dtype, wanted, (double)found[j]);
        }
    }
    model_release(&m);
    foreign_close(folder);
}

static void test_every_type_and_form(void **state)
{
    static const char *const dtypes[] = {"F32", "F16", "BF16"};
    (void)state;
    for (int form = 0; form < 8; form++)
        for (int d = 0; d < 3; d++)
            check_read(form & 1, form & 2, dtypes[d], form & 4 ? 3 : 1);
}

/* Heads that do not add up to the width: wider and narrower than it. */
static void test_head_sizes(void **state)
{
    int usual = foreign_head;
    (void)state;
    for (foreign_head = 2; foreign_head <= 6; foreign_head += 4)
        check_read(foreign_head == 6, false, "BF16", 1);
    foreign_head = usual;
}

/* What a config.json says about how far and how fast positions reach: the settings it means. */
static void test_reach(void **state)
{
    static const struct {
        const char *more;
        int context, window;
        struct rope_scaling scaling;
    } cases[] = {
        {",\"sliding_window\":16", 2048, 16, {0}},
        {",\"sliding_window\":16,\"use_sliding_window\":false", 2048, 0, {0}},
        {",\"sliding_window\":2048", 2048, 0, {0}},
        {",\"max_position_embeddings\":131072,\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}", 131072, 0,
         {ROPE_LINEAR, 2, 0, 0, 0}},
        {",\"rope_parameters\":{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
         "\"original_max_position_embeddings\":8192,\"rope_theta\":500000.0}", 2048, 0, {ROPE_LLAMA3, 8, 1, 4, 8192}},
    };
    char folder[32];
    (void)state;
    foreign_open(folder);
    foreign_model(folder, false, false, "F32", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct rope_scaling *wanted = &cases[i].scaling;
        struct config c;
        struct err err = ERR_INIT;
        bool is_i8;
        foreign_config(folder, false, cases[i].more);
        if (checkpoint_config(folder, &c, &is_i8, &err) != STATUS_OK)
            fail_msg("%s", err.text);
        assert_int_equal(c.context, cases[i].context);
        assert_int_equal(c.window, cases[i].window);
        assert_true(c.rope_scaling.kind == wanted->kind && c.rope_scaling.factor == wanted->factor &&
                    c.rope_scaling.low == wanted->low && c.rope_scaling.high == wanted->high &&
                    c.rope_scaling.original == wanted->original);
    }
    foreign_close(folder);
}

/* A window is no matter as long as the context in use is not longer. */
static void test_window(void **state)
{
    char folder[32];
    struct config config;
    struct model m;
    struct err err = ERR_INIT;
    bool is_i8;
    (void)state;
    foreign_open(folder);
    foreign_model(folder, false, false, "F32", 1);
    foreign_config(folder, false, ",\"sliding_window\":16");
    assert_int_equal(checkpoint_config(folder, &config, &is_i8, &err), STATUS_OK);
    config.context = 17;
    assert_int_equal(model_open(&m, &config, 0, MODEL_SCORE, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.text, "sliding_window is 16 and the context 17"));
    config.context = 16;
    assert_int_equal(model_open(&m, &config, 0, MODEL_SCORE, &err), STATUS_OK);
    model_release(&m);
    foreign_close(folder);
}

/* Positions are scaled as the formulas say, at the values of Llama 3.1: worked out from wavelengths here. */
static void test_scaled_positions(void **state)
{
    const struct rope_scaling none = {ROPE_UNSCALED, 0, 0, 0, 0}, linear = {ROPE_LINEAR, 4, 0, 0, 0},
                              llama = {ROPE_LLAMA3, 8, 1, 4, 8192};
    int untouched = 0, between = 0, slowed = 0;
    real cosine[64], sine[64];
    (void)state;
    for (int i = 0; i < 64; i++) {
        double f = rope_frequency(i, 128, 5e5, &none), wavelength = 2 * M_PI / f, wanted;
        assert_true(fabs(f - pow(5e5, -i / 64.0)) < 1e-15);
        assert_true(rope_frequency(i, 128, 5e5, &linear) == f / 4);
        if (wavelength < 8192 / 4.0) {
            wanted = f;
            untouched++;
        } else if (wavelength > 8192) {
            wanted = f / 8;
            slowed++;
        } else {
            double smooth = (8192 / wavelength - 1) / (4 - 1);
            wanted = (1 - smooth) * f / 8 + smooth * f;
            between++;
        }
        assert_true(fabs(rope_frequency(i, 128, 5e5, &llama) - wanted) <= 1e-15 * wanted);
    }
    assert_true(untouched > 0 && between > 0 && slowed > 0);
    rope_table(cosine, sine, 8, 16, 100, &linear);
    for (int i = 0; i < 8; i++) { /* position 4 by a factor of 4 is where position 1 was */
        real c[16], s[16];
        rope_table(c, s, 2, 16, 100, &none);
        assert_true(cosine[4 * 8 + i] == c[8 + i] && sine[4 * 8 + i] == s[8 + i]);
    }
}

/* What others write beside the model and what says nothing new. */
static void test_harmless(void **state)
{
    static const char more[] =
        ",\"max_position_embeddings\":64,\"tie_word_embeddings\":true,\"head_dim\":2,\"hidden_act\":\"silu\","
        "\"attention_bias\":false,\"mlp_bias\":false,\"rope_scaling\":null,\"sliding_window\":null,\"rope_theta\":500000,"
        "\"rms_norm_eps\":1e-05,\"pretraining_tp\":1,\"torch_dtype\":\"bfloat16\",\"bos_token_id\":1,\"use_cache\":true";
    char folder[32];
    struct foreign_file f;
    struct foreign_tensor t;
    struct config config;
    struct err err = ERR_INIT;
    bool is_i8;
    int n = 0;
    (void)state;
    foreign_open(folder);
    foreign_config(folder, false, more);
    foreign_init(&f);
    str_append(&f.header, "{\"__metadata__\":{\"format\":\"pt\",\"producer\":\"isoflop\"}");
    f.n = 1;
    for (; foreign_tensor_at(&t, n, false, false); n++) /* with the head that a tied model does not need */
        foreign_add(&f, t.name, (unsigned)n, t.rows, t.columns, "BF16");
    foreign_add(&f, "model.layers.0.self_attn.rotary_emb.inv_freq", 99, 1, 0, "F32");
    foreign_add(&f, "model.layers.1.self_attn.rotary_emb.inv_freq", 98, 1, 0, "F16");
    foreign_write(&f, folder, "model.safetensors");
    foreign_release(&f);
    if (checkpoint_config(folder, &config, &is_i8, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_true(config.tied && config.rope_base == 500000 && config.norm_eps == 1e-5);
    foreign_config(
        folder, false,
        ",\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":20000.0},\"dtype\":\"float32\"");
    assert_int_equal(checkpoint_config(folder, &config, &is_i8, &err),
                     STATUS_OK); /* the keys of newer writers */
    assert_true(!config.tied && config.rope_base == 20000);
    foreign_close(folder);
}

static void check_refused(const char *folder, const char *says)
{
    struct config config = {.width = 77};
    struct err err = ERR_INIT;
    bool is_i8;
    enum status status = checkpoint_config(folder, &config, &is_i8, &err);
    if (status != STATUS_FORMAT || !strstr(err.text, says) || !strstr(err.text, folder))
        fail_msg("%s, not refused for '%s': %s", status_name(status), says, err.text);
    assert_int_equal(config.width, 77);
}

/* Settings that would give other numbers, and numbers that are none. Each message names the key. */
static void test_refused_settings(void **state)
{
    static const struct {
        const char *more, *says;
    } cases[] = {
        {",\"attention_bias\":true", "attention_bias is true"},
        {",\"mlp_bias\":true", "mlp_bias is true"},
        {",\"hidden_act\":\"gelu\"", "hidden_act is 'gelu'"},
        {",\"hidden_act\":7", "hidden_act is a whole number"},
        {",\"head_dim\":4", "'model.layers.0.self_attn.q_proj.weight' is 8 x 8, by config.json it should be 16 x 8"},
        {",\"head_dim\":3", "head_size 3 is odd"},
        {",\"head_dim\":0", "head_dim is 0"},
        {",\"head_dim\":1073741824", "head_size 1073741824"},
        {",\"rope_scaling\":{\"type\":\"linear\"}", "rope_scaling: factor 0"},
        {",\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2}", "rope_scaling asks for 'dynamic'"},
        {",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8}", "original_max_position_embeddings is missing"},
        {",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":1,"
         "\"original_max_position_embeddings\":8192}", "low_freq_factor 4, high_freq_factor 1"},
        {",\"rope_scaling\":\"yarn\"", "rope_scaling is a text"},
        {",\"rope_parameters\":{\"rope_type\":\"yarn\"}", "rope_parameters asks for 'yarn'"},
        {",\"rope_theta\":-1", "rope_theta is -1"},
        {",\"rope_theta\":0", "rope_theta is 0"},
        {",\"rope_theta\":\"1e4\"", "rope_theta is a text"},
        {",\"partial_rotary_factor\":0.5", "partial_rotary_factor"},
        {",\"sliding_window\":0", "sliding_window is 0"},
        {",\"sliding_window\":\"all\"", "sliding_window is a text"},
        {",\"quantization_config\":{\"bits\":4}", "quantization_config"},
        {",\"tie_word_embeddings\":\"yes\"", "tie_word_embeddings is a text"},
        {",\"rms_norm_eps\":-1e-5", "rms_norm_eps is"},
        {",\"max_position_embeddings\":1.5", "max_position_embeddings is a number"},
        {",\"max_position_embeddings\":-4", "max_position_embeddings is -4"},
        {",\"max_position_embeddings\":0", "context 0"},
        {",\"max_position_embeddings\":4611686018427387904",
         "max_position_embeddings is 4611686018427387904"},
        {",\"max_position_embeddings\":1e300", "max_position_embeddings is a number"},
        {",\"hidden_size\":16", "duplicate"},
        {",\"isoflop\":{\"from_the_future\":1}", "isoflop"},
        {",\"isoflop\":{\"mup\":1}", "mup is a whole number"},
        {"} trailing {", "end of file"},
    };
    char folder[32];
    (void)state;
    foreign_open(folder);
    foreign_model(folder, false, false, "F32", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        foreign_config(folder, false, cases[i].more);
        check_refused(folder, cases[i].says);
    }
    foreign_close(folder);
}

/* Whole texts: other architectures, keys that are missing, claims that the file does not bear out. */
static void test_refused_claims(void **state)
{
#define SHAPE(vocabulary, width, heads, depth)                                                               \
    "\"hidden_size\":" width ",\"intermediate_size\":12,\"num_hidden_layers\":" depth                        \
    ",\"num_attention_heads\":" heads ",\"num_key_value_heads\":2,\"vocab_size\":" vocabulary "}"
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"architectures\":[\"GPT2LMHeadModel\"]," SHAPE("13", "8", "4", "2"), "GPT2LMHeadModel"},
        {"{\"architectures\":[\"Gemma2ForCausalLM\"],\"model_type\":\"gemma2\"," SHAPE("13", "8", "4", "2"),
         "Gemma2ForCausalLM"},
        {"{\"model_type\":\"gemma\"," SHAPE("13", "8", "4", "2"), "'gemma'"},
        {"{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"mixtral\"," SHAPE("13", "8", "4", "2"),
         "model_type says mixtral"},
        {"{" SHAPE("13", "8", "4", "2"), "neither architectures nor model_type"},
        {"{\"model_type\":\"llama\",\"vocab_size\":13}", "num_hidden_layers is missing"},
        {"{\"model_type\":\"llama\"," SHAPE("1073741824", "8", "4", "2"), "vocabulary 1073741824"},
        {"{\"model_type\":\"llama\"," SHAPE("1048576", "131072", "4", "2"), "tensor 'model.layers.0"},
        {"{\"model_type\":\"llama\"," SHAPE("13", "8", "4", "1024"),
         "tensor 'model.layers.2.input_layernorm.weight' is missing"},
        {"{\"model_type\":\"llama\"," SHAPE("13", "8", "4", "1"), "tensor 'model.layers.1"},
        {"{\"model_type\":\"llama\"," SHAPE("14", "8", "4", "2"),
         "'model.embed_tokens.weight' is 13 x 8, by config.json it should be 14 x 8"},
        {"{\"model_type\":\"llama\"," SHAPE("13", "9", "4", "2"), "head_dim"},
        {"{\"model_type\":\"mixtral\"," SHAPE("13", "8", "4", "2"),
         "block_sparse_moe.gate.weight' is missing"},
        {"[]", "an array"},
        {"", "byte 0"},
    };
#undef SHAPE
    char folder[32];
    (void)state;
    foreign_open(folder);
    foreign_model(folder, false, false, "F32", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        foreign_put(folder, "config.json", cases[i].text, strlen(cases[i].text));
        check_refused(folder, cases[i].says);
    }
    foreign_close(folder);
}

/* Tensors that are too many, of a type that is not read, or stored in 8 bits by others' rules. */
static void test_refused_tensors(void **state)
{
    static const struct {
        const char *name, *dtype;
        int rows, columns;
        const char *says;
    } cases[] = {
        {"model.layers.0.self_attn.q_proj.bias", "F32", FOREIGN_C, 0, "q_proj.bias' has no place"},
        {"lm_head.weight", "I16", FOREIGN_V, FOREIGN_C, "'lm_head.weight' is of a type"},
        {"lm_head.weight", "F16", FOREIGN_C, FOREIGN_V, "is 8 x 13, by config.json it should be 13 x 8"},
        {"lm_head.weight", "F16", FOREIGN_C * FOREIGN_V, 0, "is 104, by config.json"},
        {"lm_head.weigh", "F16", FOREIGN_V, FOREIGN_C, "'lm_head.weight' is missing"},
    };
    char folder[32];
    (void)state;
    foreign_open(folder);
    foreign_config(folder, false, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct foreign_file f;
        struct foreign_tensor t;
        bool bias = strstr(cases[i].name, "bias") != NULL;
        foreign_init(&f);
        for (int n = 0; foreign_tensor_at(&t, n, false, !bias); n++)
            foreign_add(&f, t.name, (unsigned)n, t.rows, t.columns, "F16");
        foreign_add(&f, cases[i].name, 5, cases[i].rows, cases[i].columns, cases[i].dtype);
        foreign_write(&f, folder, "model.safetensors");
        foreign_release(&f);
        check_refused(folder, cases[i].says);
    }
    foreign_close(folder);
}

static void test_refused_indexes(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{}", "weight_map is no value"},
        {"{\"weight_map\":[]}", "weight_map is an array"},
        {"{\"weight_map\":{}}", "is missing"},
        {"{\"weight_map\":{\"lm_head.weight\":\"../../etc/passwd\"}}", "'lm_head.weight' is not in a file"},
        {"{\"weight_map\":{\"lm_head.weight\":7}}", "'lm_head.weight' is not in a file"},
        {"{\"weight_map\":{\"lm_head.weight\":\"none.safetensors\"}}", "'none.safetensors' is missing"},
        {"{\"weight_map\":{\"model.layers.0.input_layernorm.weight\":\"model-00001-of-00003.safetensors\"}}",
         "is missing"},
        {"{\"weight_map\":", "byte"},
    };
    char folder[32];
    struct config config;
    struct err err = ERR_INIT;
    bool is_i8;
    (void)state;
    foreign_open(folder);
    foreign_config(folder, false, "");
    assert_int_equal(checkpoint_config(folder, &config, &is_i8, &err), STATUS_NOT_FOUND);
    foreign_model(folder, false, false, "F16", 3);
    assert_int_equal(checkpoint_config(folder, &config, &is_i8, &err), STATUS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        foreign_put(folder, "model.safetensors.index.json", cases[i].text, strlen(cases[i].text));
        check_refused(folder, cases[i].says);
    }
    foreign_close(folder);
    assert_int_equal(checkpoint_config(folder, &config, &is_i8, &err), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves),          cmocka_unit_test(test_every_type_and_form),
        cmocka_unit_test(test_harmless),        cmocka_unit_test(test_refused_settings),
        cmocka_unit_test(test_refused_claims),  cmocka_unit_test(test_refused_tensors),
        cmocka_unit_test(test_refused_indexes), cmocka_unit_test(test_head_sizes),
        cmocka_unit_test(test_reach),           cmocka_unit_test(test_window),
        cmocka_unit_test(test_scaled_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
