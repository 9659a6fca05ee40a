/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c — `isoflop report -o FILE`: one page with everything the store says. Each number in it was read
 * from the store a moment before; nothing is typed in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "harness/cli/folders.h"
#include "harness/cli/gallery.h"
#include "harness/cli/summary.h"
#include "harness/cli/told.h"
#include "harness/report/html.h"
#include "harness/run/clock.h"

enum { FIGURES_MAX = 32, FACTS_MAX = 24, EXCLUDED_MAX = 200, NOTES_MAX = 8, STEPS_MAX = 12 };

/* Everything the page points to, alive until it is written. */
struct page {
    struct report report;
    struct summary summary;
    struct told told;
    struct picture pictures[FIGURES_MAX];
    struct report_figure figures[FIGURES_MAX];
    char commands[FIGURES_MAX][512];
    struct str sql[FIGURES_MAX];
    struct table spec, machine, excluded, commands_run, rates;
    struct report_fact facts[FACTS_MAX];
    char values[FACTS_MAX][512];
    struct report_exclusion exclusions[EXCLUDED_MAX];
    const char *notes[NOTES_MAX], *steps[STEPS_MAX];
    char scope[96], machine_line[512], date[CLOCK_TEXT_SIZE], lines[STEPS_MAX][1024], rate_note[512], doubts[512];
};

static const char spec_sql[] =
    "SELECT name, question FROM spec WHERE ?1 IS NULL OR name = ?1 ORDER BY spec_id LIMIT 1";

/* The machine and build of most of the trials that are done. */
static const char machine_sql[] =
    "SELECT h.cpu_model AS \"CPU\", h.logical_cpus AS \"logical CPUs\", h.isa AS \"vector instructions\","
    " round(h.memory_bytes / 1073741824.0, 1) AS \"memory, GiB\", h.kernel AS \"kernel\", b.version AS \"isoflop\","
    " b.git AS \"commit\", b.compiler AS \"compiler\", b.flags AS \"flags\", b.blas AS \"BLAS\","
    " t.blas_core AS \"BLAS kernels\", count(*) AS \"trials measured so\""
    " FROM trial t JOIN attempt a ON a.trial_id = t.trial_id AND a.attempt = t.final_attempt"
    " JOIN host h ON h.host_id = a.host_id JOIN build b ON b.build_id = a.build_id WHERE t.state = 'done'"
    " GROUP BY a.host_id, a.build_id, t.blas_core ORDER BY count(*) DESC, a.host_id, a.build_id LIMIT 1";

static const char excluded_sql[] =
    "SELECT trial_id, state, coalesce(reason, '') AS reason FROM v_trials"
    " WHERE state NOT IN ('done', 'pending', 'running') AND " REPORT_IN_SPEC " ORDER BY trial_id";

/* The command lines that planned these trials, in the order they were first given. */
static const char commands_sql[] =
    "SELECT command FROM spec WHERE command <> '' AND spec_id IN (SELECT spec_id FROM spec_trial"
    " WHERE " REPORT_IN_SPEC ") GROUP BY command ORDER BY min(spec_id)";

/* How the learning rate came to other widths. */
static const char rates_sql[] =
    "SELECT count(DISTINCT lr) AS rates, count(DISTINCT width) AS widths, count(DISTINCT parametrization) AS ways,"
    " min(parametrization) AS way FROM trial WHERE state = 'done' AND shrink = 'none' AND " REPORT_IN_SPEC;

static void add_figures(struct page *page, const char *db, const char *spec, int n)
{
    for (int i = 0; i < n; i++) {
        const struct picture *p = &page->pictures[i];
        (void)snprintf(page->commands[i], sizeof page->commands[i], "isoflop plot %s --db %s%s%s", p->chart->name, db,
                       spec ? " --spec " : "", spec ? spec : "");
        report_sql_shown(p->chart->sql, spec, &page->sql[i]);
        page->figures[i] = (struct report_figure){
            .name = p->chart->name,
            .title = p->chart->title,
            .question = p->chart->question,
            .caption = p->output.caption.text,
            .svg = p->output.svg.text,
            .shortfall = p->shortfall,
            .csv = p->output.csv.text,
            .rows = p->output.has_rows ? &p->output.rows : NULL,
            .sql = page->sql[i].text,
            .command = page->commands[i],
        };
    }
    page->report.figures = page->figures;
    page->report.n_figures = n;
}

