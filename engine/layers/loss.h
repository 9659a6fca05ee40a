/* SPDX-License-Identifier: Apache-2.0 */
/* loss.h — cross-entropy of the next token, in nats. */
#ifndef ENGINE_LAYERS_LOSS_H
#define ENGINE_LAYERS_LOSS_H

#include <stdint.h>

#include "engine/base/real.h"

/* Losses (n) of rows of logits (n,V) against targets (n); a negative target is left out (loss 0). With
 * scale > 0 the logits are overwritten by scale * d loss / d logits (softmax - one-hot); with scale 0 they are
 * overwritten by scratch. first (n), where not NULL, says whether the target has the largest logit (a tie counts
 * for the lower token). */
void cross_entropy(real *losses, uint8_t *first, real *logits, const int32_t *targets, real scale, int n, int V);

#endif
