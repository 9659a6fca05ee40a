/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: what the report says is what the tables hold, in sentences, charts, page and terminal. Method: tables
 * with planted truths, also flipped ones; every chart drawn by gnuplot where it is installed; hostile labels;
 * a small parser that checks that tags balance; everything twice, to be equal byte for byte.
 * Length: all its parts judge the same planted worlds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/report/charts.h"
#include "harness/report/html.h"
#include "harness/report/isoflop.h"
#include "harness/report/plot.h"
#include "harness/report/progress.h"
#include "harness/report/terminal.h"
#include "tests/harness/report_tables.h"

static const char hostile[] = "a`touch pwned`'; system('touch pwned') #\" $(touch pwned) </text><script>x</script>\n&_{^2}\x1b[31m";
static const char *const tasks[] = {"copy", "addition_3", "fact_recall", "sort"};
static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/test_report_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const endings[] = {"svg", "gp", "csv", "png", "pdf"};
    (void)state;
    for (int i = 0; chart_at(i); i++)
        for (size_t e = 0; e < sizeof endings / sizeof *endings; e++) {
            char path[160];
            (void)snprintf(path, sizeof path, "%s/%s.%s", folder, chart_at(i)->name, endings[e]);
            (void)unlink(path);
        }
    return rmdir(folder); /* fails when anything else was created: that is a test too */
}

/* The answer a chart's SQL would give for the planted truth; hostile text where text is free. */
static void answer_for(const char *name, const char *text, struct table *out)
{
    struct truth truth = truth_plain();
    const char *const named[] = {text ? text : tasks[0], tasks[1], tasks[2], tasks[3]};
    if (strcmp(name, "ability_vs_params") == 0)
        truth_evals(out, named, 4, 30000);
    else if (strcmp(name, "latency_vs_params") == 0)
        truth_latency(out, 0);
    else if (strcmp(name, "moe_load") == 0)
        truth_load(out);
    else if (strcmp(name, "learning_curves") == 0) {
        table_init(out, TRUTH_COLUMNS, truth_columns);
        truth_add_curves(out, &truth);
    } else {
        truth_grid(out, &truth);
        if (strcmp(name, "loss_vs_compute") == 0)
            truth_add_curves(out, &truth);
        if (strcmp(name, "moe_active_vs_total") == 0)
            truth_add_moe(out, &truth, 0.09);
        if (strcmp(name, "downscaling") == 0)
            truth_add_shrunk(out, &truth, 0.01);
    }
    for (int row = 0; text && row < out->n_rows; row++)
        for (int c = 0; c < out->n_columns; c++)
            if (strcmp(out->names[c], "spec") == 0)
                table_set_text(out, row, c, text);
}

static bool is_void(const char *tag, size_t n)
{
    static const char *const names[] = {"meta", "br", "!DOCTYPE", "?xml"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == n && strncmp(names[i], tag, n) == 0)
            return true;
    return false;
}

/* Every opened tag is closed in order. Enough of a parser for pages that escape every < and > of content. */
static void assert_balanced(const char *text)
{
    const char *open[64];
    size_t lengths[64];
    int depth = 0;
    for (const char *p = text; (p = strchr(p, '<')) != NULL;) {
        bool closing = p[1] == '/';
        const char *name = p + 1 + closing, *end = strchr(p, '>');
        size_t n = strcspn(name, " />\n");
        assert_non_null(end);
        if (closing) {
            assert_true(depth > 0);
            depth--;
            if (lengths[depth] != n || strncmp(open[depth], name, n) != 0)
                fail_msg("</%.*s> closes <%.*s>", (int)n, name, (int)lengths[depth], open[depth]);
        } else if (end[-1] != '/' && !is_void(name, n)) {
            assert_true(depth < 64);
            open[depth] = name;
            lengths[depth++] = n;
        }
        p = end;
    }
    assert_int_equal(depth, 0);
}

static bool file_exists(const char *name, const char *ending)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s.%s", folder, name, ending);
    return access(path, F_OK) == 0;
}

