/* SPDX-License-Identifier: Apache-2.0 */
/* findings_more.h — the two findings that live in findings_more.c, and what all share; private to this room. Each
 * fills a finding that already says "unknown", or leaves it. latency may be NULL. */
#ifndef HARNESS_REPORT_FINDINGS_MORE_H
#define HARNESS_REPORT_FINDINGS_MORE_H

#include "engine/base/table.h"
#include "harness/report/findings.h"
#include "harness/report/points.h"

/* The unit of the table's losses, "nats per token" or "bits per byte", and its short form for a big number. */
const char *findings_unit(const struct table *points);
const char *findings_unit_short(const struct table *points);

/* y at x, linear in log x between the two neighbours of the one series in points; NaN outside: no guessing. */
double findings_between(const struct points *points, double x);

void findings_abilities(const struct table *evals, struct finding *f);
void findings_downscaling(const struct table *points, const struct table *latency, struct finding *f);

#endif
