/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c — see clock.h. The harness's only reader of clocks. */
#include "harness/run/clock.h"

#include <time.h>

#include "engine/base/assert.h"

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    int rc = clock_gettime(id, &now);
    ASSERT(rc == 0); /* both clocks exist on every Linux */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct instant clock_now(void)
{
    return (struct instant){read_ns(CLOCK_MONOTONIC)};
}

double clock_between(struct instant from, struct instant to)
{
    return (double)(to.ns - from.ns) * 1e-9;
}

double clock_since(struct instant from)
{
    return clock_between(from, clock_now());
}

struct instant clock_later(struct instant from, double seconds)
{
    double ns = seconds * 1e9;
    int64_t added = 0;
    if (!(ns < 9e18) || __builtin_add_overflow(from.ns, (int64_t)ns, &added))
        return (struct instant){INT64_MAX};
    return (struct instant){added};
}

bool clock_is_before(struct instant a, struct instant b)
{
    return a.ns < b.ns;
}

double clock_cpu_s(void)
{
    return (double)read_ns(CLOCK_PROCESS_CPUTIME_ID) * 1e-9;
}

void clock_utc_text(char *to, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;
    ASSERT(size >= CLOCK_TEXT_SIZE);
    if (!gmtime_r(&now, &utc) || strftime(to, size, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        to[0] = 0;
}
