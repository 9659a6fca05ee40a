/* SPDX-License-Identifier: Apache-2.0 */
/* bench_sweep.h — the suite sweep: whole sweeps by this program, in a folder of their own, and what they take beside the
 * trials' own work. */
#ifndef HARNESS_CLI_BENCH_SWEEP_H
#define HARNESS_CLI_BENCH_SWEEP_H

#include "harness/cli/bench_cases.h"

/* out->seconds and the others are per trial. Runs c->trials trials of c->tokens tokens with -j 1 and with -j 2, each into
 * a new store, and the peak loop on one CPU and on two before and after. */
MUST_CHECK enum status bench_sweep(const struct bench_case *c, struct bench_result *out, struct err *err);

#endif
