/* SPDX-License-Identifier: Apache-2.0 */
/* template_text.c — finds a file among those the Makefile put into the program; see templates.h. */
#include "harness/report/templates.h"

#include <string.h>

#include "engine/base/assert.h"

const char *template_text(const char *name)
{
    const struct template *t = templates;
    while (t->name && strcmp(t->name, name) != 0)
        t++;
    ASSERT(t->name);
    return t->text;
}
