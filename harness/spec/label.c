/* SPDX-License-Identifier: Apache-2.0 */
/* label.c — see label.h. A knob that counts what it is called after ("8 experts") puts its number first. */
#include "harness/spec/label.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/assert.h"

/* 262144 -> "262 k": three digits are enough to tell a sweep's budgets apart. */
static void short_count(struct str *out, double value)
{
    static const char *const units[] = {"", " k", " M", " G", " T"};
    int unit = 0;
    while (value >= 999.5 && unit < 4) {
        value /= 1000;
        unit++;
    }
    str_format(out, "%.3g%s", value, units[unit]);
}

static void append_part(struct str *out, const struct knob *knob, const struct knobs *knobs)
{
    double number = knob_number(knob, knobs);
    if (strcmp(knob->column, "experts_per_token") == 0) {
        str_format(out, "top-%.0f", number);
        return;
    }
    if (knob->type == KNOB_INTEGER && strcmp(knob->unit, knob->column) == 0) {
        if (strcmp(knob->unit, "tokens") == 0)
            short_count(out, number);
        else
            knob_format(knob, knobs, out);
        str_format(out, " %.*s", (int)strlen(knob->unit) - (number == 1), knob->unit); /* 1 expert */
        return;
    }
    for (const char *c = knob->column; *c; c++)
        str_append_char(out, *c == '_' ? ' ' : *c);
    str_append_char(out, ' ');
    if (knob->type == KNOB_REAL)
        str_format(out, "%.6g", number);
    else
        knob_format(knob, knobs, out);
}

/* What says nothing about a dense model, and what it takes to tell mixtures apart in few words. */
static bool says_nothing(const struct knob *knob, const struct knobs *knobs)
{
    static const char *const mixture[] = {"experts", "experts_per_token", "granularity", "gate", "load_balance",
                                          "router_z", "shared_experts", "capacity"};
    for (size_t i = 0; i < sizeof mixture / sizeof *mixture; i++)
        if (strcmp(knob->column, mixture[i]) == 0)
            return knobs->experts == 1 || i == 2 || i == 3;
    return false;
}

/* Writes the knobs of the set (bit i: knob i), as many as fit. */
static void write_knobs(const struct knobs *knobs, uint64_t set, char *out, size_t size)
{
    struct str part;
    size_t used = 0;
    out[0] = 0;
    str_init(&part);
    for (int k = 0; k < knob_count(); k++) {
        const struct knob *knob = knob_at(k);
        if (!(set >> k & 1) || says_nothing(knob, knobs))
            continue;
        str_clear(&part);
        str_append(&part, used ? ", " : "");
        append_part(&part, knob, knobs);
        if (part.length < size - used) {
            memcpy(out + used, part.text, part.length + 1);
            used += part.length;
        }
    }
    str_release(&part);
}

void plan_label(const struct plan *plan, int i, char *out, size_t size)
{
    const struct knobs *knobs;
    ASSERT(i >= 0 && i < plan->n_trials && size > 0);
    knobs = &plan->trials[i].knobs;
    write_knobs(knobs, plan->varying, out, size);
    if (out[0] == 0) /* nothing varies, or nothing that this trial has */
        write_knobs(knobs, UINT64_C(1) << knob_index(knob_find("width")) | UINT64_C(1) << knob_index(knob_find("tokens")),
                    out, size);
}