static void add_machine(struct page *page)
{
    const struct table *t = &page->machine;
    int n = 0;
    for (int c = 0; t->n_rows > 0 && c < t->n_columns && n < FACTS_MAX; c++) {
        struct str text;
        str_init(&text);
        table_format_cell(t, 0, c, &text);
        (void)str_copy(page->values[n], sizeof page->values[n], text.text);
        page->facts[n] = (struct report_fact){t->names[c], page->values[n]};
        n += text.length > 0;
        str_release(&text);
    }
    if (t->n_rows > 0)
        (void)snprintf(page->machine_line, sizeof page->machine_line, "%s, %.0f logical CPUs, kernels %s",
                       table_text(t, 0, 0), table_number(t, 0, 1),
                       table_text(t, 0, 10) ? table_text(t, 0, 10) : "unknown");
    page->report.machine = page->machine_line;
    page->report.facts = page->facts;
    page->report.n_facts = n;
}

static void add_excluded(struct page *page)
{
    const struct table *t = &page->excluded;
    int n = t->n_rows < EXCLUDED_MAX ? t->n_rows : EXCLUDED_MAX;
    for (int i = 0; i < n; i++)
        page->exclusions[i] = (struct report_exclusion){table_text(t, i, 0), table_text(t, i, 1), table_text(t, i, 2)};
    page->report.excluded = page->exclusions;
    page->report.n_excluded = n;
}

static int count_seeds(const struct table *points)
{
    int column = table_column(points, "seed"), seeds = 0;
    for (int i = 0; column >= 0 && i < points->n_rows; i++) {
        bool seen = false;
        for (int j = 0; j < i; j++)
            seen = seen || table_number(points, j, column) == table_number(points, i, column);
        seeds += !seen;
    }
    return seeds;
}

/* False where one width leaves nothing to carry. */
static bool note_rate(struct page *page)
{
    const struct table *t = &page->rates;
    bool mup = t->n_rows > 0 && table_text(t, 0, 3) && strcmp(table_text(t, 0, 3), "mup") == 0;
    if (t->n_rows == 0 || !(table_number(t, 0, 1) > 1))
        return false;
    if (table_number(t, 0, 0) > 1)
        (void)str_copy(page->rate_note, sizeof page->rate_note, "Several learning rates were tried; where a chart shows one "
                       "loss per size, look at the table under it for the rate.");
    else
        (void)snprintf(page->rate_note, sizeof page->rate_note, "The learning rate was set once and %s; it was not tuned per "
                       "size.", table_number(t, 0, 2) > 1 ? "carried to other widths in more than one way"
                                : mup ? "carried to other widths by the maximal update parametrisation"
                                      : "taken over unchanged for every width (standard parametrisation)");
    return true;
}

static void add_notes(struct page *page)
{
    int n = 0;
    if (count_seeds(&page->summary.tables[FINDINGS_POINTS]) < 2)
        page->notes[n++] = "One seed: differences between trials carry no interval over seeds; the bars on losses are "
                           "the standard error of one model's held-out loss, hidden where smaller than the mark.";
    page->notes[n++] = "N counts parameters without embeddings (non-embedding), for a mixture of experts those a token uses, "
                       "on every axis and in every sentence; isoflop plan prints all parameters.";
    page->notes[n++] = "C is the training FLOPs that were counted, and every trial's count equals "
                       "the formula exactly, or the trial has failed.";
    if (*page->summary.doubts) {
        (void)snprintf(page->doubts, sizeof page->doubts, "Validity checks found doubtful: %s. isoflop show TRIAL says why, "
                       "isoflop export v_validity lists them all.", page->summary.doubts);
        page->notes[n++] = page->doubts;
    }
    if (note_rate(page))
        page->notes[n++] = page->rate_note;
    page->notes[n++] = page->summary.busy > 0
                           ? "Latency was measured while nothing else of the sweep ran, from raw samples, batch 1, one thread; but "
                             "other programs kept the machine busy, so seconds and latencies here are too many."
                           : "Latency was measured while nothing else of the sweep ran, from raw samples, batch 1, one "
                             "thread; other load on the machine is not controlled.";
    page->report.notes = page->notes;
    page->report.n_notes = n;
}

/* What was typed to get here, in order; returns how many lines. */
static int add_steps(struct page *page, const char *db, const char *spec, const char *file)
{
    const struct table *t = &page->commands_run;
    int n = 0;
    for (; n < t->n_rows && n < STEPS_MAX - 1; n++)
        (void)snprintf(page->lines[n], sizeof page->lines[n], "%s --db %s", table_text(t, n, 0), db);
    (void)snprintf(page->lines[n], sizeof page->lines[n], "isoflop report --db %s%s%s -o %s", db, spec ? " --spec " : "",
                   spec ? spec : "", file);
    for (int i = 0; i <= n; i++)
        page->steps[i] = page->lines[i];
    return n + 1;
}

