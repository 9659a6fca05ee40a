/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c — from the axes of a spec to its trials: product, checks, estimates, `where`, ids, order.
 *
 * Cells are made grid by grid at the end of plan->trials, in blocks: a block is filled, put before `where`,
 * closed up over what was dropped, and given its ids. So memory is what the kept trials need and one block's
 * table. Invariant: trials[0 … settled-1] are kept and have ids; those up to n_trials are the open block. */
#include "harness/spec/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/spec/file.h"
#include "harness/spec/id.h"
#include "harness/spec/spec.h"
#include "harness/spec/trunk.h"

enum { BLOCK_CELLS = 16384, MOST_CELLS = 1000000 };

/* Axes that advance together: one digit of the odometer that counts through a grid. */
struct wheel {
    const struct axis *axes[SPEC_KNOBS];
    int n_axes;
    int n;      /* positions */
    int at;
};

struct planner {
    const struct plan_hooks *hooks;
    const struct grid *grid; /* the one being multiplied out */
    struct plan plan;
    int capacity;
    int settled;
    double *budgets;         /* (BLOCK_CELLS): train.flops as asked for, for `where` */
    struct ids *ids;
    struct wheel wheels[SPEC_KNOBS];
    int n_wheels;
    struct err *err;
};

/* --- errors of a cell --- */

/* Does text name the knob, and not merely one whose name begins alike? */
static bool names_knob(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = text; (at = strstr(at, name)) != NULL; at += n)
        if (!at[n] || !strchr("abcdefghijklmnopqrstuvwxyz_0123456789", at[n]))
            return true;
    return false;
}

/* Gives err the place of the first axis it names, else of the suspect's (if any), else of the model, and says
 * which cell it was. */
static enum status blame_cell(struct planner *planner, const struct knobs *knobs, const char *suspect)
{
    const struct grid *grid = planner->grid;
    const struct axis *suspected = suspect ? grid->axes[knob_index(knob_find(suspect))] : NULL;
    const struct place *place = suspected ? &suspected->place : &grid->place;
    struct err *err = planner->err;
    struct str cell;
    enum status status;
    if (!err)
        return STATUS_USAGE;
    status = err->status;
    for (int k = knob_count() - 1; k >= 0; k--)
        if (grid->axes[k] && names_knob(err->text, knob_at(k)->name))
            place = &grid->axes[k]->place;
    str_init(&cell);
    for (int k = 0; k < knob_count(); k++) {
        if (grid->axes[k] && grid->axes[k]->n > 1) {
            str_format(&cell, "%s%s ", cell.length ? ", " : " (in the cell ", knob_tail(knob_at(k)));
            if (knob_at(k)->type == KNOB_REAL)
                str_format(&cell, "%.10g", knob_number(knob_at(k), knobs));
            else
                knob_format(knob_at(k), knobs, &cell);
        }
    }
    if (cell.length && strlen(err->text) + cell.length + 2 < sizeof err->text) {
        str_append_char(&cell, ')');
        memcpy(err->text + strlen(err->text), cell.text, cell.length + 1);
    }
    str_release(&cell);
    (void)place_prefix(place, err);
    return status;
}

/* --- one cell --- */

