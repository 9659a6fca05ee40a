/* SPDX-License-Identifier: Apache-2.0 */
/* help.c — see help.h. Everything is appended to a text first, so that tests can measure it. */
#include "harness/cli/help.h"

#include <string.h>

#include "harness/cli/buildinfo.h"

enum { INDENT = 2, SUMMARY_COLUMN = 24, OPTION_COLUMN = 27 };

/* ---- text ---- */

/* Columns of n bytes of UTF-8: one per byte that begins a character. */
static int columns(const char *text, size_t n)
{
    int count = 0;
    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static void spaces(struct str *out, int n)
{
    for (int i = 0; i < n; i++)
        str_append_char(out, ' ');
}

void help_wrap(struct str *out, const char *text, int column, int indent)
{
    bool fresh = true; /* nothing stands on this line yet */
    while (*text) {
        size_t n = strcspn(text, " \n");
        int width = columns(text, n);
        if (!fresh && column + 1 + width > HELP_WIDTH) {
            str_append_char(out, '\n');
            spaces(out, indent);
            column = indent;
            fresh = true;
        }
        if (!fresh)
            str_append_char(out, ' ');
        str_append_bytes(out, text, n);
        column += width + !fresh;
        fresh = false;
        text += n;
        if (*text == '\n') {
            str_append_char(out, '\n');
            spaces(out, text[1] ? indent : 0);
            column = indent;
            fresh = true;
        }
        text += *text != 0;
    }
    if (!fresh)
        str_append_char(out, '\n');
}

/* "  head      text", the text wrapped in its column; a head too long for it stands on a line of its own. */
static void entry(struct str *out, const char *head, const char *text, int column)
{
    int end = INDENT + columns(head, strlen(head));
    spaces(out, INDENT);
    str_append(out, head);
    if (end + 2 > column) {
        str_append_char(out, '\n');
        end = 0;
    }
    spaces(out, column - end);
    help_wrap(out, text, column, column);
}

/* Beside each other where that fits 80 columns, otherwise the explanation below its line. */
static void append_examples(struct str *out, const struct example *examples)
{
    int longest = 0, widest = 0;
    for (const struct example *example = examples; example->line; example++) {
        int line = columns(example->line, strlen(example->line)),
            says = columns(example->says, strlen(example->says));
        longest = line > longest ? line : longest;
        widest = says > widest ? says : widest;
    }
    str_append(out, "Examples:\n");
    for (const struct example *example = examples; example->line; example++)
        if (INDENT + longest + 3 + widest <= HELP_WIDTH) {
            entry(out, example->line, example->says, INDENT + longest + 3);
        } else {
            spaces(out, INDENT);
            str_format(out, "%s\n", example->line);
            spaces(out, INDENT + 4);
            help_wrap(out, example->says, INDENT + 4, INDENT + 4);
        }
}

/* ---- the overview ---- */

static bool group_is_empty(int group)
{
    for (const struct command *command = commands; command->name; command++)
        if ((int)command->group == group && !(command->flags & COMMAND_HIDDEN))
            return false;
    return true;
}

static void append_group(struct str *out, int group)
{
    str_format(out, "\n%s:\n", group_titles[group]);
    for (const struct command *command = commands; command->name; command++)
        if ((int)command->group == group && !(command->flags & COMMAND_HIDDEN)) {
            struct str head;
            str_init(&head);
            str_format(&head, "%s%s%s", command->name, *command->arguments ? " " : "", command->arguments);
            entry(out, head.text, command->summary, SUMMARY_COLUMN);
            str_release(&head);
        }
}

void help_overview(struct str *out)
{
    str_format(out, "isoflop %s - scaling experiments with small transformers\n\n", buildinfo.version);
    append_examples(out, overview);
    for (int group = 0; group < GROUP_COUNT; group++)
        if (!group_is_empty(group))
            append_group(out, group);
    str_append(out, "\n`isoflop COMMAND --help` says more about a command, `isoflop --version` and\n"
                    "`isoflop --build-info` about this program.\n");
}

/* ---- one command ---- */

void help_option_head(const struct option_row *row, struct str *out)
{
    if (row->letter)
        str_format(out, "-%c, ", row->letter);
    else
        str_append(out, "    ");
    str_format(out, "--%s%s%s", row->name, row->metavar ? " " : "", row->metavar ? row->metavar : "");
}

void help_option_text(const struct option_row *row, struct str *out)
{
    char word[64];
    str_append(out, row->help);
    for (int i = 0; option_choice(row, i, word, sizeof word); i++)
        str_format(out, "%s%s", i ? ", " : ": ", word);
    if (row->kind == OPTION_LIST)
        str_append(out, " (may be given several times)");
    if (row->preset)
        str_format(out, " (default: %s)", row->preset);
}

static void append_options(struct str *out, const struct command *command)
{
    struct options options;
    command_options(command, &options);
    for (int i = 0; i < options.n_rows; i++) {
        struct str head, text;
        str_init(&head);
        str_init(&text);
        help_option_head(options.rows[i], &head);
        help_option_text(options.rows[i], &text);
        entry(out, head.text, text.text, OPTION_COLUMN);
        str_release(&head);
        str_release(&text);
    }
    options_release(&options);
}

void help_command(const struct command *command, struct str *out)
{
    str_format(out, "isoflop %s - %s\n\n", command->name, command->summary);
    if (command->examples) {
        append_examples(out, command->examples);
        str_append_char(out, '\n');
    }
    str_format(out, "Usage: isoflop %s [OPTION]...%s%s\n", command->name, *command->arguments ? " " : "",
               command->arguments);
    if (command->details) {
        str_append_char(out, '\n');
        help_wrap(out, command->details, 0, 0);
    }
    str_append(out, "\nOptions:\n");
    append_options(out, command);
}
