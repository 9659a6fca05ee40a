/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c — `isoflop doctor`: is this machine, and this file, fit for measuring? Each line says how it is and what
 * to do about it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/math/blas.h"
#include "engine/math/vec.h"
#include "harness/cli/commands.h"
#include "harness/cli/print.h"
#include "harness/report/plot.h"
#include "harness/run/sysinfo.h"
#include "harness/store/network.h"
#include "harness/store/salvage.h"
#include "harness/store/store.h"

enum verdict { GOOD, WARN, BAD };

struct findings_list {
    struct table table;
    bool any_bad;
    enum status store_status;
};

static void say(struct findings_list *list, const char *check, enum verdict verdict, const char *found, const char *remedy)
{
    static const char *const names[] = {"ok", "warn", "bad"};
    int row = table_add_row(&list->table);
    table_set_text(&list->table, row, 0, names[verdict]);
    table_set_text(&list->table, row, 1, check);
    table_set_text(&list->table, row, 2, found);
    if (verdict != GOOD)
        table_set_text(&list->table, row, 3, remedy);
    list->any_bad |= verdict == BAD;
}

static void check_processor(struct findings_list *list)
{
    struct sysinfo info;
    char text[256];
    sysinfo_read(&info, "");
    (void)snprintf(text, sizeof text, "%s, %lld logical CPUs", info.cpu_model, (long long)info.logical_cpus);
    say(list, "processor", GOOD, text, "");
    (void)snprintf(text, sizeof text, "%s kernels, OpenBLAS %s", blas_core(), blas_openblas_core());
    say(list, "matrix products", blas_wanted_core() ? WARN : GOOD, text,
        "older than the processor: unset ISOFLOP_BLAS, or set OPENBLAS_CORETYPE");
    (void)snprintf(text, sizeof text, "%s", vec->isa);
    say(list, "vector kernels", GOOD, text, "");
    if (*info.governor)
        say(list, "frequency governor", strcmp(info.governor, "performance") == 0 ? GOOD : WARN, info.governor,
            "timings wander; as root: cpupower frequency-set -g performance");
    (void)snprintf(text, sizeof text, "%.2f on %d CPUs", info.load1, info.usable_cpus);
    say(list, "load", info.load1 > 0.5 * info.usable_cpus ? WARN : GOOD, text, "something else runs; timings will show it");
    (void)snprintf(text, sizeof text, "%.1f of %.1f GiB free", (double)info.available_bytes / (1 << 30),
                   (double)info.memory_bytes / (1 << 30));
    say(list, "memory", info.available_bytes < 512 << 20 ? WARN : GOOD, text, "close something");
}

static void check_gnuplot(struct findings_list *list)
{
    char path[1024];
    bool found = plot_find_gnuplot(path, sizeof path);
    say(list, "gnuplot", found ? GOOD : WARN, found ? path : "not found",
        "charts cannot be drawn; on Debian: apt-get install gnuplot-nox");
}

static void check_folder(struct findings_list *list, const char *db)
{
    static const char *const kinds[] = {[NETWORK_LOCAL] = "local", [NETWORK_PERHAPS] = "FUSE or 9p, perhaps a network's",
                                        [NETWORK_SURELY] = "a network's", [NETWORK_UNKNOWN] = "not told"};
    enum network network = network_of(db);
    struct statvfs space;
    char folder[1024], text[128];
    char *slash;
    (void)str_copy(folder, sizeof folder, db);
    slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    else
        (void)str_copy(folder, sizeof folder, ".");
    if (statvfs(folder, &space) != 0) {
        say(list, "store's folder", WARN, strerror(errno), "it is made by the first run");
        return;
    }
    say(list, "file system", network == NETWORK_LOCAL ? GOOD : WARN, kinds[network],
        "keep stores on a local disk, one for each machine, and join them with merge");
    (void)snprintf(text, sizeof text, "%.1f GiB free", (double)space.f_bavail * (double)space.f_frsize / (1 << 30));
    say(list, "disk", (double)space.f_bavail * (double)space.f_frsize < 256e6 ? WARN : GOOD, text, "make room");
}

