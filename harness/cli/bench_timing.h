/* SPDX-License-Identifier: Apache-2.0 */
/* bench_timing.h — things timed in turns, so that a moment in which the machine is slow is one for all of them. */
#ifndef HARNESS_CLI_BENCH_TIMING_H
#define HARNESS_CLI_BENCH_TIMING_H

#include "engine/base/err.h"

struct bench_work {
    void (*round)(void *context);
    void *context;
    int threads;
};

enum { BENCH_WORKS_MAX = 4 };

/* The median seconds of one round of each of n works (at most BENCH_WORKS_MAX): of processor time where one thread
 * works, so that what a neighbour takes is not counted, and by the wall clock where several do. Each is warmed up until two rounds
 * agree; then a turn of each, several short rounds or one long one, after the other, for a fixed while. */
MUST_CHECK enum status bench_time(const struct bench_work *works, int n, double *seconds, struct err *err);

/* The work every case is timed beside: a thousand rounds of machine.h's multiply-adds, no memory touched. */
void bench_peak_round(void *unused);
double bench_peak_flops(void); /* of one such round */

#endif
