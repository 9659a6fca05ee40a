/* SPDX-License-Identifier: Apache-2.0 */
/* test_shard.c — goal: the shares of a plan are the plan: every trial in exactly one, the large ones spread, a trunk whole.
 * Method: plans made by hand, all shares of every number up to more than there are trials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/spec/shard.h"

enum { TRIALS = 23 };

/* Trials 4 to 8 are branches of one trunk. */
static struct plan planned(void)
{
    struct plan plan = {.n_trials = TRIALS};
    plan.trials = calloc(TRIALS, sizeof *plan.trials);
    assert_non_null(plan.trials);
    for (int i = 0; i < TRIALS; i++) {
        (void)snprintf(plan.trials[i].id, TRIAL_ID_SIZE, "%032d", i);
        if (i >= 4 && i <= 8)
            (void)snprintf(plan.trials[i].trunk, TRIAL_ID_SIZE, "trunk");
    }
    return plan;
}

static void shares_are_the_plan(void **state)
{
    (void)state;
    for (int n = 1; n <= TRIALS + 2; n++) {
        int seen[TRIALS] = {0}, trunk_in = 0;
        for (int index = 1; index <= n; index++) {
            struct plan plan = planned();
            int branches = 0, previous = -1;
            plan_shard(&plan, index, n);
            assert_true(plan.n_trials <= (TRIALS - 4 + n - 1) / n + 4);
            for (int i = 0; i < plan.n_trials; i++) {
                int trial = (int)strtol(plan.trials[i].id, NULL, 10);
                assert_true(trial > previous); /* the plan's order */
                previous = trial;
                seen[trial]++;
                branches += *plan.trials[i].trunk != 0;
            }
            assert_true(branches == 0 || branches == 5);
            trunk_in += branches > 0;
            free(plan.trials);
        }
        assert_int_equal(trunk_in, 1);
        for (int i = 0; i < TRIALS; i++)
            assert_int_equal(seen[i], 1);
    }
}

static void only_shares_are_read(void **state)
{
    static const char *const wrong[] = {"", "1", "0/2", "3/2", "-1/2", "1/2x", "1/", "/2", "a/b", "1/10001", "99999999999/2"};
    int index = 0, n = 0;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(shard_parse("2/4", &index, &n, &err), STATUS_OK);
    assert_true(index == 2 && n == 4);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err said = ERR_INIT;
        assert_int_equal(shard_parse(wrong[i], &index, &n, &said), STATUS_USAGE);
        assert_non_null(strstr(said.text, "i/n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_the_plan),
        cmocka_unit_test(only_shares_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