static void check_runners(struct findings_list *list, struct store *store)
{
    struct err err = ERR_INIT;
    struct table lost;
    char text[64];
    if (store_lost(store, &lost, &err) != STATUS_OK) {
        say(list, "runners", BAD, err.text, "restore a copy; nothing was changed");
        return;
    }
    (void)snprintf(text, sizeof text, lost.n_rows ? "dead, with %d trials that say running" : "none died", lost.n_rows);
    say(list, "runners", lost.n_rows ? WARN : GOOD, text, "`isoflop run` with the same spec takes them up again");
    table_release(&lost);
}

/* What a question finds wrong, in its first row; nothing when there is none or it says ok. */
static void check_whole(struct findings_list *list, struct store *store, const char *name, const char *sql, const char *good)
{
    struct err err = ERR_INIT;
    struct table found;
    struct str text;
    if (store_query(store, sql, NULL, 0, &found, &err) != STATUS_OK) {
        say(list, name, BAD, err.text, "doctor --salvage OUT saves what can be read");
        list->store_status = STATUS_CORRUPT;
        return;
    }
    str_init(&text);
    if (found.n_rows > 0)
        table_format_cell(&found, 0, 0, &text);
    if (found.n_rows == 0 || strcmp(text.text, "ok") == 0) {
        say(list, name, GOOD, good, "");
    } else {
        say(list, name, BAD, text.text, "doctor --salvage OUT saves what can be read");
        list->store_status = STATUS_CORRUPT;
    }
    str_release(&text);
    table_release(&found);
}

static void check_store(struct findings_list *list, const char *db)
{
    struct err err = ERR_INIT;
    struct store *store;
    if (access(db, F_OK) != 0) {
        say(list, "store", GOOD, "not there yet", "");
        return;
    }
    list->store_status = store_open(&store, db, STORE_READ, &err);
    if (list->store_status != STATUS_OK) {
        say(list, "store", BAD, err.text, "restore a copy, or: doctor --salvage OUT; nothing was changed");
        return;
    }
    say(list, "store", GOOD, "opens, and is whole", "");
    check_whole(list, store, "every page", "PRAGMA integrity_check(1)", "in order");
    check_whole(list, store, "references", "PRAGMA foreign_key_check", "all lead somewhere");
    check_runners(list, store);
    store_close(store);
}

static int save(struct invocation *invocation, const char *out)
{
    struct err err = ERR_INIT;
    struct table report;
    int code;
    if (salvage(invocation->db, out, &report, &err) != STATUS_OK)
        return failed(&err);
    code = print_table(invocation, &report, "isoflop.salvage.v1");
    table_release(&report);
    if (code == EXIT_CODE_DONE)
        (void)fprintf(stderr, "isoflop: %s holds what could be read; %s was not touched. Trials whose result is lost are pending: "
                      "run the spec again with --db %s\n", out, invocation->db, out);
    return code;
}

int cmd_doctor(struct invocation *invocation)
{
    static const char *const names[] = {"verdict", "check", "found", "remedy"};
    struct findings_list list = {.store_status = STATUS_OK};
    int code;
    if (option_given(&invocation->options, "salvage"))
        return save(invocation, option_text(&invocation->options, "salvage"));
    table_init(&list.table, 4, names);
    check_processor(&list);
    check_gnuplot(&list);
    check_folder(&list, invocation->db);
    check_store(&list, invocation->db);
    if (invocation->json) {
        code = print_table(invocation, &list.table, "isoflop.doctor.v1");
    } else {
        code = EXIT_CODE_DONE;
        for (int r = 0; r < list.table.n_rows; r++) {
            const char *remedy = table_text(&list.table, r, 3);
            (void)printf("%-5s %-18s %s\n", table_text(&list.table, r, 0), table_text(&list.table, r, 1),
                         table_text(&list.table, r, 2));
            if (remedy)
                (void)printf("      %-18s -> %s\n", "", remedy);
        }
    }
    if (code == EXIT_CODE_DONE && list.any_bad)
        code = list.store_status == STATUS_CORRUPT ? EXIT_CODE_CORRUPT : EXIT_CODE_RUNTIME;
    table_release(&list.table);
    return code;
}
