/* SPDX-License-Identifier: Apache-2.0 */
/* told.c — see told.h. The figures are those that are stored; nothing is judged here. */
#include "harness/cli/told.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/analysis/claims.h"

static const char sql[] =
    "SELECT claim, sentence, source, verdict, quantity, value, low, high, reason FROM claim c WHERE verdict IS NOT NULL"
    " AND (verdict <> 'undecided' OR EXISTS (SELECT 1 FROM spec s WHERE (?1 IS NULL OR s.name = ?1)"
    " AND instr(' ' || s.claims || ' ', ' ' || c.claim || ' ') > 0))"
    " ORDER BY CASE verdict WHEN 'supported' THEN 0 WHEN 'refuted' THEN 1 ELSE 2 END, claim";
enum { CLAIM, SENTENCE, SOURCE, VERDICT, QUANTITY, VALUE, LOW, HIGH, REASON };

static enum report_verdict verdict_of(const char *name)
{
    if (strcmp(name, claim_verdict_name(CLAIM_SUPPORTED)) == 0)
        return REPORT_SUPPORTED;
    return strcmp(name, claim_verdict_name(CLAIM_REFUTED)) == 0 ? REPORT_REFUTED : REPORT_UNDECIDED;
}

static void fill(const struct table *t, int r, struct str *measured, struct str *interval, struct report_claim *out)
{
    const struct claim *claim = claim_find(table_text(t, r, CLAIM));
    double value = table_number(t, r, VALUE), low = table_number(t, r, LOW);
    if (!isnan(value))
        str_format(measured, "%.3g ", value);
    str_format(measured, isnan(value) ? "no figure: %s" : "%s", table_text(t, r, QUANTITY));
    if (!isnan(low))
        str_format(interval, "%.3g to %.3g; ", low, table_number(t, r, HIGH));
    str_append(interval, table_text(t, r, REASON));
    *out = (struct report_claim){
        .claim = table_text(t, r, SENTENCE),
        .source = table_text(t, r, SOURCE),
        .verdict = verdict_of(table_text(t, r, VERDICT)),
        .measured = measured->text,
        .interval = interval->text,
        .chart = claim ? claim->chart : NULL,
    };
}

enum status told_read(struct told *out, struct store *store, const char *spec, struct err *err)
{
    struct told told = {0};
    enum status status = store_query(store, sql, &spec, 1, &told.stored, err);
    if (status != STATUS_OK)
        return status;
    told.n = told.stored.n_rows;
    told.rows = calloc((size_t)told.n + 1, sizeof *told.rows);
    told.texts = calloc(2 * (size_t)told.n + 1, sizeof *told.texts);
    NEED_MEMORY(told.rows && told.texts);
    for (int i = 0; i < told.n; i++) {
        str_init(&told.texts[2 * i]);
        str_init(&told.texts[2 * i + 1]);
        fill(&told.stored, i, &told.texts[2 * i], &told.texts[2 * i + 1], &told.rows[i]);
    }
    *out = told;
    return STATUS_OK;
}

void told_release(struct told *told)
{
    for (int i = 0; i < 2 * told->n; i++)
        str_release(&told->texts[i]);
    free(told->texts);
    free(told->rows);
    table_release(&told->stored);
    *told = (struct told){0};
}
