/* SPDX-License-Identifier: Apache-2.0 */
/* values.h — the values of one knob: what a spec or -S writes, turned into a list of checked values.
 *
 *   a                one value, as knob_parse reads it
 *   lo-hi            whole numbers, one by one                     1-3        -> 1 2 3
 *   lo-hi+step       evenly spaced                                 0-0.3+0.1  -> 0 0.1 0.2 0.3
 *   lo-hi*mult       each mult times the one before                16-128*2   -> 16 32 64 128
 *   log(lo, hi, n)   n points, evenly spaced on a logarithmic axis log(1, 100, 3) -> 1 10 100
 *
 * Ranges are for numbers. Whole-number knobs round the points of `*` and log, and merge equal neighbours;
 * real knobs round made points to 12 significant digits, so that 0.1 + 2 * 0.1 is the 0.3 a reader means
 * (and a list with 0.3 gives the same trial). An axis owns its values. */
#ifndef HARNESS_SPEC_VALUES_H
#define HARNESS_SPEC_VALUES_H

#include "engine/base/err.h"
#include "harness/spec/knobs.h"
#include "harness/spec/place.h"

enum { AXIS_VALUES = 10000 }; /* at most */

struct axis {
    const struct knob *knob;
    struct place place;   /* of the value as a whole */
    int n;
    int capacity;
    char *values;         /* (n, size of the knob's field) */
};

/* Life cycle */
struct axis axis_open(const struct knob *knob, const struct place *place);
void axis_release(struct axis *axis);

/* Appends what one text stands for: a value or a range. Errors start with the place. */
MUST_CHECK enum status axis_add(struct axis *axis, const char *text, const struct place *place, struct err *err);
/* Appends each text of "a,b,lo-hi" (commas within parentheses do not count; "[a,b]" is the same). */
MUST_CHECK enum status axis_add_list(struct axis *axis, const char *text, const struct place *place, struct err *err);
/* Puts value i into its knob. */
void axis_put(const struct axis *axis, int i, struct knobs *out);

/* Bytes of the knob's field in struct knobs. */
size_t knob_size(const struct knob *knob);

#endif