/* Checks the knobs and fills the estimate; a budget becomes tokens. err has no place yet. */
static enum status settle_knobs(const struct plan_hooks *hooks, struct planned_trial *trial, struct err *err)
{
    struct knobs *knobs = &trial->knobs;
    const struct knob *tokens = knob_find("train.tokens");
    enum status status = knobs_check(knobs, err);
    if (status == STATUS_OK)
        status = hooks->estimate(knobs, &trial->estimate, err);
    if (status == STATUS_OK && !(knobs->flops > 0))
        knobs->tokens = trial->estimate.tokens; /* whole batches: what is stored is what is trained on */
    if (status != STATUS_OK || !(knobs->flops > 0))
        return status;
    if (!((double)trial->estimate.tokens >= tokens->minimum && (double)trial->estimate.tokens <= tokens->maximum))
        return err_set(err, STATUS_USAGE, "train.flops %g pays for %" PRId64 " tokens; %.10g to %.10g are possible",
                       knobs->flops, trial->estimate.tokens, tokens->minimum, tokens->maximum);
    /* From here on the trial is one of so many tokens: flops is 0, so that the budget is in neither the
     * canonical text nor the id, and a trial by budget is the same trial as the one by tokens. It is estimated
     * again because the same trial must have the same estimate. */
    knobs->tokens = trial->estimate.tokens;
    knobs->flops = 0;
    status = knobs_check(knobs, err);
    return status == STATUS_OK ? hooks->estimate(knobs, &trial->estimate, err) : status;
}

/* --- where --- */

static const char *const estimate_columns[] = {
    "params_total", "params_active", "params_non_embedding", "params_matmul", "flops_formula",
};
enum { ESTIMATE_COLUMNS = sizeof estimate_columns / sizeof *estimate_columns };

static void set_cell(struct table *table, int row, int column, const struct knob *knob, const struct knobs *knobs)
{
    const char *value = (const char *)knobs + knob->offset;
    switch (knob->type) {
    case KNOB_INTEGER:
        table_set_integer(table, row, column, *(const int64_t *)(const void *)value);
        break;
    case KNOB_REAL:
        table_set_real(table, row, column, *(const double *)(const void *)value);
        break;
    case KNOB_BOOL:
        table_set_integer(table, row, column, *(const bool *)(const void *)value);
        break;
    case KNOB_CHOICE:
    case KNOB_TEXT:
        table_set_text(table, row, column, value);
        break;
    }
}

/* The open block as `where` sees it: knobs, with the budget in flops, and what was estimated. */
static void fill_table(const struct planner *planner, struct table *out)
{
    const char *names[SPEC_KNOBS + ESTIMATE_COLUMNS];
    int n = knob_count(), flops = knob_index(knob_find("train.flops"));
    for (int k = 0; k < n; k++)
        names[k] = knob_at(k)->column;
    for (int k = 0; k < ESTIMATE_COLUMNS; k++)
        names[n + k] = estimate_columns[k];
    table_init(out, n + ESTIMATE_COLUMNS, names);
    for (int i = planner->settled; i < planner->plan.n_trials; i++) {
        const struct planned_trial *trial = &planner->plan.trials[i];
        int row = table_add_row(out);
        for (int k = 0; k < n; k++)
            set_cell(out, row, k, knob_at(k), &trial->knobs);
        table_set_real(out, row, flops, planner->budgets[row]);
        table_set_integer(out, row, n, trial->estimate.params_total);
        table_set_integer(out, row, n + 1, trial->estimate.params_active);
        table_set_integer(out, row, n + 2, trial->estimate.params_non_embedding);
        table_set_integer(out, row, n + 3, trial->estimate.params_matmul);
        table_set_real(out, row, n + 4, trial->estimate.flops);
    }
}

/* Drops what `where` does not want from the open block. */
static enum status drop_cells(struct planner *planner)
{
    struct plan *plan = &planner->plan;
    int n = plan->n_trials - planner->settled, kept = planner->settled;
    char *keep = calloc((size_t)n, 1);
    struct table table;
    enum status status;
    if (!keep)
        return err_set(planner->err, STATUS_MEMORY, "no memory for %d cells", n);
    fill_table(planner, &table);
    status = planner->hooks->where(planner->grid->where, &table, keep, planner->err);
    table_release(&table);
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        const struct planned_trial *trial = &plan->trials[planner->settled + i];
        if (keep[i] && trial != &plan->trials[kept])
            plan->trials[kept] = *trial;
        kept += keep[i] != 0;
    }
    free(keep);
    if (status != STATUS_OK) {
        (void)place_prefix(&planner->grid->where_place, planner->err);
        return status;
    }
    plan->n_dropped += plan->n_trials - kept;
    plan->n_trials = kept;
    return STATUS_OK;
}

