/* SPDX-License-Identifier: Apache-2.0 */
/* quantize.h — a trained model in 8 bits, without further training: round to nearest, one scale per row
 * (linear_i8.h). Embedding, norms and router keep full precision. */
#ifndef ENGINE_SHRINK_QUANTIZE_H
#define ENGINE_SHRINK_QUANTIZE_H

#include "engine/model/infer.h"

/* Makes the 8-bit weights of a model; quantize_release frees them. */
MUST_CHECK enum status quantize_i8(struct weights_i8 *out, const struct model *model, struct err *err);
void quantize_release(struct weights_i8 *weights);

/* Bytes of all weights as stored: 8 bits and scales where quantised, 32 bits elsewhere. */
int64_t quantize_weight_bytes(const struct model *model, const struct weights_i8 *weights);

#endif