static void add_text(struct page *page, const char *db, const char *spec, const char *file)
{
    const struct table *t = &page->spec;
    const char *name = t->n_rows > 0 ? table_text(t, 0, 0) : NULL;
    const char *question = t->n_rows > 0 ? table_text(t, 0, 1) : NULL;
    clock_utc_text(page->date, sizeof page->date);
    page->report.n_commands = add_steps(page, db, spec, file);
    page->report.language = "en";
    page->report.title = name ? name : "isoflop";
    page->report.question = question;
    summary_scope(&page->summary, page->scope, sizeof page->scope);
    page->report.scope = page->scope;
    page->report.date = page->date;
    page->report.findings = page->summary.findings;
    page->report.n_findings = FINDING_KINDS;
    page->report.claims = page->told.rows;
    page->report.n_claims = page->told.n;
    page->report.commands = page->steps;
}

/* Beside its final place, then renamed: an older page stays whole until the new one is. */
static enum status write_file(const char *path, const struct str *text, struct err *err)
{
    char temporary[1100];
    FILE *file;
    bool good;
    (void)snprintf(temporary, sizeof temporary, "%.1040s.%d.tmp", path, (int)getpid());
    file = fopen(temporary, "we");
    if (!file)
        return err_set(err, STATUS_IO, "%s: %s", temporary, strerror(errno));
    good = fwrite(text->text, 1, text->length, file) == text->length;
    good = fflush(file) == 0 && fsync(fileno(file)) == 0 && good;
    good = fclose(file) == 0 && good;
    if (good && rename(temporary, path) == 0)
        return STATUS_OK;
    (void)unlink(temporary);
    return err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
}

static enum status draw_all(struct page *page, struct store *store, const char *folder, const char *spec, int *n,
                            struct err *err)
{
    struct chart_options options = {.folder = folder};
    enum status status = STATUS_OK;
    for (*n = 0; status == STATUS_OK && chart_at(*n) && *n < FIGURES_MAX; *n += status == STATUS_OK)
        status = gallery_draw(&page->pictures[*n], chart_at(*n), store, spec, &options, err);
    return status;
}

static enum status gather(struct page *page, struct store *store, const char *spec, struct err *err)
{
    enum status status = summary_read(&page->summary, store, spec, err);
    if (status == STATUS_OK)
        status = store_query(store, spec_sql, &spec, 1, &page->spec, err);
    if (status == STATUS_OK)
        status = store_query(store, machine_sql, NULL, 0, &page->machine, err);
    if (status == STATUS_OK)
        status = store_query(store, excluded_sql, &spec, 1, &page->excluded, err);
    if (status == STATUS_OK)
        status = store_query(store, commands_sql, &spec, 1, &page->commands_run, err);
    if (status == STATUS_OK)
        status = store_query(store, rates_sql, &spec, 1, &page->rates, err);
    if (status == STATUS_OK)
        status = told_read(&page->told, store, spec, err);
    return status;
}

static void release(struct page *page, int n_pictures)
{
    for (int i = 0; i < n_pictures; i++)
        gallery_release(&page->pictures[i]);
    for (int i = 0; i < FIGURES_MAX; i++)
        str_release(&page->sql[i]);
    summary_release(&page->summary);
    told_release(&page->told);
    table_release(&page->spec);
    table_release(&page->machine);
    table_release(&page->excluded);
    table_release(&page->commands_run);
    table_release(&page->rates);
    free(page);
}

int cmd_report(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    const char *spec = option_text(o, "spec"), *file = option_text(o, "output");
    struct page *page = calloc(1, sizeof *page);
    struct err err = ERR_INIT;
    struct store *store;
    struct str text;
    int n = 0;
    enum status status;
    NEED_MEMORY(page);
    if (store_open(&store, invocation->db, STORE_READ, &err) != STATUS_OK) {
        free(page);
        return failed(&err);
    }
    for (int i = 0; i < FIGURES_MAX; i++)
        str_init(&page->sql[i]);
    status = gallery_check_spec(store, spec, &err);
    if (status == STATUS_OK)
        status = gather(page, store, spec, &err);
    if (status == STATUS_OK)
        status = folders_make(option_text(o, "plots"), &err);
    if (status == STATUS_OK)
        status = folders_make_for(file, &err);
    if (status == STATUS_OK)
        status = draw_all(page, store, option_text(o, "plots"), spec, &n, &err);
    store_close(store);
    if (status == STATUS_OK) {
        add_text(page, invocation->db, spec, file);
        add_figures(page, invocation->db, spec, n);
        add_machine(page);
        add_excluded(page);
        add_notes(page);
        str_init(&text);
        html_write(&page->report, &text);
        status = write_file(file, &text, &err);
        str_release(&text);
    }
    if (status == STATUS_OK && !invocation->quiet)
        status = summary_print(invocation, invocation->db, spec, file, &err);
    release(page, n);
    return status == STATUS_OK ? EXIT_CODE_DONE : failed(&err);
}