/* Closes the open block: what stays gets its id. */
static enum status settle_block(struct planner *planner)
{
    struct plan *plan = &planner->plan;
    enum status status = STATUS_OK;
    if (planner->grid->where && plan->n_trials > planner->settled)
        status = drop_cells(planner);
    for (; planner->settled < plan->n_trials && status == STATUS_OK; planner->settled++) {
        struct planned_trial *trial = &plan->trials[planner->settled];
        status = ids_make(planner->ids, &trial->knobs, trial->id, planner->err);
        if (status != STATUS_OK)
            status = blame_cell(planner, &trial->knobs, "data.path");
    }
    return status;
}

/* --- product --- */

static enum status add_cell(struct planner *planner, const struct knobs *knobs)
{
    struct plan *plan = &planner->plan;
    struct planned_trial *trial;
    enum status status;
    if (plan->n_trials == planner->capacity) {
        int capacity = planner->capacity ? planner->capacity + planner->capacity / 2 : 64;
        struct planned_trial *trials = realloc(plan->trials, (size_t)capacity * sizeof *trials);
        if (!trials)
            return err_set(planner->err, STATUS_MEMORY, "no memory for a plan of %d trials", capacity);
        plan->trials = trials;
        planner->capacity = capacity;
    }
    trial = &plan->trials[plan->n_trials];
    memset(trial, 0, sizeof *trial);
    trial->knobs = *knobs;
    status = settle_knobs(planner->hooks, trial, planner->err);
    if (status != STATUS_OK)
        return blame_cell(planner, knobs, NULL);
    planner->budgets[plan->n_trials - planner->settled] = knobs->flops;
    if (++plan->n_trials - planner->settled == BLOCK_CELLS)
        return settle_block(planner);
    return STATUS_OK;
}

/* Makes the wheels of the grid and adds its cells to *n_cells, those of all grids. The first knobs of the table turn slowest, so that
 * neighbouring cells share their data. */
static enum status mount_wheels(struct planner *planner, int64_t *n_cells)
{
    const struct grid *grid = planner->grid;
    int64_t n = 1;
    planner->n_wheels = 0;
    for (int k = 0; k < knob_count(); k++) {
        const struct axis *axis = grid->axes[k];
        struct wheel *wheel = NULL;
        if (!axis)
            continue;
        for (int w = 0; w < planner->n_wheels && grid->zip[k]; w++)
            if (grid->zip[knob_index(planner->wheels[w].axes[0]->knob)] == grid->zip[k])
                wheel = &planner->wheels[w];
        if (!wheel) {
            wheel = &planner->wheels[planner->n_wheels++];
            *wheel = (struct wheel){.n = axis->n};
            n *= axis->n; /* at most MOST_CELLS * AXIS_VALUES: no overflow */
            if (*n_cells + n > MOST_CELLS)
                return place_error(&axis->place, planner->err, "with %s the plan has more than %d cells",
                                   axis->knob->name, MOST_CELLS);
        }
        wheel->axes[wheel->n_axes++] = axis;
    }
    *n_cells += n;
    return STATUS_OK;
}

static void put_wheel(const struct wheel *wheel, struct knobs *knobs)
{
    for (int a = 0; a < wheel->n_axes; a++)
        axis_put(wheel->axes[a], wheel->at, knobs);
}

/* Turns to the next cell; false after the last. */
static bool turn(struct planner *planner, struct knobs *knobs)
{
    for (int w = planner->n_wheels - 1; w >= 0; w--) {
        struct wheel *wheel = &planner->wheels[w];
        bool carry = ++wheel->at == wheel->n;
        if (carry)
            wheel->at = 0;
        put_wheel(wheel, knobs);
        if (!carry)
            return true;
    }
    return false;
}

