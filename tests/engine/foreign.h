/* SPDX-License-Identifier: Apache-2.0 */
/* foreign.h — a checkpoint as somebody else would write it, built from the format's description and without any of
 * the engine's code: small Llama- and Mixtral-shaped models in F32, F16 or BF16, in one file or several. */
#ifndef TESTS_ENGINE_FOREIGN_H
#define TESTS_ENGINE_FOREIGN_H

#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/str.h"

enum {
    FOREIGN_V = 13,
    FOREIGN_C = 8,
    FOREIGN_H = 4,
    FOREIGN_K = 2,
    FOREIGN_F = 12,
    FOREIGN_L = 2,
    FOREIGN_E = 3
};

/* The size of a head, which a test may change: the product with the heads need not be the width. */
static int foreign_head = FOREIGN_C / FOREIGN_H;

/* Numbers that every type holds exactly, of a size that a model could have: seven bits of fraction, +-1/16 to +-1/8. */
static bool foreign_plain = false;

/* One safetensors file being put together. */
struct foreign_file {
    struct str header, data;
    int n;
};

static inline void foreign_init(struct foreign_file *f)
{
    str_init(&f->header);
    str_init(&f->data);
    f->n = 0;
}

static inline void foreign_release(struct foreign_file *f)
{
    str_release(&f->header);
    str_release(&f->data);
}

/* Bytes to a path. */
static inline void foreign_put(const char *folder, const char *name, const void *bytes, size_t n)
{
    char path[256];
    int fd;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    assert_int_equal(close(fd), 0);
}

/* A file of this header and these bytes. */
static inline void foreign_raw(const char *folder, const char *name, const char *header, size_t length,
                               const void *data, size_t n)
{
    struct str all;
    str_init(&all);
    for (int i = 0; i < 8; i++)
        str_append_char(&all, (char)((uint64_t)length >> (8 * i)));
    str_append_bytes(&all, header, length);
    if (n)
        str_append_bytes(&all, data, n);
    foreign_put(folder, name, all.text, all.length);
    str_release(&all);
}

static inline void foreign_write(struct foreign_file *f, const char *folder, const char *name)
{
    str_append(&f->header, f->n ? "}" : "{}");
    foreign_raw(folder, name, f->header.text, f->header.length, f->data.text, f->data.length);
}

/* Number i of tensor `key` as it is stored: 16 bits of a finite number, or all 32. */
static inline uint32_t foreign_bits(unsigned key, int64_t i, const char *dtype)
{
    uint32_t x = key * 2654435761u ^ (uint32_t)i * 40503u;
    x ^= x >> 15;
    x *= 2246822519u;
    x ^= x >> 13;
    if (foreign_plain)
        return strcmp(dtype, "F16") == 0    ? (x & 0x8000) | 11u << 10 | (x & 0x7f) << 3
               : strcmp(dtype, "BF16") == 0 ? (x & 0x8000) | 123u << 7 | (x & 0x7f)
                                            : (x & 0x8000) << 16 | 123u << 23 | (x & 0x7f) << 16;
    if (strcmp(dtype, "F16") == 0)
        return (x & 0xffff) >= 0x7c00 && (x & 0x7fff) >= 0x7c00 ? x & 0x83ff : x & 0xffff;
    if (strcmp(dtype, "BF16") == 0)
        return (x & 0x7f80) == 0x7f80 ? x & 0x807f : x & 0xffff;
    return (x & 0x7f800000) == 0x7f800000 ? x & 0x807fffff : x;
}

/* The number that those bits are, from the definition: (-1)^sign * fraction * 2^exponent. */
static inline double foreign_value(uint32_t bits, const char *dtype)
{
    int width = strcmp(dtype, "F16") == 0 ? 10 : strcmp(dtype, "BF16") == 0 ? 7 : 23;
    int exponent_bits = width == 10 ? 5 : 8, bias = width == 10 ? 15 : 127;
    uint32_t fraction = bits & ((1u << width) - 1), exponent = bits >> width & ((1u << exponent_bits) - 1);
    double sign = bits >> (width + exponent_bits) & 1 ? -1 : 1;
    if (exponent == (1u << exponent_bits) - 1)
        return fraction ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0)
        return sign * ldexp(fraction, 1 - bias - width);
    return sign * ldexp(fraction + (1u << width), (int)exponent - bias - width);
}

/* columns 0: a vector. The numbers follow from key. */
static inline void foreign_add(struct foreign_file *f, const char *name, unsigned key, int rows, int columns,
                               const char *dtype)
{
    int64_t n = (int64_t)rows * (columns ? columns : 1);
    size_t first = f->data.length, size = strcmp(dtype, "F32") == 0 ? 4 : 2;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits = foreign_bits(key, i, dtype);
        str_append_bytes(&f->data, (const char *)&bits, size);
    }
    str_format(&f->header, "%s \"%s\" : { \"shape\":[%d", f->n++ ? "," : "{", name, rows);
    if (columns)
        str_format(&f->header, ",%d", columns);
    str_format(&f->header, "],\"data_offsets\":[%zu,%zu],\"dtype\":\"%s\"}", first, f->data.length, dtype);
}

/* The tensors of a model, as names, shapes and keys; NULL past the last. Layer by layer, then the ends. */
struct foreign_tensor {
    char name[96];
    int rows, columns;
};

