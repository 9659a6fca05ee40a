/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_read.c — a model from a folder. Files come from strangers: what config.json claims is held against the
 * tensors in the files before anybody allocates a model of that size, and everything is looked at before the first
 * number is taken, so that a model is filled wholly or not at all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/half.h"
#include "engine/model/checkpoint_config.h"
#include "engine/model/checkpoint_folder.h"
#include "engine/model/checkpoint_piece.h"

/* The shape as messages show it. */
static const char *shape_text(int n, const int64_t *shape, char to[96])
{
    size_t at = 0;
    (void)snprintf(to, 96, n ? "" : "a single number");
    for (int i = 0; i < n && at < 80; i++)
        at += (size_t)snprintf(to + at, 96 - at, "%s%lld", i ? " x " : "", (long long)shape[i]);
    return to;
}

enum status checkpoint_take(const struct checkpoint_files *files, const char *name, int64_t rows,
                            int64_t columns, const uint8_t **data, enum dtype *dtype, struct err *err)
{
    const struct safetensors *file;
    struct safetensors_tensor *t;
    const int64_t wanted[2] = {rows, columns};
    int n = columns ? 2 : 1;
    char has[96], wants[96];
    enum status status = checkpoint_files_find(files, name, &file, &t, err);
    if (status != STATUS_OK)
        return status;
    if (t->dtype == DTYPE_OTHER)
        return err_set(err, STATUS_FORMAT,
                       "%s: byte %zu: tensor '%s' is of a type that is not read; F32, F16, BF16 and I8 are",
                       file->path, safetensors_place(file, name), name);
    if (t->n_dimensions != n || t->shape[0] != rows || (columns && t->shape[1] != columns))
        return err_set(err, STATUS_FORMAT, "%s: byte %zu: tensor '%s' is %s, by config.json it should be %s",
                       file->path, safetensors_place(file, name), name,
                       shape_text(t->n_dimensions, t->shape, has), shape_text(n, wanted, wants));
    t->taken = true;
    *data = file->bytes + t->first;
    *dtype = t->dtype;
    return STATUS_OK;
}

enum status checkpoint_not_floats(const struct checkpoint_files *files, const char *name, struct err *err)
{
    const struct safetensors *file;
    struct safetensors_tensor *t;
    enum status status = checkpoint_files_find(files, name, &file, &t, err);
    if (status != STATUS_OK)
        return status;
    return err_set(err, STATUS_FORMAT, "%s: byte %zu: tensor '%s' should hold F32 numbers", file->path,
                   safetensors_place(file, name), name);
}

/* One tensor and, where it is in 8 bits, its scales. */
struct source {
    const uint8_t *data, *scales;
    enum dtype dtype;
};

static enum status take_piece(const struct checkpoint_files *files, const struct checkpoint_piece *piece,
                              struct source *out, struct err *err)
{
    enum dtype scale_dtype = DTYPE_F32;
    char name[160];
    enum status status =
        checkpoint_take(files, piece->name, piece->rows, piece->columns, &out->data, &out->dtype, err);
    if (status != STATUS_OK || out->dtype != DTYPE_I8)
        return status;
    (void)snprintf(name, sizeof name, "%s_scale", piece->name);
    status = checkpoint_take(files, name, piece->rows, 0, &out->scales, &scale_dtype, err);
    if (status == STATUS_OK && (scale_dtype != DTYPE_F32 || piece->columns == 0))
        status = checkpoint_not_floats(files, name, err);
    return status;
}

/* Tensors that others store and that say nothing new: tables of angles, and the head of a tied model. */
static bool harmless(const char *name, const struct config *c)
{
    static const char angles[] = "rotary_emb.inv_freq";
    size_t n = strlen(name), suffix = strlen(angles);
    return (n >= suffix && strcmp(name + n - suffix, angles) == 0) ||
           (c->tied && strcmp(name, "lm_head.weight") == 0);
}

