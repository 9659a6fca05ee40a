/* SPDX-License-Identifier: Apache-2.0 */
/* knobs.h — every setting of a trial, in one table.
 *
 * The table in knobs.c is the master copy: the spec reader, `--help`, the columns of the store's trial
 * table, the CSV header and results/README.md's dictionary are all made from it or checked against it.
 * A struct knobs is plain data: copied, compared and hashed freely, owning nothing.
 *
 * How to add one: a field here, a row in knobs.c, its copy in experiments/README.md, a column in
 * results/schema.sql, and the line in harness/run/trial.c that gives it to the engine. `make check` complains
 * about what is missing. */
#ifndef HARNESS_SPEC_KNOBS_H
#define HARNESS_SPEC_KNOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

enum { KNOB_TEXT_SIZE = 256 };

/* The values of one trial. Field names are the knobs' column names. */
struct knobs {
    /* data */
    char data_source[KNOB_TEXT_SIZE];
    char data_path[KNOB_TEXT_SIZE];
    double task_share;
    double fact_share;
    double junk;
    char junk_kind[KNOB_TEXT_SIZE];
    char abilities[KNOB_TEXT_SIZE];
    double ability_zipf;
    int64_t entities;
    int64_t cutoff_year;
    int64_t data_unique_tokens;
    int64_t parity_tasks;
    int64_t parity_places;
    int64_t data_seed;
    char tokenizer[KNOB_TEXT_SIZE];
    int64_t vocabulary;
    char tokenizer_path[KNOB_TEXT_SIZE];
    /* model */
    int64_t depth;
    int64_t width;
    int64_t heads;
    int64_t kv_heads;
    int64_t ffn;
    int64_t context;
    bool tied;
    char parametrization[KNOB_TEXT_SIZE];
    int64_t base_width;
    double rope_base;
    bool qk_norm;
    int64_t experts;
    int64_t experts_per_token;
    int64_t granularity;
    int64_t shared_experts;
    char gate[KNOB_TEXT_SIZE];
    double capacity;
    double load_balance;
    double router_z;
    /* train */
    int64_t tokens;
    double flops;
    int64_t batch_tokens;
    int64_t micro_batch;
    int64_t threads;
    double lr;
    char schedule[KNOB_TEXT_SIZE];
    double warmup;
    int64_t warmup_tokens;
    double decay;
    double final_lr;
    double weight_decay;
    double beta1;
    double beta2;
    double clip;
    /* eval */
    int64_t heldout_tokens;
    int64_t eval_every;
    int64_t items;
    int64_t shots;
    bool write_answers;
    int64_t latency_samples;
    /* shrink */
    char shrink[KNOB_TEXT_SIZE];
    char parent[KNOB_TEXT_SIZE];
    /* replicate */
    int64_t seed;
};

enum knob_type { KNOB_INTEGER, KNOB_REAL, KNOB_BOOL, KNOB_CHOICE, KNOB_TEXT };

struct knob {
    const char *name;   /* as in a spec: "model.width"; "seed" stands alone */
    const char *column; /* as in the store: "width" */
    enum knob_type type;
    const char *unit;   /* "tokens", "share", "" … */
    double minimum, maximum; /* inclusive; numbers only */
    const char *preset; /* the default, as text */
    const char *choices;/* "world text" for KNOB_CHOICE, else NULL */
    const char *help;   /* one sentence */
    size_t offset;      /* of the field in struct knobs */
    bool internal;      /* set by a command (shrink), not by a spec */
};

int knob_count(void);
const struct knob *knob_at(int i);
/* The inverse: the knob's place in the table. */
int knob_index(const struct knob *knob);
/* By spec name or by column name; NULL when there is none. */
const struct knob *knob_find(const char *name);
/* The nearest known spec name, or NULL (for "did you mean"). */
const char *knob_nearest(const char *name);

/* The section a knob stands in ("model"; "" for seed), and its key there ("width"). */
bool knob_in(const struct knob *knob, const char *section);
const char *knob_tail(const struct knob *knob);

/* Every knob at its preset. */
void knobs_preset(struct knobs *knobs);

/* A decimal number with an optional exponent or suffix (k, M, G or B, T); false when text is anything else. */
bool knob_read_number(const char *text, double *out);

/* Reads text as the knob's type and checks its range. The error names the knob and what it takes, without
 * file or line: the caller knows those. Integers may be written 1e6, 4k, 2M; reals with an exponent. */
MUST_CHECK enum status knob_parse(const struct knob *knob, const char *text, struct knobs *out, struct err *err);

/* Appends the value in the form knob_parse reads back to the same value. */
void knob_format(const struct knob *knob, const struct knobs *knobs, struct str *out);

/* Numbers and booleans as double; NaN for text. */
double knob_number(const struct knob *knob, const struct knobs *knobs);

/* Settings that only make sense together (heads divide width, k <= E, source text has a path, …). */
MUST_CHECK enum status knobs_check(const struct knobs *knobs, struct err *err);

/* The canonical text: one "name=value\n" per knob in table order. Equal settings, equal text. */
void knobs_canonical(const struct knobs *knobs, struct str *out);
/* The inverse, for the trial process. Unknown names and missing lines are errors. */
MUST_CHECK enum status knobs_from_canonical(const char *text, struct knobs *out, struct err *err);

/* Derived settings: the value when given, otherwise the rule. */
int64_t knobs_heads(const struct knobs *knobs);     /* width / 16 up to width 64, width / 32 beyond; at least 1 */
int64_t knobs_ffn(const struct knobs *knobs);       /* 8/3 width, rounded up to a multiple of 32 */

#endif
