/* SPDX-License-Identifier: Apache-2.0 */
/* told.h — the claims of a store as rows of the report: those that were decided, and those its specs name. */
#ifndef HARNESS_CLI_TOLD_H
#define HARNESS_CLI_TOLD_H

#include "harness/report/html.h"
#include "harness/store/store.h"

/* Owns everything its rows point to. Zero it before; release it once, read or not. */
struct told {
    struct table stored;
    struct report_claim *rows;
    struct str *texts; /* two per row: what was measured, and its interval with where it comes from */
    int n;
};

/* From table claim, as it was last judged; spec NULL: the claims that any spec names. */
MUST_CHECK enum status told_read(struct told *out, struct store *store, const char *spec, struct err *err);
void told_release(struct told *told);

#endif