/* A tensor that nobody took is a part of the computation that we would leave out, silently. */
static enum status check_rest(const struct checkpoint_files *files, const struct config *c, struct err *err)
{
    for (size_t i = 0; i < files->n; i++) {
        const struct safetensors *file = &files->files[i];
        for (size_t j = 0; j < file->n; j++)
            if (!file->tensors[j].taken && !harmless(file->tensors[j].name, c))
                return err_set(err, STATUS_FORMAT,
                               "%s: byte %zu: tensor '%.63s' has no place in the model of config.json",
                               file->path, safetensors_place(file, file->tensors[j].name),
                               file->tensors[j].name);
    }
    return STATUS_OK;
}

/* Whether the files hold the model, the whole model and nothing but the model. */
static enum status check_all(const struct checkpoint_files *files, const struct model *m, struct err *err)
{
    struct checkpoint_piece piece;
    struct source source;
    enum status status = STATUS_OK;
    for (int64_t i = 0; status == STATUS_OK && checkpoint_piece_at(m, i, &piece); i++)
        status = take_piece(files, &piece, &source, err);
    return status == STATUS_OK ? check_rest(files, &m->config, err) : status;
}

enum status checkpoint_config(const char *path, struct config *out, bool *is_i8, struct err *err)
{
    struct checkpoint_files files;
    struct model shape = {0}; /* the shape alone, without memory */
    char folder[FOLDER_PATH + 8], file[FOLDER_FILE];
    bool i8;
    enum status status;
    checkpoint_folder_reading(folder, path);
    (void)snprintf(file, sizeof file, "%s/config.json", folder);
    status = checkpoint_config_read(&shape.config, &i8, file, err);
    if (status != STATUS_OK)
        return status;
    shape.n_params = config_tensors(&shape.config, shape.info);
    status = checkpoint_files_open(&files, folder, err);
    if (status != STATUS_OK)
        return status;
    status = check_all(&files, &shape, err);
    checkpoint_files_close(&files);
    if (status == STATUS_OK) {
        *out = shape.config;
        *is_i8 = i8;
    }
    return status;
}

void checkpoint_convert(real *to, const uint8_t *from, enum dtype dtype, int64_t n)
{
    for (int64_t i = 0; i < n; i++) { /* data need not be aligned */
        uint32_t bits = 0;
        if (dtype == DTYPE_F32) {
            memcpy(&bits, from + 4 * i, 4);
        } else {
            uint16_t half;
            memcpy(&half, from + 2 * i, 2);
            bits = dtype == DTYPE_F16 ? half_bits_from_f16(half) : half_bits_from_bf16(half);
        }
        to[i] = (real)half_to_float(bits);
    }
}

static void fill_piece(real *to, const struct checkpoint_piece *piece, const struct source *source)
{
    if (source->dtype != DTYPE_I8) {
        checkpoint_convert(to, source->data, source->dtype, checkpoint_piece_size(piece));
        return;
    }
    for (int64_t r = 0; r < piece->rows; r++) {
        real scale;
        checkpoint_convert(&scale, source->scales + 4 * r, DTYPE_F32, 1);
        matrix_i8_dequantize(to + r * piece->columns, (const int8_t *)source->data + r * piece->columns,
                             &scale, 1, (int)piece->columns);
    }
}

enum status checkpoint_fill(const struct checkpoint_files *files, struct model *m, struct err *err)
{
    struct checkpoint_piece piece;
    struct source source;
    enum status status = check_all(files, m, err);
    for (int64_t i = 0; status == STATUS_OK && checkpoint_piece_at(m, i, &piece); i++) {
        status = take_piece(files, &piece, &source, err);
        if (status == STATUS_OK)
            fill_piece(m->params + piece.offset, &piece, &source);
    }
    return status;
}

enum status checkpoint_load(const char *path, struct model *model, struct err *err)
{
    struct checkpoint_files files;
    char folder[FOLDER_PATH + 8];
    enum status status;
    checkpoint_folder_reading(folder, path);
    status = checkpoint_files_open(&files, folder, err);
    if (status != STATUS_OK)
        return status;
    status = checkpoint_files_verify(&files, err);
    if (status == STATUS_OK)
        status = checkpoint_fill(&files, model, err);
    checkpoint_files_close(&files);
    return status;
}
