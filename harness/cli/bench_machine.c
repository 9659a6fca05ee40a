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

static enum status time_beside_peak(struct bench_work ours, const struct bench_work *openblas, struct bench_result *out,
                                    struct err *err)
{
    struct bench_work works[] = {{bench_peak_round, NULL, 1}, ours, openblas ? *openblas : ours};
    double seconds[3] = {0};
    enum status status = bench_time(works, openblas ? 3 : 2, seconds, err);
    out->peak_seconds = seconds[0];
    out->seconds = seconds[1];
    out->beside_seconds = seconds[2];
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

enum status bench_product(const struct bench_case *c, struct bench_result *out, struct err *err)
{
    struct product p = {c, numbers((size_t)c->M * (size_t)c->K), numbers((size_t)c->N * (size_t)c->K),
                        numbers((size_t)c->M * (size_t)c->N)};
    struct bench_work openblas = {openblas_round, &p, 1};
    enum status status;
    out->flops = 2.0 * c->M * c->N * c->K;
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

enum status bench_reading_open(struct bench_reading *out, size_t bytes, struct err *err)
{
    struct bench_reading r = {.n = bytes / sizeof *r.x};
    enum status status = arena_init(&r.arena, arena_bytes(r.n, sizeof *r.x), err);
    if (status != STATUS_OK)
        return status;
    r.x = ARENA_NEW(&r.arena, float, r.n);
    for (size_t i = 0; i < r.n; i++) /* not zeros: those may all be one page, read again and again */
        r.x[i] = (float)(i % 7);
    *out = r;
    return STATUS_OK;
}

void bench_reading_close(struct bench_reading *reading)
{
    arena_release(&reading->arena);
    *reading = (struct bench_reading){0};
}

void bench_reading_round(void *context)
{
    static volatile float sink;
    const struct bench_reading *r = context;
    sink = machine()->read(r->x, r->n);
    (void)sink;
}

enum status bench_read(const struct bench_case *c, struct bench_result *out, struct err *err)
{
    struct bench_reading reading = {0};
    enum status status = bench_reading_open(&reading, (size_t)c->bytes, err);
    out->bytes = (double)c->bytes;
    if (status == STATUS_OK)
        status = time_beside_peak((struct bench_work){bench_reading_round, &reading, 1}, NULL, out, err);
    bench_reading_close(&reading);
    return status;
}

/* ---- the peak ---- */

enum status bench_peak(const struct bench_case *c, struct bench_result *out, struct err *err)
{
    struct bench_work works[] = {{bench_peak_round, NULL, 1}};
    enum status status;
    (void)c;
    out->threads = 1;
    out->flops = bench_peak_flops();
    status = bench_time(works, 1, &out->seconds, err);
    out->peak_seconds = out->seconds;
    return status;
}

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

enum status bench_peak_all(const struct bench_case *c, struct bench_result *out, struct err *err)
{
    pthread_t others[THREADS_MAX];
    struct team team = {.over = false};
    struct sysinfo info;
    enum status status;
    int n;
    (void)c;
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
    out->threads = n;
    out->flops = bench_peak_flops() * n;
    return status;
}
