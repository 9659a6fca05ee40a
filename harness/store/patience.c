/* SPDX-License-Identifier: Apache-2.0 */
/* patience.c — see patience.h. */
#include "harness/store/patience.h"

#include <unistd.h>

enum { LONGEST_WAIT_S = 60, LONGEST_SLEEP_MS = 16 };

int patience_wait(void *context, int tries)
{
    struct patience *p = context;
    struct timespec now, pause = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (tries == 0) {
        p->since = now.tv_sec;
        p->jitter ^= (unsigned)getpid() * 2654435761u ^ (unsigned)now.tv_nsec;
    }
    if (now.tv_sec - p->since > LONGEST_WAIT_S)
        return 0;
    p->jitter = p->jitter * 1664525u + 1013904223u;
    pause.tv_nsec = 1000000L * (1 + (long)(p->jitter >> 16) % LONGEST_SLEEP_MS);
    (void)nanosleep(&pause, NULL);
    return 1;
}
