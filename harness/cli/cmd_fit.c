/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_fit.c — `isoflop fit [FILE]`: a scaling law through the store's trials, or through anybody's points. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/assert.h"
#include "harness/cli/commands.h"
#include "harness/cli/fit_points.h"
#include "harness/cli/fit_print.h"
#include "harness/cli/print.h"
#include "harness/store/rows.h"

static enum status read_computes(const char *text, struct law_settings *settings, struct err *err)
{
    while (text && *text) {
        char *end;
        double value = strtod(text, &end);
        if (end == text || (*end && *end != ',') || !(value > 0.0) || value > 1e300)
            return err_set(err, STATUS_USAGE, "--compute: '%s' is no list of FLOPs, as in  1e21,1e23", text);
        if (settings->n_computes == LAW_COMPUTES)
            return err_set(err, STATUS_USAGE, "--compute: more than %d budgets", LAW_COMPUTES);
        settings->compute[settings->n_computes++] = value;
        text = *end ? end + 1 : end;
    }
    return STATUS_OK;
}

static enum status read_settings(const struct options *o, struct law_settings *settings, struct err *err)
{
    *settings = LAW_SETTINGS_INIT;
    settings->bootstrap.replicates = (int)option_integer(o, "bootstrap");
    settings->bootstrap.confidence = option_real(o, "confidence");
    settings->bootstrap.seed = (uint64_t)option_integer(o, "seed");
    settings->delta = option_real(o, "delta");
    settings->holdout = option_real(o, "holdout");
    settings->bucket = option_real(o, "bucket");
    settings->inference_tokens = option_real(o, "inference-tokens");
    settings->unique_tokens = option_real(o, "unique-tokens");
    return read_computes(option_text(o, "compute"), settings, err);
}

/* Tries one method of the law, or all. The first error of all is the answer when no method gives a fit. */
static enum status fit_all(struct fit_set *set, const struct options *o, struct law_settings *settings, struct err *err)
{
    const char *wanted = option_text(o, "method");
    bool any = false;
    for (int method = 0; method < LAW_METHODS; method++) {
        bool all = strcmp(wanted, "all") == 0;
        if (all ? !(set->law->methods & 1u << method) : strcmp(wanted, law_method_names[method]) != 0)
            continue;
        int i = set->n_tried++;
        settings->method = (enum law_method)method;
        set->tried[i].method = settings->method;
        set->tried[i].fault = ERR_INIT;
        set->tried[i].good = law_fit(set->law, &set->points->points, settings, &set->tried[i].fit, &set->tried[i].fault) == STATUS_OK;
        any |= set->tried[i].good;
    }
    for (int i = 0; i < set->n_tried && any; i++)
        if (set->tried[i].good) {
            settings->method = set->tried[i].method;
            fit_conventions_try(&set->conventions, set->points, set->law, settings);
            return STATUS_OK;
        }
    *err = set->tried[0].fault;
    return err_prefix(err, "%s", set->points->source);
}

/* The letters go to the store they were fitted from. */
static enum status save(const struct invocation *invocation, const struct fit_set *set, struct err *err)
{
    struct store *store;
    struct table table, exclusions;
    const struct rows sets[] = {{"fit", &table, ROWS_REPLACE}, {"fit_exclusion", &exclusions, ROWS_REPLACE}};
    char created_at[40];
    time_t now = time(NULL);
    struct tm utc;
    enum status status = store_open(&store, invocation->db, STORE_CHANGE, err);
    if (status != STATUS_OK)
        return status;
    size_t length = gmtime_r(&now, &utc) ? strftime(created_at, sizeof created_at, "%Y-%m-%dT%H:%M:%S.000Z", &utc) : 0;
    ASSERT(length > 0);
    fit_table(set, created_at, &table);
    fit_exclusion_table(set, &exclusions);
    status = store_put_rows(store, sets, 2, err);
    table_release(&table);
    table_release(&exclusions);
    store_close(store);
    return status;
}

static int put_out(const struct invocation *invocation, const struct fit_set *set)
{
    struct err err = ERR_INIT;
    struct table table;
    enum status status = STATUS_OK;
    int code = EXIT_CODE_DONE;
    if (invocation->options.n_arguments == 0 && !option_flag(&invocation->options, "no-save"))
        status = save(invocation, set, &err);
    if (status != STATUS_OK)
        return failed(&err);
    if (invocation->json) {
        fit_print_json(set);
    } else if (invocation->csv) {
        fit_table(set, NULL, &table);
        code = print_table(invocation, &table, "isoflop.fit.v1");
        table_release(&table);
    } else {
        fit_print_people(set);
    }
    return code;
}

int cmd_fit(struct invocation *invocation)
{
    const struct options *o = &invocation->options;
    const struct law *law = law_find(option_text(o, "law"));
    struct law_settings settings;
    struct fit_points points;
    struct err err = ERR_INIT;
    int code;
    if (read_settings(o, &settings, &err) != STATUS_OK)
        return failed(&err);
    struct fit_set *set = calloc(1, sizeof *set);
    NEED_MEMORY(set);
    ASSERT(law);
    set->law = law;
    set->points = &points;
    set->spec = option_text(o, "spec");
    set->confidence = settings.bootstrap.confidence;
    enum status status = fit_points_read(&points, invocation, law, &err);
    if (status == STATUS_OK)
        status = fit_all(set, o, &settings, &err);
    code = status == STATUS_OK ? put_out(invocation, set) : failed(&err);
    fit_points_release(&points);
    free(set);
    return code;
}
