/* SPDX-License-Identifier: Apache-2.0 */
/* optim.h — AdamW with global-norm clipping (Loshchilov & Hutter 2019, algorithm 2; Pascanu 2013, algorithm 1).
 *
 * Weight decay is decoupled and spares norms and embeddings. The learning rate of a tensor is the step's rate
 * times config_rate_factor (muP); what decay takes at a step is rate times weight_decay, without that factor. The
 * moments live in the model. A step works on the block of parameters in blocks of ADAMW_BLOCK numbers, whatever tensors
 * they belong to, so that several threads can share it without changing a sum. */
#ifndef ENGINE_MODEL_OPTIM_H
#define ENGINE_MODEL_OPTIM_H

#include <stdint.h>

#include "engine/model/model.h"

enum { ADAMW_BLOCK = 1 << 16 };

struct adamw {
    double beta1, beta2;
    double epsilon;
    double weight_decay;
    double clip; /* largest global norm; 0: no clipping */
};

/* One step with the gradients as they are; step counts from 1. Returns the gradients' global norm before
 * clipping; when that is not finite the weights are left alone. */
double adamw_step(struct model *model, const struct adamw *adamw, double rate, int64_t step);

/* Its parts: the number of blocks; the sum of squares of one block of the gradient; and, given the global norm, the
 * update of the blocks first, first + stride, first + 2 stride … */
int64_t adamw_blocks(const struct model *model);
double adamw_squares(const struct model *model, int64_t block);
void adamw_update(struct model *model, const struct adamw *adamw, double rate, int64_t step, double norm,
                  int64_t first, int64_t stride);

#endif
