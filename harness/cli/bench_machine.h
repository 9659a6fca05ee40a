/* SPDX-License-Identifier: Apache-2.0 */
/* bench_machine.h — the suites that need no model: what the machine can do, and matrix products beside OpenBLAS's. */
#ifndef HARNESS_CLI_BENCH_MACHINE_H
#define HARNESS_CLI_BENCH_MACHINE_H

#include "harness/cli/bench_cases.h"

/* Seconds of one round, measured in turns with each other; 0 where the case has no such thing. */
struct bench_times {
    double seconds, peak_seconds, openblas_seconds;
};

/* C (M,N), from the case's orientation: ours and OpenBLAS's. */
MUST_CHECK enum status bench_product(const struct bench_case *c, struct bench_times *out, struct err *err);

/* Reads c->bytes. */
MUST_CHECK enum status bench_read(const struct bench_case *c, struct bench_times *out, struct err *err);

/* The peak loop on every CPU this process may use at once; *threads says how many. A round ends when the last thread
 * does. */
MUST_CHECK enum status bench_all_threads(struct bench_times *out, int *threads, struct err *err);

#endif
