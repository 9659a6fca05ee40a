/* SPDX-License-Identifier: Apache-2.0 */
/* size_print.h — what is said of a model: its counts, and what it takes on each piece of hardware. */
#ifndef HARNESS_CLI_SIZE_PRINT_H
#define HARNESS_CLI_SIZE_PRINT_H

#include "harness/cli/catalogue.h"
#include "harness/cli/machines.h"

/* What is said of one model, whatever it runs on. */
struct size_facts {
    const char *name;
    const struct architecture *shape;
    struct size_counts counts;
    int64_t tokens_per_sequence;
    double forward_flops, causal_flops;
    double tokens, train_flops; /* NaN: not known on how many tokens */
    const char *note, *source;
};

/* What is asked of hardware. */
struct size_question {
    struct hardware_knobs knobs;
    int64_t prompt; /* tokens before the first that is answered */
};

void size_print_people(const struct size_facts *facts, const struct machines *machines, const struct size_question *question);

/* One row: the model alone, or with hardware, of which NaN and NULL stand where a figure is not to be had. */
void size_table_init(struct table *table, bool on_hardware);
void size_table_add(struct table *table, const struct size_facts *facts, const struct machine_profile *machine,
                    const struct size_question *question);

/* "41 GB". */
void size_bytes_text(char *out, size_t size, double bytes);

#endif
