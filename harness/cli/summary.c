/* SPDX-License-Identifier: Apache-2.0 */
/* summary.c — three queries, the findings from them, and the block for the terminal. */
#include "harness/cli/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/bar.h"

static double common_floor(const struct table *points)
{
    int column = table_column(points, "entropy_floor");
    double first = NAN;
    for (int r = 0; column >= 0 && r < points->n_rows; r++) {
        double value = table_number(points, r, column);
        if (r == 0)
            first = value;
        if (!(value == first))
            return NAN;
    }
    return first;
}

static enum status count_states(struct summary *s, struct store *store, const char *spec, struct err *err)
{
    static const char sql[] =
        "SELECT count(*) FILTER (WHERE state = 'done' AND shrink = 'none') AS trained,"
        " count(DISTINCT parent) FILTER (WHERE state = 'done' AND shrink <> 'none') AS shrunk,"
        " count(*) FILTER (WHERE state NOT IN ('done', 'pending', 'running')) AS other"
        " FROM v_trials WHERE " REPORT_IN_SPEC;
    struct table counts;
    enum status status = store_query(store, sql, &spec, 1, &counts, err);
    if (status != STATUS_OK)
        return status;
    s->trained = (int)table_number(&counts, 0, 0);
    s->shrunk = (int)table_number(&counts, 0, 1);
    s->other = (int)table_number(&counts, 0, 2);
    table_release(&counts);
    return STATUS_OK;
}

/* What the validity checks found doubtful, the most frequent first. */
static enum status gather_doubts(struct summary *s, struct store *store, const char *spec, struct err *err)
{
    static const char sql[] = "SELECT check_name, count(*) FROM v_validity WHERE verdict IN ('warn', 'fail') AND " REPORT_IN_SPEC
                              " GROUP BY 1 ORDER BY 2 DESC, 1";
    struct table found;
    struct str text;
    enum status status = store_query(store, sql, &spec, 1, &found, err);
    if (status != STATUS_OK)
        return status;
    str_init(&text);
    for (int r = 0; r < found.n_rows; r++) {
        const char *name = table_text(&found, r, 0);
        int n = (int)table_number(&found, r, 1);
        str_format(&text, "%s%s in %d%s", r ? ", " : "", name, n, r ? "" : n == 1 ? " trial" : " trials");
        if (strcmp(name, "timing") == 0)
            s->busy = n;
    }
    (void)str_copy(s->doubts, sizeof s->doubts, text.text);
    str_release(&text);
    table_release(&found);
    return STATUS_OK;
}

enum status summary_read(struct summary *out, struct store *store, const char *spec, struct err *err)
{
    struct summary s = {0};
    const struct table *tables[FINDINGS_TABLES];
    enum status status = count_states(&s, store, spec, err);
    if (status == STATUS_OK)
        status = gather_doubts(&s, store, spec, err);
    for (int i = 0; i < FINDINGS_TABLES && status == STATUS_OK; i++) {
        status = store_query(store, findings_sql((enum findings_table)i), &spec, 1, &s.tables[i], err);
        tables[i] = &s.tables[i];
    }
    if (status != STATUS_OK) {
        summary_release(&s);
        return status;
    }
    findings_derive(tables, s.findings);
    s.entropy_floor = common_floor(&s.tables[FINDINGS_POINTS]);
    *out = s;
    return STATUS_OK;
}

void summary_release(struct summary *summary)
{
    for (int i = 0; i < FINDINGS_TABLES; i++)
        if (summary->tables[i].names)
            table_release(&summary->tables[i]);
}

void summary_scope(const struct summary *summary, char *out, size_t size)
{
    int n = snprintf(out, size, "%d small model%s", summary->trained, summary->trained == 1 ? "" : "s");
    if (summary->shrunk > 0 && n > 0 && (size_t)n < size)
        (void)snprintf(out + n, size - (size_t)n, " (%d shrunk too)", summary->shrunk);
}

const char *summary_source(const struct summary *summary)
{
    return isnan(summary->entropy_floor) ? "" : "world language";
}

enum status summary_print(const struct invocation *invocation, const char *db, const char *spec, const char *report,
                          struct err *err)
{
    struct screen screen = screen_look(1, invocation->no_color);
    struct terminal terminal = bar_terminal(&screen);
    struct store *store;
    struct summary s;
    struct str text;
    char scope[96], title[128], lost[96], busy[160];
    const char *notes[2];
    int n = 0;
    enum status status = store_open(&store, db, STORE_READ, err);
    if (status != STATUS_OK)
        return status;
    status = summary_read(&s, store, spec, err);
    store_close(store);
    if (status != STATUS_OK)
        return status;
    summary_scope(&s, scope, sizeof scope);
    (void)snprintf(title, sizeof title, "What %s say%s", scope, s.trained == 1 ? "s" : "");
    (void)snprintf(lost, sizeof lost, "%d trial%s ended without a result: isoflop status --db %s", s.other,
                   s.other == 1 ? "" : "s", db);
    (void)snprintf(busy, sizeof busy, "the machine was busy while %d of %d trials were timed: their seconds are too many; "
                   "FLOPs, losses and scores are not touched", s.busy, s.trained + s.shrunk);
    if (s.other > 0)
        notes[n++] = lost;
    if (s.busy > 0)
        notes[n++] = busy;
    str_init(&text);
    terminal_draw(&terminal, &(struct terminal_summary){
        .title = title, .source = summary_source(&s), .entropy_floor = s.entropy_floor, .findings = s.findings,
        .n_findings = FINDING_KINDS, .points = &s.tables[FINDINGS_POINTS],
        .report = report, .store = db, .notes = notes,
        .n_notes = n,
    }, &text);
    (void)fputs(text.text, stdout);
    str_release(&text);
    summary_release(&s);
    return STATUS_OK;
}