static bool have_gnuplot(void)
{
    char path[512];
    return plot_find_gnuplot(path, sizeof path);
}

/* Each chart is drawn, twice the same, also with hostile text in every free cell. */
static void every_chart(void **state)
{
    (void)state;
    if (!have_gnuplot())
        skip();
    for (int i = 0; chart_at(i); i++) {
        const struct chart *chart = chart_at(i);
        const struct chart_options options = {.folder = folder};
        struct chart_output output[2];
        for (int twice = 0; twice < 2; twice++) {
            struct table answer;
            struct err err = ERR_INIT;
            answer_for(chart->name, hostile, &answer);
            chart_output_init(&output[twice]);
            if (chart_render(chart, &answer, &options, &output[twice], &err) != STATUS_OK)
                fail_msg("%s: %s", chart->name, err.text);
            table_release(&answer);
        }
        assert_balanced(output[0].svg.text);
        assert_null(strstr(output[0].svg.text, "<script"));
        assert_true(strlen(output[0].caption.text) > 20);
        assert_true(output[0].has_rows && output[0].rows.n_rows > 1);
        assert_string_equal(output[0].svg.text, output[1].svg.text);
        assert_string_equal(output[0].csv.text, output[1].csv.text);
        assert_string_equal(output[0].caption.text, output[1].caption.text);
        assert_true(file_exists(chart->name, "svg") && file_exists(chart->name, "gp") && file_exists(chart->name, "csv"));
        for (int twice = 0; twice < 2; twice++)
            chart_output_release(&output[twice]);
    }
    assert_int_equal(access("pwned", F_OK), -1);
}

static double cell_of(const struct table *rows, int row, const char *name)
{
    return table_number(rows, row, table_column(rows, name));
}

/* 0 of n is no certainty: the bar over it is Wilson's, and the items it rests on stand beside it. */
static void zero_of_n(void **state)
{
    const struct chart *chart = chart_find("ability_vs_params");
    const struct chart_options options = {.folder = folder, .gnuplot = "/nowhere/gnuplot"};
    struct chart_output output;
    struct table answer;
    struct err err = ERR_INIT;
    int zeros = 0;
    (void)state;
    answer_for(chart->name, NULL, &answer);
    chart_output_init(&output);
    assert_int_equal(chart_render(chart, &answer, &options, &output, &err), STATUS_NOT_FOUND);
    for (int row = 0; row < output.rows.n_rows; row++)
        if (strcmp(table_text(&output.rows, row, 0), "exact_match") == 0 && cell_of(&output.rows, row, "value") == 0) {
            assert_true(fabs(cell_of(&output.rows, row, "low")) < 1e-12);
            assert_true(fabs(cell_of(&output.rows, row, "high") - 0.02914) < 1e-4); /* z^2 / (n + z^2), n = 128 */
            assert_true(cell_of(&output.rows, row, "items") == 128);
            zeros++;
        }
    assert_true(zeros >= TRUTH_SIZES);
    chart_output_release(&output);
    table_release(&answer);
}

static void bitmap_and_pdf(void **state)
{
    const struct chart *chart = chart_find("loss_vs_params");
    const struct chart_options options = {.folder = folder, .png = true, .pdf = true};
    struct chart_output output;
    struct table answer;
    struct err err = ERR_INIT;
    (void)state;
    if (!have_gnuplot())
        skip();
    answer_for(chart->name, NULL, &answer);
    chart_output_init(&output);
    assert_int_equal(chart_render(chart, &answer, &options, &output, &err), STATUS_OK);
    assert_true(file_exists(chart->name, "png") && file_exists(chart->name, "pdf"));
    chart_output_release(&output);
    table_release(&answer);
}

