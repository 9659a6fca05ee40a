/* SPDX-License-Identifier: Apache-2.0 */
/* main.c — from the words of the command line to one command, and from its result to the exit code.
 *
 * Invariant: only this file ends the process, and it looks at standard output before it does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "engine/math/blas.h"
#include "harness/cli/buildinfo.h"
#include "harness/cli/commands.h"
#include "harness/cli/help.h"

static const char PROGRAM[] = "/proc/self/exe";
static const char STARTED_AGAIN[] = "ISOFLOP_BLAS_CHOSEN";

/* OpenBLAS reads its kernel name and its threads from the environment while the process loads, so the
 * right ones take a second start: the widest kernels this processor runs, also where the environment names older
 * ones (ISOFLOP_BLAS=keep leaves them), and always one thread, because a product that BLAS splits has other last
 * bits. Children inherit both. The mark ends this after one round, whatever happens. */
static void choose_blas_kernels(char **argv)
{
    const char *choice = getenv("ISOFLOP_BLAS"), *threads = getenv("OPENBLAS_NUM_THREADS");
    const char *core = choice && strcmp(choice, "keep") == 0 ? NULL : blas_wanted_core();
    bool one_thread = threads && strcmp(threads, "1") == 0;
    if (getenv(STARTED_AGAIN) || (!core && one_thread))
        return;
    if ((core && setenv("OPENBLAS_CORETYPE", core, 1)) || setenv("OPENBLAS_NUM_THREADS", "1", 1) ||
        setenv(STARTED_AGAIN, "1", 1))
        return;
    (void)execv(PROGRAM, argv);
    /* Not started again: the program works all the same, with what OpenBLAS chose by itself. */
}

static int print_version(void)
{
    (void)printf("isoflop %s (%s)\n", buildinfo.version, buildinfo.git);
    return EXIT_CODE_DONE;
}

static int print_build(void)
{
    (void)printf("version   %s\ncommit    %s\ndate      %s\ncompiler  %s\nflags     %s\nblas      %s\n",
                 buildinfo.version, buildinfo.git, *buildinfo.date ? buildinfo.date : "unknown",
                 buildinfo.compiler, buildinfo.flags, blas_config());
    return EXIT_CODE_DONE;
}

static int print_overview(FILE *stream, int code)
{
    struct str text;
    str_init(&text);
    help_overview(&text);
    (void)fputs(text.text, stream);
    str_release(&text);
    return code;
}

static int print_command_help(const struct command *command)
{
    struct str text;
    str_init(&text);
    help_command(command, &text);
    (void)fputs(text.text, stdout);
    str_release(&text);
    return EXIT_CODE_DONE;
}

static const char *lone_option(int i, const void *context)
{
    static const char *const names[] = {"--help", "--version", "--build-info", NULL};
    (void)context;
    return names[i];
}

/* The options that stand where a command could: each is the whole line. */
static int run_without_command(const char *word)
{
    const char *nearest = str_nearest(word, lone_option, NULL);
    struct err err = ERR_INIT;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return print_overview(stdout, EXIT_CODE_DONE);
    if (strcmp(word, "--version") == 0)
        return print_version();
    if (strcmp(word, "--build-info") == 0)
        return print_build();
    if (nearest)
        (void)err_set(&err, STATUS_USAGE, "unknown option '%s'; did you mean '%s'?", word, nearest);
    else
        (void)err_set(&err, STATUS_USAGE, "options come after a command, as in  isoflop COMMAND %s", word);
    return failed(&err);
}

static int run_command(const struct command *command, int n, char **words, char **argv)
{
    struct invocation invocation;
    struct err err = ERR_INIT;
    bool help;
    int code;
    if (command_read(command, n, words, &invocation, &help, &err)) {
        code = failed(&err);
    } else if (help) {
        code = print_command_help(command);
    } else {
        if (command->flags & COMMAND_BLAS)
            choose_blas_kernels(argv);
        invocation.program = PROGRAM;
        code = command->run(&invocation);
    }
    options_release(&invocation.options);
    return code;
}

static int run(int argc, char **argv)
{
    const struct command *command;
    struct err err = ERR_INIT;
    if (argc < 2)
        return print_overview(stderr, EXIT_CODE_USAGE);
    if (argv[1][0] == '-')
        return run_without_command(argv[1]);
    command = command_find(argv[1]);
    if (!command) {
        (void)command_unknown(argv[1], &err);
        return failed(&err);
    }
    return run_command(command, argc - 2, argv + 2, argv);
}

int main(int argc, char **argv)
{
    output_begin();
    (void)prctl(PR_SET_NAME, "isoflop"); /* else a program started through /proc is listed as "exe" */
    return output_end(run(argc, argv));
}
