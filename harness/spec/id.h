/* SPDX-License-Identifier: Apache-2.0 */
/* id.h — trial ids: XXH3-128 of the canonical knobs followed by what identifies data and engine.
 *
 * Equal settings on equal data with an equal engine have one id, on every machine and in every version that
 * does not change what a trial computes. A struct ids remembers, between the trials of one plan, the
 * canonical lines of knobs that did not change and the identity of each data set met, so that a file is
 * hashed once and not once per trial. It owns that memory. */
#ifndef HARNESS_SPEC_ID_H
#define HARNESS_SPEC_ID_H

#include "engine/base/err.h"
#include "engine/base/str.h"
#include "harness/spec/plan.h"

/* The hook that says what identifies the data (struct plan_hooks). */
typedef enum status identity_hook(const struct knobs *knobs, struct str *out, struct err *err);

struct ids;

/* Life cycle */
struct ids *ids_new(identity_hook *identity);
void ids_free(struct ids *ids);

/* The id of checked knobs. Errors are the hook's. */
MUST_CHECK enum status ids_make(struct ids *ids, const struct knobs *knobs, char out[TRIAL_ID_SIZE], struct err *err);

#endif
