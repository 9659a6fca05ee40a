/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h — from a spec file to the list of trials, each fully determined.
 *
 * A plan owns its trials. Reading a spec has no side effect and is all or nothing: any mistake is a
 * STATUS_USAGE error that starts "file:line:column: " and names the way out. What a spec cannot know by
 * itself (what a model costs, what identifies its data, SQL) comes in through struct plan_hooks, so that
 * this room knows neither engine nor store. */
#ifndef HARNESS_SPEC_PLAN_H
#define HARNESS_SPEC_PLAN_H

#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/table.h"
#include "harness/spec/knobs.h"

enum { TRIAL_ID_SIZE = 33 }; /* 32 hexadecimal digits of XXH3-128 and the terminator */

/* What is known of a trial before it runs. */
struct estimate {
    int64_t params_total;
    int64_t params_active;
    int64_t params_non_embedding;
    int64_t params_matmul;
    int64_t tokens;      /* after rounding to whole batches, or from the FLOP budget */
    double flops;        /* training and final scoring, by formula */
    int64_t steps;       /* optimiser steps */
    int64_t constant_steps; /* those at the start that would be the same in a longer run (the trunk's part) */
    int64_t workers;     /* threads that get work */
    double bytes;        /* memory the trial process needs */
    double seconds;      /* on one core; 0 until calibrated */
};

struct planned_trial {
    char id[TRIAL_ID_SIZE];
    struct knobs knobs;
    struct estimate estimate;
    char trunk[TRIAL_ID_SIZE]; /* id of the trunk it is a branch of; "" for none (trunk.h) */
    double flops_marginal;     /* of estimate.flops, what is left when the trunk is shared; all without one */
    double flops_trunk;        /* estimate.flops of the trunk's longest branch */
};

struct plan {
    char name[129];
    char *question;      /* "" when the spec has none */
    char *text;          /* the spec file as read, for the store */
    char *command;       /* the command line that asked for it, for the store; the caller's to set, owned; NULL: none */
    char **claims;
    int n_claims;
    struct planned_trial *trials;
    int n_trials;
    int n_dropped;       /* cells that `where` removed */
    bool shares_trunks;  /* the spec says `trunk: true` */
    uint64_t varying;    /* bit i: knob i is not the same in all trials */
};

struct plan_hooks {
    /* Fills the estimate of checked knobs; may refuse them (STATUS_USAGE) with a text without place. */
    enum status (*estimate)(const struct knobs *knobs, struct estimate *out, struct err *err);
    /* Appends what identifies the data (world version, or path and SHA-256) and the engine's version.
     * A missing data file is STATUS_USAGE. May look at data.* only: it is asked once per distinct data. */
    enum status (*identity)(const struct knobs *knobs, struct str *out, struct err *err);
    /* Evaluates an SQL expression over a table with one row per cell; keep[i] becomes 0 or 1. The columns are
     * the knobs' and the estimate's: params_total, params_active, params_non_embedding, params_matmul,
     * flops_formula. Large plans come in blocks of rows. */
    enum status (*where)(const char *expression, const struct table *cells, char *keep, struct err *err);
};

/* Reads path, applies the n "key=values" overrides of -S, expands axes, checks every cell, drops by `where`,
 * computes ids and sorts by predicted FLOPs, largest first. Two cells with one id are one trial. */
MUST_CHECK enum status plan_load(struct plan *out, const char *path, const char *const *overrides, int n,
                                 const struct plan_hooks *hooks, struct err *err);

/* A plan of one trial made by a command instead of a spec; knobs are checked as in plan_load. */
MUST_CHECK enum status plan_single(struct plan *out, const char *name, const struct knobs *knobs,
                                   const struct plan_hooks *hooks, struct err *err);

void plan_release(struct plan *plan);

#endif
