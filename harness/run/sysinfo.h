/* SPDX-License-Identifier: Apache-2.0 */
/* sysinfo.h — the machine a number was measured on, and how busy it is.
 *
 * Everything is read from /proc, /sys and uname; root is put in front of those paths, so that a test can give a
 * tree of its own ("" for the real one). What cannot be read is "" or 0, never an error: a measurement on an
 * odd machine is still a measurement. */
#ifndef HARNESS_RUN_SYSINFO_H
#define HARNESS_RUN_SYSINFO_H

#include <stdint.h>

/* The fields are those of the store's struct host_info, without isa, which the engine knows. */
struct sysinfo {
    char key[128];           /* "model; 8 CPUs; 1 NUMA node; x86_64": only what a reboot does not change */
    char cpu_model[128];
    int64_t logical_cpus;    /* online */
    int64_t numa_nodes;      /* at least 1 */
    char arch[32];
    int64_t memory_bytes;
    int64_t available_bytes; /* MemAvailable: what a trial may take without swapping */
    char kernel[128];
    char governor[32];       /* of the first CPU's frequency; "" when there is none to see */
    double load1;            /* load average over a minute; NaN when unknown */
    int usable_cpus;         /* that this process may run on */
};

void sysinfo_read(struct sysinfo *out, const char *root);

/* The largest resident size this process ever had, in bytes (VmHWM); 0 when unknown. Unlike getrusage's
 * figure it starts anew at exec, so it holds nothing of the parent's. */
int64_t sysinfo_peak_rss_bytes(void);

#endif
