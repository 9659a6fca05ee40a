/* SPDX-License-Identifier: Apache-2.0 */
/* choice.c — reads the list of abilities. */
#include "engine/tasks/choice.h"

#include <math.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/str.h"

static const char demo[] = "copy reverse addition modular_addition induction";

static const char *name_of(int i, const void *context)
{
    (void)context;
    return i < task_count() ? task_at(i)->name : NULL;
}

static bool is_meant(const char *name, const char *word, size_t length)
{
    if (word[length - 1] == '*')
        return strncmp(name, word, length - 1) == 0;
    return strlen(name) == length && memcmp(name, word, length) == 0;
}

/* Adds all that one word names. */
static enum status add_word(struct task_choice *choice, const char *word, size_t length, struct err *err)
{
    int before = choice->n;
    ASSERT(task_count() <= CHOICE_MOST);
    for (int i = 0; i < task_count(); i++) {
        if (!is_meant(task_at(i)->name, word, length))
            continue;
        for (int j = 0; j < choice->n; j++)
            if (choice->tasks[j] == task_at(i))
                return err_set(err, STATUS_USAGE, "data.abilities names '%s' twice", task_at(i)->name);
        choice->tasks[choice->n++] = task_at(i);
    }
    if (choice->n == before) {
        char text[64];
        const char *near;
        (void)str_copy(text, length < sizeof text ? length + 1 : sizeof text, word);
        near = str_nearest(text, name_of, NULL);
        return err_set(err, STATUS_USAGE, "data.abilities: no ability is called '%s'%s%s%s", text,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return STATUS_OK;
}

static bool set_shares(struct task_choice *choice, double zipf)
{
    double sum = 0;
    int rank = 0;
    for (int i = 0; i < choice->n; i++) {
        choice->share[i] = choice->tasks[i]->only_asked ? 0 : pow(++rank, -zipf);
        sum += choice->share[i];
    }
    for (int i = 0; i < choice->n && sum > 0; i++)
        choice->share[i] /= sum;
    return sum > 0;
}

enum status task_choose(const char *names, double zipf, struct task_choice *out, struct err *err)
{
    struct task_choice choice = {0};
    const char *at = strcmp(names, "demo") == 0 ? demo : strcmp(names, "all") == 0 ? "*" : names;
    for (at += strspn(at, " "); *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        enum status status = add_word(&choice, at, length, err);
        if (status != STATUS_OK)
            return status;
        at += length;
    }
    if (!set_shares(&choice, zipf))
        return err_set(err, STATUS_USAGE, "data.abilities '%s' names none that can be practised", names);
    *out = choice;
    return STATUS_OK;
}
