/* SPDX-License-Identifier: Apache-2.0 */
/* quantize.c — tensor by tensor, row by row. */
#include "engine/shrink/quantize.h"

#include <stdlib.h>

enum status quantize_i8(struct weights_i8 *out, const struct model *model, struct err *err)
{
    struct weights_i8 w = {0};
    for (int i = 0; i < TENSOR_COUNT; i++) {
        const struct tensor_info *info = &model->info[i];
        w.scale_offset[i] = w.n_scales;
        if (weights_i8_covers(info->kind))
            w.n_scales += info->layers * info->count * info->rows;
    }
    w.q = calloc((size_t)model->n_params, 1);
    w.scale = calloc((size_t)w.n_scales, sizeof *w.scale);
    if (!w.q || !w.scale) {
        quantize_release(&w);
        return err_set(err, STATUS_MEMORY, "no memory for %lld quantised weights", (long long)model->n_params);
    }
    for (int i = 0; i < TENSOR_COUNT; i++) {
        const struct tensor_info *info = &model->info[i];
        if (weights_i8_covers(info->kind))
            matrix_i8_quantize(w.q + info->offset, w.scale + w.scale_offset[i], model->params + info->offset,
                               info->layers * info->count * info->rows, (int)info->columns);
    }
    *out = w;
    return STATUS_OK;
}

void quantize_release(struct weights_i8 *weights)
{
    free(weights->q);
    free(weights->scale);
    *weights = (struct weights_i8){0};
}

int64_t quantize_weight_bytes(const struct model *model, const struct weights_i8 *weights)
{
    int64_t bytes = 4 * weights->n_scales;
    for (int i = 0; i < TENSOR_COUNT; i++)
        bytes += model->info[i].size * (weights_i8_covers(model->info[i].kind) ? 1 : 4);
    return bytes;
}
