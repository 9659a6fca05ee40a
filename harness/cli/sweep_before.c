/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_before.c — what has to be known before a sweep begins: whether its trials fit the memory, where they put their files,
 * and who writes. See sweep.h. */
#include "harness/cli/sweep.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/math/blas.h"
#include "engine/math/vec.h"
#include "harness/cli/buildinfo.h"
#include "harness/run/sysinfo.h"
#include "harness/spec/label.h"

void sweep_warn_crowded(const struct plan *plan, int jobs)
{
    struct sysinfo info;
    int64_t workers = 0;
    sysinfo_read(&info, "");
    for (int i = 0; i < plan->n_trials; i++)
        workers = plan->trials[i].estimate.workers > workers ? plan->trials[i].estimate.workers : workers;
    jobs = jobs < plan->n_trials ? jobs : plan->n_trials;
    if (jobs * workers > info.usable_cpus)
        (void)fprintf(stderr, "isoflop: %d trial%s at once with up to %lld thread%s each are more than the %d processor%s here; "
                      "times will be longer than they need be\n", jobs, jobs == 1 ? "" : "s", (long long)workers,
                      workers == 1 ? "" : "s", info.usable_cpus, info.usable_cpus == 1 ? "" : "s");
}

enum status sweep_check_memory(const struct plan *plan, int jobs, int64_t limit_bytes, struct err *err)
{
    struct sysinfo info;
    double largest = 0, share;
    int n = 0, worst = 0;
    char label[160];
    sysinfo_read(&info, "");
    if (info.available_bytes <= 0)
        return STATUS_OK; /* unknown: the trial itself will find out */
    share = (double)info.available_bytes / (jobs < plan->n_trials ? jobs : plan->n_trials ? plan->n_trials : 1);
    if (limit_bytes > 0 && (double)limit_bytes < share)
        share = (double)limit_bytes;
    for (int i = 0; i < plan->n_trials; i++) {
        double bytes = plan->trials[i].estimate.bytes;
        n += !(bytes <= share);
        if (!(bytes <= largest)) {
            largest = bytes;
            worst = i;
        }
    }
    if (n == 0)
        return STATUS_OK;
    plan_label(plan, worst, label, sizeof label);
    if (limit_bytes > 0 && share >= (double)limit_bytes)
        return err_set(err, STATUS_USAGE, "%d of %d trials need more memory than --mem-limit allows (%.0f of %.0f MiB): %s", n,
                       plan->n_trials, largest / (1 << 20), share / (1 << 20), label);
    return err_set(err, STATUS_USAGE, "%d of %d trials need more memory than this machine has (%.1f of %.1f GiB free, "
                   "with %d at once): %s\n  Drop them with  -S  or  where:  , lower -j, or set train.micro_batch", n,
                   plan->n_trials, largest / (1 << 30), (double)info.available_bytes / (1 << 30), jobs, label);
}

void sweep_checkpoint_folder(const char *db, const char *trial_id, struct str *out)
{
    str_format(out, "%s.checkpoints/%s", db, trial_id);
}

void sweep_model_folder(const char *db, const char *trial_id, struct str *out)
{
    const char *slash = strrchr(db, '/');
    struct str own, shared;
    str_init(&own);
    str_init(&shared);
    sweep_checkpoint_folder(db, trial_id, &own);
    str_format(&shared, "%.*scheckpoints/%s", slash ? (int)(slash - db + 1) : 0, db, trial_id);
    str_append(out, access(own.text, F_OK) != 0 && access(shared.text, F_OK) == 0 ? shared.text : own.text);
    str_release(&own);
    str_release(&shared);
}

void sweep_state_folder(const char *db, const char *id, struct str *out)
{
    str_format(out, "%s.states/%s", db, id);
}

enum status sweep_owner(struct store *store, struct owner *out, struct err *err)
{
    struct sysinfo info;
    struct host_info host = {0};
    struct build_info build = {0};
    enum status status;
    sysinfo_read(&info, "");
    (void)str_copy(host.key, sizeof host.key, info.key);
    (void)str_copy(host.cpu_model, sizeof host.cpu_model, info.cpu_model);
    (void)str_copy(host.arch, sizeof host.arch, info.arch);
    (void)str_copy(host.kernel, sizeof host.kernel, info.kernel);
    (void)str_copy(host.isa, sizeof host.isa, vec->isa);
    host.logical_cpus = info.logical_cpus;
    host.numa_nodes = info.numa_nodes;
    host.memory_bytes = info.memory_bytes;
    (void)str_copy(build.version, sizeof build.version, buildinfo.version);
    (void)str_copy(build.git, sizeof build.git, buildinfo.git);
    (void)str_copy(build.compiler, sizeof build.compiler, buildinfo.compiler);
    (void)str_copy(build.flags, sizeof build.flags, buildinfo.flags);
    (void)str_copy(build.blas, sizeof build.blas, blas_config());
    (void)str_copy(build.blas_core, sizeof build.blas_core, blas_core());
    *out = (struct owner){.pid = getpid()};
    store_owner_token(out->token, sizeof out->token);
    status = store_host(store, &host, &out->host_id, err);
    return status == STATUS_OK ? store_build(store, &build, &out->build_id, err) : status;
}
