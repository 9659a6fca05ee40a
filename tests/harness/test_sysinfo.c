/* SPDX-License-Identifier: Apache-2.0 */
/* test_sysinfo.c — goal: the machine is described by stable facts, energy survives its counters' wraparound
 * and is never a guess, and durations are durations.
 *
 * Method: trees of fake /proc, /sys and powercap files in a temporary folder, whose right answers are known;
 * the real machine is only asked for what every machine has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/run/clock.h"
#include "harness/run/energy.h"
#include "harness/run/sysinfo.h"

static char root[64];

/* Writes root/path, making the folders on the way. */
static void write_file(const char *path, const char *text)
{
    char whole[512];
    FILE *file;
    (void)snprintf(whole, sizeof whole, "%s/%s", root, path);
    for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        assert_true(mkdir(whole, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    file = fopen(whole, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int make_root(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/isoflop-sysinfo-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_machine(const char *mhz)
{
    char text[512];
    (void)snprintf(text, sizeof text, "processor\t: 0\nvendor_id\t: X\nmodel\t\t: 1\nmodel name\t: Some   CPU(R) @ 2\t\n"
                   "cpu MHz\t\t: %s\nbogomips\t: %s\n\nprocessor\t: 1\nmodel name\t: other\n", mhz, mhz);
    write_file("proc/cpuinfo", text);
    write_file("proc/meminfo", "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:   12000000 kB\n");
    write_file("proc/loadavg", "0.75 0.50 0.25 1/100 4242\n");
    write_file("sys/devices/system/cpu/online", "0-3,6,8-9\n");
    write_file("sys/devices/system/node/online", "0-1\n");
    write_file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
}

static void a_known_machine_is_described(void **state)
{
    struct sysinfo info;
    (void)state;
    write_machine("2000.1");
    sysinfo_read(&info, root);
    assert_string_equal(info.cpu_model, "Some CPU(R) @ 2");
    assert_int_equal(info.logical_cpus, 7);
    assert_int_equal(info.numa_nodes, 2);
    assert_int_equal(info.memory_bytes, 16000000LL * 1024);
    assert_int_equal(info.available_bytes, 12000000LL * 1024);
    assert_string_equal(info.governor, "performance");
    assert_float_equal(info.load1, 0.75, 0);
    assert_ptr_equal(strstr(info.key, "Some CPU(R) @ 2; 7 CPUs; 2 NUMA nodes; "), info.key);
}

static void the_key_holds_only_stable_facts(void **state)
{
    struct sysinfo before, after;
    char host[256] = "";
    (void)state;
    write_machine("2000.1");
    sysinfo_read(&before, root);
    write_machine("3713.9");
    write_file("proc/loadavg", "9 9 9 1/100 4242\n");
    write_file("proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 7 kB\n");
    sysinfo_read(&after, root);
    assert_string_equal(before.key, after.key);
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    assert_true(strlen(host) < 4 || !strstr(after.key, host));
}

static void an_empty_tree_is_no_error(void **state)
{
    struct sysinfo info;
    (void)state;
    sysinfo_read(&info, root);
    assert_string_equal(info.cpu_model, "unknown CPU");
    assert_true(info.logical_cpus >= 1);
    assert_int_equal(info.numa_nodes, 1);
    assert_int_equal(info.memory_bytes, 0);
    assert_string_equal(info.governor, "");
    assert_true(isnan(info.load1));
}

static void this_machine_is_described(void **state)
{
    struct sysinfo info;
    int64_t before = sysinfo_peak_rss_bytes();
    const size_t more = 64 << 20;
    char *memory;
    (void)state;
    sysinfo_read(&info, "");
    assert_true(info.cpu_model[0] && info.arch[0] && info.kernel[0] && info.key[0]);
    assert_true(info.memory_bytes > 0 && info.available_bytes > 0);
    assert_true(info.available_bytes <= info.memory_bytes);
    assert_true(info.usable_cpus >= 1);
    memory = malloc(more);
    assert_non_null(memory);
    memset(memory, 1, more);
    assert_true(memory[more / 2] == 1);
    assert_true(sysinfo_peak_rss_bytes() >= before + (int64_t)more / 2);
    free(memory);
    assert_true(sysinfo_peak_rss_bytes() >= before + (int64_t)more / 2); /* a peak does not go down */
}

static void write_zone(const char *zone, const char *name, const char *energy, const char *range)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/name", zone);
    write_file(path, name);
    (void)snprintf(path, sizeof path, "%s/energy_uj", zone);
    write_file(path, energy);
    (void)snprintf(path, sizeof path, "%s/max_energy_range_uj", zone);
    write_file(path, range);
}

static void energy_adds_packages_and_wraps(void **state)
{
    struct energy energy;
    (void)state;
    write_zone("intel-rapl:0", "package-0\n", "999000000\n", "1000000000\n");
    write_zone("intel-rapl:1", "package-1\n", "5\n", "1000000000\n");
    write_zone("intel-rapl:0:0", "core\n", "0\n", "1000000000\n");
    write_zone("intel-rapl:2", "psys\n", "0\n", "1000000000\n");
    write_zone("intel-rapl-mmio:0", "package-0\n", "0\n", "1000000000\n");
    energy_open(&energy, root);
    assert_string_equal(energy.method, "rapl");
    assert_int_equal(energy.n_zones, 2);
    assert_float_equal(energy_read(&energy), 0, 0);
    write_zone("intel-rapl:0", "package-0\n", "999500000\n", "1000000000\n");
    write_zone("intel-rapl:0:0", "core\n", "7000000\n", "1000000000\n");
    write_zone("intel-rapl:2", "psys\n", "7000000\n", "1000000000\n");
    assert_float_equal(energy_read(&energy), 0.5, 1e-9);
    write_file("intel-rapl:0/energy_uj", "2000000\n"); /* 0.5 J to the end of the range, 2 J after it */
    write_file("intel-rapl:1/energy_uj", "1000005\n");
    assert_float_equal(energy_read(&energy), 0.5 + 2.5 + 1.0, 1e-9);
    energy_close(&energy);
    assert_true(isnan(energy_read(&energy)));
}

static void energy_is_never_a_guess(void **state)
{
    struct energy energy;
    (void)state;
    energy_open(&energy, "/nonexistent");
    assert_string_equal(energy.method, "");
    assert_true(isnan(energy_read(&energy)));
    write_zone("intel-rapl:0", "package-0\n", "100\n", "nonsense\n");
    write_zone("intel-rapl:1", "package-1\n", "", "1000\n"); /* one package cannot be read: no sum at all */
    energy_open(&energy, root);
    assert_string_equal(energy.method, "");
    assert_true(isnan(energy_read(&energy)));
    write_zone("intel-rapl:1", "package-1\n", "0\n", "1000\n");
    energy_open(&energy, root);
    assert_string_equal(energy.method, "rapl");
    write_file("intel-rapl:0/energy_uj", "50\n"); /* it went back, and nobody knows its range */
    assert_true(isnan(energy_read(&energy)));
    assert_string_equal(energy.method, "");
    assert_true(isnan(energy_read(&energy)));
}

static void durations_are_monotonic(void **state)
{
    struct instant start = clock_now(), later = clock_later(start, 2.5);
    double cpu = clock_cpu_s();
    char text[CLOCK_TEXT_SIZE];
    volatile double sink = 0;
    (void)state;
    assert_float_equal(clock_between(start, later), 2.5, 1e-9);
    assert_float_equal(clock_between(later, start), -2.5, 1e-9);
    assert_true(clock_is_before(start, later) && !clock_is_before(later, start));
    assert_true(clock_is_before(later, clock_later(start, 1e300))); /* far away, not in the past */
    assert_true(clock_is_before(later, clock_later(start, INFINITY)));
    while (clock_since(start) < 0.02)
        sink += 1;
    assert_true(clock_cpu_s() > cpu);
    clock_utc_text(text, sizeof text);
    assert_int_equal(strlen(text), 20);
    assert_true(text[4] == '-' && text[10] == 'T' && text[19] == 'Z');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_known_machine_is_described, make_root, remove_root),
        cmocka_unit_test_setup_teardown(the_key_holds_only_stable_facts, make_root, remove_root),
        cmocka_unit_test_setup_teardown(an_empty_tree_is_no_error, make_root, remove_root),
        cmocka_unit_test(this_machine_is_described),
        cmocka_unit_test_setup_teardown(energy_adds_packages_and_wraps, make_root, remove_root),
        cmocka_unit_test_setup_teardown(energy_is_never_a_guess, make_root, remove_root),
        cmocka_unit_test(durations_are_monotonic),
    };
    return cmocka_run_group_tests_name("sysinfo", tests, NULL, NULL);
}