/* Refuses claims that nobody made, and a plan that is too large, before any of it is made. */
static enum status check_whole(struct planner *planner, const struct spec *spec)
{
    int64_t n_cells = 0;
    enum status status = spec_check_claims(spec, planner->hooks->claim_name, planner->err);
    for (int g = 0; g < spec->n_grids && status == STATUS_OK; g++) {
        planner->grid = &spec->grids[g];
        status = mount_wheels(planner, &n_cells);
    }
    return status;
}

static enum status add_grid(struct planner *planner, const struct grid *grid)
{
    struct knobs knobs;
    int64_t n_cells = 0;
    enum status status;
    planner->grid = grid;
    status = mount_wheels(planner, &n_cells);
    if (status != STATUS_OK)
        return status;
    knobs_preset(&knobs);
    for (int w = 0; w < planner->n_wheels; w++)
        put_wheel(&planner->wheels[w], &knobs);
    do
        status = add_cell(planner, &knobs);
    while (status == STATUS_OK && turn(planner, &knobs));
    return status == STATUS_OK ? settle_block(planner) : status;
}

/* --- the whole --- */

/* Most expensive first: what takes longest must not start last. */
static int by_cost(const void *a, const void *b)
{
    const struct planned_trial *one = a, *two = b;
    if (one->estimate.flops != two->estimate.flops)
        return one->estimate.flops < two->estimate.flops ? 1 : -1;
    return strcmp(one->id, two->id);
}

/* Sorts, and merges trials of one id. Those are equal in all knobs, so also in cost: they end up side by side. */
static void order(struct plan *plan)
{
    int n = 0;
    if (plan->n_trials == 0)
        return;
    qsort(plan->trials, (size_t)plan->n_trials, sizeof *plan->trials, by_cost);
    for (int i = 0; i < plan->n_trials; i++) {
        if (n && strcmp(plan->trials[n - 1].id, plan->trials[i].id) == 0)
            continue;
        if (n != i)
            plan->trials[n] = plan->trials[i];
        n++;
    }
    plan->n_trials = n;
    for (int k = 0; k < knob_count(); k++) {
        size_t offset = knob_at(k)->offset, size = knob_size(knob_at(k));
        const char *first = (const char *)&plan->trials[0].knobs + offset;
        for (int i = 1; i < n && !(plan->varying >> k & 1); i++)
            if (memcmp((const char *)&plan->trials[i].knobs + offset, first, size) != 0)
                plan->varying |= UINT64_C(1) << k;
    }
}

static char *copy(const char *text)
{
    char *result = strdup(text);
    NEED_MEMORY(result);
    return result;
}

/* Takes over what the spec says beside its grids; the plan outlives it. */
static void describe(struct plan *plan, const struct spec *spec, const char *text)
{
    (void)str_copy(plan->name, sizeof plan->name, spec->name);
    plan->question = copy(spec->question);
    plan->text = copy(text);
    plan->claims = calloc((size_t)spec->n_claims + 1, sizeof *plan->claims);
    NEED_MEMORY(plan->claims);
    for (int i = 0; i < spec->n_claims; i++)
        plan->claims[plan->n_claims++] = copy(spec->claims[i]);
}

/* Without `trunk: true` every trial pays for itself. */
static enum status settle_trunks(struct planner *planner, const struct spec *spec)
{
    struct plan *plan = &planner->plan;
    int possible = 0;
    plan->shares_trunks = spec->trunk;
    for (int i = 0; i < plan->n_trials; i++) {
        plan->trials[i].flops_marginal = plan->trials[i].estimate.flops;
        possible += trunk_possible(&plan->trials[i].knobs);
    }
    if (!spec->trunk)
        return STATUS_OK;
    if (possible == 0)
        return place_error(&spec->trunk_place, planner->err, "a trunk needs train.warmup_tokens above 0 and "
                           "train.schedule wsd or constant, so that runs of different lengths begin alike");
    return trunk_find(plan, planner->ids, planner->err);
}

