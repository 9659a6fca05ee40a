/* SPDX-License-Identifier: Apache-2.0 */
/* loss.c — loss and gradient in one pass over a row that is still in cache. */
#include "engine/layers/loss.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "engine/math/vec.h"

static uint8_t is_first(const real *row, int target, real top, int V)
{
    if (!(row[target] >= top))
        return 0;
    for (int v = 0; v < target && v < V; v++)
        if (row[v] >= top)
            return 0;
    return 1;
}

void cross_entropy(real *losses, uint8_t *first, real *logits, const int32_t *targets, real scale, int n, int V)
{
    for (int t = 0; t < n; t++) {
        real *row = logits + (size_t)t * (size_t)V;
        int target = targets[t];
        real top, chosen, sum;
        if (target < 0) {
            losses[t] = 0;
            memset(row, 0, (size_t)V * sizeof(real));
            if (first)
                first[t] = 0;
            continue;
        }
        top = vec->max(row, V);
        chosen = row[target];
        if (first)
            first[t] = is_first(row, target, top, V);
        sum = vec->exp_sum(row, row, top, V);
        losses[t] = (real)(log((double)sum) + (double)top - (double)chosen);
        if (scale > 0) {
            vec->scale(row, scale / sum, V);
            row[target] -= scale;
        }
    }
}
