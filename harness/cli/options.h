/* SPDX-License-Identifier: Apache-2.0 */
/* options.h — the words of a command line, read by tables of options.
 *
 * A row says everything about an option: the parser, `--help`, the man page and the shell completions are
 * made from it. Options and arguments may mix; "--" ends the options; "--name=value", "--name value", "-n
 * value", "-nvalue" and bundled flags ("-qv") are the same to it. Names are never abbreviated. Of an
 * option given twice the last one counts, except a list, which keeps all.
 *
 * Every value is checked while reading, so the accessors cannot fail. Asking for a name that is in no
 * table, or as another kind, is a bug. Texts point into argv or the tables; struct options owns only its
 * arrays. */
#ifndef HARNESS_CLI_OPTIONS_H
#define HARNESS_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"

enum option_kind {
    OPTION_FLAG, /* takes no value */
    OPTION_TEXT,
    OPTION_CHOICE,   /* one of the words in `choices` */
    OPTION_INTEGER,  /* 20, 1e6, 4k, 2M */
    OPTION_REAL,     /* 0.5, 1e-3, 2M */
    OPTION_DURATION, /* 90s, 5m, 1h30m, 2d, 250ms; a bare number is seconds */
    OPTION_BYTES,    /* 512M, 8GiB; powers of 1024; a bare number is bytes */
    OPTION_LIST      /* text that may be given several times */
};

struct option_row {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* 0: long name only */
    enum option_kind kind;
    const char *metavar;     /* what the value stands for in help: "N"; NULL for flags */
    const char *preset;      /* the default, as it would be typed; NULL: none */
    const char *choices;     /* "none failed all" for OPTION_CHOICE */
    double minimum, maximum; /* inclusive bounds of a number; both 0: only what the kind allows */
    const char *help;        /* what it does, lower case, no full stop */
};

enum { OPTIONS_MAX = 48 };

struct option_value {
    bool given;
    const char *text;  /* as typed, or the preset, or NULL */
    double number;     /* of integers, reals, durations (s) and bytes; 0 when there is no text */
    const char **list; /* n texts, owned */
    int n;
};

struct options {
    const struct option_row *rows[OPTIONS_MAX];
    struct option_value values[OPTIONS_MAX];
    int n_rows;
    const char **arguments; /* n_arguments words that are no options, owned */
    int n_arguments;
};

/* Life cycle: init, add the tables, parse once, release. */
void options_init(struct options *options);
void options_add(struct options *options, const struct option_row *rows); /* NULL adds nothing */
void options_release(struct options *options);

/* Reads n words. A STATUS_USAGE error names the option, what it takes, and the nearest known name; `owner` is
 * the command's name in such texts. */
MUST_CHECK enum status options_parse(struct options *options, const char *owner, int n, char **words,
                                     struct err *err);

/* Operations. */
bool option_given(const struct options *options, const char *name);
bool option_flag(const struct options *options, const char *name);
const char *option_text(const struct options *options, const char *name); /* text and choices; NULL: none */
int64_t option_integer(const struct options *options, const char *name);  /* integers and bytes */
double option_real(const struct options *options, const char *name);
double option_seconds(const struct options *options, const char *name);
const char *const *option_list(const struct options *options, const char *name, int *n);

/* The i-th word of a row's choices in buffer, or NULL past the last one. */
const char *option_choice(const struct option_row *row, int i, char *buffer, int size);

/* Appends what an option of this row takes: "a duration such as 90s, 5m or 1h30m". */
struct str;
void option_takes(const struct option_row *row, struct str *out);

/* The value of a text as the row's kind, with bounds; false when it is none. For other readers of the same
 * forms, and for tests. */
bool option_number(const struct option_row *row, const char *text, double *out);

#endif
