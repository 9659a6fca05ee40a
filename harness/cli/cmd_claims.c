/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_claims.c — `isoflop claims [NAME]`: what was claimed, and what the store says to it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/analysis/claims.h"
#include "harness/cli/commands.h"
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
static void print_figures(const struct table *t, int r)
{
    double low = table_number(t, r, LOW), value = table_number(t, r, VALUE);
    if (isnan(value))
        (void)printf("%s: no figure", table_text(t, r, QUANTITY));
    else if (isnan(low))
        (void)printf("%.4g %s, no interval", value, table_text(t, r, QUANTITY));
    else
        (void)printf("%.4g [%.4g, %.4g] %s", value, low, table_number(t, r, HIGH), table_text(t, r, QUANTITY));
}

static void print_all(const struct table *t)
{
    for (int r = 0; r < t->n_rows; r++) {
        (void)printf("%-10s %s (%s)\n           ", table_text(t, r, VERDICT), table_text(t, r, SENTENCE),
                     table_text(t, r, CLAIM));
        print_figures(t, r);
        (void)printf("\n           %s\n", table_text(t, r, REASON));
    }
}

static void print_one(const struct table *t)
{
    const struct claim *claim = claim_find(table_text(t, 0, CLAIM));
    (void)printf("%s\n  claimed by  %s\n  rule        %s\n  verdict     %s\n  figure      ", table_text(t, 0, SENTENCE),
                 table_text(t, 0, SOURCE), table_text(t, 0, RULE), table_text(t, 0, VERDICT));
    print_figures(t, 0);
    (void)printf("\n  points      %.0f\n  reason      %s\n  query       %s\n", table_number(t, 0, N_POINTS),
                 table_text(t, 0, REASON), claim ? claim->sql : "");
}

/* A store that is missing is not made: it is opened for reading first. */
static enum status judged(const char *db, const char *name, struct table *out, struct err *err)
{
    struct store *store;
    enum status status = store_open(&store, db, STORE_READ, err);
    if (status != STATUS_OK)
        return status;
    store_close(store);
    status = store_open(&store, db, STORE_WRITE, err);
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
