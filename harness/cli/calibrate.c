/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate.c — predicted seconds from what this machine was measured to do.
 *
 * The calibration is a text file in the user's cache, a line for each shape of a trial on each machine and build: the
 * hash of what the speed depends on, and the speeds. It is only ever added to; a line that cannot be read is passed
 * over. The measuring happens in a forked child, so that the process that runs a sweep never computes. In a plan with
 * many shapes some are measured, and the others take the speed of the nearest, scaled by FLOPs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/math/blas.h"
#include "harness/cli/buildinfo.h"
#include "harness/cli/folders.h"
#include "harness/cli/sweep.h"
#include "harness/run/sysinfo.h"
#include "harness/run/trial.h"

enum { MEASURED_MAX = 24 };

struct shape {
    char key[HASH_TEXT_SIZE];
    const struct planned_trial *trial; /* the first that has it */
    struct trial_speed speed;
    bool known;
};

static void key_of(const struct knobs *knobs, const struct sysinfo *machine, char out[HASH_TEXT_SIZE])
{
    struct str text;
    str_init(&text);
    str_format(&text, "%s|%s|%s|%s|", machine->key, buildinfo.git, buildinfo.version, blas_core());
    trial_speed_key(knobs, &text);
    hash_text(hash_bytes(text.text, strlen(text.text)), out);
    str_release(&text);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct shape *)a)->key, ((const struct shape *)b)->key);
}

/* The plan's different shapes, sorted by key. */
static int collect_shapes(const struct plan *plan, struct shape *shapes)
{
    struct sysinfo machine;
    int n = 0;
    sysinfo_read(&machine, "");
    for (int i = 0; i < plan->n_trials; i++) {
        shapes[i] = (struct shape){.trial = &plan->trials[i]};
        key_of(&plan->trials[i].knobs, &machine, shapes[i].key);
    }
    qsort(shapes, (size_t)plan->n_trials, sizeof *shapes, by_key);
    for (int i = 0; i < plan->n_trials; i++)
        if (i == 0 || by_key(&shapes[i], &shapes[n - 1]) != 0)
            shapes[n++] = shapes[i];
    return n;
}

static struct shape *find(struct shape *shapes, int n, const char *key)
{
    struct shape wanted;
    if (!str_copy(wanted.key, sizeof wanted.key, key))
        return NULL;
    return bsearch(&wanted, shapes, (size_t)n, sizeof *shapes, by_key);
}

/* ---- the file ---- */

static bool is_speed(const struct trial_speed *s)
{
    return s->start_s >= 0 && s->tasks >= 0 && s->step_s > 0 && s->window_s > 0 && isfinite(s->start_s + s->step_s + s->window_s);
}

static void read_known(const char *path, struct shape *shapes, int n)
{
    FILE *file = fopen(path, "re");
    char line[256], key[HASH_TEXT_SIZE];
    while (file && fgets(line, sizeof line, file)) {
        struct trial_speed s;
        struct shape *shape;
        if (sscanf(line, "%32s %lf %lf %lf %lf", key, &s.start_s, &s.step_s, &s.window_s, &s.tasks) != 5 || !is_speed(&s))
            continue;
        shape = find(shapes, n, key);
        if (shape) {
            shape->speed = s;
            shape->known = true;
        }
    }
    if (file)
        (void)fclose(file);
}

/* What cannot be kept is measured again the next time. */
static void add_line(const char *path, const struct shape *shape)
{
    struct err ignored = ERR_INIT;
    FILE *file = folders_make_for(path, &ignored) == STATUS_OK ? fopen(path, "ae") : NULL;
    if (!file)
        return;
    (void)fprintf(file, "%s %.6g %.6g %.6g %g\n", shape->key, shape->speed.start_s, shape->speed.step_s,
                  shape->speed.window_s, shape->speed.tasks);
    (void)fclose(file);
}

/* ---- measuring ---- */