/* An empty answer, and one row, are said to be too little; nothing is written. */
static void too_little(void **state)
{
    (void)state;
    for (int i = 0; chart_at(i); i++)
        for (int rows = 0; rows < 2; rows++) {
            const struct chart_options options = {.folder = folder};
            struct chart_output output;
            struct table answer, one;
            struct err err = ERR_INIT;
            answer_for(chart_at(i)->name, NULL, &answer);
            table_init(&one, answer.n_columns, (const char *const *)answer.names);
            for (int c = 0; rows && c < one.n_columns; c++) {
                const struct cell *cell = table_cell(&answer, 0, c);
                if (c == 0)
                    (void)table_add_row(&one);
                if (cell->kind == CELL_REAL)
                    table_set_real(&one, 0, c, cell->real);
                else if (cell->kind == CELL_TEXT)
                    table_set_text(&one, 0, c, cell->text);
            }
            chart_output_init(&output);
            assert_int_equal(chart_render(chart_at(i), &one, &options, &output, &err), STATUS_INSUFFICIENT);
            assert_non_null(strstr(err.text, "not enough data: needs"));
            assert_false(file_exists(chart_at(i)->name, "gp"));
            assert_false(output.has_rows);
            chart_output_release(&output);
            table_release(&answer);
            table_release(&one);
        }
}

static void without_gnuplot(void **state)
{
    const struct chart *chart = chart_find("isoflop");
    const struct chart_options options = {.folder = folder, .gnuplot = "/nowhere/gnuplot"};
    struct chart_output output;
    struct table answer;
    struct err err = ERR_INIT;
    (void)state;
    answer_for(chart->name, NULL, &answer);
    chart_output_init(&output);
    assert_int_equal(chart_render(chart, &answer, &options, &output, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, "install gnuplot-nox"));
    assert_true(file_exists("isoflop", "gp") && file_exists("isoflop", "csv"));
    assert_false(file_exists("isoflop", "svg"));
    assert_true(output.has_rows && output.caption.length > 0 && output.svg.length == 0);
    chart_output_release(&output);
    table_release(&answer);
}

static void names(void **state)
{
    (void)state;
    assert_ptr_equal(chart_find("isoflop"), chart_find("isoflop"));
    assert_null(chart_find("nonsense"));
    assert_string_equal(chart_nearest("isoflops"), "isoflop");
    assert_string_equal(chart_nearest("loss_vs_param"), "loss_vs_params");
    for (int i = 0; chart_at(i); i++)
        assert_true(str_is_name(chart_at(i)->name));
}

/* Losses made of exact parabolas in ln N whose vertex moves as C^0.5. */
static void isoflop_truth(void **state)
{
    const char *const columns[] = {"params", "flops", "loss", "seed"};
    struct table table;
    struct isoflop iso;
    (void)state;
    table_init(&table, 4, columns);
    for (int b = 0; b < 4; b++)
        for (int n = 0; n < 7; n++) {
            double flops = 1e10 * pow(4, b), best = 2e4 * pow(2, b), params = best * pow(2, n - 3);
            int row = table_add_row(&table);
            truth_set(&table, row, "params", params);
            truth_set(&table, row, "flops", flops * (1 + 0.01 * (n % 3)));
            truth_set(&table, row, "loss", 2 - 0.2 * b + 0.05 * pow(log(params / best), 2));
            truth_set(&table, row, "seed", 1);
        }
    isoflop_find(&iso, &table, NULL);
    assert_int_equal(iso.n, 4);
    assert_false(iso.interpolated);
    assert_int_equal(iso.n_optima, 4);
    assert_true(fabs(iso.exponent - 0.5) < 1e-6);
    for (int b = 0; b < 4; b++) {
        assert_true(fabs(iso.budgets[b].best_params / (2e4 * pow(2, b)) - 1) < 1e-6);
        assert_true(fabs(iso.budgets[b].best_loss - (2 - 0.2 * b)) < 1e-6);
    }
    table_release(&table);
    truth_grid(&table, &(struct truth){1.31, 18, 0.42, 90, 0.4, 1, 1, 1, 0, "world"});
    isoflop_find(&iso, &table, NULL);
    assert_true(iso.interpolated && iso.n >= 2);
    for (int b = 0; b < iso.n; b++)
        for (int k = 0; k < iso.budgets[b].n; k++) {
            double tokens = iso.budgets[b].flops / 6 / iso.budgets[b].params[k];
            struct truth truth = truth_plain();
            assert_true(tokens >= truth_tokens(0) * 0.999 && tokens <= truth_tokens(TRUTH_DATA - 1) * 1.001);
            assert_true(fabs(iso.budgets[b].loss[k] - truth_loss(&truth, iso.budgets[b].params[k], tokens)) < 0.05);
        }
    table_release(&table);
}

