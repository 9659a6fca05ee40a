/* SPDX-License-Identifier: Apache-2.0 */
/* stub_hooks.h — what a plan asks of engine and store, replaced by arithmetic a test can redo by hand.
 *
 * A model costs 12 * depth * width^2 parameters times its experts; training 6 FLOPs per active parameter and
 * token. Width 4096 is too large for any machine here, 7 experts per token are refused, and the data called
 * nowhere.txt is missing. `where` is one comparison, "column < number" or "column = number". */
#ifndef TESTS_HARNESS_STUB_HOOKS_H
#define TESTS_HARNESS_STUB_HOOKS_H

#include <stdio.h>
#include <string.h>

#include "harness/spec/plan.h"

static int stub_identity_calls;
static const char *stub_version = "engine 1\n";

static enum status stub_estimate(const struct knobs *knobs, struct estimate *out, struct err *err)
{
    int64_t layer = 12 * knobs->width * knobs->width * knobs->depth;
    int64_t batch = knobs->batch_tokens;
    if (knobs->width == 4096)
        return err_set(err, STATUS_USAGE, "this needs more memory than there is");
    if (knobs->experts_per_token == 7)
        return err_set(err, STATUS_USAGE, "model.experts_per_token 7 is not what this engine does");
    *out = (struct estimate){
        .params_total = layer * knobs->experts,
        .params_active = layer * knobs->experts_per_token,
        .params_non_embedding = layer,
        .params_matmul = layer,
    };
    out->tokens = (knobs->tokens + batch - 1) / batch * batch;
    if (knobs->flops > 0)
        out->tokens = (int64_t)(knobs->flops / (6.0 * (double)out->params_active)) / batch * batch;
    out->flops = 6.0 * (double)out->params_active * (double)out->tokens;
    return STATUS_OK;
}

static enum status stub_identity(const struct knobs *knobs, struct str *out, struct err *err)
{
    stub_identity_calls++;
    if (strcmp(knobs->data_path, "nowhere.txt") == 0)
        return err_set(err, STATUS_USAGE, "nowhere.txt: no such file");
    str_format(out, "data %s\n%s", knobs->data_source, stub_version);
    return STATUS_OK;
}

static enum status stub_where(const char *expression, const struct table *cells, char *keep, struct err *err)
{
    char name[64], op;
    double limit;
    int column;
    if (sscanf(expression, "%63s %c %lf", name, &op, &limit) != 3)
        return err_set(err, STATUS_USAGE, "syntax error");
    column = table_column(cells, name);
    if (column < 0)
        return err_set(err, STATUS_USAGE, "no such column: %s", name);
    for (int i = 0; i < cells->n_rows; i++) {
        double value = table_number(cells, i, column);
        keep[i] = op == '<' ? value < limit : value == limit;
    }
    return STATUS_OK;
}

static const char *stub_claim(int i, const void *context)
{
    static const char *const names[] = {"a", "compute-optimal", "bigger-is-better", "more-data-is-better",
                                        "experts-per-flop"};
    (void)context;
    return i < (int)(sizeof names / sizeof *names) ? names[i] : NULL;
}

static const struct plan_hooks stub_hooks = {stub_estimate, stub_identity, stub_where, stub_claim};

#endif
