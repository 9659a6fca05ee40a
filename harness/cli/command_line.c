/* SPDX-License-Identifier: Apache-2.0 */
/* command_line.c — reading one command line by the table in commands.c. */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/str.h"
#include "harness/cli/commands.h"

/* ---- the options that commands share ---- */

static const struct option_row db_option[] = {
    {.name = "db",
     .kind = OPTION_TEXT,
     .metavar = "FILE",
     .preset = "results/isoflop.db",
     .help = "the store: one SQLite file"},
    {.name = NULL},
};
static const struct option_row json_option[] = {
    {.name = "json", .help = "print one JSON object"},
    {.name = NULL},
};
static const struct option_row csv_option[] = {
    {.name = "csv", .help = "print comma-separated values"},
    {.name = NULL},
};
static const struct option_row general_options[] = {
    {.name = "quiet", .letter = 'q', .help = "only results and errors"},
    {.name = "verbose", .letter = 'v', .help = "say more about what is being done"},
    {.name = "no-color", .help = "no colours, also on a terminal"},
    {.name = "help", .letter = 'h', .help = "show this help"},
    {.name = NULL},
};

void command_options(const struct command *command, struct options *options)
{
    options_init(options);
    options_add(options, command->options);
    options_add(options, command->flags & COMMAND_DB ? db_option : NULL);
    options_add(options, command->flags & COMMAND_JSON ? json_option : NULL);
    options_add(options, command->flags & COMMAND_CSV ? csv_option : NULL);
    options_add(options, general_options);
}

/* ---- finding ---- */

const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static const char *visible(int i, const void *context)
{
    const struct command *command = context;
    for (; command->name; command++)
        if (!(command->flags & COMMAND_HIDDEN) && i-- == 0)
            return command->name;
    return NULL;
}

enum status command_unknown(const char *name, struct err *err)
{
    const char *nearest = str_nearest(name, visible, commands);
    if (nearest)
        return err_set(err, STATUS_USAGE, "unknown command '%s'; did you mean '%s'?", name, nearest);
    return err_set(err, STATUS_USAGE, "unknown command '%s'; see  isoflop --help", name);
}

/* ---- reading ---- */

void command_arguments(const struct command *command, int *least, int *most)
{
    *least = *most = 0;
    for (const char *word = command->arguments; *word; word += strspn(word, " ")) {
        size_t n = strcspn(word, " ");
        *least += word[0] != '[';
        *most += 1;
        if (memmem(word, n, "...", 3)) {
            ASSERT(word[n] == 0);
            *most = -1;
        }
        word += n;
    }
}

static enum status check_arguments(const struct command *command, const struct options *options,
                                   struct err *err)
{
    int least, most, n = options->n_arguments;
    command_arguments(command, &least, &most);
    if (n < least)
        return err_set(err, STATUS_USAGE, "'%s' needs %s%s%s", command->name, command->arguments,
                       command->examples ? ", as in  " : "",
                       command->examples ? command->examples[0].line : "");
    if (most == 0 && n > 0)
        return err_set(err, STATUS_USAGE, "'%s' takes options only, not '%s'", command->name,
                       options->arguments[0]);
    if (most > 0 && n > most)
        return err_set(err, STATUS_USAGE, "'%s' takes only %s; what is '%s'?", command->name,
                       command->arguments, options->arguments[most]);
    return STATUS_OK;
}

/* Whether help is asked for before a "--": then a mistake elsewhere on the line does not matter. */
static bool asks_help(int n, char **words)
{
    for (int i = 0; i < n && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return true;
    return false;
}

enum status command_read(const struct command *command, int n, char **words, struct invocation *out,
                         bool *help, struct err *err)
{
    const struct options *options = &out->options;
    enum status status;
    *out = (struct invocation){.command = command};
    command_options(command, &out->options);
    *help = asks_help(n, words);
    if (*help)
        return STATUS_OK;
    status = options_parse(&out->options, command->name, n, words, err);
    if (status)
        return status;
    *help = option_flag(options, "help"); /* bundled, as in -qh */
    if (*help)
        return STATUS_OK;
    out->db = command->flags & COMMAND_DB ? option_text(options, "db") : NULL;
    out->json = command->flags & COMMAND_JSON && option_flag(options, "json");
    out->csv = command->flags & COMMAND_CSV && option_flag(options, "csv");
    out->quiet = option_flag(options, "quiet");
    out->verbose = option_flag(options, "verbose");
    out->no_color = option_flag(options, "no-color");
    if (out->json && out->csv)
        return err_set(err, STATUS_USAGE, "--json and --csv exclude each other");
    return check_arguments(command, options, err);
}
