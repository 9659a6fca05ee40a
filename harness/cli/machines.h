/* SPDX-License-Identifier: Apache-2.0 */
/* machines.h — hardware that people have, for `size`: experiments/hardware.csv, which the program carries, or a table of the
 * user's own in the same columns.
 *
 * Every figure has its source in the row, in the column that ends in _source. Names and texts belong to the table. */
#ifndef HARNESS_CLI_MACHINES_H
#define HARNESS_CLI_MACHINES_H

#include "engine/base/table.h"
#include "harness/analysis/hardware.h"

struct machine_profile {
    struct hardware hardware;
    const char *flops_source, *memory_source, *power_source, *price_source; /* "" where the table does not say */
};

struct machines {
    struct table rows;
    struct machine_profile *all; /* n */
    int n;
};

/* path NULL: the program's own. A mistake is STATUS_FORMAT and begins with file and line. */
MUST_CHECK enum status machines_open(struct machines *out, const char *path, struct err *err);
void machines_release(struct machines *machines);

/* By name; STATUS_NOT_FOUND names the nearest. */
MUST_CHECK enum status machines_find(const struct machines *machines, const char *name, const struct machine_profile **out,
                                     struct err *err);

#endif
