/* SPDX-License-Identifier: Apache-2.0 */
/* fit_record.c — fits for programs and for the store; see fit_print.h. Numbers have the digits that read back. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/fit_print.h"
#include "harness/store/export.h"

/* ---- JSON ---- */

static void add_number(struct str *out, double value)
{
    char text[32];
    if (isnan(value)) {
        str_append(out, "null");
        return;
    }
    str_from_double(text, sizeof text, value);
    str_append(out, isinf(value) ? (value > 0 ? "1e999" : "-1e999") : text);
}

static void add_pair(struct str *out, double low, double high)
{
    str_append_char(out, '[');
    add_number(out, low);
    str_append(out, ", ");
    add_number(out, high);
    str_append_char(out, ']');
}

static const struct law_quantity *letter_at(const struct law_fit *fit, int i)
{
    return i < fit->n_letters ? &fit->letter[i] : i < fit->n_letters + fit->n_derived ? &fit->derived[i - fit->n_letters] : NULL;
}

static void add_optima(struct str *out, const struct law_fit *fit)
{
    str_append(out, ", \"optima\": [");
    for (int i = 0; i < fit->n_optima; i++) {
        const struct law_optimum *o = &fit->optimum[i];
        str_append(out, i ? ", {\"compute\": " : "{\"compute\": ");
        add_number(out, o->compute);
        const struct law_quantity *const all[] = {&o->N, &o->D, &o->loss};
        for (int k = 0; k < 3; k++) {
            str_format(out, ", \"%s\": ", all[k]->name);
            add_number(out, all[k]->value);
        }
        str_append(out, ", \"intervals\": {");
        for (int k = 0; k < 3; k++) {
            str_format(out, "%s\"%s\": ", k ? ", " : "", all[k]->name);
            add_pair(out, all[k]->low, all[k]->high);
        }
        str_append(out, "}}");
    }
    str_append_char(out, ']');
}

static void add_covariance(struct str *out, const struct law_fit *fit)
{
    str_append(out, ", \"covariance\": ");
    if (isnan(fit->covariance[0])) {
        str_append(out, "null");
        return;
    }
    for (int i = 0; i < fit->n_letters; i++) {
        str_append(out, i ? ", [" : "[[");
        for (int j = 0; j < fit->n_letters; j++) {
            str_append(out, j ? ", " : "");
            add_number(out, fit->covariance[i * fit->n_letters + j]);
        }
        str_append_char(out, ']');
    }
    str_append_char(out, ']');
}

/* The members of one fit, without the braces. */
static void add_fit(struct str *out, const struct fit_set *set, const struct law_fit *fit)
{
    const struct law_quantity *q;
    str_format(out, "\"law\": \"%s\", \"method\": \"%s\", \"params_convention\": ", set->law->name, law_method_names[fit->method]);
    export_json_string(out, set->points->convention);
    for (int i = 0; (q = letter_at(fit, i)) != NULL; i++) {
        str_format(out, ", \"%s\": ", q->name);
        add_number(out, q->value);
    }
    str_append(out, ", \"objective\": ");
    add_number(out, fit->objective);
    str_format(out, ", \"n_points\": %d, \"n_clusters\": %d, \"n_excluded\": %d, \"n_heldout\": %d, \"heldout_error\": ", fit->n_points,
               fit->n_clusters, set->points->n_excluded, fit->n_heldout);
    add_number(out, fit->heldout_error);
    str_append(out, ", \"residual_rms\": ");
    add_number(out, fit->residual_rms);
    str_format(out, ", \"bootstrap\": %d, \"n_failed\": %d, \"confidence\": ", fit->n_replicates, fit->n_failed);
    add_number(out, set->confidence);
    str_append(out, ", \"intervals\": {");
    for (int i = 0; (q = letter_at(fit, i)) != NULL; i++) {
        str_format(out, "%s\"%s\": ", i ? ", " : "", q->name);
        add_pair(out, q->low, q->high);
    }
    str_append(out, "}");
    add_covariance(out, fit);
    add_optima(out, fit);
    str_append(out, ", \"notes\": ");
    export_json_string(out, fit->notes);
}

