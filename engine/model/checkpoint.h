/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.h — a model on disk, in the form others read: a folder with model.safetensors and config.json in
 * the Hugging Face layout and tensor names (LlamaForCausalLM, MixtralForCausalLM).
 *
 * Full precision is F32. An 8-bit model stores its matrices as I8 and one F32 scale per row under
 * "<name>_scale"; others can read both by name. Files are written beside their final place, synced and renamed,
 * config.json last, so a folder with a config.json is whole. What config.json has no standard key for lies under
 * "isoflop". */
#ifndef ENGINE_MODEL_CHECKPOINT_H
#define ENGINE_MODEL_CHECKPOINT_H

#include "engine/model/infer.h"
#include "engine/model/model.h"

/* Writes model (with i8 != NULL: its 8-bit form) into folder, which is made when missing (its parent must exist).
 * *bytes (may be NULL) gets the size of both files. */
MUST_CHECK enum status checkpoint_save(const char *folder, const struct model *model, const struct weights_i8 *i8,
                                       int64_t *bytes, struct err *err);

/* Reads the shape. *is_i8 says whether the matrices are stored in 8 bits. STATUS_NOT_FOUND without a
 * config.json, STATUS_FORMAT when it does not describe a model of this family. */
MUST_CHECK enum status checkpoint_config(const char *folder, struct config *out, bool *is_i8, struct err *err);

/* Fills an open model of that shape; 8-bit matrices are given back as the numbers they stand for, so quantising
 * them again yields the same integers. Every length is checked against the file before it is used; the error names
 * the tensor. */
MUST_CHECK enum status checkpoint_load(const char *folder, struct model *model, struct err *err);

/* For checkpoint_*.c: one tensor of the file and where it lies in the block of parameters. */
struct checkpoint_piece {
    char name[128];
    enum tensor_id id;
    int64_t offset;         /* in the block of parameters */
    int64_t rows, columns;  /* columns 0: a vector of `rows` numbers */
    int64_t first_scale;    /* index of the first row's scale in weights_i8, where quantised */
};

/* Piece number i in file order; false past the last one. */
bool checkpoint_piece_at(const struct model *model, int64_t i, struct checkpoint_piece *out);

#endif
