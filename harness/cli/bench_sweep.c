/* SPDX-License-Identifier: Apache-2.0 */
/* bench_sweep.c — writes a spec, runs it as anybody would, and asks the store what the trials themselves took.
 *
 * Overhead is what a sweep takes by the wall clock, start and end of the runner included, beyond the trials' own wall_s:
 * starting processes, records, transactions. */
#include "harness/cli/bench_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/str.h"
#include "harness/cli/bench_machine.h"
#include "harness/run/clock.h"

/* A folder that goes with all that a sweep leaves in it. */
struct place {
    char folder[64], spec[96], db[96];
};

static enum status make_place(const struct bench_case *c, struct place *out, struct err *err)
{
    FILE *file;
    (void)str_copy(out->folder, sizeof out->folder, "/tmp/isoflop-bench-XXXXXX");
    if (!mkdtemp(out->folder))
        return err_set(err, STATUS_IO, "no folder for a sweep: %s", strerror(errno));
    (void)snprintf(out->spec, sizeof out->spec, "%s/spec.yaml", out->folder);
    (void)snprintf(out->db, sizeof out->db, "%s/s.db", out->folder);
    file = fopen(out->spec, "we");
    if (!file)
        return err_set(err, STATUS_IO, "%s: %s", out->spec, strerror(errno));
    (void)fprintf(file,
                  "name: sweep\nquestion: What does a sweep cost beside its trials?\nmodel: {width: %d, depth: %d}\n"
                  "train: {tokens: %d, batch_tokens: 512}\neval: {items: 8, heldout_tokens: 512, latency_samples: 5}\n"
                  "seeds: 1-%d\n", c->width, c->layers, c->tokens, c->trials);
    return fclose(file) == 0 ? STATUS_OK : err_set(err, STATUS_IO, "%s: %s", out->spec, strerror(errno));
}

static void remove_place(const struct place *place)
{
    (void)unlink(place->spec);
    (void)rmdir(place->folder);
}

/* The store and what may lie beside it; models are not kept. */
static void remove_store(const struct place *place)
{
    static const char *const suffixes[] = {"", "-journal", ".lock"};
    char path[128];
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        (void)snprintf(path, sizeof path, "%s%s", place->db, suffixes[i]);
        (void)unlink(path);
    }
}

/* Starts this program again, with these words, and waits. */
static enum status run_program(const char *const *words, struct err *err)
{
    int code;
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)dup2(nowhere, STDIN_FILENO);
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)execv("/proc/self/exe", (char *const *)(uintptr_t)words);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &code, 0) != child || !WIFEXITED(code) || WEXITSTATUS(code) != 0)
        return err_set(err, STATUS_IO, "the sweep to be timed failed");
    return STATUS_OK;
}

/* Wall seconds of the sweep, and of its trials together. */
static enum status time_sweep(const struct place *place, const char *jobs, int trials, double *seconds, double *own,
                              struct err *err)
{
    const char *const words[] = {"isoflop", "run", place->spec, "--db", place->db, "-q", "-j", jobs, "--no-checkpoints", NULL};
    struct instant start = clock_now();
    struct store *store;
    struct table table;
    enum status status = run_program(words, err);
    *seconds = clock_since(start);
    if (status == STATUS_OK)
        status = store_open(&store, place->db, STORE_READ, err);
    if (status != STATUS_OK)
        return status;
    status = store_query(store, "SELECT count(wall_s), sum(wall_s) FROM v_costs", NULL, 0, &table, err);
    store_close(store);
    if (status == STATUS_OK) {
        *own = table_number(&table, 0, 1);
        if ((int)table_number(&table, 0, 0) != trials)
            status = err_set(err, STATUS_IO, "the sweep to be timed did not run all its trials");
        table_release(&table);
    }
    remove_store(place);
    return status;
}

enum status bench_sweep(const struct bench_case *c, struct bench_result *out, struct err *err)
{
    struct bench_result peaks = {0};
    struct place place;
    const char *const calibrate[] = {"isoflop", "plan", place.spec, NULL};
    double n = c->trials, seconds = 0, own = 0, two = 0, ignored = 0;
    enum status status = make_place(c, &place, err);
    if (status == STATUS_OK) /* what the machine's calibration lacks is measured now, not while the clock runs */
        status = run_program(calibrate, err);
    if (status == STATUS_OK)
        status = time_sweep(&place, "1", c->trials, &seconds, &own, err);
    if (status == STATUS_OK)
        status = bench_peak_all(c, &peaks, err);
    if (status == STATUS_OK)
        status = time_sweep(&place, "2", c->trials, &two, &ignored, err);
    remove_store(&place);
    remove_place(&place);
    out->seconds = seconds / n;
    out->overhead_seconds = (seconds - own) / n;
    out->beside_seconds = two / n;
    out->peak_seconds = peaks.peak_seconds;
    out->peaks_ratio = peaks.threads * peaks.peak_seconds / peaks.seconds;
    return status;
}
