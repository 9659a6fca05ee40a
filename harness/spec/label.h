/* SPDX-License-Identifier: Apache-2.0 */
/* label.h — a short name of a trial for people: what makes it differ from the others of its plan. */
#ifndef HARNESS_SPEC_LABEL_H
#define HARNESS_SPEC_LABEL_H

#include <stddef.h>

#include "harness/spec/plan.h"

/* "width 96, 8 experts, 262 k tokens, seed 1": the knobs that vary in the plan, in table order; width and
 * tokens when none does. What does not fit is left out whole. */
void plan_label(const struct plan *plan, int i, char *out, size_t size);

#endif
