/* SPDX-License-Identifier: Apache-2.0 */
/* states.c — see states.h. */
#include "harness/run/states.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void states_path(const char *folder, int64_t step, struct str *out)
{
    str_format(out, "%s/%" PRId64, folder, step);
}

/* The number a name consists of; -1 for every other name. */
static int64_t step_of(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > 18 || strspn(name, "0123456789") != n)
        return -1;
    return strtoll(name, NULL, 10);
}

static void insert(int64_t steps[STATES_MAX], int *n, int64_t step)
{
    int at = *n;
    while (at > 0 && steps[at - 1] < step)
        at--;
    if (at == STATES_MAX)
        return;
    *n += *n < STATES_MAX;
    memmove(steps + at + 1, steps + at, (size_t)(*n - at - 1) * sizeof *steps);
    steps[at] = step;
}

int states_list(const char *folder, int64_t most, int64_t steps[STATES_MAX])
{
    DIR *dir = opendir(folder);
    int n = 0;
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int64_t step = step_of(entry->d_name);
        if (step >= 0 && step <= most)
            insert(steps, &n, step);
    }
    (void)closedir(dir);
    return n;
}

/* Removes a folder with what is in it; links are not followed. */
static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    struct str path;
    if (!dir)
        return;
    str_init(&path);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        str_clear(&path);
        str_format(&path, "%s/%s", folder, entry->d_name);
        if (unlink(path.text) != 0)
            remove_folder(path.text);
    }
    (void)closedir(dir);
    (void)rmdir(folder);
    str_release(&path);
}

void states_prune(const char *folder, int keep)
{
    int64_t steps[STATES_MAX];
    struct str path;
    int n = states_list(folder, INT64_MAX, steps);
    str_init(&path);
    for (int i = keep; i < n; i++) {
        str_clear(&path);
        states_path(folder, steps[i], &path);
        remove_folder(path.text);
    }
    if (keep == 0)
        (void)rmdir(folder);
    str_release(&path);
}