static inline bool foreign_tensor_at(struct foreign_tensor *t, int i, bool mixtral, bool tied)
{
    const int C = FOREIGN_C, HD = FOREIGN_H * foreign_head, KD = FOREIGN_K * foreign_head, F = FOREIGN_F;
    const struct {
        const char *name;
        int rows, columns;
    } common[] =
        {
            {"self_attn.q_proj.weight", HD, C}, {"self_attn.k_proj.weight", KD, C},
            {"self_attn.v_proj.weight", KD, C}, {"self_attn.o_proj.weight", C, HD},
            {"input_layernorm.weight", C, 0},   {"post_attention_layernorm.weight", C, 0},
        },
      dense[] =
          {
              {"mlp.gate_proj.weight", F, C},
              {"mlp.up_proj.weight", F, C},
              {"mlp.down_proj.weight", C, F},
          },
      expert[] = {{"w1", F, C}, {"w3", F, C}, {"w2", C, F}},
      ends[] = {
          {"model.embed_tokens.weight", FOREIGN_V, C},
          {"model.norm.weight", C, 0},
          {"lm_head.weight", FOREIGN_V, C},
      };
    int per_layer = 6 + (mixtral ? 1 + 3 * FOREIGN_E : 3), layer = i / per_layer, rest = i % per_layer;
    const char *name;
    if (layer >= FOREIGN_L) {
        int end = i - FOREIGN_L * per_layer;
        if (end >= (tied ? 2 : 3))
            return false;
        *t = (struct foreign_tensor){.rows = ends[end].rows, .columns = ends[end].columns};
        (void)snprintf(t->name, sizeof t->name, "%s", ends[end].name);
        return true;
    }
    if (rest < 6) {
        *t = (struct foreign_tensor){.rows = common[rest].rows, .columns = common[rest].columns};
        name = common[rest].name;
    } else if (!mixtral) {
        *t = (struct foreign_tensor){.rows = dense[rest - 6].rows, .columns = dense[rest - 6].columns};
        name = dense[rest - 6].name;
    } else if (rest == 6) {
        *t = (struct foreign_tensor){.rows = FOREIGN_E, .columns = C};
        name = "block_sparse_moe.gate.weight";
    } else {
        int e = (rest - 7) / 3, part = (rest - 7) % 3;
        *t = (struct foreign_tensor){.rows = expert[part].rows, .columns = expert[part].columns};
        (void)snprintf(t->name, sizeof t->name, "model.layers.%d.block_sparse_moe.experts.%d.%s.weight",
                       layer, e, expert[part].name);
        return true;
    }
    (void)snprintf(t->name, sizeof t->name, "model.layers.%d.%s", layer, name);
    return true;
}

/* The config.json; more: further members, each with a comma in front (the last of two wins nowhere: do not repeat). */
static inline void foreign_config(const char *folder, bool mixtral, const char *more)
{
    struct str text;
    str_init(&text);
    str_format(
        &text,
        "{\"architectures\":[\"%s\"],\"model_type\":\"%s\",\"hidden_size\":%d,\"intermediate_size\":%d,"
        "\"num_hidden_layers\":%d,\"num_attention_heads\":%d,\"num_key_value_heads\":%d,\"vocab_size\":%d",
        mixtral ? "MixtralForCausalLM" : "LlamaForCausalLM", mixtral ? "mixtral" : "llama", FOREIGN_C,
        FOREIGN_F, FOREIGN_L, FOREIGN_H, FOREIGN_K, FOREIGN_V);
    if (mixtral)
        str_format(&text, ",\"num_local_experts\":%d", FOREIGN_E);
    if (foreign_head != FOREIGN_C / FOREIGN_H)
        str_format(&text, ",\"head_dim\":%d", foreign_head);
    str_format(&text, "%s}", more);
    foreign_put(folder, "config.json", text.text, text.length);
    str_release(&text);
}

/* All tensors into shards files (1: model.safetensors), dealt out in turn, with an index. */
static inline void foreign_model(const char *folder, bool mixtral, bool tied, const char *dtype, int shards)
{
    struct foreign_file files[4];
    struct foreign_tensor t;
    struct str index;
    str_init(&index);
    str_append(&index, "{\"metadata\":{\"total_size\":1},\"weight_map\":{");
    for (int s = 0; s < shards; s++)
        foreign_init(&files[s]);
    for (int i = 0; foreign_tensor_at(&t, i, mixtral, tied); i++) {
        foreign_add(&files[i % shards], t.name, (unsigned)i, t.rows, t.columns, dtype);
        str_format(&index, "%s\"%s\":\"model-0000%d-of-0000%d.safetensors\"", i ? "," : "", t.name,
                   i % shards + 1, shards);
    }
    str_append(&index, "}}");
    for (int s = 0; s < shards; s++) {
        char name[64];
        (void)snprintf(name, sizeof name, "model-0000%d-of-0000%d.safetensors", s + 1, shards);
        foreign_write(&files[s], folder, shards == 1 ? "model.safetensors" : name);
        foreign_release(&files[s]);
    }
    if (shards > 1)
        foreign_put(folder, "model.safetensors.index.json", index.text, index.length);
    str_release(&index);
}

static inline int foreign_remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

/* A folder of one test. */
static inline void foreign_open(char folder[32])
{
    (void)snprintf(folder, 32, "/tmp/isoflop-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static inline void foreign_close(const char *folder)
{
    assert_int_equal(nftw(folder, foreign_remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
