/* SPDX-License-Identifier: Apache-2.0 */
/* trial_parts.h — what the files of trial share: the state of a running trial and its steps. Private to
 * harness/run/trial*.c. */
#ifndef HARNESS_RUN_TRIAL_PARTS_H
#define HARNESS_RUN_TRIAL_PARTS_H

#include "engine/data/heldout.h"
#include "engine/model/infer.h"
#include "engine/model/model.h"
#include "engine/model/schedule.h"
#include "engine/model/train.h"
#include "engine/shrink/quantize.h"
#include "engine/tasks/overlap.h"
#include "harness/run/child.h"
#include "harness/run/clock.h"
#include "harness/run/trial.h"

/* How evenly a training mixture's experts were chosen (trial_load.c). */
enum { LOAD_FIGURES = 4, LOAD_MOST_LAYERS = 256 };
struct load_curve {
    double sums[LOAD_MOST_LAYERS][LOAD_FIGURES]; /* by layer, over the steps since the last point */
    int64_t steps;                               /* how many those are */
    int layers;                                  /* of a mixture; 0 for a dense model */
    int64_t dropped;                             /* pairs of token and expert, in all layers and steps */
};

/* What a training has behind it. It goes into every state, so that a trial that goes on from one ends with the same
 * sums and curves as one that was never interrupted. */
struct history {
    int64_t step;                      /* steps done */
    double flops, train_s;             /* of all of them, whoever executed them */
    double inherited_flops, inherited_s; /* of those, what came with the trunk's state */
    struct load_curve load;
    struct record *records;            /* points of curves, as sent */
    int n_records, capacity;
};

struct trial {
    struct child child;
    struct assignment assignment;
    const struct knobs *knobs;     /* of the assignment */
    struct config config;
    struct source *source;
    struct overlap *overlap;       /* watches what is trained on; NULL where there are no tasks */
    struct model model;
    struct weights_i8 i8;          /* shrunk trials */
    struct session session;
    bool shrunk;
    struct instant start;
    int64_t steps;
    struct schedule schedule;
    struct history history;        /* training trials */
    struct instant saved;          /* when the last state was, or the training began */
    double last_loss;              /* last finite training loss */
};

/* Sizes (trial_setup.c). */
int64_t trial_sequences(const struct knobs *knobs);       /* per optimiser step */
void trial_shape(const struct knobs *knobs, struct train_shape *out);
void trial_schedule(const struct knobs *knobs, struct schedule *out);
void trial_data_path(const struct knobs *knobs, struct str *out);
enum status trial_tokenizer(const struct knobs *knobs, const struct source *source, struct tokenizer **out,
                            struct err *err); /* trial_tokenizer.c */

/* The sequences first … first+rows-1 of the training text, for a trainer; the context is a trial, of which only source,
 * config, knobs and overlap are used (trial_train.c). */
void trial_fill(const void *trial, int64_t first, int rows, int32_t *tokens, int32_t *targets);
/* Points of the held-out curve, and the share of the final measurement's windows each takes. */
enum { TRIAL_HELDOUT_POINTS = 8, TRIAL_CURVE_SHARE = 8 };

/* Held-out loss over the first `windows` windows; load (L,E), where not NULL, gets the experts' mean shares. False when
 * the runner asks to stop. */
bool trial_heldout(struct trial *trial, int64_t windows, struct heldout *out, double *load);

/* The experts' load over training (trial_load.c): after every optimiser step; at a point of the training curve, which
 * sends the means of the steps since the last; and the FLOPs the training should have taken, less what was dropped. */
void trial_load_step(struct trial *trial);
void trial_load_point(struct trial *trial, int64_t step);
double trial_train_formula(const struct trial *trial);

/* Trains from the newest state there is, or from scratch (trial_train.c); false when the trial is over: its outcome
 * said, or asked to stop, or in err. */
bool trial_train(struct trial *trial, struct err *err);

/* States (trial_state.c). take_up loads the newest that this trial can go on from, its own or its trunk's, and sends
 * its curves again; without one, the model is as it was opened and initialised. save writes one into a folder, and says
 * aloud when it cannot; "" is nowhere. */
void trial_take_up(struct trial *trial);
void trial_save_state(struct trial *trial, const char *folder);

/* Sends a point of a training curve and remembers it for the states. */
void trial_metric(struct trial *trial, int64_t step, const char *name, double value);
void trial_note(struct trial *trial, const struct record *record); /* METRIC, MOE_LOAD or MOE_METRIC */

/* Everything measured on the finished model (trial_measure.c); false to stop. */
bool trial_measure(struct trial *trial, struct err *err);

#endif
