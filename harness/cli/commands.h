/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h — the commands of the program, in one table.
 *
 * How to add one: a file cmd_<name>.c with `int cmd_<name>(struct invocation *)`, the declaration below, and its
 * examples, options and row in commands.c. Parser, `--help`, the man page and shell completions
 * follow; a test reads every example as a command line.
 *
 * A command gets its words already checked. It writes data to standard output, everything else to
 * standard error, and returns an exit code (output.h), usually `return failed(&err);` or EXIT_CODE_DONE.
 * It never calls exit. */
#ifndef HARNESS_CLI_COMMANDS_H
#define HARNESS_CLI_COMMANDS_H

#include <stdbool.h>

#include "harness/cli/options.h"
#include "harness/cli/output.h"

/* The headings of `isoflop --help`, in their order. */
enum command_group { GROUP_SWEEP, GROUP_LEARN, GROUP_MODEL, GROUP_SPEED, GROUP_OTHER, GROUP_COUNT };
extern const char *const group_titles[GROUP_COUNT];

enum command_flag {
    COMMAND_DB = 1 << 0,    /* takes --db */
    COMMAND_JSON = 1 << 1,  /* takes --json */
    COMMAND_CSV = 1 << 2,   /* takes --csv */
    COMMAND_BLAS = 1 << 3,  /* computes, itself or in a child: needs the processor's own BLAS kernels */
    COMMAND_HIDDEN = 1 << 4 /* not for people */
};

struct example {
    const char *line; /* a whole command line; NULL ends a table */
    const char *says; /* what it does */
};

struct invocation;

struct command {
    const char *name;
    enum command_group group;
    const char *summary;              /* lower case, no full stop, 50 characters at most */
    const char *arguments;            /* "SPEC", "[TRIAL]", "DB..."; "" for none: how many words it takes */
    const char *details;              /* paragraphs for its --help, divided by \n; NULL for none */
    const struct example *examples;   /* NULL for none */
    const struct option_row *options; /* its own; NULL for none */
    unsigned flags;                   /* enum command_flag */
    int (*run)(struct invocation *invocation);
};

/* One call of a command. Everything here lives until run returns. */
struct invocation {
    const struct command *command;
    const char *program;    /* path by which this program can be started again */
    struct options options; /* with its arguments */
    const char *db;         /* --db or its default; NULL when the command has no store */
    bool json, csv, quiet, verbose, no_color;
};

extern const struct command commands[]; /* ends with a row without name */
extern const struct example overview[]; /* what `isoflop --help` leads with */

/* By name, hidden ones too; NULL when there is none. */
const struct command *command_find(const char *name);
/* "unknown command 'rnu'; did you mean 'run'?" Returns STATUS_USAGE. */
enum status command_unknown(const char *name, struct err *err);

/* How many words `arguments` allows; *most is -1 for any number. */
void command_arguments(const struct command *command, int *least, int *most);

/* Fills the table with the command's own and the shared options that it takes. */
void command_options(const struct command *command, struct options *options);

/* Reads the n words after the command's name into *out. *help is true when help was asked for: then
 * nothing else was checked. The caller releases out->options in every case. */
MUST_CHECK enum status command_read(const struct command *command, int n, char **words,
                                    struct invocation *out, bool *help, struct err *err);

/* The commands, one file each. */
int cmd_plan(struct invocation *invocation);
int cmd_run(struct invocation *invocation);
int cmd_status(struct invocation *invocation);
int cmd_show(struct invocation *invocation);
int cmd_merge(struct invocation *invocation);
int cmd_plot(struct invocation *invocation);
int cmd_report(struct invocation *invocation);
int cmd_threshold(struct invocation *invocation);
int cmd_predict(struct invocation *invocation);
int cmd_claims(struct invocation *invocation);
int cmd_export(struct invocation *invocation);
int cmd_fit(struct invocation *invocation);
int cmd_import(struct invocation *invocation);
int cmd_size(struct invocation *invocation);
int cmd_train(struct invocation *invocation);
int cmd_generate(struct invocation *invocation);
int cmd_eval(struct invocation *invocation);
int cmd_latency(struct invocation *invocation);
int cmd_tokenizer(struct invocation *invocation);
int cmd_shrink(struct invocation *invocation);
int cmd_trial(struct invocation *invocation);
int cmd_bench(struct invocation *invocation);
int cmd_bench_case(struct invocation *invocation);
int cmd_baseline(struct invocation *invocation);
int cmd_compare(struct invocation *invocation);
int cmd_doctor(struct invocation *invocation);
int cmd_help(struct invocation *invocation);
int cmd_man(struct invocation *invocation);
int cmd_completions(struct invocation *invocation);

#endif
