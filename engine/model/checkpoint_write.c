/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_write.c — a model's tensors and its config.json, into a folder that becomes the final one when all of it
 * is on disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/str.h"
#include "engine/model/checkpoint_config.h"
#include "engine/model/checkpoint_folder.h"
#include "engine/model/checkpoint_piece.h"
#include "engine/model/safetensors.h"

static bool in_i8(const struct checkpoint_piece *piece, const struct model *m, const struct weights_i8 *i8)
{
    return i8 && weights_i8_covers(m->info[piece->id].kind);
}

static void build_header(struct str *header, const struct model *m, const struct weights_i8 *i8)
{
    struct checkpoint_piece piece;
    int64_t at = 0;
    safetensors_header_begin(header);
    for (int64_t i = 0; checkpoint_piece_at(m, i, &piece); i++)
        safetensors_header_tensor(header, piece.name, "", in_i8(&piece, m, i8) ? DTYPE_I8 : DTYPE_F32,
                                  piece.rows, piece.columns, &at);
    for (int64_t i = 0; i8 && checkpoint_piece_at(m, i, &piece);
         i++) /* after all else, which stays aligned */
        if (in_i8(&piece, m, i8))
            safetensors_header_tensor(header, piece.name, "_scale", DTYPE_F32, piece.rows, 0, &at);
    safetensors_header_end(header);
}

enum status checkpoint_put_floats(struct safetensors_writer *w, const real *numbers, int64_t n,
                                  struct err *err)
{
    float buffer[4096];
    enum status status = STATUS_OK;
    while (n > 0 && status == STATUS_OK) {
        int64_t part = n < 4096 ? n : 4096;
        for (int64_t i = 0; i < part; i++)
            buffer[i] = (float)numbers[i];
        status = safetensors_put(w, buffer, (size_t)part * sizeof *buffer, err);
        numbers += part;
        n -= part;
    }
    return status;
}

static enum status put_tensors(struct safetensors_writer *w, const struct model *m,
                               const struct weights_i8 *i8, struct err *err)
{
    struct checkpoint_piece piece;
    enum status status = STATUS_OK;
    for (int64_t i = 0; status == STATUS_OK && checkpoint_piece_at(m, i, &piece); i++) {
        if (in_i8(&piece, m, i8))
            status = safetensors_put(w, i8->q + piece.offset, (size_t)checkpoint_piece_size(&piece), err);
        else
            status = checkpoint_put_floats(w, m->params + piece.offset, checkpoint_piece_size(&piece), err);
    }
    for (int64_t i = 0; i8 && status == STATUS_OK && checkpoint_piece_at(m, i, &piece); i++)
        if (in_i8(&piece, m, i8))
            status = checkpoint_put_floats(w, i8->scale + piece.first_scale, piece.rows, err);
    return status;
}

enum status checkpoint_write_tensors(const char *folder, const struct model *m, const struct weights_i8 *i8,
                                     char *checksum, int64_t *bytes, struct err *err)
{
    struct safetensors_writer w;
    struct str header;
    char path[FOLDER_FILE];
    enum status status;
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    str_init(&header);
    build_header(&header, m, i8);
    status = safetensors_create(&w, path, &header, err);
    str_release(&header);
    if (status != STATUS_OK)
        return status;
    status = put_tensors(&w, m, i8, err);
    *bytes += w.bytes;
    return safetensors_finish(&w, checksum, status, err);
}

/* A whole small file, synced. */
static enum status write_file(const char *path, const struct str *text, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool whole = true;
    if (fd < 0)
        return err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    for (size_t at = 0; whole && at < text->length;) {
        ssize_t written = write(fd, text->text + at, text->length - at);
        whole = written > 0 || (written < 0 && errno == EINTR);
        at += written > 0 ? (size_t)written : 0;
    }
    whole = whole && fsync(fd) == 0;
    if (!whole)
        (void)err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    if (close(fd) != 0 && whole)
        return err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    return whole ? STATUS_OK : STATUS_IO;
}

enum status checkpoint_write_config(const char *folder, const struct config *config, bool is_i8,
                                    int64_t *bytes, struct err *err)
{
    struct str json;
    char path[FOLDER_FILE];
    enum status status;
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    str_init(&json);
    checkpoint_config_format(&json, config, is_i8);
    status = write_file(path, &json, err);
    *bytes += (int64_t)json.length;
    str_release(&json);
    return status;
}

enum status checkpoint_save(const char *path, const struct model *model, const struct weights_i8 *i8,
                            int64_t *bytes, struct err *err)
{
    struct checkpoint_folder folder;
    int64_t written = 0;
    enum status status = checkpoint_folder_begin(&folder, path, err);
    if (status != STATUS_OK)
        return status;
    status = checkpoint_write_tensors(folder.staged, model, i8, NULL, &written, err);
    if (status == STATUS_OK)
        status = checkpoint_write_config(folder.staged, &model->config, i8 != NULL, &written, err);
    status = checkpoint_folder_end(&folder, status, err);
    if (status == STATUS_OK && bytes)
        *bytes = written;
    return status;
}
