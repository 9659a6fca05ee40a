/* SPDX-License-Identifier: Apache-2.0 */
/* models.c — see models.h. */
#include "harness/cli/models.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/sweep.h"

enum status models_trial_id(struct store *store, const char *word, struct str *id, struct err *err)
{
    static const char by_prefix[] = "SELECT trial_id FROM v_trials WHERE substr(trial_id, 1, length(?1)) = ?1 LIMIT 2";
    static const char best[] = "SELECT trial_id FROM v_points WHERE shrink = 'none' AND ?1 = 'best'"
                               " ORDER BY bits_per_byte LIMIT 1";
    struct table found;
    enum status status = store_query(store, strcmp(word, "best") == 0 ? best : by_prefix, &word, 1, &found, err);
    if (status != STATUS_OK)
        return status;
    if (found.n_rows == 0)
        status = err_set(err, STATUS_NOT_FOUND, "no trial '%s' in this store; isoflop export v_trials lists them", word);
    else if (found.n_rows > 1)
        status = err_set(err, STATUS_USAGE, "several trials begin with '%s'; give more of the id", word);
    else
        str_append(id, table_text(&found, 0, 0));
    table_release(&found);
    return status;
}

static bool is_model(const char *folder)
{
    struct str path;
    bool there;
    str_init(&path);
    str_format(&path, "%s/config.json", folder);
    there = access(path.text, R_OK) == 0;
    str_release(&path);
    return there;
}

/* Why a word that looks like a path, or is one, names no model; STATUS_OK for what may be a trial. */
static enum status check_path(const char *word, const char *db, struct err *err)
{
    struct stat is;
    bool there = stat(word, &is) == 0;
    if (there && S_ISDIR(is.st_mode))
        return err_set(err, STATUS_NOT_FOUND, "%s: holds no config.json, so it is no model", word);
    if (there)
        return err_set(err, STATUS_USAGE, "%s: is a file; a model is the folder that holds its config.json", word);
    if (strchr(word, '/'))
        return err_set(err, STATUS_NOT_FOUND, "%s: no such folder", word);
    if (strcmp(word, "best") != 0 && access(db, F_OK) != 0)
        return err_set(err, STATUS_NOT_FOUND, "%s: no such folder, and no store %s that could have such a trial", word, db);
    return STATUS_OK;
}

enum status models_folder(const char *db, const char *word, struct str *folder, struct err *err)
{
    struct store *store;
    struct str id;
    enum status status;
    if (is_model(word)) {
        str_append(folder, word);
        return STATUS_OK;
    }
    status = check_path(word, db, err);
    if (status == STATUS_OK)
        status = store_open(&store, db, STORE_READ, err);
    if (status != STATUS_OK)
        return status;
    str_init(&id);
    status = models_trial_id(store, word, &id, err);
    if (status == STATUS_OK)
        sweep_model_folder(db, id.text, folder);
    if (status == STATUS_OK && !is_model(folder->text))
        status = err_set(err, STATUS_NOT_FOUND, "%s: the trial's model was not kept", folder->text);
    str_release(&id);
    store_close(store);
    return status;
}

enum status models_knobs(struct store *store, const char *trial_id, struct knobs *out, struct err *err)
{
    static const char sql[] = "SELECT * FROM trial WHERE trial_id = ?1";
    struct table row;
    struct knobs knobs;
    enum status status = store_query(store, sql, &trial_id, 1, &row, err);
    if (status != STATUS_OK)
        return status;
    knobs_preset(&knobs);
    if (row.n_rows == 0)
        status = err_set(err, STATUS_NOT_FOUND, "no trial '%s' in this store", trial_id);
    for (int i = 0; status == STATUS_OK && i < knob_count(); i++) {
        const struct knob *knob = knob_at(i);
        struct str value;
        str_init(&value);
        table_format_cell(&row, 0, table_column(&row, knob->column), &value);
        if (knob->type == KNOB_BOOL)
            status = knob_parse(knob, strcmp(value.text, "1") == 0 ? "true" : "false", &knobs, err);
        else
            status = knob_parse(knob, value.text, &knobs, err);
        str_release(&value);
    }
    table_release(&row);
    if (status == STATUS_OK)
        *out = knobs;
    return status;
}
