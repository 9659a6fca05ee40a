/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h — knobs of one model by hand, from the command line: each has one value. */
#ifndef HARNESS_CLI_SETTINGS_H
#define HARNESS_CLI_SETTINGS_H

#include "engine/base/err.h"
#include "harness/spec/knobs.h"

/* Puts n texts "knob=value" into *knobs. sections: "data eval", the only sections they may be of; NULL allows all.
 * STATUS_USAGE names the text, and the nearest knob. */
MUST_CHECK enum status settings_apply(const char *const *set, int n, const char *sections,
                                      struct knobs *knobs, struct err *err);

/* Makes the file at path the text. */
MUST_CHECK enum status settings_text(const char *path, struct knobs *knobs, struct err *err);

#endif
