/* SPDX-License-Identifier: Apache-2.0 */
/* overlap.h — counts, in the text really trained on, the lines that are held-out items: there must be none. */
#ifndef ENGINE_TASKS_OVERLAP_H
#define ENGINE_TASKS_OVERLAP_H

#include "engine/tasks/choice.h"

struct overlap;

/* Life cycle. Remembers the first n held-out items of each task: those that an evaluation of n asks. */
MUST_CHECK enum status overlap_new(struct overlap **out, const struct task_choice *tasks, const struct facts *facts,
                                   int n, struct err *err);
void overlap_free(struct overlap *overlap); /* NULL is fine */

/* Looks for the items among the whole lines of n tokens, which are bytes: those with a line end on either side. Any
 * thread may call it at any time. */
void overlap_look(struct overlap *overlap, const int32_t *tokens, int n);

/* Lines found so far. */
int64_t overlap_found(const struct overlap *overlap);

#endif
