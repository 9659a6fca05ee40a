/* SPDX-License-Identifier: Apache-2.0 */
/* size_measured.h — how far the roofline of hardware.h is from latencies that a store holds, on the machine they were timed on.
 *
 * The machine's peak and how fast it reads from each level of memory are measured here and now, on one core; a model's roofline is
 * that of the level its weights fit in. A bound is never reached: what is told is by how many times the measured medians exceed
 * it, and how well one such factor per phase, from the other models, foretells a model. */
#ifndef HARNESS_CLI_SIZE_MEASURED_H
#define HARNESS_CLI_SIZE_MEASURED_H

#include "harness/cli/commands.h"

/* `isoflop size --measured`. An exit code: 5 when the store has no latencies of this machine. */
MUST_CHECK int size_measured(const struct invocation *invocation);

#endif
