/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_write.c — safetensors: a 64-bit little-endian length, a JSON header of that length, the numbers.
 * Names are ours and ASCII, so the JSON is written directly. Invariant: a file appears under its final name only
 * when all of it is on disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/str.h"
#include "engine/model/checkpoint.h"

/* A file under its temporary name. */
struct writer {
    int fd;
    int64_t bytes;
    char path[1024], temporary[1040];
};

static enum status writer_open(struct writer *w, const char *folder, const char *name, struct err *err)
{
    int n = snprintf(w->path, sizeof w->path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof w->path)
        return err_set(err, STATUS_IO, "%s: the path is too long", folder);
    (void)snprintf(w->temporary, sizeof w->temporary, "%s.%d.tmp", w->path, (int)getpid());
    w->bytes = 0;
    w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w->fd < 0)
        return err_set(err, STATUS_IO, "%s: %s", w->temporary, strerror(errno));
    return STATUS_OK;
}

static enum status writer_put(struct writer *w, const void *data, size_t n, struct err *err)
{
    const char *bytes = data;
    while (n > 0) {
        ssize_t written = write(w->fd, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return err_set(err, STATUS_IO, "%s: %s", w->temporary, strerror(errno));
        bytes += written;
        n -= (size_t)written;
        w->bytes += written;
    }
    return STATUS_OK;
}

/* Syncs and renames when status is OK, otherwise removes; returns the first failure. */
static enum status writer_close(struct writer *w, enum status status, struct err *err)
{
    if (status == STATUS_OK && fsync(w->fd) != 0)
        status = err_set(err, STATUS_IO, "%s: %s", w->temporary, strerror(errno));
    if (close(w->fd) != 0 && status == STATUS_OK)
        status = err_set(err, STATUS_IO, "%s: %s", w->temporary, strerror(errno));
    if (status == STATUS_OK && rename(w->temporary, w->path) != 0)
        status = err_set(err, STATUS_IO, "%s: %s", w->path, strerror(errno));
    if (status != STATUS_OK)
        (void)unlink(w->temporary);
    return status;
}

static bool in_i8(const struct checkpoint_piece *piece, const struct model *m, const struct weights_i8 *i8)
{
    return i8 && weights_i8_covers(m->info[piece->id].kind);
}

static void header_entry(struct str *header, const char *name, const char *suffix, const char *dtype, int64_t rows,
                         int64_t columns, int64_t start, int64_t bytes)
{
    str_format(header, ",\"%s%s\":{\"dtype\":\"%s\",\"shape\":[%lld", name, suffix, dtype, (long long)rows);
    if (columns)
        str_format(header, ",%lld", (long long)columns);
    str_format(header, "],\"data_offsets\":[%lld,%lld]}", (long long)start, (long long)(start + bytes));
}

static void build_header(struct str *header, const struct model *m, const struct weights_i8 *i8)
{
    struct checkpoint_piece piece;
    int64_t at = 0;
    str_append(header, "{\"__metadata__\":{\"format\":\"pt\",\"producer\":\"isoflop\"}");
    for (int64_t i = 0; checkpoint_piece_at(m, i, &piece); i++) {
        int64_t numbers = piece.rows * (piece.columns ? piece.columns : 1);
        int64_t bytes = in_i8(&piece, m, i8) ? numbers : 4 * numbers;
        header_entry(header, piece.name, "", in_i8(&piece, m, i8) ? "I8" : "F32", piece.rows, piece.columns, at, bytes);
        at += bytes;
    }
    for (int64_t i = 0; i8 && checkpoint_piece_at(m, i, &piece); i++) { /* after all else, which stays aligned */
        if (!in_i8(&piece, m, i8))
            continue;
        header_entry(header, piece.name, "_scale", "F32", piece.rows, 0, at, 4 * piece.rows);
        at += 4 * piece.rows;
    }
    str_append_char(header, '}');
    while (header->length % 8)
        str_append_char(header, ' ');
}

static enum status put_floats(struct writer *w, const real *numbers, int64_t n, struct err *err)
{
    float buffer[1024];
    enum status status = STATUS_OK;
    while (n > 0 && status == STATUS_OK) {
        int64_t part = n < 1024 ? n : 1024;
        for (int64_t i = 0; i < part; i++)
            buffer[i] = (float)numbers[i];
        status = writer_put(w, buffer, (size_t)part * sizeof *buffer, err);
        numbers += part;
        n -= part;
    }
    return status;
}

static enum status put_tensors(struct writer *w, const struct model *m, const struct weights_i8 *i8, struct err *err)
{
    struct checkpoint_piece piece;
    enum status status = STATUS_OK;
    for (int64_t i = 0; status == STATUS_OK && checkpoint_piece_at(m, i, &piece); i++) {
        int64_t numbers = piece.rows * (piece.columns ? piece.columns : 1);
        if (in_i8(&piece, m, i8))
            status = writer_put(w, i8->q + piece.offset, (size_t)numbers, err);
        else
            status = put_floats(w, m->params + piece.offset, numbers, err);
    }
    for (int64_t i = 0; i8 && status == STATUS_OK && checkpoint_piece_at(m, i, &piece); i++)
        if (in_i8(&piece, m, i8))
            status = put_floats(w, i8->scale + piece.first_scale, piece.rows, err);
    return status;
}

static enum status save_tensors(const char *folder, const struct model *m, const struct weights_i8 *i8,
                                int64_t *bytes, struct err *err)
{
    struct writer w;
    struct str header;
    uint8_t length[8];
    enum status status = writer_open(&w, folder, "model.safetensors", err);
    if (status != STATUS_OK)
        return status;
    str_init(&header);
    build_header(&header, m, i8);
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)header.length >> (8 * i));
    status = writer_put(&w, length, sizeof length, err);
    if (status == STATUS_OK)
        status = writer_put(&w, header.text, header.length, err);
    if (status == STATUS_OK)
        status = put_tensors(&w, m, i8, err);
    str_release(&header);
    *bytes += w.bytes;
    return writer_close(&w, status, err);
}

