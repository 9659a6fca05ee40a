/* SPDX-License-Identifier: Apache-2.0 */
/* bench_cases.h — what `bench` times: one table of cases, and measuring one of them in this process.
 *
 * A sample is one process: it warms up until two rounds agree, then times rounds for a fixed while and reports the
 * median. In turns with every case it times a loop of multiply-adds, so that speed can be given as a share of what the
 * core did at that moment, and with a matrix product OpenBLAS's of the same shape; exact counters (FLOPs, bits of a
 * loss) come along and must never change by chance. */
#ifndef HARNESS_CLI_BENCH_CASES_H
#define HARNESS_CLI_BENCH_CASES_H

#include "engine/base/err.h"
#include "harness/store/store.h"

struct bench_case {
    const char *suite;  /* train, decode, gemm, machine */
    const char *name;   /* "width 64, 2 layers" */
    int width, layers;  /* model; 0 for the others */
    int batch, tokens;  /* sequences, tokens of each */
    int M, N, K;        /* gemm: C (M,N) = op(A) (M,K) op(B) (K,N); added to C when A is transposed, as for dW */
    bool transpose_a, transpose_b;
    int64_t bytes;      /* machine: memory read again and again; without, the multiply-add loop … */
    bool all_cpus;      /* … on all at once */
};

/* The table; NULL past the last. */
const struct bench_case *bench_case_at(int i);
const struct bench_case *bench_case_find(const char *suite, const char *name);

enum { BENCH_METRICS_MAX = 8 };

/* Measures the case here and now: one sample per metric, block 0. The one whose name is "seconds" is per optimiser
 * step, per token or per product. */
MUST_CHECK enum status bench_measure(const struct bench_case *the_case, struct bench_sample out[BENCH_METRICS_MAX],
                                     int *n, struct err *err);

/* A sample as the line one process tells another, and back; false for anything else. */
void bench_line_write(const struct bench_sample *sample, struct str *out);
bool bench_line_read(const char *line, struct bench_sample *out);

#endif