/* What was left out, one by one, and what is doubted: null where nothing was judged. */
static void add_validity(struct str *out, const struct fit_points *points)
{
    const struct table *t = &points->left_out;
    str_append(out, ", \"excluded_points\": [");
    for (int row = 0; row < t->n_rows; row++) {
        const char *detail = table_text(t, row, FIT_OUT_DETAIL);
        str_append(out, row ? ",\n  {\"point\": " : "\n  {\"point\": ");
        export_json_string(out, table_text(t, row, FIT_OUT_POINT));
        str_append(out, ", \"why\": ");
        export_json_string(out, table_text(t, row, FIT_OUT_WHY));
        str_append(out, ", \"detail\": ");
        if (detail)
            export_json_string(out, detail);
        else
            str_append(out, "null");
        str_append_char(out, '}');
    }
    str_append(out, "], \"doubts\": ");
    t = &points->doubts;
    for (int row = 0; row < t->n_rows; row++) {
        str_append(out, row ? ",\n  {\"check_name\": " : "[\n  {\"check_name\": ");
        export_json_string(out, table_text(t, row, FIT_DOUBT_CHECK));
        str_format(out, ", \"verdict\": \"%s\", \"n\": %.0f, \"reason\": ", table_text(t, row, FIT_DOUBT_VERDICT),
                   table_number(t, row, FIT_DOUBT_N));
        export_json_string(out, table_text(t, row, FIT_DOUBT_REASON));
        str_append_char(out, '}');
    }
    str_append(out, t->n_rows ? "]" : points->judged ? "[]" : "null");
}

static void add_interval_note(struct str *out, const struct fit_set *set)
{
    struct str text;
    str_init(&text);
    for (int i = 0; i < set->n_tried && text.length == 0; i++)
        if (set->tried[i].good && set->tried[i].fit.n_replicates)
            fit_interval_text(set, set->tried[i].fit.n_replicates, &text);
    str_append(out, ", \"interval_note\": ");
    export_json_string(out, text.text);
    str_release(&text);
}

void fit_print_json(const struct fit_set *set)
{
    struct str out;
    bool top = false, first = true;
    str_init(&out);
    str_append(&out, "{\"schema\": \"isoflop.fit.v1\", \"formula\": ");
    export_json_string(&out, set->law->formula);
    str_append(&out, ", \"excluded\": ");
    export_json_string(&out, set->points->excluded.text);
    add_validity(&out, set->points);
    add_interval_note(&out, set);
    fit_conventions_json(&set->conventions, &out);
    for (int i = 0; i < set->n_tried && !top; i++)
        if (set->tried[i].good) {
            str_append(&out, ", ");
            add_fit(&out, set, &set->tried[i].fit);
            top = true;
        }
    str_append(&out, ",\n \"fits\": [");
    for (int i = 0; i < set->n_tried; i++) {
        if (!set->tried[i].good)
            continue;
        str_append(&out, first ? "\n  {" : ",\n  {");
        add_fit(&out, set, &set->tried[i].fit);
        str_append_char(&out, '}');
        first = false;
    }
    str_append(&out, "],\n \"no_fit\": {");
    first = true;
    for (int i = 0; i < set->n_tried; i++) {
        if (set->tried[i].good)
            continue;
        str_format(&out, "%s\"%s\": ", first ? "" : ", ", law_method_names[set->tried[i].method]);
        export_json_string(&out, set->tried[i].fault.text);
        first = false;
    }
    str_append(&out, "}}\n");
    (void)fwrite(out.text, 1, out.length, stdout);
    str_release(&out);
}

/* ---- The store ---- */

static const char *const columns[] = {"fit_id", "spec",     "law",        "method",    "params_convention", "letter",    "value",
                                      "low",    "high",     "se",         "confidence", "n_points",         "n_excluded", "objective",
                                      "heldout_error", "covariance", "reason",    "created_at"};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* What was found, in eight digits (FNV-1a, Fowler, Noll & Vo): the same fit has one name, and another fit never takes the
 * name of one that something was predicted from. */
static uint32_t fingerprint(const struct law_fit *fit)
{
    uint32_t hash = 2166136261u;
    const struct law_quantity *q;
    for (int i = 0; (q = letter_at(fit, i)) != NULL; i++) {
        const double values[] = {q->value, q->low, q->high, fit->n_points};
        const unsigned char *bytes = (const unsigned char *)values;
        for (size_t b = 0; b < sizeof values; b++)
            hash = (hash ^ bytes[b]) * 16777619u;
    }
    return hash;
}

/* A letter's row of the covariance, "1.2 0.3 …" in the order of the letters. */
static void covariance_row(const struct law_fit *fit, int letter, struct str *out)
{
    str_clear(out);
    for (int j = 0; letter < fit->n_letters && j < fit->n_letters && !isnan(fit->covariance[0]); j++) {
        char text[32];
        str_from_double(text, sizeof text, fit->covariance[letter * fit->n_letters + j]);
        str_format(out, "%s%s", j ? " " : "", text);
    }
}

static void name_fit(const struct fit_set *set, const struct law_fit *fit, struct str *out)
{
    str_format(out, "%.40s/%s/%s/%.40s/%08x", set->spec ? set->spec : "all", set->law->name, law_method_names[fit->method],
               set->points->convention, fingerprint(fit));
}

