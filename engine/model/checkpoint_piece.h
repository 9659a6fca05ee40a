/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_piece.h — a model as the tensors that others know: what checkpoint_*.c share. */
#ifndef ENGINE_MODEL_CHECKPOINT_PIECE_H
#define ENGINE_MODEL_CHECKPOINT_PIECE_H

#include "engine/model/checkpoint.h"
#include "engine/model/checkpoint_files.h"

/* One tensor of the file, and where it lies in the block of parameters. */
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

/* Writing. The two files of a model into a folder that is being written; *bytes grows by their size; checksum (33 bytes)
 * may be NULL. */
MUST_CHECK enum status checkpoint_write_tensors(const char *folder, const struct model *model,
                                                const struct weights_i8 *i8, char *checksum, int64_t *bytes,
                                                struct err *err);
MUST_CHECK enum status checkpoint_write_config(const char *folder, const struct config *config, bool is_i8,
                                               int64_t *bytes, struct err *err);
MUST_CHECK enum status checkpoint_put_floats(struct safetensors_writer *writer, const real *numbers, int64_t n,
                                             struct err *err);

/* Reading. Where a tensor of that shape lies (columns 0: a vector), and as what; STATUS_FORMAT names it
 * and the byte. */
MUST_CHECK enum status checkpoint_take(const struct checkpoint_files *files, const char *name, int64_t rows,
                                       int64_t columns, const uint8_t **data, enum dtype *dtype, struct err *err);
/* The refusal of a tensor that is there, but in another type than F32. */
MUST_CHECK enum status checkpoint_not_floats(const struct checkpoint_files *files, const char *name, struct err *err);
/* Fills the weights, wholly or not at all. */
MUST_CHECK enum status checkpoint_fill(const struct checkpoint_files *files, struct model *model, struct err *err);

/* n numbers of type F32, F16 or BF16, from any address. */
void checkpoint_convert(real *to, const uint8_t *from, enum dtype dtype, int64_t n);

#endif
