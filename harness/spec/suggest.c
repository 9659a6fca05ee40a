/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.c — see suggest.h. A knob that exists elsewhere beats a name that merely looks alike. */
#include "harness/spec/suggest.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/spec/knobs.h"

/* The i-th key of the section that the context names; of all sections when it names none. */
static const char *tail_at(int i, const void *context)
{
    const char *section = context;
    for (int k = 0; k < knob_count(); k++) {
        const struct knob *knob = knob_at(k);
        if (!knob->internal && (!*section || knob_in(knob, section)) && i-- == 0)
            return knob_tail(knob);
    }
    return NULL;
}

static const char *key_at(int i, const void *context)
{
    const char *const *keys = context;
    return keys[i];
}

/* The knob that goes by this name in any form: full, of the store's column, or without its section. */
static const struct knob *knob_called(const char *name)
{
    const struct knob *knob = knob_find(name);
    for (int k = 0; k < knob_count() && !knob; k++)
        if (strcmp(knob_tail(knob_at(k)), name) == 0)
            knob = knob_at(k);
    return knob && !knob->internal ? knob : NULL;
}

static void append_knob(struct str *out, const struct knob *knob)
{
    const char *dot = strchr(knob->name, '.');
    if (dot)
        str_format(out, "; did you mean '%s' in %.*s?", dot + 1, (int)(dot - knob->name), knob->name);
    else
        str_format(out, "; did you mean '%s', outside of the sections?", knob->name);
}

static void append_list(struct str *out, const char *(*candidate)(int i, const void *context), const void *context)
{
    const char *name;
    for (int i = 0; (name = candidate(i, context)) != NULL; i++)
        str_format(out, "%s%s", i ? ", " : "; there are: ", name);
}

void suggest_section_key(struct str *out, const char *section, const char *key)
{
    const struct knob *elsewhere = knob_called(key);
    const char *near = str_nearest(key, tail_at, section);
    if (elsewhere && knob_in(elsewhere, section))
        str_format(out, "; did you mean '%s'?", knob_tail(elsewhere));
    else if (elsewhere)
        append_knob(out, elsewhere);
    else if (near)
        str_format(out, "; did you mean '%s'?", near);
    else
        append_list(out, tail_at, section);
}

void suggest_claim(struct str *out, const char *(*name)(int i, const void *context), const char *claim)
{
    const char *near = str_nearest(claim, name, NULL);
    if (near)
        str_format(out, "; did you mean '%s'?", near);
    else
        append_list(out, name, NULL);
}

void suggest_top_key(struct str *out, const char *const *keys, const char *key)
{
    const struct knob *knob = knob_called(key);
    const char *near = str_nearest(key, key_at, keys);
    const char *tail = str_nearest(key, tail_at, "");
    if (!knob && !near && tail)
        knob = knob_called(tail);
    if (knob)
        append_knob(out, knob);
    else if (near)
        str_format(out, "; did you mean '%s'?", near);
    else
        append_list(out, key_at, keys);
}

void suggest_knob(struct str *out, const char *name)
{
    const struct knob *knob = knob_called(name);
    const char *near = knob ? knob->name : knob_nearest(name);
    const char *tail = near ? NULL : str_nearest(name, tail_at, "");
    if (tail)
        near = knob_called(tail)->name;
    if (near)
        str_format(out, "; did you mean '%s'?", near);
}

enum { FILES_SEEN = 1000 };

struct file_list {
    char *stems[FILES_SEEN]; /* without folder and extension; owned */
    int n;
};

static const char *stem_at(int i, const void *context)
{
    const struct file_list *list = context;
    return i < list->n ? list->stems[i] : NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folder's files that end so, without that ending, sorted: the order of a directory is an accident. */
static void list_files(struct file_list *out, const char *folder, const char *ending)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    size_t tail = strlen(ending);
    out->n = 0;
    while (dir && out->n < FILES_SEEN && (entry = readdir(dir)) != NULL) {
        size_t n = strlen(entry->d_name);
        if (n > tail && strcmp(entry->d_name + n - tail, ending) == 0 && str_is_name(entry->d_name)) {
            out->stems[out->n] = strndup(entry->d_name, n - tail);
            NEED_MEMORY(out->stems[out->n]);
            out->n++;
        }
    }
    if (dir)
        (void)closedir(dir);
    qsort(out->stems, (size_t)out->n, sizeof *out->stems, by_name);
}

/* Appends the suggestion from one folder ("" is the current one); false when none is near. */
static bool suggest_from(struct str *out, const char *folder, const char *stem, const char *ending)
{
    struct file_list list;
    const char *near;
    list_files(&list, *folder ? folder : ".", ending);
    near = str_nearest(stem, stem_at, &list);
    if (near)
        str_format(out, "; did you mean '%s%s%s%s'?", folder, *folder ? "/" : "", near, ending);
    for (int i = 0; i < list.n; i++)
        free(list.stems[i]);
    return near != NULL;
}

/* The folder of a path, "" for the current one; the caller frees it. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == path ? strdup("/.") : strndup(path, slash ? (size_t)(slash - path) : 0);
    NEED_MEMORY(folder);
    return folder;
}

void suggest_spec(struct str *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    char *stem = strndup(base, dot ? (size_t)(dot - base) : strlen(base));
    char *folder = folder_of(path);
    NEED_MEMORY(stem);
    if (!suggest_from(out, folder, stem, ".yaml") && strcmp(folder, "experiments") != 0)
        (void)suggest_from(out, "experiments", stem, ".yaml");
    free(stem);
    free(folder);
}

void suggest_file(struct str *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = folder_of(path);
    (void)suggest_from(out, folder, slash ? slash + 1 : path, "");
    free(folder);
}
