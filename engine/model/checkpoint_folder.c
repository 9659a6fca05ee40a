/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_folder.c — see checkpoint_folder.h. Invariant between any two system calls: one of final and old is a
 * whole checkpoint, if one was there at the beginning. */
#include "engine/model/checkpoint_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/str.h"

/* The files that are ours to remove. */
static const char *const files[] = {"optimizer.safetensors", "model.safetensors", "config.json"};

static enum status failed(struct err *err, const char *path)
{
    return err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static enum status sync_folder(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = fd < 0 || fsync(fd) != 0 ? failed(err, path) : STATUS_OK;
    if (fd >= 0)
        (void)close(fd);
    return status;
}

/* Removes our files in the folder, and the folder when nothing else is in it; it may be missing. */
static enum status clear(const char *path, struct err *err)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char file[FOLDER_FILE];
        (void)snprintf(file, sizeof file, "%s/%s", path, files[i]);
        if (unlink(file) != 0 && errno != ENOENT)
            return failed(err, file);
    }
    return rmdir(path) != 0 && errno != ENOENT ? failed(err, path) : STATUS_OK;
}

/* Moves what is not ours from one folder to the other, unless the other has it already. */
static void adopt(const char *from, const char *to)
{
    DIR *dir = opendir(from);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char source[FOLDER_FILE + 256], target[FOLDER_FILE + 256];
        bool known = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            known |= strcmp(entry->d_name, files[i]) == 0;
        (void)snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        (void)snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        if (!known && access(target, F_OK) != 0)
            (void)rename(source, target); /* what does not move keeps the old folder, and is found there */
    }
    if (dir)
        (void)closedir(dir);
}

static enum status retire(const struct checkpoint_folder *f, struct err *err)
{
    adopt(f->old, f->final);
    return clear(f->old, err);
}

static enum status name_all(struct checkpoint_folder *f, const char *path, struct err *err)
{
    char *real = is_folder(path) ? realpath(path, NULL) : NULL; /* a link stays one */
    bool fits = str_copy(f->final, sizeof f->final, real ? real : path);
    size_t n = strlen(f->final);
    char *slash;
    free(real);
    while (n > 1 && f->final[n - 1] == '/')
        f->final[--n] = 0;
    if (!fits || n == 0)
        return err_set(err, STATUS_IO, "%s: the path is too long, or empty", path);
    (void)snprintf(f->staged, sizeof f->staged, "%s.new", f->final);
    (void)snprintf(f->old, sizeof f->old, "%s.old", f->final);
    (void)str_copy(f->parent, sizeof f->parent, f->final);
    slash = strrchr(f->parent, '/');
    if (slash)
        slash[slash == f->parent] = 0;
    else
        (void)str_copy(f->parent, sizeof f->parent, ".");
    return STATUS_OK;
}

enum status checkpoint_folder_begin(struct checkpoint_folder *f, const char *path, struct err *err)
{
    struct stat info;
    enum status status = name_all(f, path, err);
    if (status == STATUS_OK && !is_folder(f->final) && is_folder(f->old)) {
        status = rename(f->old, f->final) != 0 ? failed(err, f->old) : sync_folder(f->parent, err);
    }
    if (status == STATUS_OK && is_folder(f->old))
        status = retire(f, err);
    if (status == STATUS_OK)
        status = clear(f->staged, err);
    if (status == STATUS_OK && mkdir(f->staged, 0777) != 0)
        status = failed(err, f->staged);
    if (status == STATUS_OK && stat(f->final, &info) == 0 && chmod(f->staged, info.st_mode & 07777) != 0)
        status = failed(err, f->staged);
    return status;
}

/* The two renames. When the second fails, the first is taken back. */
static enum status exchange(const struct checkpoint_folder *f, struct err *err)
{
    enum status status;
    bool replaces = is_folder(f->final);
    if (replaces && rename(f->final, f->old) != 0)
        return failed(err, f->final);
    status = replaces ? sync_folder(f->parent, err) : STATUS_OK;
    if (status == STATUS_OK && rename(f->staged, f->final) != 0)
        status = failed(err, f->staged);
    if (status != STATUS_OK && replaces)
        (void)rename(f->old, f->final);
    return status;
}

enum status checkpoint_folder_end(struct checkpoint_folder *f, enum status status, struct err *err)
{
    if (status == STATUS_OK)
        status = sync_folder(f->staged, err);
    if (status == STATUS_OK)
        status = exchange(f, err);
    if (status != STATUS_OK) {
        (void)clear(f->staged, NULL);
        return status;
    }
    status = sync_folder(f->parent, err);
    if (status == STATUS_OK && is_folder(f->old))
        (void)retire(f, NULL); /* the new one stands; the next writer tries again and says why it cannot */
    return status;
}

void checkpoint_folder_reading(char out[FOLDER_PATH + 8], const char *path)
{
    size_t n;
    if (!str_copy(out, FOLDER_PATH, path) || is_folder(out))
        return;
    n = strlen(out);
    while (n > 1 && out[n - 1] == '/')
        out[--n] = 0;
    (void)snprintf(out + n, 8, ".old");
    if (!is_folder(out))
        out[n] = 0; /* the name that was asked for is the one to complain about */
}
