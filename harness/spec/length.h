/* SPDX-License-Identifier: Apache-2.0 */
/* length.h — how long a grid's trials train: by train.tokens or by train.flops. */
#ifndef HARNESS_SPEC_LENGTH_H
#define HARNESS_SPEC_LENGTH_H

#include "harness/spec/spec.h"

/* Lets -S take the place of the other of the two in the file; any other grid that has both is refused (STATUS_USAGE) at
 * the place of train.flops. */
MUST_CHECK enum status length_choose(struct grid *grid, struct err *err);

#endif
