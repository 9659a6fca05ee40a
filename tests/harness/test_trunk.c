/* SPDX-License-Identifier: Apache-2.0 */
/* test_trunk.c — goal: trials that begin alike are found and no others; what sharing saves is added up rightly; a branch
 * waits for its trunk. Method: plans are loaded with an engine that is arithmetic, and checked against sums by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/spec/trunk.h"
#include "tests/harness/stub_hooks.h"

/* One step per 8 tokens, whose last `decay` are not the trunk's; a FLOP per token. */
static enum status estimate(const struct knobs *knobs, struct estimate *out, struct err *err)
{
    enum status status = stub_estimate(knobs, out, err);
    out->steps = knobs->tokens / knobs->batch_tokens;
    out->constant_steps = out->steps - (int64_t)(knobs->decay * (double)out->steps);
    out->flops = (double)knobs->tokens;
    return status;
}

static const struct plan_hooks hooks = {estimate, stub_identity, stub_where};

static void load(struct plan *plan, const char *text)
{
    char path[] = "/tmp/test_trunk.XXXXXX";
    struct err err = ERR_INIT;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    if (plan_load(plan, path, NULL, 0, &hooks, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(unlink(path), 0);
}

#define TRAIN "train: {tokens: [800, 1600, 3200], batch_tokens: 8, warmup_tokens: 80, decay: 0.25"
#define HEAD "name: t\nmodel: {context: 8}\n"

static void branches_pay_for_what_is_left(void **state)
{
    /* 100, 200 and 400 steps, of which 75, 150 and 300 are the trunk's. */
    static const double marginal[] = {800, (200 - 75) * 8, (400 - 150) * 8};
    struct plan plan;
    (void)state;
    load(&plan, HEAD "trunk: true\n" TRAIN "}\n");
    assert_int_equal(plan.n_trials, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(plan.trials[i].knobs.tokens, 800 << i);
        assert_string_equal(plan.trials[i].trunk, plan.trials[0].trunk);
        assert_true(plan.trials[i].flops_marginal == marginal[i]);
        assert_true(plan.trials[i].estimate.flops == 800 << i);
    }
    assert_int_equal(strlen(plan.trials[0].trunk), TRIAL_ID_SIZE - 1);
    plan_release(&plan);
}

static void nothing_is_shared_unless_asked_for(void **state)
{
    struct plan plan;
    (void)state;
    load(&plan, HEAD TRAIN "}\n");
    for (int i = 0; i < 3; i++) {
        assert_string_equal(plan.trials[i].trunk, "");
        assert_true(plan.trials[i].flops_marginal == plan.trials[i].estimate.flops);
        assert_int_equal(plan.trials[i].knobs.tokens, 3200 >> i); /* the longest first */
    }
    plan_release(&plan);
}

static void ids_do_not_depend_on_sharing(void **state)
{
    struct plan with, without;
    (void)state;
    load(&with, HEAD "trunk: true\n" TRAIN "}\n");
    load(&without, HEAD TRAIN "}\n");
    for (int i = 0; i < 3; i++)
        assert_string_equal(with.trials[i].id, without.trials[2 - i].id);
    plan_release(&with);
    plan_release(&without);
}

/* How many trunks a spec has, and how many trials are on none. */
static void count(const char *text, int trunks, int alone)
{
    struct plan plan;
    int n_trunks = 0, n_alone = 0;
    load(&plan, text);
    for (int i = 0; i < plan.n_trials; i++) {
        n_alone += !*plan.trials[i].trunk;
        n_trunks += *plan.trials[i].trunk && (i == 0 || strcmp(plan.trials[i].trunk, plan.trials[i - 1].trunk) != 0);
    }
    assert_int_equal(n_trunks, trunks);
    assert_int_equal(n_alone, alone);
    plan_release(&plan);
}

static void only_what_begins_alike_shares(void **state)
{
    (void)state;
    count(HEAD "trunk: true\n" TRAIN "}\nseeds: 1-2\n", 2, 0);
    count(HEAD "trunk: true\n" TRAIN ", lr: [0.001, 0.002]}\n", 2, 0);
    count(HEAD "trunk: true\n" TRAIN ", final_lr: [0, 0.1]}\neval: {items: [4, 8]}\n", 1, 0);
    count(HEAD "trunk: true\n" TRAIN ", schedule: [wsd, cosine, constant]}\n", 1, 3);
    count(HEAD "trunk: true\ntrain: {tokens: 800, batch_tokens: 8, warmup_tokens: 80}\nseeds: 1-2\n", 0, 2);
    count(HEAD "trunk: true\ngrids:\n  - " TRAIN "}\n  - train: {tokens: [800, 1600], batch_tokens: 8}\n", 1, 2);
}

static void a_branch_waits_for_those_before_it(void **state)
{
    struct plan plan;
    char ended[6] = {0}, running[6] = {0};
    (void)state;
    load(&plan, HEAD "trunk: true\n" TRAIN "}\nseeds: 1-2\n"); /* 0 1 2 of one trunk, 3 4 5 of another */
    for (int i = 0; i < 6; i++)
        assert_true(trunk_waits(&plan, i, ended, running) == (i % 3 != 0));
    ended[0] = running[0] = 1;
    assert_true(trunk_waits(&plan, 1, ended, running));
    assert_false(trunk_waits(&plan, 3, ended, running));
    running[0] = 0;
    assert_false(trunk_waits(&plan, 1, ended, running));
    assert_true(trunk_waits(&plan, 2, ended, running));
    ended[1] = 1; /* done in an earlier run */
    assert_false(trunk_waits(&plan, 2, ended, running));
    plan_release(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(branches_pay_for_what_is_left),  cmocka_unit_test(nothing_is_shared_unless_asked_for),
        cmocka_unit_test(ids_do_not_depend_on_sharing),   cmocka_unit_test(only_what_begins_alike_shares),
        cmocka_unit_test(a_branch_waits_for_those_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
