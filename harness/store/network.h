/* SPDX-License-Identifier: Apache-2.0 */
/* network.h — whether a store lies where locks cannot be relied on.
 *
 * SQLite and the runners' liveness (liveness.c) rest on file locks. On a network file system these are absent, advisory
 * among some clients only, or lost when a server restarts, and two machines that write to one file damage it. So nothing
 * is written there, unless ISOFLOP_NETWORK_STORE=1 says that no other machine writes: each machine keeps its share of a
 * sweep on a local disk (`run --shard`), and `merge` brings them together. */
#ifndef HARNESS_STORE_NETWORK_H
#define HARNESS_STORE_NETWORK_H

#include "engine/base/err.h"

enum network {
    NETWORK_LOCAL,
    NETWORK_PERHAPS, /* FUSE, 9p: what is behind them is not told */
    NETWORK_SURELY,
    NETWORK_UNKNOWN /* the folder is not there, or does not say; errno tells */
};

/* What the folder of this file lies on. */
enum network network_of(const char *path);

/* STATUS_IO with the remedy when the file must not be written. */
MUST_CHECK enum status network_check(const char *path, struct err *err);

#endif