static void set_budget(struct table *table, double flops, const double *losses, int n)
{
    for (int i = 0; i < n; i++) {
        int row = table_add_row(table);
        truth_set(table, row, "params", 1e4 * pow(2, i));
        truth_set(table, row, "flops", flops);
        truth_set(table, row, "loss", losses[i]);
        truth_set(table, row, "seed", 1);
    }
}

/* Only an optimum that enough sizes support counts, and the others say why not. */
static void isoflop_support(void **state)
{
    static const struct {
        double losses[5];
        int n;
        enum isoflop_support support;
    } cases[] = {{{1.2, 1.0, 0.9, 1.1}, 4, ISOFLOP_OPTIMUM},
                 {{1.2, 1.0, 1.1}, 3, ISOFLOP_FEW_SIZES}, /* three points always have a parabola */
                 {{0.9, 1.0, 1.1, 1.2}, 4, ISOFLOP_SMALLEST},
                 {{1.2, 1.1, 1.0, 0.9}, 4, ISOFLOP_LARGEST},
                 {{1.2, 1.2, 0.6, 1.19, 0.7}, 5, ISOFLOP_NO_MINIMUM}};
    const char *const columns[] = {"params", "flops", "loss", "seed"};
    struct table table;
    struct isoflop iso;
    (void)state;
    table_init(&table, 4, columns);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        set_budget(&table, 1e10 * pow(3, (double)i), cases[i].losses, cases[i].n);
    isoflop_find(&iso, &table, NULL);
    assert_int_equal(iso.n, 5);
    for (int i = 0; i < iso.n; i++) {
        assert_int_equal(iso.budgets[i].support, cases[i].support);
        assert_true((isoflop_reason(cases[i].support)[0] == 0) == (cases[i].support == ISOFLOP_OPTIMUM));
    }
    assert_int_equal(iso.n_optima, 1);
    assert_true(isnan(iso.exponent));
    assert_true(fabs(iso.most_flops / 81e10 - 1) < 1e-9);
    table_release(&table);
}

struct world {
    struct table points, evals, latency;
    struct finding findings[FINDING_KINDS];
};

static void make_world(struct world *world, const struct truth *truth, double moe_gain, double appears, double faster)
{
    truth_grid(&world->points, truth);
    truth_add_moe(&world->points, truth, moe_gain);
    truth_add_shrunk(&world->points, truth, 0.003);
    truth_evals(&world->evals, tasks, 4, appears);
    truth_latency(&world->latency, faster);
    const struct table *const tables[] = {&world->points, &world->evals, &world->latency};
    findings_derive(tables, world->findings);
}

static void release_world(struct world *world)
{
    table_release(&world->points);
    table_release(&world->evals);
    table_release(&world->latency);
}

static void assert_says(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("\"%s\" does not say \"%s\"", text, wanted);
}

