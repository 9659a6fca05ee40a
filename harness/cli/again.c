/* SPDX-License-Identifier: Apache-2.0 */
/* again.c — see again.h. */
#include "harness/cli/again.h"

#include <string.h>

static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";

/* A quote inside single quotes ends them, stands escaped, and begins them anew. */
static void append_word(const char *word, struct str *out)
{
    if (*word && word[strspn(word, PLAIN)] == 0) {
        str_append(out, word);
        return;
    }
    str_append_char(out, '\'');
    for (const char *c = word; *c; c++) {
        if (*c == '\'')
            str_append(out, "'\\''");
        else
            str_append_char(out, *c);
    }
    str_append_char(out, '\'');
}

static void append_option(const struct options *options, const char *name, struct str *out)
{
    for (int i = 0; i < options->n_rows; i++) {
        const struct option_row *row = options->rows[i];
        const struct option_value *value = &options->values[i];
        int n = row->kind == OPTION_LIST ? value->n : 1;
        if (strcmp(row->name, name) != 0 || !value->given)
            continue;
        for (int v = 0; v < n; v++) {
            if (row->letter)
                str_format(out, " -%c", row->letter);
            else
                str_format(out, " --%s", row->name);
            if (row->kind != OPTION_FLAG) {
                str_append_char(out, ' ');
                append_word(row->kind == OPTION_LIST ? value->list[v] : value->text, out);
            }
        }
    }
}

void again_append(const struct invocation *invocation, const char *const *kept, struct str *out)
{
    const struct options *options = &invocation->options;
    str_format(out, "isoflop %s", invocation->command->name);
    for (; *kept; kept++)
        append_option(options, *kept, out);
    for (int i = 0; i < options->n_arguments; i++) {
        str_append_char(out, ' ');
        append_word(options->arguments[i], out);
    }
}