static void measure(const char *path, struct shape **wanted, int n)
{
    int ends[2];
    pid_t child;
    if (n == 0 || pipe(ends) != 0)
        return;
    child = fork();
    if (child == 0) {
        for (int i = 0; i < n; i++) {
            struct trial_speed speed = {0};
            (void)trial_measure_speed(&wanted[i]->trial->knobs, &speed);
            if (write(ends[1], &speed, sizeof speed) != sizeof speed)
                _exit(1);
        }
        _exit(0);
    }
    (void)close(ends[1]);
    for (int i = 0; i < n && child > 0; i++) {
        struct shape *shape = wanted[i];
        if (read(ends[0], &shape->speed, sizeof shape->speed) != sizeof shape->speed)
            break;
        shape->known = is_speed(&shape->speed);
        if (shape->known)
            add_line(path, shape);
    }
    (void)close(ends[0]);
    if (child > 0)
        (void)waitpid(child, NULL, 0);
}

static double step_flops(const struct planned_trial *trial)
{
    return trial->estimate.flops / (double)trial->estimate.steps;
}

static int by_step_flops(const void *a, const void *b)
{
    double x = step_flops((*(struct shape *const *)a)->trial), y = step_flops((*(struct shape *const *)b)->trial);
    return (x > y) - (x < y);
}

/* Of the shapes without a speed at most MEASURED_MAX, the smallest and the largest step among them. */
static void measure_missing(const char *path, struct shape *shapes, int n)
{
    struct shape **missing = calloc((size_t)n + 1, sizeof *missing);
    int m = 0, chosen;
    NEED_MEMORY(missing);
    for (int i = 0; i < n; i++)
        if (!shapes[i].known)
            missing[m++] = &shapes[i];
    qsort(missing, (size_t)m, sizeof *missing, by_step_flops);
    chosen = m < MEASURED_MAX ? m : MEASURED_MAX;
    for (int i = 0; i < chosen && m > MEASURED_MAX; i++)
        missing[i] = missing[(int64_t)i * (m - 1) / (MEASURED_MAX - 1)];
    measure(path, missing, chosen);
    free(missing);
}

/* Gives a shape without a speed that of the known one nearest in FLOPs, first among those with as many experts. */
static void borrow(struct shape *shape, const struct shape *shapes, int n)
{
    double nearest = INFINITY, ratio = 1;
    for (int i = 0; i < n; i++) {
        double r = step_flops(shape->trial) / step_flops(shapes[i].trial);
        double far = fabs(log(r)) + (shapes[i].trial->knobs.experts != shape->trial->knobs.experts ? 100 : 0);
        if (shapes[i].known && far < nearest) {
            nearest = far;
            ratio = r;
            shape->speed = shapes[i].speed;
        }
    }
    shape->speed.step_s *= ratio;
    shape->speed.window_s *= ratio;
}

void sweep_calibrate(struct plan *plan, double *flops_per_s)
{
    struct shape *shapes = calloc((size_t)plan->n_trials + 1, sizeof *shapes);
    struct sysinfo machine;
    struct str path;
    int n;
    NEED_MEMORY(shapes);
    sysinfo_read(&machine, "");
    str_init(&path);
    trial_cache("calibration", &path);
    if (flops_per_s)
        *flops_per_s = NAN;
    n = collect_shapes(plan, shapes);
    read_known(path.text, shapes, n);
    measure_missing(path.text, shapes, n);
    for (int i = 0; i < n; i++)
        if (!shapes[i].known)
            borrow(&shapes[i], shapes, n);
    for (int i = 0; i < plan->n_trials; i++) {
        struct planned_trial *trial = &plan->trials[i];
        char key[HASH_TEXT_SIZE];
        const struct shape *shape;
        key_of(&trial->knobs, &machine, key);
        shape = find(shapes, n, key);
        if (!shape || !is_speed(&shape->speed))
            continue;
        trial->estimate.seconds = trial_predict(&trial->knobs, &shape->speed,
            (double)trial->estimate.steps * trial->flops_marginal / trial->estimate.flops) / (double)trial->estimate.workers;
        if (flops_per_s && i == plan->n_trials / 2)
            *flops_per_s = step_flops(trial) / shape->speed.step_s;
    }
    str_release(&path);
    free(shapes);
}
