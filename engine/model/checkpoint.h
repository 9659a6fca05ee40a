/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.h — a model on disk, in the form others read: a folder with model.safetensors and config.json in
 * the Hugging Face layout and tensor names (LlamaForCausalLM, MixtralForCausalLM); with optimizer.safetensors beside
 * them it is a training state.
 *
 * Full precision is F32. An 8-bit model stores its matrices as I8 and one F32 scale per row under
 * "<name>_scale"; others can read both by name. What config.json has no standard key for lies under "isoflop".
 * A folder is replaced as a whole (checkpoint_folder.h), and each of its safetensors files carries a checksum. */
#ifndef ENGINE_MODEL_CHECKPOINT_H
#define ENGINE_MODEL_CHECKPOINT_H

#include "engine/model/infer.h"
#include "engine/model/model.h"
#include "engine/model/safetensors.h"

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

/* Training state: the model, and in optimizer.safetensors AdamW's two moments under the tensors' names with
 * ".exp_avg" and ".exp_avg_sq"; `step` and `identity` in its __metadata__. identity is printable ASCII that says
 * which run this is: a state of another one is not taken for ours. The optimizer's file names the checksum of the
 * model's, so that files of two saves never pass for one state. No error replaces a good state. */
MUST_CHECK enum status checkpoint_save_state(const char *folder, const struct model *model, int64_t step,
                                             const char *identity, int64_t *bytes, struct err *err);

/* Fills weights and moments of an open training model of the same configuration. STATUS_NOT_FOUND when there is no
 * state; STATUS_FORMAT when it is of another identity, configuration or shape; STATUS_CORRUPT when it is damaged.
 * On failure the model and *step are as they were. */
MUST_CHECK enum status checkpoint_load_state(const char *folder, struct model *model, const char *identity,
                                             int64_t *step, struct err *err);

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

static inline int64_t checkpoint_piece_size(const struct checkpoint_piece *piece)
{
    return piece->rows * (piece->columns ? piece->columns : 1);
}

/* For checkpoint_*.c: the two files of a model into a folder that is being written; *bytes grows by their size. */
MUST_CHECK enum status checkpoint_write_tensors(const char *folder, const struct model *model,
                                                const struct weights_i8 *i8, char *checksum, int64_t *bytes,
                                                struct err *err);
MUST_CHECK enum status checkpoint_write_config(const char *folder, const struct config *config, bool is_i8,
                                               int64_t *bytes, struct err *err);
MUST_CHECK enum status checkpoint_put_floats(struct safetensors_writer *writer, const real *numbers, int64_t n,
                                             struct err *err);

/* For checkpoint_*.c: where a tensor of that shape lies (columns 0: a vector), and as what; STATUS_FORMAT names it
 * and the byte. Filling a model looks at all its tensors before it takes one. */
struct checkpoint_files;
MUST_CHECK enum status checkpoint_take(const struct checkpoint_files *files, const char *name, int64_t rows,
                                       int64_t columns, const uint8_t **data, enum dtype *dtype, struct err *err);
MUST_CHECK enum status checkpoint_fill(const struct checkpoint_files *files, struct model *model, struct err *err);

/* n numbers of type F32, F16 or BF16, from any address. */
void checkpoint_convert(real *to, const uint8_t *from, enum dtype dtype, int64_t n);

#endif
