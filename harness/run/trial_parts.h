/* SPDX-License-Identifier: Apache-2.0 */
/* trial_parts.h — what the files of trial share: the state of a running trial and its steps. Private to
 * harness/run/trial*.c. */
#ifndef HARNESS_RUN_TRIAL_PARTS_H
#define HARNESS_RUN_TRIAL_PARTS_H

#include "engine/data/heldout.h"
#include "engine/model/infer.h"
#include "engine/model/model.h"
#include "engine/shrink/quantize.h"
#include "harness/run/child.h"
#include "harness/run/clock.h"
#include "harness/run/trial.h"

struct trial {
    struct child child;
    struct assignment assignment;
    const struct knobs *knobs;     /* of the assignment */
    struct config config;
    struct source *source;
    struct model model;
    struct weights_i8 i8;          /* shrunk trials */
    struct session session;
    bool shrunk;
    struct instant start;
    int64_t steps;
    double train_s;                /* in training steps only, without standing still */
    double last_loss;              /* last finite training loss */
};

/* Sizes (trial_setup.c). */
int64_t trial_sequences(const struct knobs *knobs);       /* per optimiser step */
double trial_score_flops(const struct knobs *knobs);
void trial_data_path(const struct knobs *knobs, struct str *out);

/* Held-out loss over the first `windows` windows; load (L,E), where not NULL, gets the experts' mean shares. False when
 * the runner asks to stop. */
bool trial_heldout(struct trial *trial, int64_t windows, struct heldout *out, double *load);

/* Everything measured on the finished model (trial_measure.c); false to stop. */
bool trial_measure(struct trial *trial, struct err *err);

#endif
