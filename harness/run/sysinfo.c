/* SPDX-License-Identifier: Apache-2.0 */
/* sysinfo.c — see sysinfo.h. Every file is read whole into a bounded buffer first; the parsers then work on
 * terminated text only. */
#include "harness/run/sysinfo.h"

#include <ctype.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "engine/base/str.h"

enum { FILE_MAX = 16384 }; /* the first processor of /proc/cpuinfo is well within */

/* Reads the beginning of root + path; "" when it cannot. */
static void read_text(const char *root, const char *path, char text[FILE_MAX])
{
    char whole[512];
    size_t n = 0;
    int fd = -1;
    text[0] = 0;
    if ((size_t)snprintf(whole, sizeof whole, "%s%s", root, path) < sizeof whole)
        fd = open(whole, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while (n < FILE_MAX - 1) {
        ssize_t got = read(fd, text + n, FILE_MAX - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    text[n] = 0;
    (void)close(fd);
}

/* Copies the text up to the line's end, runs of blanks as one, none around it. */
static void copy_line(char *to, size_t size, const char *from)
{
    size_t n = 0;
    for (; *from && *from != '\n' && n + 1 < size; from++) {
        bool blank = isspace((unsigned char)*from) || !isprint((unsigned char)*from);
        if (!blank)
            to[n++] = *from;
        else if (n > 0 && to[n - 1] != ' ')
            to[n++] = ' ';
    }
    while (n > 0 && to[n - 1] == ' ')
        n--;
    to[n] = 0;
}

/* What follows "name<blanks>:" on the line that starts with name, or NULL. */
static const char *value_of(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        const char *after = line + n;
        if (strncmp(line, name, n) != 0)
            continue;
        while (*after == ' ' || *after == '\t')
            after++;
        if (*after == ':')
            return after + 1;
    }
    return NULL;
}

static int64_t kibibytes_of(const char *text, const char *name)
{
    const char *value = value_of(text, name);
    return value ? (int64_t)strtoll(value, NULL, 10) * 1024 : 0;
}

/* How many numbers a kernel list like "0-3,8" names; 0 when it is no such list. */
static int64_t list_count(const char *text)
{
    int64_t count = 0;
    while (isdigit((unsigned char)*text)) {
        char *end;
        long long first = strtoll(text, &end, 10), last = first;
        if (*end == '-')
            last = strtoll(end + 1, &end, 10);
        if (last < first || last > 1000000)
            return 0;
        count += last - first + 1;
        text = *end == ',' ? end + 1 : end;
    }
    return count;
}

static void read_cpu(struct sysinfo *out, const char *root, char text[FILE_MAX])
{
    /* x86 and most others; POWER; ARM boards. Plain ARM names only part numbers. */
    static const char *const names[] = {"model name", "cpu", "Model", "Hardware", "CPU part"};
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    const char *value = NULL;
    read_text(root, "/proc/cpuinfo", text);
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !value; i++)
        value = value_of(text, names[i]);
    copy_line(out->cpu_model, sizeof out->cpu_model, value ? value : "unknown CPU");
    read_text(root, "/sys/devices/system/cpu/online", text);
    out->logical_cpus = list_count(text);
    if (out->logical_cpus == 0)
        out->logical_cpus = online > 0 ? online : 1;
    read_text(root, "/sys/devices/system/node/online", text);
    out->numa_nodes = list_count(text);
    if (out->numa_nodes == 0)
        out->numa_nodes = 1;
    read_text(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", text);
    copy_line(out->governor, sizeof out->governor, text);
}

static int usable_cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 1)
        return 1;
    return CPU_COUNT(&set);
}

void sysinfo_read(struct sysinfo *out, const char *root)
{
    char text[FILE_MAX], *end;
    struct utsname names;
    memset(out, 0, sizeof *out);
    read_cpu(out, root, text);
    read_text(root, "/proc/meminfo", text);
    out->memory_bytes = kibibytes_of(text, "MemTotal");
    out->available_bytes = kibibytes_of(text, "MemAvailable");
    read_text(root, "/proc/loadavg", text);
    out->load1 = strtod(text, &end);
    if (end == text)
        out->load1 = NAN;
    if (uname(&names) == 0) {
        (void)str_copy(out->arch, sizeof out->arch, names.machine);
        (void)snprintf(out->kernel, sizeof out->kernel, "%.32s %.90s", names.sysname, names.release);
    }
    out->usable_cpus = usable_cpus();
    (void)snprintf(out->key, sizeof out->key, "%.60s; %lld CPU%s; %lld NUMA node%s; %.16s", out->cpu_model,
                   (long long)out->logical_cpus, out->logical_cpus == 1 ? "" : "s",
                   (long long)out->numa_nodes, out->numa_nodes == 1 ? "" : "s", out->arch);
}

int64_t sysinfo_peak_rss_bytes(void)
{
    char text[FILE_MAX];
    read_text("", "/proc/self/status", text);
    return kibibytes_of(text, "VmHWM");
}
