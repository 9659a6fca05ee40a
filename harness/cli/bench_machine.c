/* SPDX-License-Identifier: Apache-2.0 */
/* bench_machine.c — products, reading, and the peak loop on several threads. */
#include "harness/cli/bench_machine.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/math/blas.h"
#include "engine/math/machine.h"
#include "harness/cli/bench_timing.h"
#include "harness/run/sysinfo.h"

static enum status time_beside_peak(struct bench_work ours, const struct bench_work *openblas, struct bench_times *out,
                                    struct err *err)
{
    struct bench_work works[] = {{bench_peak_round, NULL, 1}, ours, openblas ? *openblas : ours};
    double seconds[3] = {0};
    enum status status = bench_time(works, openblas ? 3 : 2, seconds, err);
    *out = (struct bench_times){.peak_seconds = seconds[0], .seconds = seconds[1], .openblas_seconds = seconds[2]};
    return status;
}

/* ---- matrix products ---- */

struct product {
    const struct bench_case *c;
    real *a, *b, *out;
};

static void product_round(void *context)
{
    const struct product *p = context;
    const struct bench_case *c = p->c;
    gemm(c->transpose_a, c->transpose_b, c->M, c->N, c->K, 1, p->a, c->transpose_a ? c->M : c->K, p->b,
         c->transpose_b ? c->K : c->N, c->transpose_a ? 1 : 0, p->out, c->N);
}

static void openblas_round(void *context)
{
    const struct product *p = context;
    const struct bench_case *c = p->c;
    gemm_openblas(c->transpose_a, c->transpose_b, c->M, c->N, c->K, 1, p->a, c->transpose_a ? c->M : c->K, p->b,
                  c->transpose_b ? c->K : c->N, c->transpose_a ? 1 : 0, p->out, c->N);
}

static real *numbers(size_t n)
{
    real *x = calloc(n, sizeof *x);
    for (size_t i = 0; x && i < n; i++)
        x[i] = (real)((int)(i % 7) - 3);
    return x;
}

enum status bench_product(const struct bench_case *c, struct bench_times *out, struct err *err)
{
    struct product p = {c, numbers((size_t)c->M * (size_t)c->K), numbers((size_t)c->N * (size_t)c->K),
                        numbers((size_t)c->M * (size_t)c->N)};
    struct bench_work openblas = {openblas_round, &p, 1};
    enum status status;
    if (!p.a || !p.b || !p.out)
        status = err_set(err, STATUS_MEMORY, "no memory for a product of %d x %d x %d", c->M, c->N, c->K);
    else
        status = time_beside_peak((struct bench_work){product_round, &p, 1}, &openblas, out, err);
    free(p.a);
    free(p.b);
    free(p.out);
    return status;
}

/* ---- reading ---- */

struct reading {
    const float *x;
    size_t n;
};

static void read_round(void *context)
{
    static volatile float sink;
    const struct reading *r = context;
    sink = machine()->read(r->x, r->n);
    (void)sink;
}

enum status bench_read(const struct bench_case *c, struct bench_times *out, struct err *err)
{
    size_t bytes = (size_t)c->bytes;
    float *x = malloc(bytes);
    struct reading r = {x, bytes / sizeof *x};
    enum status status;
    if (!x)
        return err_set(err, STATUS_MEMORY, "no memory to read %zu bytes", bytes);
    for (size_t i = 0; i < r.n; i++) /* not zeros: those may all be one page, read again and again */
        x[i] = (float)(i % 7);
    status = time_beside_peak((struct bench_work){read_round, &r, 1}, NULL, out, err);
    free(x);
    return status;
}

/* ---- all threads ---- */

enum { THREADS_MAX = 256, TURNS = 20 };

struct team {
    pthread_barrier_t start, end;
    bool over;
};

static void *work_in_team(void *context)
{
    struct team *team = context;
    for (;;) {
        (void)pthread_barrier_wait(&team->start);
        if (team->over)
            return NULL;
        for (int i = 0; i < TURNS; i++)
            bench_peak_round(NULL);
        (void)pthread_barrier_wait(&team->end);
    }
}

static void team_round(void *context)
{
    struct team *team = context;
    (void)pthread_barrier_wait(&team->start);
    for (int i = 0; i < TURNS; i++)
        bench_peak_round(NULL);
    (void)pthread_barrier_wait(&team->end);
}

enum status bench_all_threads(struct bench_times *out, int *threads, struct err *err)
{
    pthread_t others[THREADS_MAX];
    struct team team = {.over = false};
    struct sysinfo info;
    enum status status;
    int n;
    sysinfo_read(&info, "");
    n = (int)(info.usable_cpus < THREADS_MAX ? info.usable_cpus : THREADS_MAX);
    ASSERT(n > 0 && pthread_barrier_init(&team.start, NULL, (unsigned)n) == 0 &&
           pthread_barrier_init(&team.end, NULL, (unsigned)n) == 0);
    for (int i = 0; i < n - 1; i++) /* a barrier that lacks one would wait for ever: this is no place to go on from */
        ASSERT(pthread_create(&others[i], NULL, work_in_team, &team) == 0);
    status = time_beside_peak((struct bench_work){team_round, &team, .threads = n}, NULL, out, err);
    team.over = true;
    (void)pthread_barrier_wait(&team.start);
    for (int i = 0; i < n - 1; i++)
        (void)pthread_join(others[i], NULL);
    (void)pthread_barrier_destroy(&team.start);
    (void)pthread_barrier_destroy(&team.end);
    out->seconds /= TURNS;
    *threads = n;
    return status;
}
