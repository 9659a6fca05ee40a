/* SPDX-License-Identifier: Apache-2.0 */
/* charts.c — the table of charts, and the way every one of them takes: prepare, script, gnuplot, finish,
 * write. Invariant: files appear in the folder only after the drawing succeeded, but for the script and the
 * data, which are there also when gnuplot is not. */
#include "harness/report/charts.h"

#include <string.h>

#include "engine/base/assert.h"
#include "harness/report/findings.h"
#include "harness/report/plot.h"
#include "harness/report/recipes.h"
#include "harness/report/svg.h"
#include "harness/report/templates.h"
#include "harness/report/text.h"

#define LOSS_AXIS "held-out loss" /* the recipe adds the unit */
#define SIZE_AXIS "N: parameters without embeddings"
#define DENSE "experts = 1 AND shrink = 'none' AND " REPORT_IN_SPEC "\n" REPORT_SAME_DATA

static const char points_sql[] =
    "SELECT params_non_embedding AS params, tokens, train_flops AS flops, seed,\n"
    "       " REPORT_LOSS " AS loss,\n"
    "       " REPORT_SCALE " * heldout_stderr AS stderr,\n"
    "       " REPORT_UNIT " AS unit,\n"
    "       entropy_floor, data_source\n"
    "FROM v_points\n"
    "WHERE " DENSE
    "ORDER BY params, tokens, seed, loss";

/* The store keeps losses on the way in metric and the last one with the trial: a curve needs both. */
static const char compute_sql[] =
    "SELECT 'run' AS kind, trial_id, params_non_embedding AS params, train_flops AS flops, seed,\n"
    "       " REPORT_LOSS " AS loss,\n"
    "       " REPORT_UNIT " AS unit,\n"
    "       entropy_floor, data_source, NULL AS step\n"
    "FROM v_points\n"
    "WHERE " DENSE
    "UNION ALL\n"
    "SELECT 'curve', trial_id, params_non_embedding, train_flops * step * batch_tokens / tokens, seed,\n"
    "       " REPORT_SCALE " * avg(value),\n"
    "       " REPORT_UNIT ",\n"
    "       entropy_floor, data_source, step\n"
    "FROM v_points JOIN metric USING (trial_id)\n"
    "WHERE name = 'heldout_loss' AND step > 0 AND step * batch_tokens < tokens AND " DENSE
    "GROUP BY trial_id, step\n"
    "UNION ALL\n"
    "SELECT 'curve', trial_id, params_non_embedding, train_flops, seed,\n"
    "       " REPORT_LOSS ",\n"
    "       " REPORT_UNIT ",\n"
    "       entropy_floor, data_source, tokens / batch_tokens\n"
    "FROM v_points\n"
    "WHERE " DENSE
    "ORDER BY kind DESC, params, trial_id, step";

static const char curves_sql[] =
    "SELECT trial_id, params_non_embedding AS params, 1.0 * step * batch_tokens AS tokens,\n"
    "       " REPORT_SCALE " * avg(value) AS loss,\n"
    "       " REPORT_UNIT " AS unit,\n"
    "       entropy_floor, data_source\n"
    "FROM v_points JOIN metric USING (trial_id)\n"
    "WHERE name = 'heldout_loss' AND step > 0 AND step * batch_tokens < tokens AND " DENSE
    "GROUP BY trial_id, step\n"
    "UNION ALL -- the loss at the end of each run\n"
    "SELECT trial_id, params_non_embedding, tokens,\n"
    "       " REPORT_LOSS ",\n"
    "       " REPORT_UNIT ",\n"
    "       entropy_floor, data_source\n"
    "FROM v_points\n"
    "WHERE " DENSE
    "ORDER BY params, trial_id, tokens";

static const char abilities_sql[] =
    "SELECT p.params_non_embedding AS params, p.tokens, p.seed, e.task, e.metric, e.value, e.n, e.stderr, e.chance\n"
    "FROM v_evals AS e JOIN v_points AS p USING (trial_id)\n"
    "WHERE e.step = (SELECT max(step) FROM v_evals WHERE trial_id = p.trial_id) AND " DENSE
    "ORDER BY e.task, e.metric, p.params_non_embedding, p.tokens, p.seed";

static const char latency_sql[] =
    "SELECT p.params_non_embedding AS params, l.phase, l.batch, l.prompt_tokens, p.seed, l.p50_ms, l.p95_ms, l.p99_ms\n"
    "FROM v_latency AS l JOIN v_points AS p USING (trial_id)\n"
    "WHERE p.experts = 1 AND p.shrink = 'none' AND " REPORT_IN_SPEC "\n"
    "  AND p.host_key IS (SELECT host_key FROM v_points WHERE " REPORT_IN_SPEC "\n"
    "                     GROUP BY host_key ORDER BY count(*) DESC, host_key LIMIT 1) -- one machine's times\n"
    "ORDER BY l.phase, l.batch, p.params_non_embedding, p.seed, l.p50_ms";

