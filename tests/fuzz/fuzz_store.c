/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: no file makes opening a store, or saving what can be read of it, misbehave. Promises checked: a file is opened or
 * refused with a text; what was opened answers its views or says why not; what was salvaged opens. */
#include <stdio.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "harness/store/salvage.h"
#include "harness/store/store.h"
#include "tests/fuzz/fuzz.h"

static void ask(const char *path)
{
    static const char *const views[] = {"v_trials", "v_points", "v_evals", "v_latency", "v_costs", "v_fits", "v_bench"};
    struct store *store;
    struct err err = ERR_INIT;
    if (store_open(&store, path, STORE_READ, &err) != STATUS_OK) {
        ASSERT(err.status != STATUS_OK && *err.text);
        return;
    }
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        struct table table;
        char sql[64];
        (void)snprintf(sql, sizeof sql, "SELECT * FROM %s", views[i]);
        if (store_query(store, sql, NULL, 0, &table, &err) == STATUS_OK)
            table_release(&table);
    }
    store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], out[64];
    struct store *store;
    struct table report;
    struct err err = ERR_INIT;
    FILE *file;
    (void)snprintf(path, sizeof path, "/dev/shm/fuzz-store-%ld.db", (long)getpid());
    (void)snprintf(out, sizeof out, "/dev/shm/fuzz-saved-%ld.db", (long)getpid());
    file = fopen(path, "wb");
    ASSERT(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    ask(path);
    (void)unlink(out);
    if (salvage(path, out, &report, &err) == STATUS_OK) {
        table_release(&report);
        ASSERT(store_open(&store, out, STORE_WRITE, &err) == STATUS_OK);
        store_close(store);
        (void)unlink(out);
    }
    (void)unlink(path);
    return 0;
}
