/* SPDX-License-Identifier: Apache-2.0 */
/* bench_cases.h — what `bench` times: one table of cases, and measuring one of them in this process.
 *
 * A sample is one process: it warms up until two rounds agree, then times rounds for a fixed while and reports the
 * median. In turns with every case it times a loop of multiply-adds, so that speed can be given as a share of what the
 * core did at that moment, and what the case is to be compared with; exact counters (FLOPs, bits of a loss) come along
 * and must never change by chance. */
#ifndef HARNESS_CLI_BENCH_CASES_H
#define HARNESS_CLI_BENCH_CASES_H

#include "engine/base/err.h"
#include "harness/store/store.h"

enum bench_kind {
    BENCH_TRAINING,  /* an optimiser step; of a mixture, beside the dense model of equal active size */
    BENCH_INFERENCE, /* a prompt read, or a token decoded; in 8 bits, beside fp32 */
    BENCH_PRODUCT,   /* a matrix product, beside OpenBLAS's */
    BENCH_READING,   /* memory read again and again */
    BENCH_PEAK,      /* the multiply-add loop … */
    BENCH_PEAK_ALL,  /* … on all CPUs at once */
    BENCH_SWEEP,     /* a sweep with one job, beside one with two */
};

struct bench_case {
    const char *suite;  /* train, moe, decode, sweep, gemm, machine */
    const char *name;   /* "width 64, 2 layers" */
    enum bench_kind kind;
    int width, layers;  /* model; 0 for the others */
    int vocabulary;     /* 0: the preset */
    int experts, experts_per_token; /* 0: dense */
    bool i8;            /* 8-bit weights */
    int batch, tokens;  /* sequences, tokens of each */
    int trials;         /* of a sweep */
    int M, N, K;        /* C (M,N) = op(A) (M,K) op(B) (K,N); added to C when A is transposed, as for dW */
    bool transpose_a, transpose_b;
    int64_t bytes;      /* to be read */
    const char *beside; /* what it is timed beside, besides the peak: "openblas", "dense", "f32", "two_jobs"; NULL for nothing */
};

/* What was measured; 0 where a case has no such figure. Exact: the same whatever the speed. Seconds are of one round,
 * measured in turns with each other. */
struct bench_result {
    double flops, bytes, threads; /* exact, of a round */
    double loss;                  /* exact: after a few steps from a fixed seed */
    double seconds, peak_seconds;
    double beside_seconds;        /* of what the case names */
    double read_seconds;          /* of reading `bytes`, beside decoding */
    double overhead_seconds;      /* of a sweep, per trial, beyond the trial's own wall_s */
    double peaks_ratio;           /* the peak of all CPUs over that of one, beside a sweep */
};

/* The table; NULL past the last. */
const struct bench_case *bench_case_at(int i);
const struct bench_case *bench_case_find(const char *suite, const char *name);

enum { BENCH_METRICS_MAX = 12 };

/* Measures the case here and now: one sample per metric, block 0. The one whose name is "seconds" is per optimiser
 * step, per token, per prompt, per trial or per product. */
MUST_CHECK enum status bench_measure(const struct bench_case *the_case, struct bench_sample out[BENCH_METRICS_MAX],
                                     int *n, struct err *err);

/* A sample as the line one process tells another, and back; false for anything else. */
void bench_line_write(const struct bench_sample *sample, struct str *out);
bool bench_line_read(const char *line, struct bench_sample *out);

#endif
