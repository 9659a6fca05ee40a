/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h — one line that says how far a sweep is: redrawn in place on a terminal, told now and then
 * elsewhere. Pure: the caller knows the clock, the terminal's width, and where the text goes. */
#ifndef HARNESS_REPORT_PROGRESS_H
#define HARNESS_REPORT_PROGRESS_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "harness/report/terminal.h"

/* "\r" and the bar, as wide as the terminal allows and never wider, with what is left of an older, longer
 * line erased. loss and eta_s are NaN while unknown. */
void progress_bar(const struct terminal *terminal, int done, int total, double fraction, const char *label,
                  double loss, double eta_s, int failed, struct str *out);

/* The same as a line of its own, for a file or a pipe: "17/24  71 %  width 96, seed 1  loss 1.92  21 s left". */
void progress_line(int done, int total, double fraction, const char *label, double loss, double eta_s, int failed,
                   struct str *out);

/* Erases the bar, before something else is printed. */
void progress_clear(const struct terminal *terminal, struct str *out);

#endif
