/* SPDX-License-Identifier: Apache-2.0 */
/* optim.h — AdamW with global-norm clipping (Loshchilov & Hutter 2019, algorithm 2; Pascanu 2013, algorithm 1).
 *
 * Weight decay is decoupled and spares norms and embeddings. The learning rate of a tensor is the step's rate
 * times config_rate_factor (muP); what decay takes at a step is rate times weight_decay, without that factor. The
 * moments live in the model. */
#ifndef ENGINE_MODEL_OPTIM_H
#define ENGINE_MODEL_OPTIM_H

#include <stdint.h>

#include "engine/model/model.h"

struct adamw {
    double beta1, beta2;
    double epsilon;
    double weight_decay;
    double clip; /* largest global norm; 0: no clipping */
};

/* One step with the gradients as they are; step counts from 1. Returns the gradients' global norm before
 * clipping; when that is not finite the weights are left alone. */
double adamw_step(struct model *model, const struct adamw *adamw, double rate, int64_t step);

/* Warm-up, stable, decay (Hu 2024, eq. 1, with linear decay to zero): the factor on the peak rate at step
 * 0 … steps-1. warmup and decay are shares of the steps. */
double schedule_factor(int64_t step, int64_t steps, double warmup, double decay);

#endif