static enum status refuse_empty(const struct planner *planner, const struct spec *spec)
{
    int g = 0;
    if (planner->plan.n_trials)
        return STATUS_OK;
    while (!spec->grids[g].where)
        g++; /* without any `where` there would be trials */
    if (planner->plan.n_dropped == 1)
        return place_error(&spec->grids[g].where_place, planner->err, "where drops the only cell");
    return place_error(&spec->grids[g].where_place, planner->err, "where drops all %d cells", planner->plan.n_dropped);
}

static enum status planner_open(struct planner *planner, const struct plan_hooks *hooks, struct err *err)
{
    *planner = (struct planner){.hooks = hooks, .err = err};
    planner->budgets = calloc(BLOCK_CELLS, sizeof *planner->budgets);
    if (!planner->budgets)
        return err_set(err, STATUS_MEMORY, "no memory for a plan");
    planner->ids = ids_new(hooks->identity);
    return STATUS_OK;
}

/* Releases everything but the plan, which is the caller's when all went well. */
static void planner_close(struct planner *planner)
{
    if (planner->ids)
        ids_free(planner->ids);
    free(planner->budgets);
}

enum status plan_load(struct plan *out, const char *path, const char *const *overrides, int n,
                      const struct plan_hooks *hooks, struct err *err)
{
    struct planner planner;
    struct spec spec = {0};
    struct str text;
    enum status status = planner_open(&planner, hooks, err);
    str_init(&text);
    if (status == STATUS_OK)
        status = file_read(&text, path, err);
    if (status == STATUS_OK)
        status = spec_read(&spec, path, text.text, text.length, overrides, n, err);
    if (status == STATUS_OK)
        status = check_whole(&planner, &spec);
    if (status != STATUS_OK)
        goto done;
    for (int g = 0; g < spec.n_grids && status == STATUS_OK; g++)
        status = add_grid(&planner, &spec.grids[g]);
    if (status == STATUS_OK)
        status = refuse_empty(&planner, &spec);
    if (status != STATUS_OK)
        goto done;
    order(&planner.plan);
    describe(&planner.plan, &spec, text.text);
    status = settle_trunks(&planner, &spec);
    if (status != STATUS_OK)
        goto done;
    *out = planner.plan;
    planner.plan = (struct plan){0};
done:
    plan_release(&planner.plan);
    planner_close(&planner);
    spec_release(&spec);
    str_release(&text);
    return status;
}

enum status plan_single(struct plan *out, const char *name, const struct knobs *knobs,
                        const struct plan_hooks *hooks, struct err *err)
{
    const struct spec spec = {.question = ""};
    struct planner planner;
    struct planned_trial *trial;
    enum status status;
    if (!str_is_name(name))
        return err_set(err, STATUS_USAGE, "'%.60s' is no name: letters, digits and . _ - only, up to 128", name);
    status = planner_open(&planner, hooks, err);
    if (status != STATUS_OK)
        return status;
    trial = calloc(1, sizeof *trial);
    NEED_MEMORY(trial);
    planner.plan.trials = trial;
    trial->knobs = *knobs;
    status = settle_knobs(hooks, trial, err);
    if (status == STATUS_OK)
        status = ids_make(planner.ids, &trial->knobs, trial->id, err);
    if (status == STATUS_OK) {
        trial->flops_marginal = trial->estimate.flops;
        planner.plan.n_trials = 1;
        describe(&planner.plan, &spec, "");
        (void)str_copy(planner.plan.name, sizeof planner.plan.name, name);
        *out = planner.plan;
        planner.plan = (struct plan){0};
    }
    plan_release(&planner.plan);
    planner_close(&planner);
    return status;
}

void plan_release(struct plan *plan)
{
    for (int i = 0; i < plan->n_claims; i++)
        free(plan->claims[i]);
    free(plan->claims);
    free(plan->question);
    free(plan->text);
    free(plan->command);
    free(plan->trials);
    *plan = (struct plan){0};
}
