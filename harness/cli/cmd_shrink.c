/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_shrink.c — `isoflop shrink --int8 MODEL`: makes a trained model smaller and measures what is left of it, as a
 * trial of its own beside its parent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/cli/again.h"
#include "harness/cli/commands.h"
#include "harness/cli/models.h"
#include "harness/cli/sweep.h"

/* The knobs of the shrunk model: the parent's, and what is done to it. */
static enum status shrunk_knobs(const char *db, const char *word, const char *method, struct knobs *out, struct err *err)
{
    struct store *store;
    struct str id, folder;
    enum status status = store_open(&store, db, STORE_READ, err);
    if (status != STATUS_OK)
        return status;
    str_init(&id);
    str_init(&folder);
    status = models_trial_id(store, word, &id, err);
    if (status == STATUS_OK)
        status = models_folder(db, id.text, &folder, err);
    if (status == STATUS_OK)
        status = models_knobs(store, id.text, out, err);
    if (status == STATUS_OK && strcmp(out->shrink, "none") != 0)
        status = err_set(err, STATUS_USAGE, "%s was made by %s already; give its parent", id.text, out->shrink);
    if (status == STATUS_OK)
        status = knob_parse(knob_find("shrink.method"), method, out, err);
    if (status == STATUS_OK)
        status = knob_parse(knob_find("shrink.parent"), id.text, out, err);
    str_release(&id);
    str_release(&folder);
    store_close(store);
    return status;
}

static int shrink(struct invocation *invocation, const struct knobs *knobs, struct err *err)
{
    struct sweep_options options = {
        .db = invocation->db, .jobs = 1, .checkpoints = true, .screen = screen_look(2, invocation->no_color),
        .quiet = invocation->quiet, .program = invocation->program, .rerun = STORE_RERUN_FAILED,
    };
    static const char *const kept[] = {"int8", "where", NULL};
    struct runner_result result;
    struct plan plan;
    struct str again; /* its text becomes the plan's */
    int pending, code = EXIT_CODE_DONE;
    if (plan_single(&plan, "shrink", knobs, &sweep_hooks, err) != STATUS_OK)
        return failed(err);
    str_init(&again);
    again_append(invocation, kept, &again);
    plan.command = again.text;
    if (sweep_run(&options, &plan, &result, &pending, err) != STATUS_OK)
        code = failed(err);
    else
        code = sweep_exit_code(&result);
    if (code == EXIT_CODE_DONE)
        (void)printf("%s\n", plan.trials[0].id);
    plan_release(&plan);
    return code;
}

static int shrink_word(struct invocation *invocation, const char *word)
{
    struct err err = ERR_INIT;
    struct knobs knobs;
    if (shrunk_knobs(invocation->db, word, "int8", &knobs, &err) != STATUS_OK)
        return failed(&err);
    return shrink(invocation, &knobs, &err);
}

/* Every trained model whose row of v_points satisfies the expression. */
static enum status find_where(const char *db, const char *expression, struct table *points, char **keep, struct err *err)
{
    static const char sql[] = "SELECT * FROM v_points WHERE shrink = 'none' ORDER BY weight_bytes, trial_id";
    struct store *store;
    enum status status = store_open(&store, db, STORE_READ, err);
    if (status != STATUS_OK)
        return status;
    status = store_query(store, sql, NULL, 0, points, err);
    store_close(store);
    if (status != STATUS_OK)
        return status;
    *keep = calloc((size_t)points->n_rows + 1, 1);
    NEED_MEMORY(*keep);
    status = store_where(expression, points, *keep, err);
    if (status != STATUS_OK) {
        free(*keep);
        table_release(points);
    }
    return status;
}

static int shrink_where(struct invocation *invocation, const char *expression)
{
    struct err err = ERR_INIT;
    struct table points;
    char *keep;
    int code = EXIT_CODE_DONE, n = 0;
    if (find_where(invocation->db, expression, &points, &keep, &err) != STATUS_OK)
        return failed(&err);
    for (int i = 0; i < points.n_rows && code == EXIT_CODE_DONE; i++) {
        if (keep[i]) {
            code = shrink_word(invocation, table_text(&points, i, table_column(&points, "trial_id")));
            n++;
        }
    }
    free(keep);
    table_release(&points);
    if (n == 0) {
        (void)err_set(&err, STATUS_NOT_FOUND, "no trained model in %s satisfies %s", invocation->db, expression);
        return failed(&err);
    }
    return code;
}

int cmd_shrink(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    const char *where = option_text(o, "where");
    struct err err = ERR_INIT;
    int code = EXIT_CODE_DONE;
    if (!option_flag(o, "int8"))
        (void)err_set(&err, STATUS_USAGE, "how shall it shrink? give --int8");
    else if (!where && o->n_arguments == 0)
        (void)err_set(&err, STATUS_USAGE, "which model? give a trial, best, or --where");
    if (err.status != STATUS_OK)
        return failed(&err);
    if (where)
        code = shrink_where(invocation, where);
    for (int i = 0; i < o->n_arguments && code == EXIT_CODE_DONE; i++)
        code = shrink_word(invocation, o->arguments[i]);
    return code;
}
