/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h — what somebody meant who wrote a key, a knob or a file name that does not exist. */
#ifndef HARNESS_SPEC_SUGGEST_H
#define HARNESS_SPEC_SUGGEST_H

#include "engine/base/str.h"

/* Each appends "; did you mean '…'?", or the list of what there is when nothing is near. */

/* A key of a section ("model"). */
void suggest_section_key(struct str *out, const char *section, const char *key);
/* A key beside the sections; keys is what may stand there, NULL at its end. */
void suggest_top_key(struct str *out, const char *const *keys, const char *key);
/* A knob's full name. */
void suggest_knob(struct str *out, const char *name);
/* A claim, among the names that the function gives. */
void suggest_claim(struct str *out, const char *(*name)(int i, const void *context), const char *claim);
/* A spec file: looks for *.yaml beside it and in experiments/. Appends nothing when none is near. */
void suggest_spec(struct str *out, const char *path);
/* Any other file: looks for one beside it. Appends nothing when none is near. */
void suggest_file(struct str *out, const char *path);

#endif
