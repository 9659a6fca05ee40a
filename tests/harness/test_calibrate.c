/* SPDX-License-Identifier: Apache-2.0 */
/* test_calibrate.c — goal: predictions come from the calibration that is kept, what it lacks is measured and added, and
 * nothing in the file can do harm.
 *
 * Method: a cache folder of its own; a small plan calibrated twice; then lines with planted speeds, from which the
 * seconds follow by arithmetic, among broken ones. Nothing here depends on how fast the machine is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cli/sweep.h"
#include "harness/run/trial.h"

enum { TRIALS = 4 };

static char folder[] = "/tmp/isoflop-test-XXXXXX", cache_file[96], spec_file[96];

static void write_file(const char *path, const char *mode, const char *text)
{
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

/* Two shapes, each with two amounts of text. */
static void load(struct plan *plan)
{
    struct err err = ERR_INIT;
    if (plan_load(plan, spec_file, NULL, 0, &sweep_hooks, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(plan->n_trials, TRIALS);
    sweep_calibrate(plan, NULL);
}

static int lines(char keys[][40], int most)
{
    FILE *file = fopen(cache_file, "r");
    char line[256];
    int n = 0;
    while (file && n < most && fgets(line, sizeof line, file))
        if (sscanf(line, "%32s", keys[n]) == 1)
            n++;
    if (file)
        (void)fclose(file);
    return n;
}

static void test_measured_once(void **state)
{
    char keys[8][40];
    struct plan plan, again;
    (void)state;
    load(&plan);
    assert_int_equal(lines(keys, 8), 2);
    load(&again);
    assert_int_equal(lines(keys, 8), 2);
    for (int i = 0; i < TRIALS; i++) {
        assert_true(plan.trials[i].estimate.seconds > 0);
        /* The file's six digits stand between the two. */
        assert_true(fabs(again.trials[i].estimate.seconds / plan.trials[i].estimate.seconds - 1) < 1e-4);
    }
    plan_release(&plan);
    plan_release(&again);
}

static void test_kept_speeds_count(void **state)
{
    const struct trial_speed planted = {.start_s = 3, .step_s = 7, .window_s = 0.5, .tasks = 2};
    char keys[8][40], line[512];
    struct plan plan;
    double shortest = INFINITY, longest = 0;
    (void)state;
    assert_int_equal(lines(keys, 8), 2);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(line, sizeof line, "%.32s 3 7 0.5 2\n%.32s 1 -1 1 1\n%.32s 1 1 nan 1\n%.32s 1 1\n", keys[i], keys[i],
                       keys[i], keys[i]);
        write_file(cache_file, "a", line);
    }
    write_file(cache_file, "a", "\n\n0123456789012345678901234567890123456789012345 1 1 1 1\nzzz");
    load(&plan);
    for (int i = 0; i < TRIALS; i++) {
        const struct planned_trial *trial = &plan.trials[i];
        double seconds = trial->estimate.seconds;
        assert_true(seconds == trial_predict(&trial->knobs, &planted, (double)trial->estimate.steps));
        assert_true(seconds > 3 + 7 * (double)trial->estimate.steps);
        shortest = fmin(shortest, seconds);
        longest = fmax(longest, seconds);
    }
    assert_true(longest > shortest + 7);
    plan_release(&plan);
}

/* A prediction grows with what a trial has to do. */
static void test_parts(void **state)
{
    const struct trial_speed speed = {.start_s = 1, .step_s = 0.1, .window_s = 0.01, .tasks = 3};
    struct knobs knobs, more;
    double base;
    (void)state;
    knobs_preset(&knobs);
    base = trial_predict(&knobs, &speed, 100);
    assert_true(fabs(trial_predict(&knobs, &speed, 110) - base - 1) < 0.5); /* ten steps, and perhaps a point less */
    more = knobs;
    more.heldout_tokens *= 2;
    assert_true(trial_predict(&more, &speed, 100) > base);
    more = knobs;
    more.items *= 2;
    assert_true(trial_predict(&more, &speed, 100) > base);
    (void)str_copy(knobs.shrink, sizeof knobs.shrink, "int8");
    assert_true(trial_predict(&knobs, &speed, 100) < base - 9);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || setenv("XDG_CACHE_HOME", folder, 1) != 0)
        return -1;
    (void)snprintf(cache_file, sizeof cache_file, "%s/isoflop/calibration", folder);
    (void)snprintf(spec_file, sizeof spec_file, "%s/spec.yaml", folder);
    write_file(spec_file, "w",
               "name: tiny\nquestion: how long?\nmodel: {depth: 1, width: [16, 24], context: 32}\n"
               "train: {tokens: [2048, 4096], batch_tokens: 512}\neval: {items: 2, heldout_tokens: 64}\n");
    return 0;
}

static int tear_down(void **state)
{
    char inner[96];
    (void)state;
    (void)snprintf(inner, sizeof inner, "%s/isoflop", folder);
    (void)unlink(cache_file);
    (void)unlink(spec_file);
    (void)rmdir(inner);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured_once),
        cmocka_unit_test(test_kept_speeds_count),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
