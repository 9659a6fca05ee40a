/* SPDX-License-Identifier: Apache-2.0 */
/* energy.c — see energy.h. Invariant: a method is claimed only while every package counts; one that falls out
 * would make the sum too small, which is worse than no sum. */
#include "harness/run/energy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads a counter from the start of its file. */
static bool read_counter(int fd, uint64_t *out)
{
    char text[32], *end;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    unsigned long long value;
    if (n <= 0)
        return false;
    text[n] = 0;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (end == text || errno || text[0] == '-')
        return false;
    *out = value;
    return true;
}

static int open_in(const char *root, const char *zone, const char *file)
{
    char path[512];
    if ((size_t)snprintf(path, sizeof path, "%s/%s/%s", root, zone, file) >= sizeof path)
        return -1;
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* A package is named "intel-rapl:N" with nothing behind; the platform domain looks alike but is called psys. */
static bool is_package(const char *root, const char *zone)
{
    char name[32] = "";
    int n = 0, fd;
    ssize_t got;
    (void)sscanf(zone, "intel-rapl:%*d%n", &n);
    if (n == 0 || zone[n])
        return false;
    fd = open_in(root, zone, "name");
    got = fd < 0 ? -1 : read(fd, name, sizeof name - 1);
    if (fd >= 0)
        (void)close(fd);
    return got > 0 && strncmp(name, "package", 7) == 0;
}

/* False when the zone is a package that cannot be counted. */
static bool add_zone(struct energy *energy, const char *root, const char *name)
{
    struct energy_zone zone = {.fd = -1};
    int fd;
    if (!is_package(root, name))
        return true;
    if (energy->n_zones == ENERGY_ZONES_MAX)
        return false;
    zone.fd = open_in(root, name, "energy_uj");
    if (zone.fd < 0)
        return false;
    if (!read_counter(zone.fd, &zone.last_uj)) {
        (void)close(zone.fd);
        return false;
    }
    fd = open_in(root, name, "max_energy_range_uj");
    if (fd >= 0) {
        if (!read_counter(fd, &zone.range_uj))
            zone.range_uj = 0;
        (void)close(fd);
    }
    energy->zones[energy->n_zones++] = zone;
    return true;
}

void energy_open(struct energy *energy, const char *root)
{
    DIR *folder;
    struct dirent *entry;
    bool whole = true;
    *energy = (struct energy){.method = ""};
    if (!root)
        root = "/sys/class/powercap";
    folder = opendir(root);
    if (!folder)
        return;
    while (whole && (entry = readdir(folder)) != NULL)
        whole = add_zone(energy, root, entry->d_name);
    (void)closedir(folder);
    if (whole && energy->n_zones > 0)
        energy->method = "rapl";
    else
        energy_close(energy);
}

void energy_close(struct energy *energy)
{
    for (int i = 0; i < energy->n_zones; i++)
        (void)close(energy->zones[i].fd);
    energy->n_zones = 0;
    energy->method = "";
}

double energy_read(struct energy *energy)
{
    for (int i = 0; i < energy->n_zones; i++) {
        struct energy_zone *zone = &energy->zones[i];
        uint64_t now = 0;
        if (!read_counter(zone->fd, &now) || (now < zone->last_uj && zone->range_uj < zone->last_uj)) {
            energy_close(energy);
            break;
        }
        if (now >= zone->last_uj)
            energy->joules += (double)(now - zone->last_uj) * 1e-6;
        else
            energy->joules += (double)(zone->range_uj - zone->last_uj + now) * 1e-6;
        zone->last_uj = now;
    }
    return energy->n_zones > 0 ? energy->joules : NAN;
}
