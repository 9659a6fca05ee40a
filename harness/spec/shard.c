/* SPDX-License-Identifier: Apache-2.0 */
/* shard.c — see shard.h. */
#include "harness/spec/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

enum { SHARDS_MAX = 10000 };

void plan_keep(struct plan *plan, const char *keep)
{
    int kept = 0;
    for (int i = 0; i < plan->n_trials; i++)
        if (keep[i])
            plan->trials[kept++] = plan->trials[i];
    plan->n_trials = kept;
}

void plan_shard(struct plan *plan, int index, int n)
{
    char *keep = calloc((size_t)plan->n_trials + 1, 1);
    int dealt = 0;
    NEED_MEMORY(keep);
    ASSERT(index >= 1 && index <= n);
    for (int i = 0; i < plan->n_trials; i++) {
        const char *trunk = plan->trials[i].trunk;
        if (i > 0 && *trunk && strcmp(trunk, plan->trials[i - 1].trunk) == 0) { /* a plan lists a trunk's branches together */
            keep[i] = keep[i - 1];
            continue;
        }
        keep[i] = dealt % n == index - 1;
        dealt++;
    }
    plan_keep(plan, keep);
    free(keep);
}

enum status shard_parse(const char *text, int *index, int *n, struct err *err)
{
    int i, of, used = 0;
    if (sscanf(text, "%5d/%5d%n", &i, &of, &used) != 2 || text[used] || i < 1 || i > of || of > SHARDS_MAX)
        return err_set(err, STATUS_USAGE, "--shard takes i/n, the i-th of n shares, such as 1/4; not '%.40s'", text);
    *index = i;
    *n = of;
    return STATUS_OK;
}
