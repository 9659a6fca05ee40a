/* SPDX-License-Identifier: Apache-2.0 */
/* liveness.c — telling a dead runner from a live one, without asking any clock.
 *
 * A runner holds a lock for as long as it lives: one byte of the file STORE.lock, at the place that the hash of its
 * token gives. The kernel drops it with the process, however that ends, and anybody who can open the file can ask for
 * it, from another terminal, container or machine. Where locks do not work, the token itself says which process of
 * which boot the runner was, and since when.
 * The locks belong to the open file, not to the process (F_OFD_SETLK): they do not meet SQLite's own, which lie in
 * the store and would go with any descriptor of it that is closed.
 * Invariant: a lock file that was locked is still the one its name leads to. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "harness/store/internal.h"

enum { BOOT_DIGITS = 32 };

/* The first bytes of a small file of the system's, terminated; "" when it cannot be read. */
static void read_start(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t n = 0;
    if (file) {
        n = fread(out, 1, size - 1, file);
        (void)fclose(file);
    }
    out[n] = 0;
}

/* This boot of the machine, as hexadecimal digits; zeros where the system does not tell. */
static void boot_id(char out[BOOT_DIGITS + 1])
{
    char text[64];
    int n = 0;
    read_start("/proc/sys/kernel/random/boot_id", text, sizeof text);
    for (const char *c = text; *c && n < BOOT_DIGITS; c++)
        if (*c != '-' && *c != '\n')
            out[n++] = *c;
    while (n < BOOT_DIGITS)
        out[n++] = '0';
    out[n] = 0;
}

/* When a process began, in clock ticks since the boot: field 22 of its stat line, counted after the name in
 * parentheses, which may contain anything. False when there is no such process, or only its zombie. */
static bool start_time(int64_t pid, unsigned long long *out)
{
    char path[64], text[1024];
    char *at;
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    read_start(path, text, sizeof text);
    at = strrchr(text, ')');
    if (!at || at[1] != ' ' || strchr("ZXx", at[2]))
        return false;
    at += 2; /* field 3, the state */
    for (int field = 3; field < 22; field++) {
        at = strchr(at, ' ');
        if (!at)
            return false;
        at++;
    }
    return sscanf(at, "%llu", out) == 1;
}

void store_owner_token(char *out, size_t size)
{
    char boot[BOOT_DIGITS + 1];
    unsigned long long started = 0;
    ASSERT(size >= sizeof((struct owner *)NULL)->token);
    boot_id(boot);
    (void)start_time(getpid(), &started);
    (void)snprintf(out, size, "%s:%" PRId64 ":%llu", boot, (int64_t)getpid(), started);
}

/* Whether the process that made this token still runs; pid is used when the token tells nothing. */
static bool process_alive(const char *token, int64_t pid)
{
    char boot[BOOT_DIGITS + 1], owner_boot[BOOT_DIGITS + 1];
    unsigned long long owner_started = 0, started = 0;
    int64_t owner_pid = 0;
    bool full = sscanf(token, "%32[0-9a-f]:%" SCNd64 ":%llu", owner_boot, &owner_pid, &owner_started) == 3;
    if (full)
        pid = owner_pid;
    if (pid <= 0 || pid > INT32_MAX || (kill((pid_t)pid, 0) != 0 && errno == ESRCH))
        return false;
    if (!full)
        return true;
    boot_id(boot);
    if (strcmp(boot, owner_boot) != 0)
        return false;
    /* Without /proc nothing more is known than that a process of this number runs. */
    return owner_started == 0 || (start_time(pid, &started) && started == owner_started);
}

/* ---- the lock ---- */

static void append_lock_path(const struct store *store, struct str *path)
{
    str_format(path, "%s.lock", db_path(store->db));
}

/* Where in the lock file a runner's byte lies. Two runners of 2^62 places do not meet. */
static struct flock place_of(const char *token)
{
    struct hash hash = hash_bytes(token, strlen(token));
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)(hash.low >> 2), .l_len = 1};
}

