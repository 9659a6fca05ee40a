/* SPDX-License-Identifier: Apache-2.0 */
/* test_schedule.c — goal: the learning rate follows its closed forms, step by step, and wsd runs of different lengths
 * begin alike. Method: the forms are written down here a second time, with their corner values by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/model/schedule.h"

static void wsd_rises_stays_and_falls_in_a_line(void **state)
{
    const struct schedule s = {SCHEDULE_WSD, 100, 10, 20, 0};
    (void)state;
    for (int step = 0; step < 100; step++) {
        double wanted = step < 10 ? (step + 1) / 10.0 : step <= 80 ? 1 : (100 - step) / 20.0;
        assert_true(schedule_factor(&s, step) == wanted);
    }
    assert_true(schedule_factor(&s, 0) == 0.1);
    assert_true(schedule_factor(&s, 90) == 0.5);
    assert_true(schedule_factor(&s, 99) == 0.05);
}

static void wsd_can_end_above_zero(void **state)
{
    const struct schedule s = {SCHEDULE_WSD, 40, 1, 40, 0.25};
    (void)state;
    for (int step = 0; step < 40; step++)
        assert_true(fabs(schedule_factor(&s, step) - (1 - 0.75 * step / 40)) < 1e-15);
}

static void cosine_falls_over_the_whole_run(void **state)
{
    const struct schedule s = {SCHEDULE_COSINE, 110, 10, 0, 0.1};
    (void)state;
    for (int step = 0; step < 110; step++) {
        double angle = acos(-1) * (step - 10) / 100;
        double wanted = step < 10 ? (step + 1) / 10.0 : 0.1 + 0.9 * (1 + cos(angle)) / 2;
        assert_true(fabs(schedule_factor(&s, step) - wanted) < 1e-15);
    }
    assert_true(schedule_factor(&s, 10) == 1);
    assert_true(fabs(schedule_factor(&s, 60) - 0.55) < 1e-15);
}

static void constant_stays(void **state)
{
    const struct schedule s = {SCHEDULE_CONSTANT, 50, 5, 20, 0};
    (void)state;
    for (int step = 0; step < 50; step++)
        assert_true(schedule_factor(&s, step) == (step < 5 ? (step + 1) / 5.0 : 1));
}

static void no_run_is_too_short(void **state)
{
    (void)state;
    for (int kind = SCHEDULE_WSD; kind <= SCHEDULE_CONSTANT; kind++) {
        const struct schedule one = {(enum schedule_kind)kind, 1, 1, 1, 0}, slow = {(enum schedule_kind)kind, 2, 8, 0, 0};
        assert_true(schedule_factor(&one, 0) == 1);
        assert_true(schedule_factor(&slow, 1) == 0.25);
    }
}

/* What makes a trunk a trunk. */
static void runs_begin_alike_until_the_decay(void **state)
{
    const struct schedule longer = {SCHEDULE_WSD, 1000, 12, 400, 0};
    (void)state;
    for (int steps = 20; steps < 1000; steps += 49) {
        const struct schedule s = {SCHEDULE_WSD, steps, 12, steps * 4 / 10, 0};
        int64_t constant = schedule_constant_steps(&s);
        assert_int_equal(constant, steps - steps * 4 / 10);
        for (int64_t step = 0; step < constant && step < 600; step++)
            assert_true(schedule_factor(&s, step) == schedule_factor(&longer, step));
        assert_true(schedule_factor(&s, constant + 1) < 1);
    }
    assert_int_equal(schedule_constant_steps(&(struct schedule){SCHEDULE_CONSTANT, 7, 1, 3, 0}), 7);
    assert_int_equal(schedule_constant_steps(&(struct schedule){SCHEDULE_COSINE, 7, 1, 3, 0}), 0);
    assert_int_equal(schedule_constant_steps(&(struct schedule){SCHEDULE_WSD, 3, 1, 3, 0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wsd_rises_stays_and_falls_in_a_line), cmocka_unit_test(wsd_can_end_above_zero),
        cmocka_unit_test(cosine_falls_over_the_whole_run),     cmocka_unit_test(constant_stays),
        cmocka_unit_test(no_run_is_too_short),                 cmocka_unit_test(runs_begin_alike_until_the_decay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
