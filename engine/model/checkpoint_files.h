/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_files.h — the tensors of a folder, wherever they lie: in model.safetensors, or in several files that
 * model.safetensors.index.json tells apart ("weight_map": tensor -> file). For checkpoint_*.c. */
#ifndef ENGINE_MODEL_CHECKPOINT_FILES_H
#define ENGINE_MODEL_CHECKPOINT_FILES_H

#include "engine/model/safetensors.h"

struct checkpoint_files {
    char place[1088];          /* the file that says where tensors are, for messages */
    struct safetensors *files; /* (n), owned */
    size_t n;
    struct json *index; /* NULL: one file */
};

/* Maps all files. STATUS_NOT_FOUND when there is neither model.safetensors nor an index. */
MUST_CHECK enum status checkpoint_files_open(struct checkpoint_files *out, const char *folder,
                                             struct err *err);
void checkpoint_files_close(struct checkpoint_files *files);

/* The tensor and its file; STATUS_FORMAT when it is missing. */
MUST_CHECK enum status checkpoint_files_find(const struct checkpoint_files *files, const char *name,
                                             const struct safetensors **file,
                                             struct safetensors_tensor **tensor, struct err *err);

/* Compares every file that has one with its checksum (STATUS_CORRUPT). */
MUST_CHECK enum status checkpoint_files_verify(const struct checkpoint_files *files, struct err *err);

#endif
