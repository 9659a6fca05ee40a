/* SPDX-License-Identifier: Apache-2.0 */
/* man.c — see man.h, and the two hidden commands that print them when the program is installed.
 * Invariant: every text from a table passes append_roff, so that none can be taken for a macro. */
#include "harness/cli/man.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "harness/cli/buildinfo.h"
#include "harness/cli/help.h"

/* ---- the page ---- */

/* Text as roff: a backslash and a dash are escaped, and a line cannot begin with a control character. */
static void append_roff(struct str *out, const char *text)
{
    bool line_begins = out->length == 0 || out->text[out->length - 1] == '\n';
    for (; *text; text++) {
        if (line_begins && (*text == '.' || *text == '\''))
            str_append(out, "\\&");
        line_begins = *text == '\n';
        switch (*text) {
        case '\\':
            str_append(out, "\\e");
            break;
        case '-':
            str_append(out, "\\-");
            break;
        case '\n':
            str_append(out, "\n.PP\n");
            break;
        default:
            str_append_char(out, *text);
        }
    }
}

/* A tagged paragraph: the tag in bold, the text below it. */
static void append_entry(struct str *out, const char *tag, const char *text)
{
    str_append(out, ".TP\n\\fB");
    append_roff(out, tag);
    str_append(out, "\\fR\n");
    append_roff(out, text);
    str_append_char(out, '\n');
}

static void append_examples(struct str *out, const struct example *examples)
{
    for (; examples && examples->line; examples++)
        append_entry(out, examples->line, examples->says);
}

static void append_option(struct str *out, const struct option_row *row)
{
    struct str head, text;
    str_init(&head);
    str_init(&text);
    help_option_head(row, &head);
    help_option_text(row, &text);
    append_entry(out, head.text + strspn(head.text, " "), text.text);
    str_release(&head);
    str_release(&text);
}

/* The options that are the command's own; those that all share stand in a section of their own. */
static void append_own_options(struct str *out, const struct command *command)
{
    for (const struct option_row *row = command->options; row && row->name; row++)
        append_option(out, row);
}

void man_command(const struct command *command, struct str *out)
{
    str_append(out, ".SS \"isoflop ");
    append_roff(out, command->name);
    if (*command->arguments)
        str_append_char(out, ' ');
    append_roff(out, command->arguments);
    str_append(out, "\"\n");
    append_roff(out, command->summary);
    str_append(out, ".\n");
    if (command->details) {
        str_append(out, ".PP\n");
        append_roff(out, command->details);
        str_append_char(out, '\n');
    }
    append_own_options(out, command);
    append_examples(out, command->examples);
}

static void append_shared_options(struct str *out)
{
    const struct command all = {.name = "", .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV};
    struct options options;
    command_options(&all, &options);
    for (int i = 0; i < options.n_rows; i++)
        append_option(out, options.rows[i]);
    options_release(&options);
}

static const struct example environment[] = {
    {"NO_COLOR", "when set and not empty: no colours"},
    {"TERM", "\"dumb\" means neither colours nor a moving bar"},
    {"COLUMNS", "the width to draw for, instead of the terminal's own"},
    {"OPENBLAS_CORETYPE",
     "the OpenBLAS kernels to use; the program picks the processor's own when it is unset"},
    {NULL, NULL},
};

void man_page(struct str *out)
{
    str_format(out, ".TH ISOFLOP 1 \"%s\" \"isoflop %s\" \"User Commands\"\n", buildinfo.date,
               buildinfo.version);
    str_append(
        out, ".SH NAME\nisoflop \\- scaling experiments with small transformers\n"
             ".SH SYNOPSIS\n\\fBisoflop\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n"
             ".SH DESCRIPTION\nTrains many small transformers, measures them, keeps every measurement in one "
             "SQLite file,\nand draws what they say about scaling.\n"
             "Data goes to standard output, everything else to standard error.\n"
             ".SH EXAMPLES\n");
    append_examples(out, overview);
    str_append(out, ".SH COMMANDS\n");
    for (const struct command *command = commands; command->name; command++)
        if (!(command->flags & COMMAND_HIDDEN))
            man_command(command, out);
    str_append(
        out,
        ".SH \"SHARED OPTIONS\"\nEach command's \\fB\\-\\-help\\fR says which of the first ones it takes.\n");
    append_shared_options(out);
    str_append(out, ".SH \"EXIT STATUS\"\n");
    for (const struct exit_meaning *meaning = exit_meanings; meaning->code; meaning++)
        append_entry(out, meaning->code, meaning->text);
    str_append(out, ".SH ENVIRONMENT\n");
    append_examples(out, environment);
}

/* ---- completions ---- */

static void append_names(struct str *out, const struct command *command)
{
    struct options options;
    command_options(command, &options);
    for (int i = 0; i < options.n_rows; i++)
        str_format(out, "%s--%s", i ? " " : "", options.rows[i]->name);
    options_release(&options);
}

/* What may follow an option with choices. */
static void append_choices(struct str *out, const struct command *command)
{
    for (const struct option_row *row = command->options; row && row->name; row++)
        if (row->kind == OPTION_CHOICE)
            str_format(out,
                       "    %s:--%s) mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\"); return ;;\n",
                       command->name, row->name, row->choices);
}

void man_completions_bash(struct str *out)
{
    str_append(out, "# bash completions for isoflop, made by `isoflop __completions bash`\n"
                    "_isoflop() {\n"
                    "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} names=\n"
                    "  COMPREPLY=()\n"
                    "  if [ \"$COMP_CWORD\" -eq 1 ] || [ \"${COMP_WORDS[1]}\" = help ]; then\n"
                    "    mapfile -t COMPREPLY < <(compgen -W '");
    for (const struct command *command = commands; command->name; command++)
        if (!(command->flags & COMMAND_HIDDEN))
            str_format(out, "%s ", command->name);
    str_append(out, "--help --version --build-info' -- \"$word\")\n    return\n  fi\n"
                    "  case ${COMP_WORDS[1]}:$before in\n");
    for (const struct command *command = commands; command->name; command++)
        if (!(command->flags & COMMAND_HIDDEN))
            append_choices(out, command);
    str_append(out, "  esac\n  case ${COMP_WORDS[1]} in\n");
    for (const struct command *command = commands; command->name; command++)
        if (!(command->flags & COMMAND_HIDDEN)) {
            str_format(out, "    %s) names='", command->name);
            append_names(out, command);
            str_append(out, "' ;;\n");
        }
    str_append(out, "  esac\n"
                    "  case $word in\n"
                    "    -*) mapfile -t COMPREPLY < <(compgen -W \"$names\" -- \"$word\") ;;\n"
                    "    *) mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;\n"
                    "  esac\n"
                    "}\n"
                    "complete -o filenames -F _isoflop isoflop\n");
}

/* ---- the commands ---- */

int cmd_man(struct invocation *invocation)
{
    struct str page;
    (void)invocation;
    str_init(&page);
    man_page(&page);
    (void)fputs(page.text, stdout);
    str_release(&page);
    return EXIT_CODE_DONE;
}

int cmd_completions(struct invocation *invocation)
{
    const char *shell = invocation->options.arguments[0];
    struct err err = ERR_INIT;
    struct str script;
    if (strcmp(shell, "bash") != 0) {
        (void)err_set(&err, STATUS_USAGE, "completions exist for bash, not for '%s'", shell);
        return failed(&err);
    }
    str_init(&script);
    man_completions_bash(&script);
    (void)fputs(script.text, stdout);
    str_release(&script);
    return EXIT_CODE_DONE;
}
