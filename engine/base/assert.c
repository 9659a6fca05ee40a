/* SPDX-License-Identifier: Apache-2.0 */
/* assert.c — the one place where the engine may write and stop: a bug has no caller to report to. */
#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *expression, const char *file, int line)
{
    (void)fprintf(stderr, "isoflop: bug: %s:%d: %s does not hold\n", file, line, expression);
    abort();
}
