/* SPDX-License-Identifier: Apache-2.0 */
/* store.h — one SQLite file with everything that was measured, and the only door to it.
 *
 * The schema is results/schema.sql (compiled into the program). One writer at a time; a transaction per
 * claim and per finished attempt. A struct store owns its connection; whatever it returns in tables is
 * the caller's. Opening for reading never changes the file. */
#ifndef HARNESS_STORE_STORE_H
#define HARNESS_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/table.h"
#include "harness/run/record.h"
#include "harness/spec/plan.h"

struct store;

enum store_mode {
    STORE_READ,
    STORE_WRITE, /* a missing file is made */
    STORE_CHANGE /* to write what is said of trials that must be there: a missing file is not made */
};

/* Life cycle. Refuses a file that is no store, is damaged, or is newer than the program
 * (STATUS_CORRUPT), a missing file unless it may be made (STATUS_NOT_FOUND), and to write over a network (STATUS_IO,
 * network.h). An older store is migrated: in the file, after a copy was made beside it (PATH.vN.backup), or for reading in
 * memory only. */
MUST_CHECK enum status store_open(struct store **out, const char *path, enum store_mode mode, struct err *err);
void store_close(struct store *store);

/* The machine, as sysinfo found it. key identifies machines whose timings may be compared. */
struct host_info {
    char key[128];          /* cpu model, logical CPUs, NUMA nodes, architecture */
    char cpu_model[128];
    int64_t logical_cpus;
    int64_t numa_nodes;
    char arch[32];
    int64_t memory_bytes;
    char kernel[128];
    char isa[32];           /* widest vector instructions the program uses: avx512, avx2, baseline */
};

/* The program, as it was built. */
struct build_info {
    char version[64];
    char git[64];           /* git describe --always --dirty */
    char compiler[128];
    char flags[512];
    char blas[256];         /* openblas_get_config() */
    char blas_core[64];     /* kernels in use */
};

/* Both insert or find; the id goes with every attempt and bench sample. */
MUST_CHECK enum status store_host(struct store *store, const struct host_info *host, int64_t *id, struct err *err);
MUST_CHECK enum status store_build(struct store *store, const struct build_info *build, int64_t *id, struct err *err);

/* Writes the spec and those of its trials the store does not have yet (state pending), in one transaction.
 * Trials it has are left as they are. */
MUST_CHECK enum status store_put_plan(struct store *store, const struct plan *plan, struct err *err);

enum store_rerun { STORE_RERUN_NONE, STORE_RERUN_FAILED, STORE_RERUN_ALL };
/* Sets states for a run of this plan: `running` trials whose owner is dead become pending again (attempt
 * `stale`), in the whole store, and the plan's failed (or all) trials become pending when asked. Failed means
 * failed, timeout, oom, skipped or stale, but not diverged: the same seed would diverge again. *n_pending is
 * what is left of the plan to run. A trial that was never put is STATUS_NOT_FOUND. */
MUST_CHECK enum status store_prepare(struct store *store, const struct plan *plan, enum store_rerun rerun,
                                     int *n_pending, struct err *err);

/* What store_prepare would leave pending, asked without changing anything: missing[i] becomes 0 or 1 for each trial of the
 * plan; one the store does not have is missing too. */
MUST_CHECK enum status store_missing(struct store *store, const struct plan *plan, enum store_rerun rerun, char *missing,
                                     struct err *err);

/* How far each spec is, one row per name, '' for trials of none: spec trials done running lost pending failed left_s
 * best_bits_per_byte. A trial counts for the first spec that contained it; lost ones say running but their runner is
 * dead; failed is every other end than done. The table is the caller's to release. */
MUST_CHECK enum status store_progress(struct store *store, struct table *out, struct err *err);

struct owner {
    int64_t host_id, build_id;
    int64_t pid;
    char token[64];         /* unique per runner process: store_owner_token */
};

/* The token of the calling process: boot, process number and start time, by which others can tell whether it
 * still runs. size >= 64. */
void store_owner_token(char *out, size_t size);

/* Holds a lock in the owner's name, in the file STORE.lock, until the store closes or the process ends: by it others
 * know that the runner lives, in another container too. Once per store. Where files cannot be locked, the token is
 * all that others have. */
void store_hold(struct store *store, const struct owner *owner);

/* Trials that say they are running though their runner is gone: columns trial_id and spec ('' for none). The next
 * store_prepare takes them up; this only looks. The table is the caller's to release. */
MUST_CHECK enum status store_lost(struct store *store, struct table *out, struct err *err);

/* Claims the first pending trial in the plan's order, which is the one with the most predicted FLOPs unless the
 * caller sorted otherwise: trial and attempt become running in one transaction; *index is its place in the
 * plan. STATUS_DONE when none is left. */
MUST_CHECK enum status store_claim(struct store *store, const struct plan *plan, const struct owner *owner,
                                   int *index, int64_t *attempt, struct err *err);

/* The end of an attempt: state and all records in one transaction. Records of outcomes other than done are
 * kept too (their metrics carry the attempt). Refused (STATUS_CORRUPT) when the attempt is no longer the
 * owner's. OUTCOME_INTERRUPTED puts the trial back to pending. */
MUST_CHECK enum status store_finish(struct store *store, const char *trial_id, int64_t attempt,
                                    const struct owner *owner, enum outcome outcome, const char *reason,
                                    const struct record *records, int n, struct err *err);

/* The two in one transaction, which waits for the disk half as often: both happen, or neither. STATUS_DONE when none is left
 * to claim: then nothing was stored. */
struct ended {
    const char *trial_id;
    int64_t attempt;
    enum outcome outcome;
    const char *reason;
    const struct record *records;
    int n;
};
MUST_CHECK enum status store_finish_and_claim(struct store *store, const struct ended *ended, const struct plan *plan,
                                              const struct owner *owner, int *index, int64_t *attempt, struct err *err);

/* Any read-only SQL with text parameters ?1 … ?n; the answer is the caller's to release. */
MUST_CHECK enum status store_query(struct store *store, const char *sql, const char *const *parameters, int n,
                                   struct table *out, struct err *err);

/* The same without parameters, for answers that memory could not hold: take gets a table without rows, and then one with
 * each row alone. It lives until take returns. */
MUST_CHECK enum status store_each(struct store *store, const char *sql,
                                  void (*take)(void *context, const struct table *rows), void *context, struct err *err);

/* The `where` of a spec: an SQL expression over cells, in a database of its own in memory. */
MUST_CHECK enum status store_where(const char *expression, const struct table *cells, char *keep, struct err *err);

/* Regression tracking. A sample is one process's figure. run_id groups the samples of one `bench`. */
struct bench_sample {
    char bench[64];         /* suite: train, moe, decode, gemm … */
    char name[96];          /* the case: "width 64, 2 layers" */
    char metric[48];        /* "seconds", "flops", "loss_bits" */
    char unit[16];
    bool exact;             /* deterministic counter: gated on equality */
    int64_t block;          /* position in the interleaving */
    double value;
};
MUST_CHECK enum status store_put_bench(struct store *store, const char *run_id, const struct owner *owner,
                                       const struct bench_sample *samples, int n, struct err *err);
/* Names a bench run; an existing name moves. */
MUST_CHECK enum status store_put_baseline(struct store *store, const char *name, const char *run_id, struct err *err);

#endif
