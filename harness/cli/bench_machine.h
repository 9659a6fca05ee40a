/* SPDX-License-Identifier: Apache-2.0 */
/* bench_machine.h — the suites that need no model: what the machine can do, and matrix products beside OpenBLAS's. */
#ifndef HARNESS_CLI_BENCH_MACHINE_H
#define HARNESS_CLI_BENCH_MACHINE_H

#include "engine/base/arena.h"
#include "harness/cli/bench_cases.h"

/* C (M,N), from the case's orientation: ours and OpenBLAS's. */
MUST_CHECK enum status bench_product(const struct bench_case *c, struct bench_result *out, struct err *err);

/* Reads c->bytes. */
MUST_CHECK enum status bench_read(const struct bench_case *c, struct bench_result *out, struct err *err);

/* The peak loop by itself, and on every CPU this process may use at once; out->threads says how many. A round of those
 * ends when the last thread does. */
MUST_CHECK enum status bench_peak(const struct bench_case *c, struct bench_result *out, struct err *err);
MUST_CHECK enum status bench_peak_all(const struct bench_case *c, struct bench_result *out, struct err *err);

/* Memory to be read beside something else, in large pages as the weights of a model: a round reads all of it. */
struct bench_reading {
    struct arena arena;
    float *x;
    size_t n;
};

MUST_CHECK enum status bench_reading_open(struct bench_reading *out, size_t bytes, struct err *err);
void bench_reading_close(struct bench_reading *reading);
void bench_reading_round(void *reading);

#endif