static const char experts_sql[] =
    "SELECT params_active - (params_total - params_non_embedding) AS active, params_non_embedding AS params,\n"
    "       experts, experts_per_token, granularity, tokens, seed,\n"
    "       " REPORT_LOSS " AS loss,\n"
    "       " REPORT_SCALE " * heldout_stderr AS stderr,\n"
    "       " REPORT_UNIT " AS unit,\n"
    "       entropy_floor, data_source\n"
    "FROM v_points\n"
    "WHERE shrink = 'none' AND " REPORT_IN_SPEC "\n" REPORT_SAME_DATA
    "ORDER BY experts, active, tokens, seed, loss";

static const char load_sql[] =
    "SELECT layer, expert, avg(share) AS share -- a retried attempt measured the same\n"
    "FROM moe_load\n"
    "WHERE trial_id = (SELECT trial_id FROM v_points WHERE experts > 1 AND shrink = 'none'\n"
    "                    AND " REPORT_IN_SPEC " AND trial_id IN (SELECT trial_id FROM moe_load)\n"
    "                  ORDER BY experts DESC, params_total DESC, tokens DESC, seed, trial_id LIMIT 1)\n"
    "  AND step = (SELECT max(step) FROM moe_load AS last WHERE last.trial_id = moe_load.trial_id)\n"
    "GROUP BY layer, expert\n"
    "ORDER BY layer, expert";

static const char downscaling_sql[] =
    "SELECT trial_id, parent, shrink, weight_bytes, tokens, seed,\n"
    "       " REPORT_LOSS " AS loss,\n"
    "       " REPORT_UNIT " AS unit, entropy_floor, data_source\n"
    "FROM v_points\n"
    "WHERE experts = 1 AND " REPORT_IN_SPEC "\n" REPORT_SAME_DATA_OR_SHRUNK
    "ORDER BY weight_bytes, tokens, seed, loss, trial_id";

static const struct chart charts[] = {
    {"loss_vs_params", "Loss against size", "Is a bigger model better, given the same data?", SIZE_AXIS, LOSS_AXIS,
     "lines", points_sql, recipe_loss_vs_params},
    {"loss_vs_tokens", "Loss against data", "Is more data better, given the same model?", "training tokens", LOSS_AXIS,
     "lines", points_sql, recipe_loss_vs_tokens},
    {"loss_vs_compute", "Loss against compute", "What does a given amount of compute buy?", "training FLOPs", LOSS_AXIS,
     "compute", compute_sql, recipe_loss_vs_compute},
    {"isoflop", "Loss against size at equal compute", "At equal compute, which model size wins?", SIZE_AXIS, LOSS_AXIS,
     "isoflop", points_sql, recipe_isoflop},
    {"ability_vs_params", "Abilities against size", "At which size does an ability appear, and does it appear suddenly?",
     SIZE_AXIS, "", "abilities", abilities_sql, recipe_abilities},
    {"moe_active_vs_total", "Mixtures of experts against dense models",
     "Do parameters that a token does not use make it better?", "N: parameters a token uses, without embeddings",
     LOSS_AXIS, "experts", experts_sql, recipe_experts},
    {"moe_load", "Load of the experts", "Do all experts work?", "experts, busiest first", "share of tokens (%)", "load",
     load_sql, recipe_moe_load},
    {"latency_vs_params", "Latency against size", "What does size cost when the model is used?", SIZE_AXIS,
     "milliseconds", "latency", latency_sql, recipe_latency},
    {"downscaling", "Loss against bytes", "Is a shrunk model better than a small one?", "bytes of weights", LOSS_AXIS,
     "downscaling", downscaling_sql, recipe_downscaling},
    {"learning_curves", "Learning curves", "How does loss fall while training?", "tokens seen", LOSS_AXIS, "curves",
     curves_sql, recipe_learning_curves},
};
enum { N_CHARTS = sizeof charts / sizeof *charts };

const struct chart *chart_at(int i)
{
    return i >= 0 && i < N_CHARTS ? &charts[i] : NULL;
}

const struct chart *chart_find(const char *name)
{
    for (int i = 0; i < N_CHARTS; i++)
        if (strcmp(charts[i].name, name) == 0)
            return &charts[i];
    return NULL;
}

static const char *name_of(int i, const void *context)
{
    (void)context;
    return i < N_CHARTS ? charts[i].name : NULL;
}

const char *chart_nearest(const char *name)
{
    return str_nearest(name, name_of, NULL);
}

void chart_output_init(struct chart_output *output)
{
    *output = (struct chart_output){.has_rows = false};
    str_init(&output->caption);
    str_init(&output->svg);
    str_init(&output->csv);
}

void chart_output_release(struct chart_output *output)
{
    str_release(&output->caption);
    str_release(&output->svg);
    str_release(&output->csv);
    if (output->has_rows)
        table_release(&output->rows);
    output->has_rows = false;
}

