/* SPDX-License-Identifier: Apache-2.0 */
/* planned.h — a plan on standard output: what would run, and what it would cost. */
#ifndef HARNESS_CLI_PLANNED_H
#define HARNESS_CLI_PLANNED_H

#include "harness/cli/commands.h"
#include "harness/spec/plan.h"

/* For people, or as --json and --csv ask; the seconds are those with so many jobs. Returns an exit code. */
MUST_CHECK int planned_print(const struct invocation *invocation, const struct plan *plan, int jobs);

#endif
