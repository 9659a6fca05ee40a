/* SPDX-License-Identifier: Apache-2.0 */
/* machines.c — see machines.h. Invariant: every figure of a row is positive, so that no time comes out infinite. */
#include "harness/cli/machines.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/store/csv.h"

extern const char hardware_text[]; /* experiments/hardware.csv, made by the Makefile */

static const struct {
    const char *name;
    size_t offset;
    double minimum, maximum;
} number_columns[] = {
    {"devices", offsetof(struct hardware, devices), 1, 1e7},
    {"flops_16", offsetof(struct hardware, flops_16), 1, 1e20},
    {"flops_8", offsetof(struct hardware, flops_8), 1, 1e20},
    {"memory_bytes", offsetof(struct hardware, memory_bytes), 1, 1e18},
    {"usable", offsetof(struct hardware, usable), 1e-6, 1},
    {"bandwidth", offsetof(struct hardware, bandwidth), 1, 1e18},
    {"power_w", offsetof(struct hardware, power_w), 1e-6, 1e7},
    {"price_per_hour", offsetof(struct hardware, price_per_hour), 0, 1e7},
};

static const char *text_of(const struct table *rows, int row, const char *name)
{
    int column = table_column(rows, name);
    const char *text = column < 0 ? NULL : table_text(rows, row, column);
    return text ? text : "";
}

static enum status read_profile(struct machine_profile *out, const struct table *rows, int row, struct err *err)
{
    struct hardware *h = &out->hardware;
    *out = (struct machine_profile){
        .hardware = {.name = text_of(rows, row, "name"), .what = text_of(rows, row, "what")},
        .flops_source = text_of(rows, row, "flops_source"),
        .memory_source = text_of(rows, row, "memory_source"),
        .power_source = text_of(rows, row, "power_source"),
        .price_source = text_of(rows, row, "price_source"),
    };
    if (!str_is_name(h->name))
        return err_set(err, STATUS_FORMAT, "'%s' is not a name: letters, digits, dot, dash and underscore", h->name);
    for (size_t i = 0; i < sizeof number_columns / sizeof *number_columns; i++) {
        int column = table_column(rows, number_columns[i].name);
        double value = column < 0 ? (double)NAN : table_number(rows, row, column);
        if (!(value >= number_columns[i].minimum && value <= number_columns[i].maximum))
            return err_set(err, STATUS_FORMAT, "%s takes a number from %g to %g", number_columns[i].name, number_columns[i].minimum,
                           number_columns[i].maximum);
        memcpy((char *)h + number_columns[i].offset, &value, sizeof value);
    }
    const char *included = text_of(rows, row, "power_included");
    h->power_included = strcmp(included, "yes") == 0;
    if (!h->power_included && strcmp(included, "no") != 0)
        return err_set(err, STATUS_FORMAT, "power_included is yes or no, not '%s'", included);
    return STATUS_OK;
}

static enum status read_table(struct table *out, const char *path, struct err *err)
{
    const char *name = path ? path : "hardware.csv";
    FILE *file = path ? fopen(path, "re") : fmemopen((void *)(uintptr_t)hardware_text, strlen(hardware_text), "r");
    if (!file)
        return err_set(err, STATUS_NOT_FOUND, "%s: %s", name, strerror(errno));
    enum status status = csv_read_table(file, name, out, err);
    (void)fclose(file);
    return status;
}

enum status machines_open(struct machines *out, const char *path, struct err *err)
{
    struct machines m = {0};
    enum status status = read_table(&m.rows, path, err);
    if (status != STATUS_OK)
        return status;
    m.all = calloc((size_t)m.rows.n_rows + 1, sizeof *m.all);
    NEED_MEMORY(m.all);
    for (m.n = 0; m.n < m.rows.n_rows; m.n++) {
        status = read_profile(&m.all[m.n], &m.rows, m.n, err);
        if (status != STATUS_OK) {
            status = err_prefix(err, "%s:%d", path ? path : "hardware.csv", m.n + 2); /* the header is line 1 */
            machines_release(&m);
            return status;
        }
    }
    *out = m;
    return STATUS_OK;
}

void machines_release(struct machines *machines)
{
    free(machines->all);
    table_release(&machines->rows);
    *machines = (struct machines){0};
}

static const char *name_at(int i, const void *context)
{
    const struct machines *machines = context;
    return i < machines->n ? machines->all[i].hardware.name : NULL;
}

enum status machines_find(const struct machines *machines, const char *name, const struct machine_profile **out, struct err *err)
{
    for (int i = 0; i < machines->n; i++)
        if (strcmp(machines->all[i].hardware.name, name) == 0) {
            *out = &machines->all[i];
            return STATUS_OK;
        }
    const char *nearest = str_nearest(name, name_at, machines);
    return err_set(err, STATUS_NOT_FOUND, "no hardware '%s'%s%s%s", name, nearest ? "; did you mean '" : "",
                   nearest ? nearest : "; --hardware FILE adds your own", nearest ? "'?" : "");
}
