/* SPDX-License-Identifier: Apache-2.0 */
/* findings_more.h — the two findings that live in findings_more.c; private to this room. Each fills a finding
 * that already says "unknown", or leaves it. latency may be NULL. */
#ifndef HARNESS_REPORT_FINDINGS_MORE_H
#define HARNESS_REPORT_FINDINGS_MORE_H

#include "engine/base/table.h"
#include "harness/report/findings.h"

void findings_abilities(const struct table *evals, struct finding *f);
void findings_downscaling(const struct table *points, const struct table *latency, struct finding *f);

#endif
