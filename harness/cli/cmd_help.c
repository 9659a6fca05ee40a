/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c — `isoflop help [COMMAND]`: the same text as --help, on standard output. */
#include <stdio.h>

#include "harness/cli/commands.h"
#include "harness/cli/help.h"

int cmd_help(struct invocation *invocation)
{
    const struct command *command = NULL;
    struct err err = ERR_INIT;
    struct str text;
    if (invocation->options.n_arguments == 1) {
        const char *name = invocation->options.arguments[0];
        command = command_find(name);
        if (!command) {
            (void)command_unknown(name, &err);
            return failed(&err);
        }
    }
    str_init(&text);
    if (command)
        help_command(command, &text);
    else
        help_overview(&text);
    (void)fputs(text.text, stdout);
    str_release(&text);
    return EXIT_CODE_DONE;
}