static void findings_plain(void **state)
{
    struct world w;
    struct truth truth = truth_plain();
    (void)state;
    make_world(&w, &truth, 0.09, 30000, 2.8);
    const struct finding *f = w.findings;
    double largest = truth_tokens(TRUTH_DATA - 1);
    double change = truth_loss(&truth, truth_size(5), largest) - truth_loss(&truth, truth_size(0), largest);
    assert_int_equal(f[FINDING_SIZE].verdict, FINDING_YES);
    assert_true(fabs(f[FINDING_SIZE].value - change) < 1e-9);
    assert_says(f[FINDING_SIZE].brief, "loss 2.08 \u2192 1.63 from 4.1 k to 311 k parameters");
    assert_says(f[FINDING_SIZE].sentence, "3.15 M training tokens");
    assert_string_equal(f[FINDING_SIZE].interval, "one seed: no interval");
    assert_int_equal(f[FINDING_DATA].verdict, FINDING_YES);
    assert_says(f[FINDING_DATA].sentence, "311 k parameters");
    assert_int_equal(f[FINDING_COMPUTE].verdict, FINDING_UNKNOWN);
    assert_says(f[FINDING_COMPUTE].sentence, "an exponent needs 3");
    assert_int_equal(f[FINDING_EXPERTS].verdict, FINDING_YES);
    assert_true(fabs(f[FINDING_EXPERTS].value + 0.09) < 1e-6);
    assert_says(f[FINDING_EXPERTS].brief, "experts, 2 active: loss \u22120.090");
    assert_says(f[FINDING_EXPERTS].brief, "1.3\u00D7 the training time (one run)");
    assert_says(f[FINDING_EXPERTS].sentence, "3 of 3 beat dense");
    assert_says(f[FINDING_EXPERTS].interval, "all mixtures: \u22120.090 to \u22120.090, one run each: no interval");
    assert_string_equal(f[FINDING_ABILITIES].number, "3 of 4");
    assert_says(f[FINDING_ABILITIES].sentence, "copy from 61 k");
    assert_says(f[FINDING_ABILITIES].sentence, "not up to 311 k: addition 3");
    assert_says(f[FINDING_ABILITIES].spark_label, "fact recall: answers exactly right");
    assert_int_equal(f[FINDING_DOWNSCALING].verdict, FINDING_YES);
    assert_says(f[FINDING_DOWNSCALING].brief, "int8: 4.0\u00D7 smaller, 2.8\u00D7 faster, loss +0.0030");
    release_world(&w);
}

/* The world upside down: bigger and more are worse, experts hurt, nothing is learnt, int8 is slower. */
static void findings_flipped(void **state)
{
    struct world w;
    struct truth truth = truth_plain();
    (void)state;
    truth.size_sign = truth.data_sign = -1;
    make_world(&w, &truth, -0.04, 1e9, 0.5);
    const struct finding *f = w.findings;
    assert_int_equal(f[FINDING_SIZE].verdict, FINDING_NO);
    assert_string_equal(f[FINDING_SIZE].headline, "Bigger is not better here");
    assert_says(f[FINDING_SIZE].brief, "no: loss");
    assert_int_equal(f[FINDING_DATA].verdict, FINDING_NO);
    assert_string_equal(f[FINDING_DATA].headline, "More data did not help here");
    assert_string_equal(f[FINDING_EXPERTS].headline, "Experts did not help here");
    assert_true(f[FINDING_EXPERTS].value > 0.039);
    assert_string_equal(f[FINDING_ABILITIES].headline, "No ability appears in this range");
    assert_says(f[FINDING_ABILITIES].brief, "none up to 311 k parameters (N): addition 3, copy");
    assert_says(f[FINDING_DOWNSCALING].brief, "but 2.0\u00D7 slower");
    release_world(&w);
}

/* int8 copies: as fast when it rounds to that, compared with trained models of as many bytes, drawn in order. */
static void findings_int8(void **state)
{
    struct world w;
    struct truth truth = truth_plain();
    (void)state;
    make_world(&w, &truth, 0.09, 30000, 1.02);
    const struct finding *f = &w.findings[FINDING_DOWNSCALING];
    assert_string_equal(f->headline, "int8 is 4.0\u00D7 smaller, as fast");
    assert_int_equal(f->verdict, FINDING_YES);
    assert_says(f->interval, "from +0.0030 to +0.0030, lowest and highest of 6 pairs: no interval");
    /* A quarter of the bytes is another trained size's, larger than the smallest, for four of the six. */
    assert_says(f->sentence, "interpolated between sizes, 4 of 6 in range) the loss differs by \u2212");
    double before = 0;
    int children = 0;
    for (int i = 0; i < f->n_spark; i++) {
        children += f->spark_marked[i];
        assert_true(f->spark_marked[i] || f->spark_x[i] > before);
        before = f->spark_marked[i] ? before : f->spark_x[i];
    }
    assert_int_equal(children, TRUTH_SIZES);
    assert_int_equal(f->n_spark, 2 * TRUTH_SIZES);
    release_world(&w);
}

