/* SPDX-License-Identifier: Apache-2.0 */
/* bench_timing.c — warm up, find out how many rounds make a turn, take turns, report medians. */
#include "harness/cli/bench_timing.h"

#include <math.h>

#include "engine/base/assert.h"
#include "engine/math/machine.h"
#include "harness/analysis/stats.h"
#include "harness/run/clock.h"

enum { TURNS_MAX = 2000, TURNS_MIN = 5, PEAK_ROUNDS = 1000 };

#define MEASURE_S 0.15 /* for each work */
#define WARM_UP_S 0.5
#define TURN_S 3e-4    /* far above what the clock costs, and short beside a neighbour's slice */

static double turn(const struct bench_work *work, int rounds)
{
    struct instant before = clock_now();
    double cpu_before = clock_cpu_s();
    for (int i = 0; i < rounds; i++)
        work->round(work->context);
    return (work->threads == 1 ? clock_cpu_s() - cpu_before : clock_since(before)) / rounds;
}

/* Warm until a round is within 5 % of the one before it, or the time is up; returns how many make a turn. */
static int warm_up(const struct bench_work *work)
{
    struct instant start = clock_now();
    double last = INFINITY, now;
    for (;;) {
        now = turn(work, 1);
        if ((fabs(now - last) <= 0.05 * last && clock_since(start) > WARM_UP_S / 10) || clock_since(start) > WARM_UP_S)
            return now < TURN_S ? (int)(TURN_S / (now + 1e-9)) + 1 : 1;
        last = now;
    }
}

enum status bench_time(const struct bench_work *works, int n, double *seconds, struct err *err)
{
    static double turns[BENCH_WORKS_MAX][TURNS_MAX];
    int rounds[BENCH_WORKS_MAX], taken = 0;
    struct instant start;
    enum status status = STATUS_OK;
    ASSERT(n <= BENCH_WORKS_MAX);
    for (int i = 0; i < n; i++)
        rounds[i] = warm_up(&works[i]);
    start = clock_now();
    for (; taken < TURNS_MAX && (taken < TURNS_MIN || clock_since(start) < MEASURE_S * n); taken++)
        for (int i = 0; i < n; i++)
            turns[i][taken] = turn(&works[i], rounds[i]);
    for (int i = 0; i < n && status == STATUS_OK; i++)
        status = stats_median(turns[i], taken, &seconds[i], err);
    return status;
}

void bench_peak_round(void *unused)
{
    static volatile float sink; /* so that the loop is not left out */
    (void)unused;
    sink = machine()->fma(PEAK_ROUNDS);
    (void)sink;
}

double bench_peak_flops(void)
{
    return (double)machine()->flops_per_round * PEAK_ROUNDS;
}