void chart_csv(const struct table *table, struct str *out)
{
    for (int column = 0; column < table->n_columns; column++) {
        str_append(out, column ? "," : "");
        text_csv(out, table->names[column]);
    }
    str_append_char(out, '\n');
    for (int row = 0; row < table->n_rows; row++)
        for (int column = 0; column < table->n_columns; column++) {
            const char *text = table_text(table, row, column);
            if (text)
                text_csv(out, text);
            else
                table_format_cell(table, row, column, out);
            str_append_char(out, column + 1 < table->n_columns ? ',' : '\n');
        }
}

static void define(struct str *out, const char *name, const char *text)
{
    str_format(out, "%s = ", name);
    text_gnuplot(out, text);
    str_append_char(out, '\n');
}

static void write_script(const struct chart *chart, const struct drawing *drawing, struct str *out)
{
    str_format(out, "# %s.gp, written by isoflop. It needs %s.csv beside it and nothing else:\n"
                    "#   gnuplot %s.gp                        draws %s.svg\n"
                    "#   gnuplot -e \"format='png'\" %s.gp      or pdf\n",
               chart->name, chart->name, chart->name, chart->name, chart->name);
    define(out, "name", chart->name);
    str_format(out, "width = %d\nheight = %d\n", drawing->width, drawing->height);
    define(out, "chart_title", chart->title);
    define(out, "x_axis", chart->x_axis);
    define(out, "y_axis", drawing->y_axis.length ? drawing->y_axis.text : chart->y_axis);
    define(out, "key_title", drawing->key_title.text);
    str_append_char(out, '\n');
    str_append(out, template_text("style"));
    str_append(out, "\n# What this chart's numbers ask for.\n");
    str_append_bytes(out, drawing->definitions.text, drawing->definitions.length);
    str_append_char(out, '\n');
    str_append(out, template_text(chart->template));
}

static enum status write_one(const struct chart_options *options, const struct chart *chart, const char *ending,
                             const struct str *bytes, struct err *err)
{
    char name[128];
    struct str joined;
    if (!options->folder)
        return STATUS_OK;
    str_init(&joined);
    str_format(&joined, "%s.%s", chart->name, ending);
    (void)str_copy(name, sizeof name, joined.text);
    str_release(&joined);
    return plot_write_file(options->folder, name, bytes->text, bytes->length, err);
}

/* Bitmaps and PDF: drawn by the same script, and written as gnuplot made them. */
static enum status write_extra(const struct chart_options *options, const struct chart *chart, struct plot_job job,
                               const char *format, struct err *err)
{
    struct str bytes;
    str_init(&bytes);
    job.format = format;
    enum status status = plot_run(&job, &bytes, err);
    if (status == STATUS_OK)
        status = write_one(options, chart, format, &bytes, err);
    str_release(&bytes);
    return status;
}

/* Runs gnuplot and writes what came of it; inline_svg takes the drawing for a page. */
static enum status draw(const struct chart *chart, const struct chart_options *options, const struct plot_job *job,
                        const char *caption, struct str *inline_svg, struct err *err)
{
    struct svg_labels labels = {chart->name, chart->title, caption, true};
    struct str raw, file;
    str_init(&raw);
    str_init(&file);
    enum status status = plot_run(job, &raw, err);
    if (status == STATUS_OK)
        status = svg_finish(raw.text, &labels, &file, err);
    labels.standalone = false;
    if (status == STATUS_OK)
        status = svg_finish(raw.text, &labels, inline_svg, err);
    if (status == STATUS_OK)
        status = write_one(options, chart, "svg", &file, err);
    if (status == STATUS_OK && options->png)
        status = write_extra(options, chart, *job, "png", err);
    if (status == STATUS_OK && options->pdf)
        status = write_extra(options, chart, *job, "pdf", err);
    str_release(&raw);
    str_release(&file);
    return status;
}

enum status chart_render(const struct chart *chart, const struct table *answer, const struct chart_options *options,
                         struct chart_output *output, struct err *err)
{
    struct drawing drawing;
    struct str script, csv, svg;
    enum status status;
    drawing_init(&drawing);
    str_init(&script);
    str_init(&csv);
    str_init(&svg);
    if (!chart->prepare(answer, &drawing)) {
        status = err_set(err, STATUS_INSUFFICIENT, "not enough data: %s", drawing.shortfall.text);
        goto done;
    }
    write_script(chart, &drawing, &script);
    chart_csv(&drawing.rows, &csv);
    status = write_one(options, chart, "gp", &script, err);
    if (status == STATUS_OK)
        status = write_one(options, chart, "csv", &csv, err);
    if (status != STATUS_OK)
        goto done;
    const struct plot_job job = {.name = chart->name, .format = "svg", .script = script.text, .csv = csv.text,
                                 .gnuplot = options->gnuplot};
    status = draw(chart, options, &job, drawing.caption.text, &svg, err);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        str_append(&output->caption, drawing.caption.text);
        str_append_bytes(&output->svg, svg.text, svg.length);
        str_append_bytes(&output->csv, csv.text, csv.length);
        output->rows = drawing.rows;
        output->has_rows = true;
        drawing.has_rows = false; /* moved */
    }
done:
    drawing_release(&drawing);
    str_release(&script);
    str_release(&csv);
    str_release(&svg);
    return status;
}
