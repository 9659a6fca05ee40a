/* SPDX-License-Identifier: Apache-2.0 */
/* values.c — see values.h. Every value, also one a range makes, goes through knob_parse, so that there is
 * one place that knows what a knob takes. Invariant: values[0 … n-1] are all in range. */
#include "harness/spec/values.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

/* A range as written: op is '-' (step 1), '+', '*' or 'l' (log, with step as number of points). */
struct range {
    double low, high, step;
    char op;
};

size_t knob_size(const struct knob *knob)
{
    switch (knob->type) {
    case KNOB_INTEGER:
        return sizeof(int64_t);
    case KNOB_REAL:
        return sizeof(double);
    case KNOB_BOOL:
        return sizeof(bool);
    case KNOB_CHOICE:
    case KNOB_TEXT:
        break;
    }
    return KNOB_TEXT_SIZE;
}

struct axis axis_open(const struct knob *knob, const struct place *place)
{
    return (struct axis){.knob = knob, .place = *place};
}

void axis_release(struct axis *axis)
{
    free(axis->values);
    axis->values = NULL;
    axis->n = axis->capacity = 0;
}

void axis_put(const struct axis *axis, int i, struct knobs *out)
{
    size_t size = knob_size(axis->knob);
    ASSERT(i >= 0 && i < axis->n);
    memcpy((char *)out + axis->knob->offset, axis->values + (size_t)i * size, size);
}

/* Parses one value and appends it; with `merge`, not when it equals the one before. */
static enum status append(struct axis *axis, const char *text, bool merge, const struct place *place, struct err *err)
{
    size_t size = knob_size(axis->knob);
    struct knobs knobs;
    const char *value = (const char *)&knobs + axis->knob->offset;
    enum status status = knob_parse(axis->knob, text, &knobs, err);
    if (status != STATUS_OK) {
        (void)place_prefix(place, err);
        return status;
    }
    if (merge && axis->n && memcmp(axis->values + (size_t)(axis->n - 1) * size, value, size) == 0)
        return STATUS_OK;
    if (axis->n == AXIS_VALUES)
        return place_error(place, err, "%s has more than %d values", axis->knob->name, AXIS_VALUES);
    if (axis->n == axis->capacity) {
        int capacity = axis->capacity ? 2 * axis->capacity : 4;
        char *values = realloc(axis->values, (size_t)capacity * size);
        if (!values)
            return err_set(err, STATUS_MEMORY, "no memory for %d values of %s", capacity, axis->knob->name);
        axis->values = values;
        axis->capacity = capacity;
    }
    memcpy(axis->values + (size_t)axis->n++ * size, value, size);
    return STATUS_OK;
}

/* A point that a range made: rounded to the knob's type, then like a written value. */
static enum status append_point(struct axis *axis, double point, bool merge, const struct place *place,
                                struct err *err)
{
    char text[64];
    if (axis->knob->type == KNOB_INTEGER)
        (void)snprintf(text, sizeof text, "%.17g", round(point));
    else
        (void)snprintf(text, sizeof text, "%.12g", point);
    return append(axis, text, merge, place, err);
}

/* Takes a number off the front of *text: digits, point, exponent, suffix. A sign counts only in front and
 * after an exponent's e, which is what tells 1e-3 from 1-3. */
static bool take_number(const char **text, double *out)
{
    const char *at = *text;
    char number[64];
    size_t n;
    at += *at == '-' || *at == '+';
    at += strspn(at, "0123456789.");
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '-' || *at == '+';
        at += strspn(at, "0123456789");
    }
    if (*at && strchr("kKMGBT", *at))
        at++;
    n = (size_t)(at - *text);
    if (n == 0 || n >= sizeof number)
        return false;
    memcpy(number, *text, n);
    number[n] = 0;
    if (!knob_read_number(number, out))
        return false;
    *text = at;
    return true;
}

static bool take(const char **text, char wanted)
{
    *text += strspn(*text, " ");
    if (**text != wanted)
        return false;
    ++*text;
    *text += strspn(*text, " ");
    return true;
}

/* Does the text begin like a range? Only then are its mistakes a range's mistakes. */
static bool is_range(const char *text)
{
    double number;
    if (strncmp(text, "log", 3) == 0 && text[3 + strspn(text + 3, " ")] == '(')
        return true;
    return take_number(&text, &number) && take(&text, '-');
}

static bool read_range(const char *text, struct range *out)
{
    struct range range = {.step = 1, .op = '-'};
    if (strncmp(text, "log", 3) == 0) {
        text += 3;
        range.op = 'l';
        if (!take(&text, '(') || !take_number(&text, &range.low) || !take(&text, ',') ||
            !take_number(&text, &range.high) || !take(&text, ',') || !take_number(&text, &range.step) ||
            !take(&text, ')') || *text)
            return false;
        *out = range;
        return true;
    }
    if (!take_number(&text, &range.low) || !take(&text, '-') || !take_number(&text, &range.high))
        return false;
    if (take(&text, '+'))
        range.op = '+';
    else if (take(&text, '*'))
        range.op = '*';
    if (range.op != '-' && !take_number(&text, &range.step))
        return false;
    text += strspn(text, " ");
    if (*text)
        return false;
    *out = range;
    return true;
}

