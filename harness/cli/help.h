/* SPDX-License-Identifier: Apache-2.0 */
/* help.h — what `--help` says, made from the tables of commands and options. Examples first; 80 columns. */
#ifndef HARNESS_CLI_HELP_H
#define HARNESS_CLI_HELP_H

#include "engine/base/str.h"
#include "harness/cli/commands.h"

enum { HELP_WIDTH = 80 };

/* Appends `isoflop --help`. */
void help_overview(struct str *out);

/* Appends `isoflop COMMAND --help`. */
void help_command(const struct command *command, struct str *out);

/* Appends text wrapped at HELP_WIDTH, every line after the first indented; `column` is where the first
 * begins. '\n' in the text begins a new paragraph. Ends with a line break. */
void help_wrap(struct str *out, const char *text, int column, int indent);

/* "-j, --jobs N", or "    --db FILE". */
void help_option_head(const struct option_row *row, struct str *out);

/* The help of a row with its choices and its default: "try failed trials again: none, failed, all
 * (default: none)". */
void help_option_text(const struct option_row *row, struct str *out);

#endif
