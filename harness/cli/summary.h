/* SPDX-License-Identifier: Apache-2.0 */
/* summary.h — what a store says, gathered for the terminal and for the report. */
#ifndef HARNESS_CLI_SUMMARY_H
#define HARNESS_CLI_SUMMARY_H

#include <stddef.h>

#include "engine/base/table.h"
#include "harness/cli/commands.h"
#include "harness/report/findings.h"
#include "harness/store/store.h"

/* Findings and the tables they rest on, of one spec or (spec NULL) of the whole store. */
struct summary {
    struct table tables[FINDINGS_TABLES];
    struct finding findings[FINDING_KINDS];
    int trained, shrunk;    /* trials that are done: models trained here, and what was made of them */
    int other;              /* trials that ended without a result */
    int busy;               /* done, but timed while the machine was busy: the check "timing" (DESIGN's validity) */
    char doubts[256];       /* "timing in 36 trials, learning_rate in 33": checks that failed or warned; "" for none */
    double entropy_floor;   /* NaN when it is not the same for all, or unknown */
};

MUST_CHECK enum status summary_read(struct summary *out, struct store *store, const char *spec, struct err *err);
void summary_release(struct summary *summary);

/* "33 small models (4 shrunk too)": what the findings rest on. */
void summary_scope(const struct summary *summary, char *out, size_t size);

/* The block at the end of a run, on standard output. spec NULL: the whole store; report: path of the page, or NULL. */
MUST_CHECK enum status summary_print(const struct invocation *invocation, const char *db, const char *spec,
                                     const char *report, struct err *err);

/* Findings are about trained models of one world at a time; this names it: "world language". */
const char *summary_source(const struct summary *summary);

#endif