/* The mistakes a well-formed range can hold. */
static enum status check_range(const struct range *range, const struct knob *knob, const char *text,
                               const struct place *place, struct err *err)
{
    bool whole = range->low == floor(range->low) && range->step == floor(range->step);
    if (range->high < range->low)
        return place_error(place, err, "the range %s ends below its start", text);
    if (range->op == '-' && knob->type == KNOB_REAL)
        return place_error(place, err, "%s is no whole number, so a range needs its step: %s+0.5, %s*2 or "
                           "log(lo, hi, n)", knob->name, text, text);
    if ((range->op == '-' || range->op == '+') && knob->type == KNOB_INTEGER && !whole)
        return place_error(place, err, "%s takes whole numbers, which %s does not give", knob->name, text);
    if (range->op == '+' && !(range->step > 0))
        return place_error(place, err, "the step of %s must be more than 0", text);
    if (range->op == '*' && !(range->step > 1))
        return place_error(place, err, "the factor of %s must be more than 1", text);
    if ((range->op == '*' || range->op == 'l') && !(range->low > 0))
        return place_error(place, err, "%s must start above 0", text);
    if (range->op == 'l' && !(range->step >= 2 && range->step <= AXIS_VALUES && range->step == floor(range->step)))
        return place_error(place, err, "%s: the number of points must be a whole number from 2 to %d", text,
                           AXIS_VALUES);
    return STATUS_OK;
}

static enum status add_log(struct axis *axis, const struct range *range, const struct place *place, struct err *err)
{
    int n = (int)range->step;
    enum status status = STATUS_OK;
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        /* Written as a weighted mean of logarithms: hi / lo could overflow. */
        double share = (double)i / (n - 1);
        double point = exp((1 - share) * log(range->low) + share * log(range->high));
        if (i == 0 || i == n - 1)
            point = i ? range->high : range->low;
        status = append_point(axis, point, i > 0, place, err);
    }
    return status;
}

static enum status add_range(struct axis *axis, const char *text, const struct place *place, struct err *err)
{
    struct range range;
    enum status status;
    if (!read_range(text, &range))
        return place_error(place, err, "'%s' is no range; write lo-hi, lo-hi+step, lo-hi*factor or log(lo, hi, n)",
                           text);
    status = check_range(&range, axis->knob, text, place, err);
    if (status != STATUS_OK)
        return status;
    if (range.op == 'l')
        return add_log(axis, &range, place, err);
    for (int i = 0; status == STATUS_OK; i++) {
        bool times = range.op == '*';
        double point = times ? range.low * pow(range.step, i) : range.low + i * range.step;
        /* The end belongs to the range although rounding may carry the last point a little past it. */
        if (!(point <= range.high + 1e-9 * (times ? range.high : range.step)))
            break;
        if (i > AXIS_VALUES) /* merged points do not count, so the axis alone would not end a tiny step */
            return place_error(place, err, "the range %s has more than %d values", text, AXIS_VALUES);
        status = append_point(axis, point, times && i > 0, place, err);
    }
    return status;
}

enum status axis_add(struct axis *axis, const char *text, const struct place *place, struct err *err)
{
    bool numeric = axis->knob->type == KNOB_INTEGER || axis->knob->type == KNOB_REAL;
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            return place_error(place, err, "%s takes one line without tabs", axis->knob->name);
    if (!*text && axis->knob->type != KNOB_TEXT)
        return place_error(place, err, "%s has no value", axis->knob->name);
    if (numeric && is_range(text))
        return add_range(axis, text, place, err);
    return append(axis, text, false, place, err);
}

enum status axis_add_list(struct axis *axis, const char *text, const struct place *place, struct err *err)
{
    struct str item;
    size_t length = strlen(text);
    int open = 0;
    enum status status = STATUS_OK;
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    str_init(&item);
    for (size_t i = 0; i <= length && status == STATUS_OK; i++) {
        char c = i < length ? text[i] : 0;
        open += (c == '(') - (c == ')');
        if (c && !(c == ',' && open == 0)) {
            if (item.length || c != ' ') /* blanks around a comma mean nothing */
                str_append_char(&item, c);
            continue;
        }
        while (item.length && item.text[item.length - 1] == ' ')
            item.text[--item.length] = 0;
        status = axis_add(axis, item.text, place, err);
        str_clear(&item);
    }
    str_release(&item);
    return status;
}
