/* SPDX-License-Identifier: Apache-2.0 */
/* energy.h — joules the machine's processors took, from the kernel's RAPL counters.
 *
 * Sums the packages under /sys/class/powercap (intel-rapl:N, which AMD's driver uses too); their parts
 * (cores, uncore) are contained in them, and the platform domain contains them, so neither is added. Memory
 * that is a domain of its own is left out, so that machines with and without it compare.
 *
 * The counters belong to the whole machine: the figure is one trial's only while nothing else runs. Most
 * systems let only root read them; then there is no method and no number, never a guess. */
#ifndef HARNESS_RUN_ENERGY_H
#define HARNESS_RUN_ENERGY_H

#include <stdint.h>

enum { ENERGY_ZONES_MAX = 16 };

struct energy_zone {
    int fd;              /* of energy_uj */
    uint64_t range_uj;   /* where the counter starts over; 0 when unknown */
    uint64_t last_uj;
};

struct energy {
    const char *method;  /* "rapl"; "" when there is no number */
    double joules;       /* since energy_open, up to the last read */
    int n_zones;
    struct energy_zone zones[ENERGY_ZONES_MAX];
};

/* Life cycle. root is the powercap folder, NULL for the system's. Always succeeds; see method. */
void energy_open(struct energy *energy, const char *root);
void energy_close(struct energy *energy);

/* Joules since energy_open; NaN without a method. A counter starts over every few minutes of full load, and
 * only one such turn is seen between two reads: read at least once a minute. A counter that fails or goes
 * back without a known range ends the method. */
double energy_read(struct energy *energy);

#endif
