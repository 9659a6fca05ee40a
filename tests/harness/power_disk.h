/* SPDX-License-Identifier: Apache-2.0 */
/* power_disk.h — a disk for SQLite that can lose its power: files in memory, each twice, as programs see it and as it is
 * for certain after a power failure. Included by test_power.c only.
 *
 * What is written is certain once the file is synced; until then every sector may be old, new, or new in its first bytes
 * only, and the length old or new, each for itself: writes can be lost and can arrive in any order. That a file is there,
 * or is gone, is certain once its folder is synced, which SQLite's own file layer does with the first sync of a new
 * journal and with a removal that asks for it.
 * At a chosen call that changes something the power fails: that call and all later ones do nothing and report an error,
 * until disk_restart settles by lot what was not certain. */
#ifndef TESTS_HARNESS_POWER_DISK_H
#define TESTS_HARNESS_POWER_DISK_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"

enum { DISK_FILES = 8, DISK_SECTOR = 512, DISK_NAME = 256 };

struct bytes {
    unsigned char *at;
    int64_t n;
};

struct disk_file {
    char name[DISK_NAME]; /* "": the place is free */
    bool there, surely_there;
    struct bytes now, sure;
};

struct disk_handle { /* what SQLite sees of an open file */
    sqlite3_file base;
    struct disk_file *file;
    bool new_journal; /* its first sync is one of the folder, too */
    bool passing;     /* gone when it is closed */
};

static struct disk {
    struct disk_file files[DISK_FILES];
    int64_t calls, fails_at; /* calls that change something; the one at which the power fails, 0: never */
    bool dark;
    uint64_t seed, draws;
} disk;

static uint64_t disk_draw(uint64_t below)
{
    uint64_t key[2] = {disk.seed, disk.draws++};
    return hash_bytes(key, sizeof key).low % below;
}

/* True when a call that changes something finds no power. */
static bool disk_is_dark(void)
{
    if (!disk.dark && ++disk.calls == disk.fails_at)
        disk.dark = true;
    return disk.dark;
}

static void bytes_resize(struct bytes *bytes, int64_t n)
{
    if (n > bytes->n) {
        unsigned char *at = realloc(bytes->at, (size_t)n);
        if (!at)
            abort();
        memset(at + bytes->n, 0, (size_t)(n - bytes->n));
        bytes->at = at;
    }
    bytes->n = n;
}

static void bytes_copy(struct bytes *to, const struct bytes *from)
{
    bytes_resize(to, from->n);
    if (from->n > 0)
        memcpy(to->at, from->at, (size_t)from->n);
}

static void bytes_release(struct bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct bytes){0};
}

static struct disk_file *disk_find(const char *name)
{
    for (int i = 0; i < DISK_FILES; i++)
        if (strcmp(disk.files[i].name, name) == 0)
            return &disk.files[i];
    return NULL;
}

static void disk_forget(struct disk_file *file)
{
    bytes_release(&file->now);
    bytes_release(&file->sure);
    memset(file, 0, sizeof *file);
}

static void disk_sync_folder(void)
{
    for (int i = 0; i < DISK_FILES; i++) {
        struct disk_file *file = &disk.files[i];
        file->surely_there = file->there;
        if (*file->name && !file->there)
            disk_forget(file);
    }
}

/* ---- the power comes back ---- */

static void settle_content(struct disk_file *file)
{
    struct bytes after = {0};
    int64_t n = disk_draw(2) ? file->now.n : file->sure.n;
    bytes_resize(&after, n);
    for (int64_t at = 0; at < n; at += DISK_SECTOR) {
        int64_t end = at + DISK_SECTOR < n ? at + DISK_SECTOR : n, torn = at + (int64_t)disk_draw(DISK_SECTOR);
        uint64_t lot = disk_draw(5); /* 0, 1: old; 2, 3: new; 4: torn */
        for (int64_t i = at; i < end; i++) {
            bool new = lot == 4 ? i < torn : lot >= 2;
            const struct bytes *from = new ? &file->now : &file->sure;
            after.at[i] = i < from->n ? from->at[i] : 0;
        }
    }
    bytes_copy(&file->sure, &after);
    bytes_copy(&file->now, &after);
    bytes_release(&after);
}

static void disk_restart(void)
{
    for (int i = 0; i < DISK_FILES; i++) {
        struct disk_file *file = &disk.files[i];
        if (!*file->name)
            continue;
        if (file->there != file->surely_there)
            file->there = file->surely_there = disk_draw(2) != 0;
        if (!file->there)
            disk_forget(file);
        else
            settle_content(file);
    }
    disk.dark = false;
    disk.fails_at = 0;
}

static void disk_erase(void)
{
    for (int i = 0; i < DISK_FILES; i++)
        disk_forget(&disk.files[i]);
    disk = (struct disk){0};
}

/* ---- an open file, as SQLite asks for it ---- */

static struct disk_file *file_of(sqlite3_file *base)
{
    return ((struct disk_handle *)base)->file;
}

static int handle_close(sqlite3_file *base)
{
    struct disk_handle *handle = (struct disk_handle *)base;
    if (handle->passing)
        disk_forget(handle->file);
    return SQLITE_OK;
}

