/* SPDX-License-Identifier: Apache-2.0 */
/* test_power.c — goal: when the power fails, whatever was told to be stored is there afterwards, and nothing is half there.
 * Method: the real store on a disk that loses what was not synced (power_disk.h). A sweep's calls are made with the power
 * failing at the n-th change of the disk; then the store is opened again, looked at, and the sweep is ended. A sample of n
 * and of lots; with ISOFLOP_TORTURE every n with 8 lots. */
#include "tests/harness/power_disk.h"
#include "tests/harness/store_fixture.h"

enum { TRIALS = 3 };

/* What a runner was told before the lights went out. */
struct told {
    bool planned;
    int done; /* results whose store_finish returned */
};

/* Claims and ends trials until none is left, or until something fails. */
static enum status run_trials(struct store *store, const struct plan *plan, const struct owner *owner, struct told *told,
                              struct err *err)
{
    struct record records[32];
    int n = sample_records(records), index;
    int64_t attempt;
    enum status status;
    while ((status = store_claim(store, plan, owner, &index, &attempt, err)) == STATUS_OK) {
        status = store_finish(store, plan->trials[index].id, attempt, owner, OUTCOME_DONE, "", records, n, err);
        if (status != STATUS_OK)
            return status;
        told->done++;
    }
    return status == STATUS_DONE ? STATUS_OK : status;
}

/* A runner's life, from the first opening on. A small cache makes SQLite write before it commits. */
static enum status live(const struct plan *plan, const struct owner *owner, bool small_cache, struct told *told)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    int pending;
    enum status status = store_open(&store, path, STORE_WRITE, &err);
    if (status == STATUS_OK && small_cache)
        status = db_exec(store->db, "PRAGMA cache_size = 8", &err);
    if (status == STATUS_OK)
        status = store_put_plan(store, plan, &err);
    told->planned = status == STATUS_OK;
    if (status == STATUS_OK)
        status = store_prepare(store, plan, STORE_RERUN_NONE, &pending, &err);
    if (status == STATUS_OK)
        status = run_trials(store, plan, owner, told, &err);
    store_close(store);
    return status;
}

/* What is wrong with the store, or NULL. */
static const char *wrong(struct store *store, const struct told *told)
{
    struct err err = ERR_INIT;
    int done = (int)number(store, "SELECT count(*) FROM trial WHERE state = 'done'");
    if (db_quick_check(store->db, &err) != STATUS_OK)
        return "it is damaged";
    if (told->planned && number(store, "SELECT count(*) FROM trial") != TRIALS)
        return "a plan that was stored is lost";
    if (done < told->done)
        return "a result that was stored is lost";
    if (done > told->done + 1)
        return "a result is there that nobody stored";
    if (number(store, "SELECT count(*) FROM attempt WHERE state = 'done'") != done)
        return "trials and attempts disagree";
    if (number(store, "SELECT count(*) FROM metric") != 2 * done || number(store, "SELECT count(*) FROM cost") != done ||
        number(store, "SELECT count(*) FROM eval") != done)
        return "half a result is there";
    return NULL;
}

/* False when the power failed only after all was done: there is no later n. */
static bool fails_at(const struct plan *plan, int64_t n, uint64_t seed)
{
    struct owner gone = this_runner(), here = gone;
    struct told told = {0}, after = {0};
    struct store *store;
    const char *complaint;
    enum status status;
    gone.token[0] = gone.token[0] == '0' ? '1' : '0'; /* a runner of the boot before */
    disk.seed = seed << 32 | (uint64_t)n;
    disk.fails_at = n;
    status = live(plan, &gone, seed % 2, &told);
    if (!disk.dark)
        assert_int_equal(status, STATUS_OK);
    disk.dark = true;
    disk_restart();
    store = opened(STORE_WRITE);
    complaint = wrong(store, &told);
    store_close(store);
    if (!complaint && live(plan, &here, false, &after) != STATUS_OK)
        complaint = "the sweep cannot go on";
    store = opened(STORE_WRITE);
    if (!complaint && number(store, "SELECT count(*) FROM attempt WHERE state = 'done'") != TRIALS)
        complaint = "a trial was lost or done twice";
    store_close(store);
    if (complaint)
        fail_msg("power lost at change %lld, lot %llu: %s", (long long)n, (unsigned long long)seed, complaint);
    disk_erase();
    return status != STATUS_OK;
}

static void power_may_fail_at_any_time(void **state)
{
    bool all = getenv("ISOFLOP_TORTURE") != NULL;
    struct plan plan = planned(TRIALS);
    int64_t n = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= (all ? 8 : 2); seed++)
        for (n = all ? 1 : (int64_t)seed; fails_at(&plan, n, seed);)
            n += all ? 1 : 5;
    assert_true(n > 60); /* there were so many changes */
    free(plan.trials);
}

/* The disk itself: without a sync nothing is certain, with one everything is. */
static void only_what_is_synced_is_certain(void **state)
{
    int lost = 0, kept = 0;
    (void)state;
    for (int i = 0; i < 64; i++) {
        sqlite3_vfs *vfs = sqlite3_vfs_find("power");
        union {
            struct disk_handle handle;
            sqlite3_file base;
        } file;
        disk.seed = (uint64_t)i;
        assert_int_equal(vfs->xOpen(vfs, "f", &file.base, SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_JOURNAL, NULL), SQLITE_OK);
        assert_int_equal(file.base.pMethods->xWrite(&file.base, "old", 3, 0), SQLITE_OK);
        assert_int_equal(file.base.pMethods->xSync(&file.base, 0), SQLITE_OK);
        assert_int_equal(file.base.pMethods->xWrite(&file.base, "new", 3, 0), SQLITE_OK);
        disk_restart();
        kept += memcmp(disk_find("f")->now.at, "new", 3) == 0;
        lost += memcmp(disk_find("f")->now.at, "old", 3) == 0;
        disk_erase();
    }
    assert_true(lost > 8 && kept > 8);
}

static int plug_in(void **state)
{
    if (make_folder(state))
        return -1;
    disk_plug_in();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_synced_is_certain),
        cmocka_unit_test(power_may_fail_at_any_time),
    };
    return cmocka_run_group_tests(tests, plug_in, remove_folder);
}
