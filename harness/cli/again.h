/* SPDX-License-Identifier: Apache-2.0 */
/* again.h — the command line that would do the same again: what the store remembers of how its trials came about. */
#ifndef HARNESS_CLI_AGAIN_H
#define HARNESS_CLI_AGAIN_H

#include "engine/base/str.h"
#include "harness/cli/commands.h"

/* Appends "isoflop NAME ARGUMENTS --OPTION VALUE …": all arguments, and of the options those named in kept (ends with
 * NULL) that were given: what decides which trials run. Words are quoted for a shell where they need it. */
void again_append(const struct invocation *invocation, const char *const *kept, struct str *out);

#endif