/* The best mixture speaks, and what more experts do is said. */
static void findings_more_experts(void **state)
{
    struct world w;
    struct truth truth = truth_plain();
    (void)state;
    truth_grid(&w.points, &truth);
    for (int experts = 8; experts <= 16; experts += 8) {
        double loss = truth_loss(&truth, truth_size(2), truth_tokens(3)) - (experts == 8 ? 0.09 : 0.05);
        int row = truth_row(&w.points, &truth, "m", truth_size(2), truth_tokens(3), 1, loss);
        truth_set(&w.points, row, "experts", experts);
        truth_set(&w.points, row, "experts_per_token", 2);
    }
    const struct table *const tables[] = {&w.points, NULL, NULL};
    findings_derive(tables, w.findings);
    assert_says(w.findings[FINDING_EXPERTS].brief, "8 experts, 2 active: loss \u22120.090");
    assert_says(w.findings[FINDING_EXPERTS].sentence, "from 8 to 16 experts with as many active changes it by +0.040.");
    assert_says(w.findings[FINDING_EXPERTS].interval, "\u22120.090 to \u22120.050");
    table_release(&w.points);
}

/* Real text is told in bits per byte, in findings, axes and captions. */
static void bits_per_byte(void **state)
{
    struct world w;
    struct truth truth = truth_plain();
    (void)state;
    truth.label = "text";
    make_world(&w, &truth, 0.09, 30000, 2.8);
    assert_says(w.findings[FINDING_SIZE].number, " bits/byte");
    for (int i = 0; i < FINDING_KINDS; i++)
        assert_null(strstr(w.findings[i].sentence, "nats per token"));
    for (int i = 0; chart_at(i); i++) {
        const struct chart_options options = {.folder = folder, .gnuplot = "/nowhere/gnuplot"};
        struct chart_output output;
        struct err err = ERR_INIT;
        if (strstr(chart_at(i)->y_axis, "loss") == NULL || strcmp(chart_at(i)->name, "loss_vs_compute") == 0 ||
            strcmp(chart_at(i)->name, "learning_curves") == 0)
            continue;
        chart_output_init(&output);
        assert_int_equal(chart_render(chart_at(i), &w.points, &options, &output, &err), STATUS_NOT_FOUND);
        assert_null(strstr(output.caption.text, "nats per token"));
        chart_output_release(&output);
    }
    release_world(&w);
}

/* What the page shows for pasting holds no parameter; a name with a quote stays one string. */
static void sql_shown(void **state)
{
    struct str out;
    (void)state;
    for (int i = 0; chart_at(i); i++)
        for (int named = 0; named < 2; named++) {
            str_init(&out);
            report_sql_shown(chart_at(i)->sql, named ? "it's" : NULL, &out);
            assert_null(strstr(out.text, "?1"));
            assert_true(!named == !strstr(out.text, "WHERE spec = 'it''s')"));
            str_release(&out);
        }
}

/* Seeds that spread further than the effect: no clear difference, with the interval that says why. */
static void findings_noise(void **state)
{
    struct world w;
    struct truth truth = truth_plain();
    (void)state;
    truth.seeds = 3;
    truth.seed_spread = 0.02;
    make_world(&w, &truth, 0.09, 30000, 2.8);
    assert_int_equal(w.findings[FINDING_SIZE].verdict, FINDING_YES);
    assert_string_equal(w.findings[FINDING_SIZE].interval, "[\u22120.50, \u22120.42] over all pairs of 3 seeds");
    release_world(&w);
    truth.seed_spread = 0.5;
    make_world(&w, &truth, 0.09, 30000, 2.8);
    assert_int_equal(w.findings[FINDING_SIZE].verdict, FINDING_UNCLEAR);
    assert_says(w.findings[FINDING_SIZE].headline, "no clear difference");
    release_world(&w);
}

