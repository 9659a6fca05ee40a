/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c — see settings.h. */
#include "harness/cli/settings.h"

#include <stdio.h>
#include <string.h>

/* Whether the knob is in one of the sections, words with spaces between. */
static bool allowed(const struct knob *knob, const char *sections)
{
    char section[32];
    if (!sections)
        return true;
    for (const char *at = sections; *at; at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' ')) {
        (void)snprintf(section, sizeof section, "%.*s", (int)strcspn(at, " "), at);
        if (knob_in(knob, section))
            return true;
    }
    return false;
}

static enum status apply(const char *text, const char *sections, struct knobs *knobs, struct err *err)
{
    const char *equals = strchr(text, '=');
    const struct knob *knob;
    char name[64];
    if (!equals)
        return err_set(err, STATUS_USAGE, "-S %s: give knob=value, as in  -S model.width=64", text);
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    knob = knob_find(name);
    if (!knob || knob->internal) {
        const char *nearest = knob_nearest(name);
        return err_set(err, STATUS_USAGE, "-S %s: unknown knob '%s'%s%s%s", text, name,
                       nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    }
    if (!allowed(knob, sections))
        return err_set(err, STATUS_USAGE,
                       "-S %s: the model is trained already; only knobs of these can be set: %s", text,
                       sections);
    if (knob_parse(knob, equals + 1, knobs, err) != STATUS_OK)
        return err_prefix(err, "-S %s", text);
    return STATUS_OK;
}

/* Either says how long is trained. */
static enum status check_length(const char *const *set, int n, struct err *err)
{
    static const char *const names[] = {"train.tokens=", "train.flops="};
    bool given[2] = {false, false};
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            given[k] = given[k] || strncmp(set[i], names[k], strlen(names[k])) == 0;
    return given[0] && given[1] ? err_set(err, STATUS_USAGE, "-S train.tokens and -S train.flops both say how long is "
                                          "trained; leave one out") : STATUS_OK;
}

enum status settings_apply(const char *const *set, int n, const char *sections, struct knobs *knobs,
                           struct err *err)
{
    enum status status = check_length(set, n, err);
    for (int i = 0; i < n && status == STATUS_OK; i++)
        status = apply(set[i], sections, knobs, err);
    return status;
}

enum status settings_text(const char *path, struct knobs *knobs, struct err *err)
{
    enum status status = knob_parse(knob_find("data.source"), "text", knobs, err);
    return status == STATUS_OK ? knob_parse(knob_find("data.path"), path, knobs, err) : status;
}
