/* SPDX-License-Identifier: Apache-2.0 */
/* choice.h — some of the abilities, and how often each is practised.
 *
 * The shares follow Zipf's law with an exponent of one's own over the order chosen: 0 gives all the same (Michaud 2023
 * explains why other exponents make a mean loss that falls as a power law of thresholds). Plain data. */
#ifndef ENGINE_TASKS_CHOICE_H
#define ENGINE_TASKS_CHOICE_H

#include "engine/tasks/task.h"

enum { CHOICE_MOST = 64 };

struct task_choice {
    int n;
    const struct task *tasks[CHOICE_MOST];
    double share[CHOICE_MOST]; /* of the practised lines, adding up to 1; 0: only asked */
};

/* names: `demo` (five easy ones), `all`, or names separated by blanks, in which a last * stands for any ending.
 * STATUS_USAGE for what is no ability, chosen twice, or when none of them can be practised. */
MUST_CHECK enum status task_choose(const char *names, double zipf, struct task_choice *out, struct err *err);

#endif