static void findings_empty(void **state)
{
    struct table empty;
    struct finding findings[FINDING_KINDS];
    (void)state;
    table_init(&empty, TRUTH_COLUMNS, truth_columns);
    const struct table *const tables[] = {&empty, NULL, NULL};
    findings_derive(tables, findings);
    for (int i = 0; i < FINDING_KINDS; i++) {
        assert_int_equal(findings[i].verdict, FINDING_UNKNOWN);
        assert_says(findings[i].brief, "not enough data: needs");
        assert_non_null(chart_find(findings[i].chart));
    }
    table_release(&empty);
}

/* The same data under two learning rates: the better one counts, and is no replicate. */
static void best_settings_count(void **state)
{
    struct world w;
    struct truth truth = truth_plain();
    (void)state;
    truth_grid(&w.points, &truth);
    for (int n = 0; n < TRUTH_SIZES; n++)
        (void)truth_row(&w.points, &truth, "bad lr", truth_size(n), truth_tokens(3), 1, 9);
    const struct table *const tables[] = {&w.points, NULL, NULL};
    findings_derive(tables, w.findings);
    assert_says(w.findings[FINDING_SIZE].brief, "loss 2.08 \u2192 1.63");
    assert_string_equal(w.findings[FINDING_SIZE].interval, "one seed: no interval");
    table_release(&w.points);
}

static void write_page(struct world *world, const char *text, struct str *out)
{
    const struct report_claim claims[] = {{text, text, REPORT_REFUTED, text, text, "isoflop"},
                                          {"c", "s", REPORT_SUPPORTED, "m", "", "nowhere"}};
    const struct report_figure figures[] = {
        {"isoflop", "t", text, text, "", text, "a,b\n1,2\n", &world->evals, "SELECT 1\nFROM v WHERE a < 2", text}};
    const struct report_fact facts[] = {{"CPU", text}};
    const struct report_exclusion excluded[] = {{text, "diverged", text}};
    const char *const lines[] = {text, "isoflop run"};
    const struct report report = {
        .language = "en", .title = text, .question = text, .date = "2026-11-24", .machine = text,
        .findings = world->findings, .n_findings = FINDING_KINDS, .claims = claims, .n_claims = 2,
        .figures = figures, .n_figures = 1, .facts = facts, .n_facts = 1, .notes = lines, .n_notes = 2,
        .excluded = excluded, .n_excluded = 1, .commands = lines, .n_commands = 2};
    html_write(&report, out);
}

static void page(void **state)
{
    struct world w;
    struct truth truth = truth_plain();
    struct str first, second;
    (void)state;
    make_world(&w, &truth, 0.09, 30000, 2.8);
    str_init(&first);
    str_init(&second);
    write_page(&w, hostile, &first);
    write_page(&w, hostile, &second);
    assert_string_equal(first.text, second.text);
    assert_balanced(first.text);
    assert_null(strstr(first.text, "<script"));
    assert_null(strstr(first.text, "src="));
    assert_null(strstr(first.text, "http:"));
    assert_null(strstr(first.text, "https:"));
    assert_null(strstr(first.text, "\x1b"));
    assert_non_null(strstr(first.text, "default-src 'none'"));
    assert_non_null(strstr(first.text, "<html lang=\"en\">"));
    assert_non_null(strstr(first.text, "href=\"data:text/csv;charset=utf-8,a,b%0A1,2%0A\""));
    assert_non_null(strstr(first.text, "SELECT 1\nFROM v WHERE a &lt; 2"));
    assert_non_null(strstr(first.text, "href=\"#figure-isoflop\""));
    assert_null(strstr(first.text, "#figure-nowhere"));
    assert_non_null(strstr(first.text, "diverged"));
    assert_non_null(strstr(first.text, "3\u202F145\u202F728"));
    assert_null(strstr(first.text, "e+0"));
    int cards = 0;
    for (const char *p = first.text; (p = strstr(p, "<li class=\"card\">")) != NULL; p++)
        cards++;
    assert_int_equal(cards, 3);
    str_release(&first);
    str_release(&second);
    release_world(&w);
}