static int handle_read(sqlite3_file *base, void *to, int n, sqlite3_int64 at)
{
    const struct bytes *now = &file_of(base)->now;
    int64_t there = at >= now->n ? 0 : now->n - at < n ? now->n - at : n;
    if (disk.dark)
        return SQLITE_IOERR_READ;
    if (there > 0)
        memcpy(to, now->at + at, (size_t)there);
    memset((char *)to + there, 0, (size_t)(n - there));
    return there == n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int handle_write(sqlite3_file *base, const void *from, int n, sqlite3_int64 at)
{
    struct bytes *now = &file_of(base)->now;
    if (disk_is_dark())
        return SQLITE_IOERR_WRITE;
    if (at + n > now->n)
        bytes_resize(now, at + n);
    memcpy(now->at + at, from, (size_t)n);
    return SQLITE_OK;
}

static int handle_truncate(sqlite3_file *base, sqlite3_int64 n)
{
    if (disk_is_dark())
        return SQLITE_IOERR_TRUNCATE;
    bytes_resize(&file_of(base)->now, n);
    return SQLITE_OK;
}

static int handle_sync(sqlite3_file *base, int flags)
{
    struct disk_handle *handle = (struct disk_handle *)base;
    (void)flags;
    if (disk_is_dark())
        return SQLITE_IOERR_FSYNC;
    bytes_copy(&handle->file->sure, &handle->file->now);
    if (handle->new_journal)
        disk_sync_folder();
    handle->new_journal = false;
    return SQLITE_OK;
}

static int handle_size(sqlite3_file *base, sqlite3_int64 *out)
{
    *out = file_of(base)->now.n;
    return disk.dark ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

/* One connection at a time: locks are not what is tested here. */
static int handle_lock(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return SQLITE_OK;
}

static int handle_reserved(sqlite3_file *base, int *out)
{
    (void)base;
    *out = 0;
    return SQLITE_OK;
}

static int handle_control(sqlite3_file *base, int operation, void *argument)
{
    (void)base, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

static int handle_sector(sqlite3_file *base)
{
    (void)base;
    return 4096; /* what SQLite takes real disks for */
}

static int handle_character(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* likewise: a torn write harms no byte beside it */
}

static const sqlite3_io_methods handle_methods = {
    .iVersion = 1,
    .xClose = handle_close,
    .xRead = handle_read,
    .xWrite = handle_write,
    .xTruncate = handle_truncate,
    .xSync = handle_sync,
    .xFileSize = handle_size,
    .xLock = handle_lock,
    .xUnlock = handle_lock,
    .xCheckReservedLock = handle_reserved,
    .xFileControl = handle_control,
    .xSectorSize = handle_sector,
    .xDeviceCharacteristics = handle_character,
};

/* ---- the folder ---- */

static int folder_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags, int *flags_out)
{
    static int passing;
    struct disk_handle *handle = (struct disk_handle *)base;
    char made_up[32];
    struct disk_file *file;
    (void)vfs;
    base->pMethods = NULL;
    (void)snprintf(made_up, sizeof made_up, "passing %d", passing++);
    *handle = (struct disk_handle){.passing = !name};
    file = name ? disk_find(name) : NULL;
    if (!file || !file->there) {
        if (!(flags & SQLITE_OPEN_CREATE) || disk_is_dark())
            return SQLITE_CANTOPEN;
        if (file) /* removed, but not for certain: made anew, it is another file of that name */
            disk_forget(file);
        file = disk_find("");
        if (!file)
            abort();
        file->there = true;
        (void)snprintf(file->name, sizeof file->name, "%s", name ? name : made_up);
        handle->new_journal = (flags & SQLITE_OPEN_MAIN_JOURNAL) != 0;
    }
    handle->file = file;
    base->pMethods = &handle_methods;
    if (flags_out)
        *flags_out = flags;
    return SQLITE_OK;
}

static int folder_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    struct disk_file *file = disk_find(name);
    (void)vfs;
    if (disk_is_dark())
        return SQLITE_IOERR_DELETE;
    if (!file || !file->there)
        return SQLITE_IOERR_DELETE_NOENT;
    file->there = false;
    if (sync)
        disk_sync_folder();
    return SQLITE_OK;
}

static int folder_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    const struct disk_file *file = disk_find(name);
    (void)vfs, (void)flags;
    *out = file && file->there;
    return disk.dark ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int folder_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    (void)snprintf(out, (size_t)size, "%s", name);
    return SQLITE_OK;
}

/* Makes the disk what SQLite uses from now on in this process. */
static void disk_plug_in(void)
{
    static sqlite3_vfs vfs;
    vfs = *sqlite3_vfs_find(NULL); /* for time and randomness */
    vfs.iVersion = 1;
    vfs.szOsFile = sizeof(struct disk_handle);
    vfs.mxPathname = DISK_NAME - 1;
    vfs.pNext = NULL;
    vfs.zName = "power";
    vfs.xOpen = folder_open;
    vfs.xDelete = folder_delete;
    vfs.xAccess = folder_access;
    vfs.xFullPathname = folder_full_name;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}

#endif