/* What was left out, what is doubted, what the intervals are, what the fit has to say: parts between semicolons. */
static void reason_text(const struct fit_set *set, const struct law_fit *fit, struct str *out)
{
    const struct table *doubts = &set->points->doubts;
    str_append(out, set->points->excluded.text);
    for (int row = 0; row < doubts->n_rows; row++)
        str_format(out, "%s%s %.0f", row ? ", " : out->length ? "; doubtful: " : "doubtful: ",
                   table_text(doubts, row, FIT_DOUBT_CHECK), table_number(doubts, row, FIT_DOUBT_N));
    if (fit->n_replicates) {
        str_append(out, out->length ? "; intervals: " : "intervals: ");
        fit_interval_text(set, fit->n_replicates, out);
    }
    if (*fit->notes)
        str_format(out, "%s%s", out->length ? "; " : "", fit->notes);
}

static void add_row(const struct fit_set *set, const struct law_fit *fit, const struct law_quantity *q, const char *letter,
                    const char *covariance, const char *created_at, struct table *table)
{
    struct str text;
    int row = table_add_row(table), c = 0;
    str_init(&text);
    name_fit(set, fit, &text);
    table_set_text(table, row, c++, text.text);
    if (set->spec)
        table_set_text(table, row, c, set->spec);
    c++;
    table_set_text(table, row, c++, set->law->name);
    table_set_text(table, row, c++, law_method_names[fit->method]);
    table_set_text(table, row, c++, set->points->convention);
    table_set_text(table, row, c++, letter);
    table_set_real(table, row, c++, q->value);
    table_set_real(table, row, c++, q->low);
    table_set_real(table, row, c++, q->high);
    table_set_real(table, row, c++, q->se);
    table_set_real(table, row, c++, fit->n_replicates ? set->confidence : (double)NAN);
    table_set_integer(table, row, c++, fit->n_points);
    table_set_integer(table, row, c++, set->points->n_excluded);
    table_set_real(table, row, c++, fit->objective);
    table_set_real(table, row, c++, fit->heldout_error);
    if (*covariance)
        table_set_text(table, row, c, covariance);
    c++;
    str_clear(&text);
    reason_text(set, fit, &text);
    if (text.length)
        table_set_text(table, row, c, text.text);
    c++;
    if (created_at)
        table_set_text(table, row, c, created_at);
    str_release(&text);
}

static void add_rows(const struct fit_set *set, const struct law_fit *fit, const char *created_at, struct table *table)
{
    const struct law_quantity *q;
    struct str covariance;
    str_init(&covariance);
    for (int i = 0; (q = letter_at(fit, i)) != NULL; i++) {
        covariance_row(fit, i, &covariance);
        add_row(set, fit, q, q->name, covariance.text, created_at, table);
    }
    for (int i = 0; i < fit->n_optima; i++) {
        const struct law_optimum *o = &fit->optimum[i];
        const struct law_quantity *const all[] = {&o->N, &o->D, &o->loss};
        for (int k = 0; k < 3; k++) {
            char letter[64];
            (void)snprintf(letter, sizeof letter, "%s(%.6g)", all[k]->name, o->compute);
            if (!isnan(all[k]->value))
                add_row(set, fit, all[k], letter, "", created_at, table);
        }
    }
    str_release(&covariance);
}

void fit_table(const struct fit_set *set, const char *created_at, struct table *table)
{
    table_init(table, created_at ? COLUMNS : COLUMNS - 1, columns);
    for (int i = 0; i < set->n_tried; i++)
        if (set->tried[i].good)
            add_rows(set, &set->tried[i].fit, created_at, table);
}

void fit_exclusion_table(const struct fit_set *set, struct table *table)
{
    static const char *const names[] = {"fit_id", "trial_id", "reason"};
    const struct table *out = &set->points->left_out;
    struct str fit_id, reason;
    str_init(&fit_id);
    str_init(&reason);
    table_init(table, 3, names);
    for (int i = 0; i < set->n_tried; i++) {
        if (!set->tried[i].good)
            continue;
        str_clear(&fit_id);
        name_fit(set, &set->tried[i].fit, &fit_id);
        for (int row = 0; row < out->n_rows; row++) {
            const char *trial = table_text(out, row, FIT_OUT_TRIAL), *detail = table_text(out, row, FIT_OUT_DETAIL);
            if (!trial)
                continue;
            str_clear(&reason);
            str_format(&reason, "%s%s%s", table_text(out, row, FIT_OUT_WHY), detail ? ": " : "", detail ? detail : "");
            int at = table_add_row(table);
            table_set_text(table, at, 0, fit_id.text);
            table_set_text(table, at, 1, trial);
            table_set_text(table, at, 2, reason.text);
        }
    }
    str_release(&fit_id);
    str_release(&reason);
}