static void build_config(struct str *json, const struct config *c, const struct weights_i8 *i8)
{
    const char *architecture = c->routed ? "MixtralForCausalLM" : "LlamaForCausalLM";
    char theta[32], eps[32], balance[32], z[32];
    str_from_double(theta, sizeof theta, c->rope_base);
    str_from_double(eps, sizeof eps, c->norm_eps);
    str_from_double(balance, sizeof balance, c->load_balance);
    str_from_double(z, sizeof z, c->router_z);
    if (c->routed && c->gate_all) /* Mixtral's gate is over the chosen experts only */
        architecture = "IsoflopForCausalLM";
    str_format(json, "{\n  \"architectures\": [\"%s\"],\n  \"model_type\": \"%s\",\n", architecture,
               c->routed ? "mixtral" : "llama");
    str_format(json, "  \"hidden_size\": %d,\n  \"intermediate_size\": %d,\n  \"num_hidden_layers\": %d,\n", c->width,
               c->ffn, c->depth);
    str_format(json, "  \"num_attention_heads\": %d,\n  \"num_key_value_heads\": %d,\n  \"head_dim\": %d,\n", c->heads,
               c->kv_heads, config_head_size(c));
    str_format(json, "  \"vocab_size\": %d,\n  \"max_position_embeddings\": %d,\n", c->vocabulary, c->context);
    str_format(json, "  \"rms_norm_eps\": %s,\n  \"rope_theta\": %s,\n  \"tie_word_embeddings\": %s,\n", eps, theta,
               c->tied ? "true" : "false");
    if (c->routed)
        str_format(json, "  \"num_local_experts\": %d,\n  \"num_experts_per_tok\": %d,\n"
                   "  \"router_aux_loss_coef\": %s,\n", c->experts, c->experts_per_token, balance);
    str_format(json, "  \"hidden_act\": \"silu\",\n  \"attention_bias\": false,\n  \"torch_dtype\": \"float32\",\n");
    str_format(json, "  \"isoflop\": {\"gate_all\": %s, \"mup\": %s, \"base_width\": %d, \"router_z\": %s, "
               "\"int8\": %s}\n}\n", c->gate_all ? "true" : "false", c->mup ? "true" : "false", c->base_width, z,
               i8 ? "true" : "false");
}

static enum status save_config(const char *folder, const struct model *m, const struct weights_i8 *i8, int64_t *bytes,
                               struct err *err)
{
    struct writer w;
    struct str json;
    enum status status = writer_open(&w, folder, "config.json", err);
    if (status != STATUS_OK)
        return status;
    str_init(&json);
    build_config(&json, &m->config, i8);
    status = writer_put(&w, json.text, json.length, err);
    str_release(&json);
    *bytes += w.bytes;
    return writer_close(&w, status, err);
}

static enum status sync_folder(const char *folder, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = STATUS_OK;
    if (fd < 0 || fsync(fd) != 0)
        status = err_set(err, STATUS_IO, "%s: %s", folder, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return status;
}

enum status checkpoint_save(const char *folder, const struct model *model, const struct weights_i8 *i8,
                            int64_t *bytes, struct err *err)
{
    int64_t written = 0;
    enum status status;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return err_set(err, STATUS_IO, "%s: %s", folder, strerror(errno));
    status = save_tensors(folder, model, i8, &written, err);
    if (status == STATUS_OK)
        status = save_config(folder, model, i8, &written, err);
    if (status == STATUS_OK)
        status = sync_folder(folder, err);
    if (status == STATUS_OK && bytes)
        *bytes = written;
    return status;
}
