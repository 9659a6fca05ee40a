/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_read.c — files come from strangers: every length is compared with the
 * file before it is used, and nothing is allocated beyond the header, which is bounded. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/model/checkpoint.h"

enum { LONGEST_CONFIG = 1 << 20, LONGEST_HEADER = 100 << 20, MOST_MEMORY = 256 << 20 };

/* A file mapped for reading. */
struct mapping {
    const uint8_t *bytes;
    size_t size;
    char path[1024];
};

static enum status map_file(struct mapping *out, const char *folder, const char *name, struct err *err)
{
    struct mapping m = {0};
    struct stat info;
    enum status status = STATUS_OK;
    int fd;
    if (snprintf(m.path, sizeof m.path, "%s/%s", folder, name) >= (int)sizeof m.path)
        return err_set(err, STATUS_NOT_FOUND, "%s: the path is too long", folder);
    fd = open(m.path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, STATUS_NOT_FOUND, "%s: %s", m.path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0) {
        status = err_set(err, STATUS_FORMAT, "%s: not a file with anything in it", m.path);
    } else {
        void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            status = err_set(err, STATUS_IO, "%s: %s", m.path, strerror(errno));
        m.bytes = bytes;
        m.size = (size_t)info.st_size;
    }
    (void)close(fd);
    if (status == STATUS_OK)
        *out = m;
    return status;
}

static void unmap(struct mapping *m)
{
    if (m->bytes)
        (void)munmap((void *)(uintptr_t)m->bytes, m->size);
}

/* A whole number under key, or the fallback when the key is missing; out of range becomes -1, which
 * config_check refuses by name. */
static int integer(const struct json *object, const char *key, int fallback)
{
    const struct json *value = json_member(object, key);
    int64_t number;
    if (json_kind(value) == JSON_IS_MISSING || json_kind(value) == JSON_IS_NULL)
        return fallback;
    return json_get_integer(value, &number) && number >= 0 && number <= 1 << 30 ? (int)number : -1;
}

static double number(const struct json *object, const char *key, double fallback)
{
    (void)json_get_real(json_member(object, key), &fallback);
    return fallback;
}

static bool is_true(const struct json *object, const char *key)
{
    bool value = false;
    return json_get_bool(json_member(object, key), &value) && value;
}

static void read_config(struct config *c, bool *is_i8, const struct json *root)
{
    const struct json *ours = json_member(root, "isoflop");
    *c = (struct config){
        .vocabulary = integer(root, "vocab_size", -1),
        .context = integer(root, "max_position_embeddings", -1),
        .depth = integer(root, "num_hidden_layers", -1),
        .width = integer(root, "hidden_size", -1),
        .heads = integer(root, "num_attention_heads", -1),
        .ffn = integer(root, "intermediate_size", -1),
        .experts = integer(root, "num_local_experts", 1),
        .experts_per_token = integer(root, "num_experts_per_tok", 1),
        .routed = json_member(root, "num_local_experts") != NULL,
        .tied = is_true(root, "tie_word_embeddings"),
        .rope_base = number(root, "rope_theta", 10000),
        .norm_eps = number(root, "rms_norm_eps", 1e-5),
        .load_balance = number(root, "router_aux_loss_coef", 0),
        .gate_all = is_true(ours, "gate_all"),
        .mup = is_true(ours, "mup"),
        .base_width = integer(ours, "base_width", 64),
        .router_z = number(ours, "router_z", 0),
    };
    c->kv_heads = integer(root, "num_key_value_heads", c->heads);
    *is_i8 = is_true(ours, "int8");
}

enum status checkpoint_config(const char *folder, struct config *out, bool *is_i8, struct err *err)
{
    struct mapping file;
    struct config config;
    struct json *root = NULL;
    bool i8;
    enum status status = map_file(&file, folder, "config.json", err);
    if (status != STATUS_OK)
        return status;
    if (file.size > LONGEST_CONFIG) {
        status = err_set(err, STATUS_FORMAT, "%s: %zu bytes is too long for a configuration", file.path, file.size);
        goto done;
    }
    status = json_parse(&root, (const char *)file.bytes, file.size, MOST_MEMORY, file.path, 0, err);
    if (status != STATUS_OK)
        goto done;
    if (json_kind(root) != JSON_IS_OBJECT) {
        status = err_set(err, STATUS_FORMAT, "%s: holds %s, not an object", file.path, json_kind_name(json_kind(root)));
        goto done;
    }
    read_config(&config, &i8, root);
    status = config_check(&config, err);
    if (status != STATUS_OK) {
        status = err_prefix(err, "%s", file.path);
        goto done;
    }
    *out = config;
    *is_i8 = i8;
done:
    json_free(root);
    unmap(&file);
    return status;
}

/* The file's data section and the header that describes it. */
struct tensors_file {
    struct mapping file;
    struct json *header;
    const uint8_t *data;
    size_t data_size;
};