static int widest_line(const char *text)
{
    int most = 0;
    while (*text) {
        int width = 0;
        for (; *text && *text != '\n'; text++)
            width += ((unsigned char)*text & 0xC0) != 0x80;
        most = width > most ? width : most;
        text += *text == '\n';
    }
    return most;
}

static void terminal(void **state)
{
    struct world w;
    struct truth truth = truth_plain();
    struct str out;
    (void)state;
    make_world(&w, &truth, 0.09, 30000, 2.8);
    struct terminal_summary summary = {
        .title = "What 24 small models say", .source = "world language", .entropy_floor = 1.31,
        .findings = w.findings, .n_findings = FINDING_KINDS, .points = &w.points,
        .report = "results/demo.html", .store = "results/demo.db", .next = "isoflop run x.yaml \x1b[2J(~25 min)"};
    str_init(&out);
    for (int columns = 40; columns <= 200; columns += 20)
        for (int unicode = 0; unicode < 2; unicode++) {
            str_clear(&out);
            terminal_draw(&(struct terminal){false, unicode, columns}, &summary, &out);
            assert_true(widest_line(out.text) <= (columns < 80 ? columns : 80));
            assert_null(strchr(out.text, '\x1b'));
            for (const char *p = out.text; !unicode && *p; p++)
                assert_true((unsigned char)*p < 0x80);
            assert_says(out.text, unicode ? "2.08 \u2192 1.63" : "2.08 -> 1.63");
        }
    assert_says(out.text, "entropy floor 1.31 nats");
    assert_says(out.text, "report: results/demo.html      store: results/demo.db");
    assert_says(out.text, "\u25C6 3.15 M");
    str_clear(&out);
    terminal_draw(&(struct terminal){true, true, 80}, &summary, &out);
    assert_says(out.text, "\x1b[1mWhat 24 small models say\x1b[0m");
    assert_null(strstr(out.text, "\x1b[2J"));
    str_release(&out);
    release_world(&w);
}

static void progress(void **state)
{
    struct str out;
    (void)state;
    str_init(&out);
    for (int columns = 20; columns <= 130; columns++)
        for (int colour = 0; colour < 2; colour++) {
            str_clear(&out);
            progress_bar(&(struct terminal){false, colour, columns}, 17, 2400, 1.7, hostile, 1.92, 4000, 3, &out);
            assert_int_equal(out.text[0], '\r');
            assert_null(strpbrk(out.text + 1, "\r\n\x1b"));
            assert_true(widest_line(out.text + 1) < columns);
        }
    str_clear(&out);
    progress_bar(&(struct terminal){false, true, 80}, 17, 24, 0.71, "width 96, 8 experts, seed 1", 1.92, 21, 0, &out);
    assert_says(out.text, "  17/24   width 96, 8 experts, seed 1   loss 1.92   0:21 left");
    str_clear(&out);
    progress_line(17, 24, 0.708, "width 96, \x1b[31mseed 1", 1.916, 3700, 2, &out);
    assert_string_equal(out.text, "17/24   71 %   width 96, seed 1   loss 1.92   2 failed   1:01:40 left\n");
    str_clear(&out);
    progress_line(0, 24, NAN, "", NAN, NAN, 0, &out);
    assert_string_equal(out.text, "0/24   0 %\n");
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_chart, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(bitmap_and_pdf, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(too_little, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(without_gnuplot, make_folder, remove_folder),
        cmocka_unit_test(names),
        cmocka_unit_test_setup_teardown(zero_of_n, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(bits_per_byte, make_folder, remove_folder),
        cmocka_unit_test(isoflop_truth),
        cmocka_unit_test(isoflop_support),
        cmocka_unit_test(sql_shown),
        cmocka_unit_test(findings_int8),
        cmocka_unit_test(findings_more_experts),
        cmocka_unit_test(findings_plain),
        cmocka_unit_test(findings_flipped),
        cmocka_unit_test(findings_noise),
        cmocka_unit_test(findings_empty),
        cmocka_unit_test(best_settings_count),
        cmocka_unit_test(page),
        cmocka_unit_test(terminal),
        cmocka_unit_test(progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
