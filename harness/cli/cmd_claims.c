/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_claims.c — `isoflop claims [NAME]`: what was claimed, and what the store says to it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/analysis/claims.h"
#include "harness/cli/commands.h"
#include "harness/cli/help.h"
#include "harness/cli/judge.h"
#include "harness/cli/print.h"

static const char sql[] =
    "SELECT claim, verdict, quantity, value, low, high, n_points, reason, sentence, source, rule, decided_at FROM claim"
    " WHERE ?1 IS NULL OR claim = ?1"
    " ORDER BY CASE verdict WHEN 'supported' THEN 0 WHEN 'refuted' THEN 1 ELSE 2 END, claim";
enum { CLAIM, VERDICT, QUANTITY, VALUE, LOW, HIGH, N_POINTS, REASON, SENTENCE, SOURCE, RULE };

static enum status check_name(const char *name, struct err *err)
{
    const char *near;
    if (!name || claim_find(name))
        return STATUS_OK;
    near = str_nearest(name, claim_name, NULL);
    if (near)
        return err_set(err, STATUS_USAGE, "no claim '%.60s'; did you mean '%s'?", name, near);
    return err_set(err, STATUS_USAGE, "no claim '%.60s'; isoflop claims  lists them", name);
}

/* "-0.12 [-0.13, -0.11] loss per doubling of N, nats per token", as far as there are figures. */
static void add_figures(const struct table *t, int r, struct str *out)
{
    double low = table_number(t, r, LOW), high = table_number(t, r, HIGH), value = table_number(t, r, VALUE);
    const char *quantity = table_text(t, r, QUANTITY);
    if (isnan(value))
        str_format(out, "no figure for: %s", quantity);
    else if (isnan(low))
        str_format(out, "%.3g, no interval: %s", value, quantity);
    else if (low == high)
        str_format(out, "%.3g, counted exactly: %s", value, quantity);
    else
        str_format(out, "%.3g [%.3g, %.3g]: %s", value, low, high, quantity);
}

/* One labelled line, wrapped below itself. */
static void print_line(const char *label, const char *text, int indent)
{
    struct str out;
    str_init(&out);
    str_format(&out, "%-*s", indent, label);
    help_wrap(&out, text, indent, indent);
    (void)fputs(out.text, stdout);
    str_release(&out);
}

static void print_all(const struct table *t)
{
    enum { INDENT = 11 };
    int counts[3] = {0};
    for (int r = 0; r < t->n_rows; r++) {
        struct str text;
        str_init(&text);
        for (int v = 0; v < 3; v++)
            counts[v] += strcmp(table_text(t, r, VERDICT), claim_verdict_name((enum claim_verdict)v)) == 0;
        str_format(&text, "%s (%s)", table_text(t, r, SENTENCE), table_text(t, r, CLAIM));
        print_line(table_text(t, r, VERDICT), text.text, INDENT);
        str_clear(&text);
        add_figures(t, r, &text);
        print_line("", text.text, INDENT);
        print_line("", table_text(t, r, REASON), INDENT);
        str_release(&text);
    }
    (void)printf("\n%d supported, %d refuted, %d undecided: by the trials of this store alone.\n"
                 "isoflop claims NAME  tells a claim's rule, source and query.\n",
                 counts[CLAIM_SUPPORTED], counts[CLAIM_REFUTED], counts[CLAIM_UNDECIDED]);
}

static void print_one(const struct table *t)
{
    enum { INDENT = 14 };
    const struct claim *claim = claim_find(table_text(t, 0, CLAIM));
    struct str figures;
    str_init(&figures);
    add_figures(t, 0, &figures);
    (void)printf("%s\n", table_text(t, 0, SENTENCE));
    print_line("  claimed by", table_text(t, 0, SOURCE), INDENT);
    print_line("  rule", table_text(t, 0, RULE), INDENT);
    print_line("  verdict", table_text(t, 0, VERDICT), INDENT);
    print_line("  figure", figures.text, INDENT);
    (void)printf("  points      %.0f\n", table_number(t, 0, N_POINTS));
    print_line("  reason", table_text(t, 0, REASON), INDENT);
    print_line("  query", claim ? claim->sql : "", INDENT);
    str_release(&figures);
}

static enum status judged(const char *db, const char *name, struct table *out, struct err *err)
{
    struct store *store;
    enum status status = store_open(&store, db, STORE_CHANGE, err);
    if (status != STATUS_OK)
        return status;
    status = judge_store(store, err);
    if (status == STATUS_OK)
        status = store_query(store, sql, &name, 1, out, err);
    store_close(store);
    return status;
}

int cmd_claims(struct invocation *invocation)
{
    const char *name = invocation->options.n_arguments > 0 ? invocation->options.arguments[0] : NULL;
    struct err err = ERR_INIT;
    struct table verdicts;
    int code = EXIT_CODE_DONE;
    enum status status = check_name(name, &err);
    if (status == STATUS_OK)
        status = judged(invocation->db, name, &verdicts, &err);
    if (status != STATUS_OK)
        return failed(&err);
    if (invocation->json || invocation->csv)
        code = print_table(invocation, &verdicts, "isoflop.claims.v1");
    else if (name)
        print_one(&verdicts);
    else
        print_all(&verdicts);
    table_release(&verdicts);
    return code;
}
