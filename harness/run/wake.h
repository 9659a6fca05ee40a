/* SPDX-License-Identifier: Apache-2.0 */
/* wake.h — turns the signals a runner lives with into bytes on a pipe that its poll loop waits for.
 *
 * The handlers do nothing but write the signal's number. SIGCHLD only wakes; SIGINT, SIGTERM, SIGHUP and SIGUSR1
 * ask to stop, unless they were ignored before (nohup). SIGPIPE is ignored. One at a time per process;
 * wake_close puts every handler back. */
#ifndef HARNESS_RUN_WAKE_H
#define HARNESS_RUN_WAKE_H

#include <poll.h>
#include <signal.h>

#include "engine/base/err.h"

enum { WAKE_SIGNALS = 6 };

struct wake {
    int read_fd, write_fd;
    struct sigaction old[WAKE_SIGNALS];
};

MUST_CHECK enum status wake_open(struct wake *wake, struct err *err);
void wake_close(struct wake *wake);

/* Waits, at most so long, until one of n descriptors can be read or a signal came. looks has room for one more. Returns how
 * many can be read, the pipe included; 0 or less: none. */
int wake_wait(struct wake *wake, struct pollfd *looks, int n, int timeout_ms);

/* Empties the pipe. Returns how many signals asked to stop since the last call; the first in *signal. */
int wake_take(struct wake *wake, int *signal);

#endif
