/* SPDX-License-Identifier: Apache-2.0 */
/* test_options.c — goal: a command line means what its option table says, in every form it may be typed,
 * and a slip is answered with the option's name, what it takes, and the name that was probably meant.
 * Method: one table with an option of every kind; lists of words with the values or the words of the
 * error that have to come out. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cli/options.h"

static const struct option_row rows[] = {
    {.name = "jobs",
     .letter = 'j',
     .kind = OPTION_INTEGER,
     .metavar = "N",
     .minimum = 1,
     .maximum = 1024,
     .help = "h"},
    {.name = "timeout", .kind = OPTION_DURATION, .metavar = "TIME", .preset = "10m", .help = "h"},
    {.name = "mem-limit", .kind = OPTION_BYTES, .metavar = "SIZE", .help = "h"},
    {.name = "rerun",
     .kind = OPTION_CHOICE,
     .metavar = "WHAT",
     .preset = "none",
     .choices = "none failed all",
     .help = "h"},
    {.name = "threshold", .kind = OPTION_REAL, .metavar = "X", .preset = "0.5", .help = "h"},
    {.name = "least", .kind = OPTION_INTEGER, .metavar = "N", .minimum = 1, .maximum = DBL_MAX, .help = "h"},
    {.name = "set", .letter = 'S', .kind = OPTION_LIST, .metavar = "KEY=VALUES", .help = "h"},
    {.name = "out", .letter = 'o', .kind = OPTION_TEXT, .metavar = "FILE", .help = "h"},
    {.name = "quiet", .letter = 'q', .help = "h"},
    {.name = "verbose", .letter = 'v', .help = "h"},
    {.name = NULL},
};

enum { MOST_WORDS = 12 };

/* Parses the words up to a NULL. The caller releases. */
static enum status parse(struct options *options, struct err *err, const char *const *words)
{
    char *copies[MOST_WORDS];
    int n = 0;
    for (; words[n]; n++) {
        assert_true(n < MOST_WORDS);
        copies[n] = (char *)(uintptr_t)words[n];
    }
    *err = ERR_INIT;
    options_init(options);
    options_add(options, rows);
    return options_parse(options, "run", n, copies, err);
}

#define PARSE(options, err, ...) parse((options), (err), (const char *const[]){__VA_ARGS__, NULL})

static void presets_hold_until_given(void **state)
{
    struct options options;
    struct err err;
    (void)state;
    assert_int_equal(PARSE(&options, &err, "spec.yaml"), STATUS_OK);
    assert_false(option_given(&options, "timeout"));
    assert_true(option_seconds(&options, "timeout") == 600);
    assert_true(option_real(&options, "threshold") == 0.5);
    assert_string_equal(option_text(&options, "rerun"), "none");
    assert_null(option_text(&options, "out"));
    assert_int_equal(option_integer(&options, "jobs"), 0);
    assert_false(option_flag(&options, "quiet"));
    options_release(&options);
}

static void every_form_means_the_same(void **state)
{
    const char *const forms[][4] = {{"-j", "3", "a", NULL},     {"-j3", "a", NULL},
                                    {"--jobs", "3", "a", NULL}, {"a", "--jobs=3", NULL},
                                    {"a", "-vqj", "3", NULL},   {"-j9", "--jobs=3", "a", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct options options;
        struct err err;
        assert_int_equal(parse(&options, &err, forms[i]), STATUS_OK);
        assert_true(option_given(&options, "jobs"));
        assert_int_equal(option_integer(&options, "jobs"), 3);
        assert_int_equal(options.n_arguments, 1);
        assert_string_equal(options.arguments[0], "a");
        options_release(&options);
    }
}

static void options_and_arguments_mix(void **state)
{
    struct options options;
    struct err err;
    (void)state;
    assert_int_equal(PARSE(&options, &err, "a", "-q", "-", "--out", "-x", "--", "--jobs", "-v"), STATUS_OK);
    assert_int_equal(options.n_arguments, 4);
    assert_string_equal(options.arguments[0], "a");
    assert_string_equal(options.arguments[1], "-");
    assert_string_equal(options.arguments[2], "--jobs");
    assert_string_equal(options.arguments[3], "-v");
    assert_string_equal(option_text(&options, "out"), "-x");
    assert_true(option_flag(&options, "quiet"));
    assert_false(option_flag(&options, "verbose"));
    assert_false(option_given(&options, "jobs"));
    options_release(&options);
}

static void bounds_are_inclusive(void **state)
{
    struct options options;
    struct err err;
    (void)state;
    assert_int_equal(PARSE(&options, &err, "-j1", "--least", "1"), STATUS_OK);
    options_release(&options);
    assert_int_equal(PARSE(&options, &err, "-j1024", "--least", "1e15"), STATUS_OK);
    options_release(&options);
    assert_int_equal(PARSE(&options, &err, "-j1025"), STATUS_USAGE);
    options_release(&options);
}

static void a_list_keeps_all(void **state)
{
    struct options options;
    struct err err;
    const char *const *list;
    int n;
    (void)state;
    assert_int_equal(PARSE(&options, &err, "-S", "model.width=64,96", "--set=seed=1", "-Sx="), STATUS_OK);
    list = option_list(&options, "set", &n);
    assert_int_equal(n, 3);
    assert_string_equal(list[0], "model.width=64,96");
    assert_string_equal(list[1], "seed=1");
    assert_string_equal(list[2], "x=");
    options_release(&options);
}

struct reading {
    enum option_kind kind;
    const char *text;
    double value; /* NaN: refused */
};

static const struct reading readings[] = {
    {OPTION_INTEGER, "20", 20},
    {OPTION_INTEGER, "-7", -7},
    {OPTION_INTEGER, "1e6", 1e6},
    {OPTION_INTEGER, "4k", 4000},
    {OPTION_INTEGER, "2.5M", 2500000},
    {OPTION_INTEGER, "1.5", NAN},
    {OPTION_INTEGER, "", NAN},
    {OPTION_INTEGER, "3 ", NAN},
    {OPTION_INTEGER, " 3", NAN},
    {OPTION_INTEGER, "0x10", NAN},
    {OPTION_INTEGER, "1e16", NAN},
    {OPTION_INTEGER, "4kk", NAN},
    {OPTION_REAL, "1e-3", 1e-3},
    {OPTION_REAL, ".5", .5},
    {OPTION_REAL, "-0.25", -0.25},
    {OPTION_REAL, "nan", NAN},
    {OPTION_REAL, "inf", NAN},
    {OPTION_REAL, "1e999", NAN},
    {OPTION_REAL, "0.5x", NAN},
    {OPTION_DURATION, "90", 90},
    {OPTION_DURATION, "90s", 90},
    {OPTION_DURATION, "5m", 300},
    {OPTION_DURATION, "1h30m", 5400},
    {OPTION_DURATION, "1.5h", 5400},
    {OPTION_DURATION, "2d", 172800},
    {OPTION_DURATION, "250ms", 0.25},
    {OPTION_DURATION, "1h30", NAN},
    {OPTION_DURATION, "-5m", NAN},
    {OPTION_DURATION, "m", NAN},
    {OPTION_DURATION, "5 m", NAN},
    {OPTION_DURATION, "5y", NAN},
    {OPTION_DURATION, "", NAN},
    {OPTION_BYTES, "512", 512},
    {OPTION_BYTES, "512B", 512},
    {OPTION_BYTES, "8k", 8192},
    {OPTION_BYTES, "8GiB", 8589934592.0},
    {OPTION_BYTES, "8GB", 8589934592.0},
    {OPTION_BYTES, "1.5M", 1572864},
    {OPTION_BYTES, "-1", NAN},
    {OPTION_BYTES, "8i", NAN},
    {OPTION_BYTES, "B", NAN},
};

static void numbers_are_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        const struct option_row row = {.name = "x", .kind = readings[i].kind, .metavar = "X"};
        double value = -12345;
        bool ok = option_number(&row, readings[i].text, &value);
        if (ok == isnan(readings[i].value) || (ok && fabs(value - readings[i].value) > 1e-9))
            fail_msg("kind %d, '%s': %s %g", (int)readings[i].kind, readings[i].text,
                     ok ? "read as" : "refused", value);
        if (!ok)
            assert_true(value == -12345);
    }
}

