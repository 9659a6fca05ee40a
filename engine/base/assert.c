/* SPDX-License-Identifier: Apache-2.0 */
/* assert.c — the one place where the engine may write and stop: a bug has no caller to report to, and without memory
 * none could act on a report. */
#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void assert_failed(const char *expression, const char *file, int line)
{
    (void)fprintf(stderr, "isoflop: bug: %s:%d: %s does not hold\n", file, line, expression);
    abort();
}

void memory_exhausted(const char *file, int line)
{
    char text[160]; /* printf to an unbuffered stream may allocate */
    int n = snprintf(text, sizeof text, "isoflop: no memory left (%s:%d); what is finished is kept\n", file, line);
    if (write(STDERR_FILENO, text, n > 0 && n < (int)sizeof text ? (size_t)n : 0) < 0) {
        /* Nobody to tell. */
    }
    _exit(1);
}
