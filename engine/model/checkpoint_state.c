/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_state.c — a training run's state: the model's two files, and the optimizer's beside them. What binds
 * them: the optimizer's file quotes the checksum of the model's file, and both are verified before a number is
 * taken. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/model/checkpoint_config.h"
#include "engine/model/checkpoint_folder.h"
#include "engine/model/checkpoint_piece.h"

/* AdamW's moments, by PyTorch's names. */
static const char *const moments[2] = {".exp_avg", ".exp_avg_sq"};

static void moment_name(char out[160], const struct checkpoint_piece *piece, int moment)
{
    (void)snprintf(out, 160, "%s%s", piece->name, moments[moment]);
}

static const real *moment_of(const struct model *m, const struct checkpoint_piece *piece, int moment)
{
    return (moment ? m->moment2 : m->moment1) + piece->offset;
}

static void build_header(struct str *header, const struct model *m, int64_t step, const char *identity,
                         const char *checksum)
{
    struct checkpoint_piece piece;
    int64_t at = 0;
    char digits[32];
    (void)snprintf(digits, sizeof digits, "%" PRId64, step);
    safetensors_header_begin(header);
    safetensors_header_note(header, "step", digits);
    safetensors_header_note(header, "identity", identity);
    safetensors_header_note(header, "model", checksum);
    for (int64_t i = 0; checkpoint_piece_at(m, i, &piece); i++)
        for (int j = 0; j < 2; j++)
            safetensors_header_tensor(header, piece.name, moments[j], DTYPE_F32, piece.rows, piece.columns,
                                      &at);
    safetensors_header_end(header);
}

static enum status write_optimizer(const char *folder, const struct model *m, int64_t step,
                                   const char *identity, const char *checksum, int64_t *bytes,
                                   struct err *err)
{
    struct safetensors_writer w;
    struct checkpoint_piece piece;
    struct str header;
    char path[FOLDER_FILE];
    enum status status;
    (void)snprintf(path, sizeof path, "%s/optimizer.safetensors", folder);
    str_init(&header);
    build_header(&header, m, step, identity, checksum);
    status = safetensors_create(&w, path, &header, err);
    str_release(&header);
    if (status != STATUS_OK)
        return status;
    for (int64_t i = 0; status == STATUS_OK && checkpoint_piece_at(m, i, &piece); i++)
        for (int j = 0; status == STATUS_OK && j < 2; j++)
            status = checkpoint_put_floats(&w, moment_of(m, &piece, j), checkpoint_piece_size(&piece), err);
    *bytes += w.bytes;
    return safetensors_finish(&w, NULL, status, err);
}

enum status checkpoint_save_state(const char *path, const struct model *model, int64_t step,
                                  const char *identity, int64_t *bytes, struct err *err)
{
    struct checkpoint_folder folder;
    char checksum[HASH_TEXT_SIZE];
    int64_t written = 0;
    enum status status;
    ASSERT(model->trains && step >= 0);
    status = checkpoint_folder_begin(&folder, path, err);
    if (status != STATUS_OK)
        return status;
    status = checkpoint_write_tensors(folder.staged, model, NULL, checksum, &written, err);
    if (status == STATUS_OK)
        status = checkpoint_write_config(folder.staged, &model->config, false, &written, err);
    if (status == STATUS_OK)
        status = write_optimizer(folder.staged, model, step, identity, checksum, &written, err);
    status = checkpoint_folder_end(&folder, status, err);
    if (status == STATUS_OK && bytes)
        *bytes = written;
    return status;
}

/* config.json has to be, byte for byte, what this model's would be. */
static enum status check_config(const char *folder, const struct config *config, struct err *err)
{
    struct str wanted;
    char path[FOLDER_FILE], *text;
    FILE *file;
    size_t n = 0;
    bool same;
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    file = fopen(path, "re");
    if (!file)
        return err_set(err, errno == ENOENT ? STATUS_CORRUPT : STATUS_IO, "%s: %s", path, strerror(errno));
    str_init(&wanted);
    checkpoint_config_format(&wanted, config, false);
    text = malloc(wanted.length + 2);
    NEED_MEMORY(text);
    n = fread(text, 1, wanted.length + 1, file);
    same = n == wanted.length && memcmp(text, wanted.text, n) == 0;
    free(text);
    str_release(&wanted);
    (void)fclose(file);
    return same ? STATUS_OK
                : err_set(err, STATUS_FORMAT,
                          "%s: the state is of another configuration; choose another folder, or remove it",
                          path);
}

