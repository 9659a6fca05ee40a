/* SPDX-License-Identifier: Apache-2.0 */
/* record.c — see record.h. The names are those of the states in the store's trial table. */
#include "harness/run/record.h"

#include <string.h>

static const char *const names[OUTCOME_COUNT] = {
    [OUTCOME_DONE] = "done",
    [OUTCOME_FAILED] = "failed",
    [OUTCOME_DIVERGED] = "diverged",
    [OUTCOME_TIMEOUT] = "timeout",
    [OUTCOME_OOM] = "oom",
    [OUTCOME_INTERRUPTED] = "interrupted",
};

const char *outcome_name(enum outcome outcome)
{
    return (unsigned)outcome < OUTCOME_COUNT ? names[outcome] : "unknown";
}

enum outcome outcome_from_name(const char *name)
{
    int i = 0;
    while (i < OUTCOME_COUNT && strcmp(name, names[i]) != 0)
        i++;
    return (enum outcome)i;
}
