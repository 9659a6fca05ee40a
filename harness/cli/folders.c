/* SPDX-License-Identifier: Apache-2.0 */
/* folders.c — see folders.h. */
#include "harness/cli/folders.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/str.h"

enum status folders_make(const char *path, struct err *err)
{
    char part[1024];
    size_t n = strlen(path);
    if (!str_copy(part, sizeof part, path))
        return err_set(err, STATUS_IO, "%s: the path is too long", path);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != 0)
            continue;
        part[i] = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return err_set(err, STATUS_IO, "%s: %s", part, strerror(errno));
        part[i] = path[i];
    }
    return STATUS_OK;
}

enum status folders_make_for(const char *file, struct err *err)
{
    char folder[1024];
    char *slash;
    if (!str_copy(folder, sizeof folder, file))
        return err_set(err, STATUS_IO, "%s: the path is too long", file);
    slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return STATUS_OK;
    *slash = 0;
    return folders_make(folder, err);
}

enum status folders_make_for_store(const char *db, struct err *err)
{
    char folder[1024];
    char *slash, *above;
    if (!str_copy(folder, sizeof folder, db))
        return err_set(err, STATUS_IO, "%s: the path is too long", db);
    slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return STATUS_OK;
    *slash = 0;
    if (access(folder, F_OK) == 0)
        return STATUS_OK;
    above = strrchr(folder, '/');
    if (above && above != folder) {
        *above = 0;
        if (access(folder, F_OK) != 0)
            return err_set(err, STATUS_NOT_FOUND, "%s: there is no folder %s; make it first, if that is what --db means", db,
                           folder);
        *above = '/';
    } else if (above) {
        return err_set(err, STATUS_NOT_FOUND, "%s: there is no folder %s; make it first, if that is what --db means", db,
                       folder);
    }
    return folders_make(folder, err);
}