struct slip {
    const char *words[3];
    const char *expected; /* what the error has to contain */
};

static const struct slip slips[] = {
    {{"--jbos", "2"}, "unknown option '--jbos' for 'run'; did you mean '--jobs'?"},
    {{"--jbos=2"}, "'--jbos' for 'run'; did you mean '--jobs'?"},
    {{"--completely-different"}, "see  isoflop run --help"},
    {{"--job", "2"}, "did you mean '--jobs'?"},
    {{"-x"}, "unknown option '-x'"},
    {{"-qx"}, "unknown option '-x'"},
    {{"--jobs", "many"}, "--jobs takes a whole number from 1 to 1024, not 'many'"},
    {{"--jobs", "0"}, "--jobs takes a whole number from 1 to 1024, not '0'"},
    {{"--least", "0"}, "--least takes a whole number of at least 1, not '0'"},
    {{"-j"}, "--jobs takes a whole number"},
    {{"--timeout", "soon"}, "--timeout takes a duration such as 90s, 5m or 1h30m, not 'soon'"},
    {{"--mem-limit", "big"}, "--mem-limit takes a size such as 512M or 8G, not 'big'"},
    {{"--rerun", "some"}, "--rerun takes none or failed or all, not 'some'"},
    {{"--rerun", "fail"}, "not 'fail'"},
    {{"--rerun", "none failed"}, "not 'none failed'"},
    {{"--threshold=x"}, "--threshold takes a number, not 'x'"},
    {{"--out"}, "--out takes a value (FILE)"},
    {{"--quiet=yes"}, "--quiet takes no value, not 'yes'"},
};

static void a_slip_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        struct options options;
        struct err err;
        enum status status = parse(&options, &err, slips[i].words);
        if (status != STATUS_USAGE || !strstr(err.text, slips[i].expected))
            fail_msg("'%s': status %d, '%s' lacks '%s'", slips[i].words[0], (int)status, err.text,
                     slips[i].expected);
        options_release(&options);
    }
}

static void a_refused_value_is_not_kept(void **state)
{
    struct options options;
    struct err err;
    (void)state;
    assert_int_equal(PARSE(&options, &err, "--timeout", "never"), STATUS_USAGE);
    assert_false(option_given(&options, "timeout"));
    assert_true(option_seconds(&options, "timeout") == 600);
    options_release(&options);
}

static void a_very_long_unknown_name_is_cut(void **state)
{
    char word[4000] = "--";
    struct options options;
    struct err err;
    (void)state;
    memset(word + 2, 'a', sizeof word - 3);
    word[sizeof word - 1] = 0;
    assert_int_equal(PARSE(&options, &err, word), STATUS_USAGE);
    assert_true(strlen(err.text) < 200);
    options_release(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_hold_until_given),
        cmocka_unit_test(every_form_means_the_same),
        cmocka_unit_test(options_and_arguments_mix),
        cmocka_unit_test(a_list_keeps_all),
        cmocka_unit_test(bounds_are_inclusive),
        cmocka_unit_test(numbers_are_read_strictly),
        cmocka_unit_test(a_slip_is_named),
        cmocka_unit_test(a_refused_value_is_not_kept),
        cmocka_unit_test(a_very_long_unknown_name_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
