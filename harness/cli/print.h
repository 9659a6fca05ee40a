/* SPDX-License-Identifier: Apache-2.0 */
/* print.h — a table on standard output, in the form that was asked for. */
#ifndef HARNESS_CLI_PRINT_H
#define HARNESS_CLI_PRINT_H

#include "engine/base/table.h"
#include "harness/cli/commands.h"

/* --json: one object with the schema's name; --csv; otherwise columns for people. Returns an exit code. */
MUST_CHECK int print_table(const struct invocation *invocation, const struct table *table, const char *schema);

#endif