/* What the optimizer's notes have to say; *step is written on success. */
static enum status check_notes(const struct safetensors *optimizer, const struct safetensors *model,
                               const char *identity, int64_t *step, struct err *err)
{
    const char *digits = safetensors_note(optimizer, "step"),
               *whose = safetensors_note(optimizer, "identity");
    const char *told = safetensors_note(optimizer, "model"), *found = safetensors_note(model, "xxh3_128");
    char *end;
    int64_t number;
    if (!digits || !whose || !told)
        return err_set(err, STATUS_FORMAT, "%s: byte 8: no step, identity or model in its __metadata__",
                       optimizer->path);
    if (strcmp(whose, identity) != 0)
        return err_set(err, STATUS_FORMAT, "%s: the state is of another run: %.200s, not %.200s",
                       optimizer->path, whose, identity);
    if (strcmp(told, found) != 0)
        return err_set(err, STATUS_CORRUPT, "%s: belongs to another model.safetensors than the one beside it",
                       optimizer->path);
    errno = 0;
    number = strtoll(digits, &end, 10);
    if (errno || end == digits || *end || number < 0)
        return err_set(err, STATUS_FORMAT, "%s: byte %zu: '%.32s' is no step", optimizer->path,
                       safetensors_place(optimizer, "step"), digits);
    *step = number;
    return STATUS_OK;
}

/* Looks at all moments (fill false), or takes them. */
static enum status take_moments(const struct checkpoint_files *files, struct model *m, bool fill,
                                struct err *err)
{
    struct checkpoint_piece piece;
    size_t n = 0;
    for (int64_t i = 0; checkpoint_piece_at(m, i, &piece); i++) {
        for (int j = 0; j < 2; j++, n++) {
            const uint8_t *data;
            enum dtype dtype;
            char name[160];
            enum status status;
            moment_name(name, &piece, j);
            status = checkpoint_take(files, name, piece.rows, piece.columns, &data, &dtype, err);
            if (status == STATUS_OK && dtype != DTYPE_F32)
                status = checkpoint_not_floats(files, name, err);
            if (status != STATUS_OK)
                return status;
            if (fill)
                checkpoint_convert((j ? m->moment2 : m->moment1) + piece.offset, data, dtype,
                                   checkpoint_piece_size(&piece));
        }
    }
    return n == files->files->n
               ? STATUS_OK
               : err_set(err, STATUS_FORMAT, "%s: holds %zu tensors, the model has %zu moments", files->place,
                         files->files->n, n);
}

static enum status load_both(const char *folder, const struct checkpoint_files *optimizer,
                             struct model *model, const char *identity, int64_t *step, struct err *err)
{
    struct checkpoint_files weights;
    int64_t found = 0;
    enum status status = checkpoint_files_open(&weights, folder, err);
    if (status != STATUS_OK) /* beside an optimizer's file it may not be missing */
        return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    status = safetensors_verify(weights.files, true, err);
    if (status == STATUS_OK)
        status = safetensors_verify(optimizer->files, true, err);
    if (status == STATUS_OK)
        status = check_notes(optimizer->files, weights.files, identity, &found, err);
    if (status == STATUS_OK)
        status = check_config(folder, &model->config, err);
    if (status == STATUS_OK)
        status = take_moments(optimizer, model, false, err);
    if (status == STATUS_OK)
        status = checkpoint_fill(&weights, model, err);
    if (status == STATUS_OK)
        status = take_moments(optimizer, model, true, err);
    if (status == STATUS_OK)
        *step = found;
    checkpoint_files_close(&weights);
    return status;
}

enum status checkpoint_load_state(const char *path, struct model *model, const char *identity, int64_t *step,
                                  struct err *err)
{
    struct safetensors file;
    struct checkpoint_files optimizer = {.files = &file, .n = 1};
    char folder[FOLDER_PATH + 8];
    enum status status;
    ASSERT(model->trains);
    checkpoint_folder_reading(folder, path);
    (void)snprintf(optimizer.place, sizeof optimizer.place, "%s/optimizer.safetensors", folder);
    status = safetensors_open(&file, optimizer.place, err);
    if (status != STATUS_OK)
        return status;
    status = load_both(folder, &optimizer, model, identity, step, err);
    safetensors_close(&file);
    return status;
}
