/* SPDX-License-Identifier: Apache-2.0 */
/* plot.h — gnuplot, wrapped once: a script and its data in, a drawing out.
 *
 * gnuplot is a programming language that can start programs, so it is kept on a short leash: it runs in a
 * private folder that is removed afterwards, with an empty environment, without start-up files, with
 * nothing to read but the files put there, and with limits on time and on what it may write. Files reach
 * the caller's folder by rename, never through a link, and an old file stays whole until the new one is. */
#ifndef HARNESS_REPORT_PLOT_H
#define HARNESS_REPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

enum { PLOT_TIMEOUT_S = 20, PLOT_MOST_BYTES = 16 << 20 };

struct plot_job {
    const char *name;    /* NAME.gp is run, it reads NAME.csv and writes NAME.FORMAT; str_is_name */
    const char *format;  /* svg, png or pdf: handed to the script as the variable `format` */
    const char *script;  /* text of NAME.gp */
    const char *csv;     /* text of NAME.csv */
    const char *gnuplot; /* absolute path of the program; NULL: searched for in PATH */
    int timeout_s;       /* 0: PLOT_TIMEOUT_S */
};

/* Runs the job and appends the drawing's bytes to out. STATUS_NOT_FOUND when there is no gnuplot,
 * STATUS_IO when it fails, hangs or writes too much; the text carries what it complained about. */
MUST_CHECK enum status plot_run(const struct plot_job *job, struct str *out, struct err *err);

/* Writes folder/name in one step: a reader sees the old file or the new one. The folder must exist. */
MUST_CHECK enum status plot_write_file(const char *folder, const char *name, const char *bytes, size_t n,
                                       struct err *err);

/* gnuplot's absolute path from PATH; false when there is none. */
bool plot_find_gnuplot(char *path, size_t size);

#endif
