/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h — time, in the three kinds that must not be mixed.
 *
 * An instant is a point on the monotonic clock; it means something only beside another instant of the same
 * process, so it is a struct of its own and cannot be added to a duration by accident. A duration is a double
 * in seconds. The time of day is text, for people; nothing is ever computed from it, so a clock that jumps
 * changes no result. */
#ifndef HARNESS_RUN_CLOCK_H
#define HARNESS_RUN_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct instant {
    int64_t ns;
};

enum { CLOCK_TEXT_SIZE = 32 };

struct instant clock_now(void);
/* Seconds from one instant to another; negative when `to` came first. */
double clock_between(struct instant from, struct instant to);
/* Seconds since an instant. */
double clock_since(struct instant from);
/* The instant that many seconds later; beyond what the clock can hold, the last there is. */
struct instant clock_later(struct instant from, double seconds);
bool clock_is_before(struct instant a, struct instant b);

/* CPU seconds of this process, all its threads, user and system. */
double clock_cpu_s(void);

/* The time of day in UTC: "2025-03-01T09:30:00Z". size >= CLOCK_TEXT_SIZE. */
void clock_utc_text(char *to, size_t size);

#endif
