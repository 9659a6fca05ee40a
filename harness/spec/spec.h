/* SPDX-License-Identifier: Apache-2.0 */
/* spec.h — what a spec file says, key by key, before anything is multiplied out.
 *
 * A spec is one or more grids. A grid holds, per knob, the axis of its values, and which axes advance
 * together. The common part is already laid under every grid and the -S overrides over it; a knob without
 * axis keeps its preset. The spec owns all axes and the YAML tree its texts point into; grids share axes.
 *
 * How to add a key: a row in spec.c's table and the function that reads it. */
#ifndef HARNESS_SPEC_SPEC_H
#define HARNESS_SPEC_SPEC_H

#include "engine/base/err.h"
#include "harness/spec/place.h"
#include "harness/spec/values.h"
#include "harness/spec/yaml.h"

enum { SPEC_KNOBS = 64, SPEC_GRIDS = 1000, SPEC_CLAIMS = 64, SPEC_ZIPS = SPEC_KNOBS / 2 };

/* Axes are indexed as knobs are in their table. */
struct grid {
    struct place place;                   /* the model mapping, else the whole grid */
    const struct axis *axes[SPEC_KNOBS];  /* NULL: the preset */
    int zip[SPEC_KNOBS];                  /* 1 … n_zips: axes with one number advance together; 0: alone */
    int n_zips;
    const char *where;                    /* SQL, or NULL */
    struct place where_place;
    const struct node *zip_node;          /* as written */
};

struct spec {
    const char *path;                     /* the caller's */
    char name[129];
    const char *question;                 /* "" when there is none */
    const char *claims[SPEC_CLAIMS];
    int n_claims;
    bool trunk;                           /* trials that begin alike share their beginning (trunk.h) */
    struct place trunk_place;
    struct grid *grids;
    int n_grids;
    struct axis **axes;                   /* all axes of all grids */
    int n_axes, axes_capacity;
    struct tree tree;
};

/* Reads the text of a spec; path is for names and messages. Overrides are "key=values", the last one of a
 * knob counts. Errors are STATUS_USAGE with their place. */
MUST_CHECK enum status spec_read(struct spec *out, const char *path, const char *text, size_t size,
                                 const char *const *overrides, int n, struct err *err);
void spec_release(struct spec *spec);

#endif