static bool is_still_named(int fd, const char *path)
{
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

void store_hold(struct store *store, const struct owner *owner)
{
    struct flock lock = place_of(owner->token);
    struct str path;
    ASSERT(store->lock_fd < 0);
    str_init(&path);
    append_lock_path(store, &path);
    for (;;) {
        int fd = open(path.text, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        bool locked = fd >= 0 && fcntl(fd, F_OFD_SETLKW, &lock) == 0;
        if (locked && is_still_named(fd, path.text)) {
            store->lock_fd = fd;
            break;
        }
        if (fd >= 0)
            (void)close(fd);
        if (!locked) /* no locks here; the token has to do */
            break;
        /* The last runner removed the file between our opening and our locking it. */
    }
    str_release(&path);
}

void store_let_go(struct store *store)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct str path;
    if (store->lock_fd < 0)
        return;
    str_init(&path);
    append_lock_path(store, &path);
    if (fcntl(store->lock_fd, F_OFD_SETLK, &all) == 0) /* nobody else holds a byte of it */
        (void)unlink(path.text);
    (void)close(store->lock_fd);
    store->lock_fd = -1;
    str_release(&path);
}

/* Whether somebody holds the byte of this token. */
static bool is_held(const struct store *store, const char *token)
{
    struct flock lock = place_of(token);
    struct str path;
    bool held = false;
    int fd;
    str_init(&path);
    append_lock_path(store, &path);
    fd = open(path.text, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
        (void)close(fd);
    }
    str_release(&path);
    return held;
}

bool store_owner_alive(const struct store *store, const char *token, int64_t pid)
{
    return process_alive(token, pid) || is_held(store, token);
}

/* ---- who is gone ---- */

enum status store_dead_owners(struct store *store, struct table *out, struct err *err)
{
    static const char *const names[] = {"owner"};
    struct query *query = NULL;
    struct table table;
    enum status status = db_prepare(store->db,
                                    "SELECT DISTINCT owner, coalesce(pid, 0) FROM attempt WHERE state = 'running'",
                                    DB_TRUSTED, &query, err);
    if (status != STATUS_OK)
        return status;
    table_init(&table, 1, names);
    while ((status = query_step(query, err)) == STATUS_OK) {
        const char *owner = query_column_text(query, 0);
        if (owner && !store_owner_alive(store, owner, query_column_integer(query, 1)))
            table_set_text(&table, table_add_row(&table), 0, owner);
    }
    query_free(query);
    if (status != STATUS_DONE) {
        table_release(&table);
        return status;
    }
    *out = table;
    return STATUS_OK;
}

enum status store_lost(struct store *store, struct table *out, struct err *err)
{
    static const char *const names[] = {"trial_id", "spec"};
    struct table owners, table;
    struct query *query = NULL;
    enum status status = store_dead_owners(store, &owners, err);
    if (status != STATUS_OK)
        return status;
    table_init(&table, 2, names);
    status = db_prepare(store->db,
                        "SELECT a.trial_id, coalesce((SELECT s.name FROM spec_trial m JOIN spec s USING (spec_id)"
                        " WHERE m.trial_id = a.trial_id ORDER BY m.spec_id LIMIT 1), '')"
                        " FROM attempt a WHERE a.state = 'running' AND a.owner = ?1 ORDER BY 1",
                        DB_TRUSTED, &query, err);
    for (int i = 0; i < owners.n_rows && status == STATUS_OK; i++) {
        query_bind_text(query, 1, table_text(&owners, i, 0));
        while ((status = query_step(query, err)) == STATUS_OK) {
            int row = table_add_row(&table);
            for (int column = 0; column < 2; column++)
                table_set_text(&table, row, column, query_column_text(query, column));
        }
        if (status == STATUS_DONE)
            status = STATUS_OK;
    }
    query_free(query);
    table_release(&owners);
    if (status == STATUS_OK)
        *out = table;
    else
        table_release(&table);
    return status;
}
