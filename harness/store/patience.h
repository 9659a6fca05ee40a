/* SPDX-License-Identifier: Apache-2.0 */
/* patience.h — waiting for somebody else's lock, so that among many runners nobody starves.
 *
 * SQLite's own handler backs off to tenths of a second: the runner that has waited longest is asked least often. Here
 * waits are short and of random length, for a minute at most. Plain data; zeroed is ready to use. */
#ifndef HARNESS_STORE_PATIENCE_H
#define HARNESS_STORE_PATIENCE_H

#include <time.h>

struct patience {
    time_t since;    /* monotonic seconds: when the present wait began */
    unsigned jitter; /* state of the pseudo-random lengths */
};

/* A busy handler (sqlite3_busy_handler): context is a struct patience, tries how often this wait has slept. Returns 0
 * when it is time to give up. */
int patience_wait(void *context, int tries);

#endif
