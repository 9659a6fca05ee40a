/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_files.c — see checkpoint_files.h. A tensor is looked for only in the file that the index
 * names for it. */
#include "engine/model/checkpoint_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/model/checkpoint_folder.h"

enum { LONGEST_INDEX = 64 << 20, INDEX_MEMORY = 128 << 20, MOST_FILES = 10000 };

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const struct safetensors *file_called(const struct checkpoint_files *f, const char *name)
{
    for (size_t i = f->n;
         i-- > 0;) /* neighbours in the index mostly lie in the same file, the one opened last */
        if (strcmp(base_name(f->files[i].path), name) == 0)
            return &f->files[i];
    return NULL;
}

/* Opens the file of one line of the index, unless it is open. */
static enum status open_shard(struct checkpoint_files *f, const char *folder, const struct json_walk *line,
                              struct err *err)
{
    const char *name;
    char path[FOLDER_FILE + 256];
    struct safetensors *files;
    enum status status;
    if (!json_get_text(line->value, &name) || !str_is_name(name))
        return err_set(err, STATUS_FORMAT, "%s: tensor '%.63s' is not in a file whose name could be one",
                       f->place, line->key);
    if (file_called(f, name))
        return STATUS_OK;
    if (f->n == MOST_FILES)
        return err_set(err, STATUS_FORMAT, "%s: names more than %d files", f->place, MOST_FILES);
    files = realloc(f->files, (f->n + 1) * sizeof *files);
    NEED_MEMORY(files);
    f->files = files;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    status = safetensors_open(&f->files[f->n], path, err);
    f->n += status == STATUS_OK;
    return status == STATUS_NOT_FOUND
               ? err_set(err, STATUS_FORMAT, "%s: file '%s' is missing", f->place, name)
               : status;
}

static enum status open_sharded(struct checkpoint_files *f, const char *folder, struct err *err)
{
    const struct json *map;
    struct json_walk line = {0};
    enum status status = json_read(&f->index, f->place, LONGEST_INDEX, INDEX_MEMORY, err);
    if (status != STATUS_OK)
        return status;
    map = json_member(f->index, "weight_map");
    if (json_kind(map) != JSON_IS_OBJECT)
        return err_set(err, STATUS_FORMAT, "%s: weight_map is %s, not an object", f->place,
                       json_kind_name(json_kind(map)));
    while (status == STATUS_OK && json_next(map, &line))
        status = open_shard(f, folder, &line, err);
    return status;
}

enum status checkpoint_files_open(struct checkpoint_files *out, const char *folder, struct err *err)
{
    struct checkpoint_files f = {0};
    char single[FOLDER_FILE];
    enum status status;
    (void)snprintf(single, sizeof single, "%s/model.safetensors", folder);
    (void)snprintf(f.place, sizeof f.place, "%s/model.safetensors.index.json", folder);
    if (access(single, F_OK) == 0 || access(f.place, F_OK) != 0) {
        (void)str_copy(f.place, sizeof f.place, single);
        f.files = calloc(1, sizeof *f.files);
        NEED_MEMORY(f.files);
        status = safetensors_open(f.files, single, err);
        f.n = status == STATUS_OK;
    } else {
        status = open_sharded(&f, folder, err);
    }
    if (status == STATUS_OK)
        *out = f;
    else
        checkpoint_files_close(&f);
    return status;
}

void checkpoint_files_close(struct checkpoint_files *f)
{
    for (size_t i = 0; i < f->n; i++)
        safetensors_close(&f->files[i]);
    free(f->files);
    json_free(f->index);
    *f = (struct checkpoint_files){0};
}

enum status checkpoint_files_find(const struct checkpoint_files *f, const char *name,
                                  const struct safetensors **file, struct safetensors_tensor **tensor,
                                  struct err *err)
{
    const struct safetensors *in = f->files;
    const char *shard = NULL;
    struct safetensors_tensor *found;
    if (f->index)
        in = json_get_text(json_member(json_member(f->index, "weight_map"), name), &shard)
                 ? file_called(f, shard)
                 : NULL;
    found = in ? safetensors_find(in, name) : NULL;
    if (!found)
        return err_set(err, STATUS_FORMAT, "%s: byte %zu: tensor '%s' is missing", in ? in->path : f->place,
                       in ? in->data_at : 0, name);
    *file = in;
    *tensor = found;
    return STATUS_OK;
}

enum status checkpoint_files_verify(const struct checkpoint_files *f, struct err *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < f->n; i++)
        status = safetensors_verify(&f->files[i], false, err);
    return status;
}
