/* SPDX-License-Identifier: Apache-2.0 */
/* length.c — see length.h. */
#include "harness/spec/length.h"

#include <string.h>

/* Whether the axis gives budgets: a single 0 stands for none. */
static bool is_budget(const struct axis *axis)
{
    double budget;
    if (!axis || axis->n != 1)
        return axis != NULL;
    memcpy(&budget, axis->values, sizeof budget);
    return budget > 0;
}

enum status length_choose(struct grid *grid, struct err *err)
{
    const struct axis **tokens = &grid->axes[knob_index(knob_find("train.tokens"))];
    const struct axis **flops = &grid->axes[knob_index(knob_find("train.flops"))];
    if (!*tokens || !is_budget(*flops))
        return STATUS_OK;
    if (!(*tokens)->place.override == !(*flops)->place.override)
        return place_error(&(*flops)->place, err, "train.flops and train.tokens are both given, and each says how "
                           "long is trained; leave one out");
    if ((*tokens)->place.override)
        *flops = NULL;
    else
        *tokens = NULL;
    return STATUS_OK;
}
