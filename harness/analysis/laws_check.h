/* SPDX-License-Identifier: Apache-2.0 */
/* laws_check.h — what law_fit refuses: before the fit by the points, after it by the letters. */
#ifndef HARNESS_ANALYSIS_LAWS_CHECK_H
#define HARNESS_ANALYSIS_LAWS_CHECK_H

#include "harness/analysis/laws_estimate.h"

/* As law_fit promises. */
MUST_CHECK enum status law_check_points(const struct law *law, const struct law_points *points,
                                        const struct law_settings *settings, struct err *err);

/* Letters that a fit ran away to, or a term that is not there, are no law. */
MUST_CHECK enum status law_check_letters(const struct law_work *work, const double *letters, struct err *err);

#endif