static enum status open_tensors(struct tensors_file *out, const char *folder, struct err *err)
{
    struct tensors_file t = {0};
    uint64_t length = 0;
    enum status status = map_file(&t.file, folder, "model.safetensors", err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < 8 && t.file.size >= 8; i++)
        length |= (uint64_t)t.file.bytes[i] << (8 * i);
    if (t.file.size < 8 || length > LONGEST_HEADER || length > t.file.size - 8) {
        status = err_set(err, STATUS_FORMAT, "%s: its header claims %llu bytes, the file has %zu", t.file.path,
                         (unsigned long long)length, t.file.size);
        unmap(&t.file);
        return status;
    }
    status = json_parse(&t.header, (const char *)t.file.bytes + 8, (size_t)length, MOST_MEMORY, t.file.path, 8, err);
    if (status == STATUS_OK && json_kind(t.header) != JSON_IS_OBJECT) {
        status = err_set(err, STATUS_FORMAT, "%s: byte 8: the header is not a JSON object", t.file.path);
        json_free(t.header);
    }
    if (status != STATUS_OK) {
        unmap(&t.file);
        return status;
    }
    t.data = t.file.bytes + 8 + length;
    t.data_size = t.file.size - 8 - (size_t)length;
    *out = t;
    return STATUS_OK;
}

static int64_t whole(const struct json *array, size_t i)
{
    int64_t value = -1;
    (void)json_get_integer(json_item(array, i), &value);
    return value;
}

/* Finds a tensor of the given shape; *i8 says how it is stored. */
static enum status find_tensor(const struct tensors_file *t, const char *name, int64_t rows, int64_t columns,
                               const uint8_t **data, bool *i8, struct err *err)
{
    const struct json *entry = json_member(t->header, name), *shape = json_member(entry, "shape");
    const struct json *offsets = json_member(entry, "data_offsets");
    const char *dtype = "nothing known";
    int64_t start = whole(offsets, 0), end = whole(offsets, 1), numbers = rows * (columns ? columns : 1);
    if (json_kind(entry) != JSON_IS_OBJECT)
        return err_set(err, STATUS_FORMAT, "%s: tensor '%s' is missing", t->file.path, name);
    (void)json_get_text(json_member(entry, "dtype"), &dtype);
    if (strcmp(dtype, "F32") != 0 && strcmp(dtype, "I8") != 0)
        return err_set(err, STATUS_FORMAT, "%s: tensor '%s' is stored as %s; F32 and I8 can be read", t->file.path,
                       name, dtype);
    if (json_count(shape) != (columns ? 2 : 1) || whole(shape, 0) != rows || (columns && whole(shape, 1) != columns))
        return err_set(err, STATUS_FORMAT, "%s: tensor '%s' does not have the shape %lld x %lld of the configuration",
                       t->file.path, name, (long long)rows, (long long)(columns ? columns : 1));
    *i8 = strcmp(dtype, "I8") == 0;
    if (json_count(offsets) != 2 || start < 0 || end < start || (uint64_t)end > t->data_size ||
        end - start != numbers * (*i8 ? 1 : 4))
        return err_set(err, STATUS_FORMAT, "%s: tensor '%s' claims bytes %lld to %lld of %zu", t->file.path, name,
                       (long long)start, (long long)end, t->data_size);
    *data = t->data + start;
    return STATUS_OK;
}

static void copy_floats(real *to, const uint8_t *from, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float value; /* data need not be aligned */
        memcpy(&value, from + 4 * i, sizeof value);
        to[i] = (real)value;
    }
}

static enum status load_piece(struct model *m, const struct tensors_file *t, const struct checkpoint_piece *piece,
                              struct err *err)
{
    const uint8_t *data, *scales;
    bool i8, scales_i8;
    char name[160];
    real *to = m->params + piece->offset;
    enum status status = find_tensor(t, piece->name, piece->rows, piece->columns, &data, &i8, err);
    if (status != STATUS_OK)
        return status;
    if (!i8) {
        copy_floats(to, data, piece->rows * (piece->columns ? piece->columns : 1));
        return STATUS_OK;
    }
    (void)snprintf(name, sizeof name, "%s_scale", piece->name);
    status = find_tensor(t, name, piece->rows, 0, &scales, &scales_i8, err);
    if (status != STATUS_OK)
        return status;
    if (scales_i8 || piece->columns == 0)
        return err_set(err, STATUS_FORMAT, "%s: tensor '%s' should hold F32 numbers", t->file.path, name);
    for (int64_t r = 0; r < piece->rows; r++) {
        real scale;
        copy_floats(&scale, scales + 4 * r, 1);
        matrix_i8_dequantize(to + r * piece->columns, (const int8_t *)data + r * piece->columns, &scale, 1,
                             (int)piece->columns);
    }
    return STATUS_OK;
}

enum status checkpoint_load(const char *folder, struct model *model, struct err *err)
{
    struct tensors_file t;
    struct checkpoint_piece piece;
    enum status status = open_tensors(&t, folder, err);
    if (status != STATUS_OK)
        return status;
    for (int64_t i = 0; status == STATUS_OK && checkpoint_piece_at(model, i, &piece); i++)
        status = load_piece(model, &t, &piece, err);
    json_free(t.header);
    unmap(&t.file);
    return status;
}
