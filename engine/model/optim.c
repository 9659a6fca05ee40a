/* SPDX-License-Identifier: Apache-2.0 */
/* optim.c — one pass over each tensor; clipping is folded into the gradient's scale. */
#include "engine/model/optim.h"

#include <math.h>

#include "engine/math/vec.h"

double adamw_step(struct model *model, const struct adamw *adamw, double rate, int64_t step)
{
    double norm = sqrt(vec->sum_squares(model->gradients, model->n_params));
    double clip = adamw->clip > 0 && norm > adamw->clip ? adamw->clip / norm : 1;
    if (!isfinite(norm))
        return norm;
    for (int i = 0; i < TENSOR_COUNT; i++) {
        const struct tensor_info *info = &model->info[i];
        bool decays = info->kind != KIND_NORM && info->kind != KIND_EMBED;
        double factor = config_rate_factor(&model->config, info);
        struct adamw_factors factors = {
            .rate = (real)(rate * factor),
            .beta1 = (real)adamw->beta1,
            .beta2 = (real)adamw->beta2,
            .correction1 = (real)(1 / (1 - pow(adamw->beta1, (double)step))),
            .correction2 = (real)(1 / (1 - pow(adamw->beta2, (double)step))),
            .epsilon = (real)adamw->epsilon,
            .decay = decays ? (real)(adamw->weight_decay / factor) : 0,
            .gradient_scale = (real)clip,
        };
        vec->adamw(model->params + info->offset, model->moment1 + info->offset, model->moment2 + info->offset,
                   model->gradients + info->offset, &factors, info->size);
    }
    return norm;
}

double schedule_factor(int64_t step, int64_t steps, double warmup, double decay)
{
    double rising = fmax(1, round(warmup * (double)steps)), falling = fmax(1, round(decay * (double)steps));
    double up = (double)(step + 1) / rising, down = (double)(steps - step) / falling;
    return fmin(1, fmin(up, decay > 0 ? down : 1));
}
