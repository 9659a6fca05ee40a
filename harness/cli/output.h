/* SPDX-License-Identifier: Apache-2.0 */
/* output.h — how the program speaks: exit codes, error texts, and what the screen can show.
 *
 * Data goes to standard output, everything else to standard error. What was asked for is kept even when
 * nobody reads: a closed or full standard output is noticed once, at the end. */
#ifndef HARNESS_CLI_OUTPUT_H
#define HARNESS_CLI_OUTPUT_H

#include <stdbool.h>

#include "engine/base/err.h"

/* What the process returns. Scripts rely on these numbers; 128 + signal is added for SIGINT and SIGTERM. */
enum exit_code {
    EXIT_CODE_DONE = 0,
    EXIT_CODE_RUNTIME = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_TRIALS_FAILED = 3,
    EXIT_CODE_REGRESSION = 4,
    EXIT_CODE_INSUFFICIENT = 5,
    EXIT_CODE_CORRUPT = 6,
    EXIT_CODE_RESUMABLE = 75
};

/* The same, in words, for help and the man page; ends with a row without text. */
struct exit_meaning {
    const char *code;
    const char *text;
};
extern const struct exit_meaning exit_meanings[];

/* The one mapping from a status to an exit code. `signal` is what asked to stop (0: none) and counts only
 * for STATUS_INTERRUPTED: 130 and 143 for SIGINT and SIGTERM, 75 for any other (a cluster's pre-emption
 * signal). */
int exit_code(enum status status, int signal);

/* Prints the error and returns its exit code: `return failed(&err);` ends a command. */
MUST_CHECK int failed(const struct err *err);

/* The same for a document written to standard output: a reader that went away has what it wanted, so that is no
 * error. */
MUST_CHECK int written(enum status status, const struct err *err);

/* "isoflop: text" on standard error. A text that begins with file:line:column is printed as it is.
 * Control characters become '?', so that a file name cannot steer the terminal. */
void error_print(const struct err *err);

/* What a stream is connected to, and what it can show. */
struct screen {
    bool terminal; /* a terminal that can move its cursor (TERM is not "dumb") */
    bool color;    /* a terminal, no NO_COLOR, no --no-color */
    bool utf8;     /* the locale's characters are UTF-8 */
    int width;     /* columns: COLUMNS, the terminal's own answer, or 80 */
};
struct screen screen_look(int descriptor, bool no_color);

/* First thing in main: descriptors 0 to 2 are open (so that no database lands on one of them), the
 * locale's characters are known, and a reader that goes away does not kill the program. */
void output_begin(void);

/* Last thing in main: flushes standard output. When it could not take everything, says so and turns code
 * 0 into 1. A reader that went away (`| head -1`) has what it wanted and is no error. */
MUST_CHECK int output_end(int code);

#endif
