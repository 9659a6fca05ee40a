/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue.h — shapes of models that have names: those of experiments/models.csv, which the program carries, a
 * table of the user's own in the same columns.
 *
 * A row is a shape; no total is ever typed in. The names and texts belong to the catalogue. */
#ifndef HARNESS_CLI_CATALOGUE_H
#define HARNESS_CLI_CATALOGUE_H

#include "engine/base/table.h"
#include "engine/model/config.h"
#include "harness/analysis/size.h"

struct catalogue_model {
    const char *name;
    struct architecture shape;
    double tokens;      /* it was trained on; NaN where not published */
    int64_t year;       /* 0 where not given */
    const char *note;   /* "" for none */
    const char *source;
};

struct catalogue {
    struct table rows;
    struct catalogue_model *models; /* n */
    int n;
};

/* path: a table of the user's own; NULL for the one the program carries. A mistake is STATUS_FORMAT and begins with
 * file and line. */
MUST_CHECK enum status catalogue_open(struct catalogue *out, const char *path, struct err *err);
void catalogue_release(struct catalogue *catalogue);

/* By name; STATUS_NOT_FOUND names the nearest. */
MUST_CHECK enum status catalogue_find(const struct catalogue *catalogue, const char *name,
                                      const struct catalogue_model **out, struct err *err);

/* The shape of a model of the engine's. */
struct architecture catalogue_shape(const struct config *c);

#endif
