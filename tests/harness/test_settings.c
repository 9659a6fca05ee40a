/* SPDX-License-Identifier: Apache-2.0 */
/* test_settings.c — goal: knobs on the command line of one model are put, in their order, or refused by name.
 *
 * Method: settings with known effect, and one of each kind of mistake, whose message has to name the way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cli/settings.h"

static void test_puts(void **state)
{
    static const char *const set[] = {"model.width=96", "train.tokens=2M", "model.tied=true", "model.width=32"};
    struct knobs knobs, preset;
    struct err err = ERR_INIT;
    (void)state;
    knobs_preset(&preset);
    knobs = preset;
    assert_int_equal(settings_apply(set, 4, NULL, &knobs, &err), STATUS_OK);
    assert_int_equal(knobs.width, 32); /* the last one counts */
    assert_int_equal(knobs.tokens, 2000000);
    assert_true(knobs.tied);
    assert_int_equal(knobs.depth, preset.depth);
    assert_int_equal(settings_text("a file.txt", &knobs, &err), STATUS_OK);
    assert_string_equal(knobs.data_source, "text");
    assert_string_equal(knobs.data_path, "a file.txt");
}

static void refuse(const char *text, const char *sections, const char *says)
{
    struct knobs knobs, before;
    struct err err = ERR_INIT;
    knobs_preset(&knobs);
    before = knobs;
    assert_int_equal(settings_apply(&text, 1, sections, &knobs, &err), STATUS_USAGE);
    assert_non_null(strstr(err.text, text));
    assert_non_null(strstr(err.text, says));
    assert_memory_equal(&knobs, &before, sizeof knobs);
}

static void test_refuses(void **state)
{
    struct knobs knobs;
    struct err err = ERR_INIT;
    const char *junk = "data.junk=0.25";
    (void)state;
    refuse("model.width", NULL, "knob=value");
    refuse("model.widht=3", NULL, "'model.width'");
    refuse("model.width=8,16", NULL, "model.width takes");
    refuse("model.width=", NULL, "model.width takes");
    refuse("shrink.method=int8", NULL, "unknown knob");
    refuse("model.width=16", "data eval", "data eval");
    refuse("seed=2", "data eval", "trained already");
    knobs_preset(&knobs);
    assert_int_equal(settings_apply(&junk, 1, "data eval", &knobs, &err), STATUS_OK);
    assert_true(knobs.junk == 0.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_puts),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
