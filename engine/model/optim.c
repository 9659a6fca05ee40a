/* SPDX-License-Identifier: Apache-2.0 */
/* optim.c — one pass over each block of parameters; clipping is folded into the gradient's scale. */
#include "engine/model/optim.h"

#include <math.h>

#include "engine/math/vec.h"

/* The numbers [from, to) of one range. */
struct range {
    int64_t from, to;
};

static struct range block_range(const struct model *model, int64_t block)
{
    int64_t from = block * ADAMW_BLOCK, left = model->n_params - from;
    return (struct range){from, from + (left < ADAMW_BLOCK ? left : ADAMW_BLOCK)};
}

static struct range intersect(struct range a, struct range b)
{
    return (struct range){a.from > b.from ? a.from : b.from, a.to < b.to ? a.to : b.to};
}

int64_t adamw_blocks(const struct model *model)
{
    return (model->n_params + ADAMW_BLOCK - 1) / ADAMW_BLOCK;
}

double adamw_squares(const struct model *model, int64_t block)
{
    struct range r = block_range(model, block);
    return vec->sum_squares(model->gradients + r.from, r.to - r.from);
}

static struct adamw_factors factors_of(const struct model *model, const struct adamw *adamw, double rate, int64_t step,
                                       double clip, const struct tensor_info *tensor)
{
    bool decays = tensor->kind != KIND_NORM && tensor->kind != KIND_EMBED;
    double factor = config_rate_factor(&model->config, tensor);
    return (struct adamw_factors){
        .rate = (real)(rate * factor),
        .beta1 = (real)adamw->beta1,
        .beta2 = (real)adamw->beta2,
        .correction1 = (real)(1 / (1 - pow(adamw->beta1, (double)step))),
        .correction2 = (real)(1 / (1 - pow(adamw->beta2, (double)step))),
        .epsilon = (real)adamw->epsilon,
        .decay = decays ? (real)(adamw->weight_decay / factor) : 0,
        .gradient_scale = (real)clip,
    };
}

void adamw_update(struct model *model, const struct adamw *adamw, double rate, int64_t step, double norm,
                  int64_t first, int64_t stride)
{
    double clip = adamw->clip > 0 && norm > adamw->clip ? adamw->clip / norm : 1;
    if (!isfinite(norm))
        return;
    for (int i = 0; i < TENSOR_COUNT; i++) {
        const struct tensor_info *tensor = &model->info[i];
        struct range all = {tensor->offset, tensor->offset + tensor->size};
        struct adamw_factors factors = factors_of(model, adamw, rate, step, clip, tensor);
        for (int64_t block = first; block < adamw_blocks(model); block += stride) {
            struct range r = intersect(all, block_range(model, block));
            if (r.from < r.to)
                vec->adamw(model->params + r.from, model->moment1 + r.from, model->moment2 + r.from,
                           model->gradients + r.from, &factors, r.to - r.from);
        }
    }
}

double adamw_step(struct model *model, const struct adamw *adamw, double rate, int64_t step)
{
    double sum = 0, norm;
    for (int64_t block = 0; block < adamw_blocks(model); block++)
        sum += adamw_squares(model, block);
    norm = sqrt(sum);
    adamw_update(model, adamw, rate, step, norm, 0, 1);
    return norm;
}
