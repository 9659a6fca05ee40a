/* SPDX-License-Identifier: Apache-2.0 */
/* man.h — the man page and the shell completions, made from the same tables as `--help`. */
#ifndef HARNESS_CLI_MAN_H
#define HARNESS_CLI_MAN_H

#include "engine/base/str.h"
#include "harness/cli/commands.h"

/* Appends the page isoflop(1), in roff with the man macros. */
void man_page(struct str *out);

/* Appends one command's part of it. */
void man_command(const struct command *command, struct str *out);

/* Appends a completion script for bash. */
void man_completions_bash(struct str *out);

#endif
