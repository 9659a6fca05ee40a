/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h — the fixed tables that map the names in records to columns. A name that is not here is a bug of
 * whoever sent it: names from a trial process never reach SQL. */
#ifndef HARNESS_STORE_FACTS_H
#define HARNESS_STORE_FACTS_H

#include <stdbool.h>

struct fact {
    const char *name;   /* in the record */
    const char *column; /* of table trial or cost */
    bool integer;
    bool planned; /* trial only: the plan may have set it, so silence keeps the value; else it becomes NULL */
};

enum { MOST_FACTS = 32 };

/* RECORD_FACT: columns of table trial. Index to row, NULL past the last. */
const struct fact *fact_at(int i);
/* RECORD_COST: columns of table cost. */
const struct fact *cost_at(int i);
/* RECORD_TEXT: columns of table trial, and of table cost. */
const struct fact *trial_text_at(int i);
const struct fact *cost_text_at(int i);

/* The index of the row of this name or column, or -1. */
int fact_find(const struct fact *(*at)(int i), const char *name);

#endif
