/* SPDX-License-Identifier: Apache-2.0 */
/* loaded.h — a model in memory, ready to be asked: found by its name, its shape read, its weights filled in.
 *
 * Two steps, because how much memory a model takes depends on what is asked of it: loaded_find reads the shape,
 * loaded_read the weights into a model of a chosen context. A struct loaded owns all of it; it must not move once
 * read, for the session points into it. */
#ifndef HARNESS_CLI_LOADED_H
#define HARNESS_CLI_LOADED_H

#include "engine/base/str.h"
#include "engine/data/tokenizer.h"
#include "engine/model/infer.h"
#include "engine/shrink/quantize.h"
#include "engine/tasks/task.h"
#include "harness/spec/knobs.h"

struct loaded {
    struct str folder;
    struct config config; /* context: the model's own until loaded_read */
    struct tokenizer *tokenizer; /* what tokens are: bytes, or its tokenizer.json; NULL until loaded_find_text */
    struct knobs knobs;   /* it was made by; presets where its folder does not say */
    bool knows_knobs;
    bool is_i8; /* weights in 8 bits */
    struct model model;
    struct weights_i8 i8;
    struct session session;
};

/* Life cycle. word: a folder, a trial, the beginning of its id, or best (models.h). Release in every case. */
MUST_CHECK enum status loaded_find(struct loaded *out, const char *db, const char *word, struct err *err);

/* What it shall be open for. */
struct loaded_use {
    int context;   /* tokens of a sequence, cut to what the model has */
    int sequences; /* of `context` tokens in one training forward pass; 0: only the session is used */
    int batch;     /* sequences of the session; 0: one */
};
MUST_CHECK enum status loaded_read(struct loaded *loaded, struct loaded_use use, struct err *err);
void loaded_release(struct loaded *loaded);

/* Reads what its tokens stand for, once and before anything is to be read or written as text. Numbers of tokens need it not,
 * and many models come with a tokenizer that is none of ours. STATUS_USAGE when nobody says it. */
MUST_CHECK enum status loaded_find_text(struct loaded *loaded, struct err *err);
/* Whether tokens are bytes; after loaded_find_text. */
bool loaded_reads_bytes(const struct loaded *loaded);

/* Scores through the training forward pass; without one, and 8-bit weights, through the session. */
struct scorer loaded_scorer(struct loaded *loaded);

#endif
