/* SPDX-License-Identifier: Apache-2.0 */
/* process.h — a trial process: started, signalled, reaped.
 *
 * A process leads a group of its own, so that a signal reaches whatever it started and a terminal's ^C does
 * not reach it; the kernel kills it when the runner dies; when memory runs out it is chosen before the
 * runner. It inherits no descriptor but the control pipe (0), the frame pipe (3) and standard error (1, 2).
 * A struct process owns its two pipe ends and the duty to reap. */
#ifndef HARNESS_RUN_PROCESS_H
#define HARNESS_RUN_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/err.h"
#include "harness/run/runner.h"

struct process {
    pid_t pid;
    int frames_fd;  /* reads without waiting; -1 when closed */
    int control_fd; /* writes without waiting; -1 when closed */
};

struct process_end {
    bool by_signal;
    int code;               /* the signal, or the exit code */
    int64_t peak_rss_bytes; /* never less than the runner's own peak: Linux carries that over exec */
};

/* Starts "program __trial" and sends its configuration. STATUS_INSUFFICIENT when the system has no process or
 * descriptor left just now, STATUS_IO when it refuses otherwise. A program that cannot be executed is not
 * noticed here: the process then ends with an outcome that says so. */
MUST_CHECK enum status process_start(struct process *out, const char *program,
                                     const struct assignment *assignment, struct err *err);
/* Closes the pipe ends. The process must have been reaped. */
void process_release(struct process *process);

/* Sends a signal to the whole group. */
void process_signal(const struct process *process, int signal);
/* True when the process has ended, its whole group is killed, and what it wrote can still be read. It stays
 * a zombie, and its id stays taken, until it is reaped. */
MUST_CHECK bool process_has_ended(const struct process *process);
void process_reap(const struct process *process, struct process_end *out);

#endif
