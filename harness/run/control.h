/* SPDX-License-Identifier: Apache-2.0 */
/* control.h — how the runner speaks to a trial process: over the process's standard input.
 *
 * First comes the configuration, CONFIGURATION_BLOCKS blocks of text, each with its length in four
 * little-endian bytes: the trial's id, its canonical knobs, the folder for its checkpoint, its parent's folder, the folder
 * of its states, its trunk's, and the seconds between states.
 * After that, single bytes, the commands below. The end of the stream means that the runner is gone.
 *
 * Every CONTROL_PARK is answered by exactly one RECORD_PARKED; the runner counts both, and so knows which
 * answer belongs to which command. */
#ifndef HARNESS_RUN_CONTROL_H
#define HARNESS_RUN_CONTROL_H

#include "engine/base/err.h"
#include "harness/run/runner.h"

enum control {
    CONTROL_PARK = 'P',   /* stand still at the next step boundary, and say so */
    CONTROL_RESUME = 'R', /* go on */
    CONTROL_GO = 'G',     /* you are alone now: the answer to RECORD_WANT_EXCLUSIVE */
    CONTROL_STOP = 'S'    /* end at the next step boundary */
};

enum { CONFIGURATION_BLOCKS = 7, CONFIGURATION_BLOCK_MAX = 1 << 16 };

/* Writes the configuration. Waits for a reader that is slow, up to timeout_s. */
MUST_CHECK enum status control_configure(int fd, const struct assignment *assignment, double timeout_s,
                                         struct err *err);

/* Reads it on the other side: id, knobs, folders and state_every_s of *out; its other fields are zero.
 * STATUS_FORMAT when what comes is no configuration. */
MUST_CHECK enum status control_read_configuration(int fd, struct assignment *out, struct err *err);

/* Sends a command without waiting. A process that is gone gets nothing, and its end will be noticed. */
void control_send(int fd, enum control command);

#endif
