/* SPDX-License-Identifier: Apache-2.0 */
/* bar.h — a sweep's progress on standard error: a bar on a terminal, a line now and then elsewhere. */
#ifndef HARNESS_CLI_BAR_H
#define HARNESS_CLI_BAR_H

#include "harness/cli/output.h"
#include "harness/report/terminal.h"
#include "harness/run/runner.h"

struct bar {
    struct terminal terminal;
    bool on_terminal, quiet, drawn;
    double last_line_s; /* of the sweep, when a line was last told */
};

struct terminal bar_terminal(const struct screen *screen);

struct bar bar_open(const struct screen *screen, bool quiet);
/* A progress callback of runner.h; context is the struct bar. */
void bar_progress(const struct runner_progress *progress, void *context);
/* Erases what is drawn. */
void bar_close(struct bar *bar);

#endif
