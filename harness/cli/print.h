/* SPDX-License-Identifier: Apache-2.0 */
/* print.h — a table on standard output, in the form that was asked for, and numbers for people. */
#ifndef HARNESS_CLI_PRINT_H
#define HARNESS_CLI_PRINT_H

#include <stddef.h>

#include "engine/base/table.h"
#include "harness/cli/commands.h"

/* --json: one object with the schema's name; --csv; otherwise columns for people. Returns an exit code. */
MUST_CHECK int print_table(const struct invocation *invocation, const struct table *table, const char *schema);

/* "16.2 M", "310 k": a count as people say it. */
void print_count_text(char *out, size_t size, double count);

#endif
