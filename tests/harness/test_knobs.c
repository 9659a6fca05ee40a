/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the table of knobs is sound, and a value read, written and read again is the same value.
 *
 * Method: rules that every row must obey, checked in a loop, so that a new knob is tested by being there;
 * then single texts that have been, or could be, read wrongly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "harness/spec/knobs.h"
#include "harness/spec/values.h"

static void test_rows(void **state)
{
    (void)state;
    for (int i = 0; i < knob_count(); i++) {
        const struct knob *knob = knob_at(i);
        bool number = knob->type == KNOB_INTEGER || knob->type == KNOB_REAL;
        assert_int_equal(knob_index(knob), i);
        assert_true(str_is_name(knob->column) && !strpbrk(knob->column, ".-"));
        assert_true(strlen(knob->help) > 5 && !strchr(knob->help, '\n'));
        assert_int_equal(number, knob->minimum < knob->maximum && knob->type != KNOB_BOOL);
        assert_int_equal(knob->type == KNOB_CHOICE, knob->choices != NULL);
        assert_true(knob->offset + knob_size(knob) <= sizeof(struct knobs));
        assert_ptr_equal(knob_find(knob->name), knob);
        assert_ptr_equal(knob_find(knob->column), knob); /* no column is another knob's name */
        if (strchr(knob->name, '.'))
            assert_true(knob_in(knob, "data") + knob_in(knob, "model") + knob_in(knob, "train") +
                        knob_in(knob, "eval") + knob_in(knob, "shrink") == 1);
        else
            assert_true(knob_in(knob, ""));
    }
}

static void test_rows_differ(void **state)
{
    (void)state;
    for (int i = 0; i < knob_count(); i++) {
        for (int k = 0; k < i; k++) {
            const struct knob *a = knob_at(i), *b = knob_at(k);
            bool apart = a->offset + knob_size(a) <= b->offset || b->offset + knob_size(b) <= a->offset;
            assert_string_not_equal(a->name, b->name);
            assert_string_not_equal(a->column, b->column);
            assert_true(apart); /* no two knobs share a byte */
        }
    }
}

/* Every byte of the struct that is a field's belongs to a knob: nothing is left out of the canonical text. */
static void test_fields_are_covered(void **state)
{
    size_t covered = 0;
    (void)state;
    for (int i = 0; i < knob_count(); i++)
        covered += knob_size(knob_at(i)) == sizeof(bool) ? sizeof(int64_t) : knob_size(knob_at(i)); /* its padding */
    assert_int_equal(covered, sizeof(struct knobs));
}

static void expect_round_trip(const struct knob *knob, const char *text)
{
    struct err err = ERR_INIT;
    struct knobs knobs, again;
    struct str first, second;
    knobs_preset(&knobs);
    knobs_preset(&again);
    str_init(&first);
    str_init(&second);
    assert_int_equal(knob_parse(knob, text, &knobs, &err), STATUS_OK);
    knob_format(knob, &knobs, &first);
    assert_int_equal(knob_parse(knob, first.text, &again, &err), STATUS_OK);
    knob_format(knob, &again, &second);
    assert_string_equal(first.text, second.text);
    assert_memory_equal(&knobs, &again, sizeof knobs);
    str_release(&first);
    str_release(&second);
}

static void test_round_trips(void **state)
{
    static const char *const reals[] = {"0.1", "0.30000000000000004", "1e-300", "0.123456789012345678", "5e-324"};
    (void)state;
    for (int i = 0; i < knob_count(); i++) {
        const struct knob *knob = knob_at(i);
        char bound[64];
        expect_round_trip(knob, knob->preset);
        if (knob->type != KNOB_INTEGER && knob->type != KNOB_REAL)
            continue;
        (void)snprintf(bound, sizeof bound, "%.17g", knob->minimum);
        expect_round_trip(knob, bound);
        (void)snprintf(bound, sizeof bound, "%.17g", knob->maximum);
        expect_round_trip(knob, bound);
    }
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        expect_round_trip(knob_find("train.lr"), reals[i]);
    expect_round_trip(knob_find("data.path"), "{corpora}/größe = 1.txt");
}

static void test_canonical(void **state)
{
    struct err err = ERR_INIT;
    struct knobs knobs, again;
    struct str text;
    (void)state;
    knobs_preset(&knobs);
    knobs.width = 96;
    knobs.lr = 1.0 / 3;
    knobs.tied = true;
    assert_true(str_copy(knobs.data_path, sizeof knobs.data_path, "a=b.txt"));
    str_init(&text);
    knobs_canonical(&knobs, &text);
    assert_int_equal(strncmp(text.text, "data.source=world\ndata.path=a=b.txt\n", 36), 0);
    assert_int_equal(knobs_from_canonical(text.text, &again, &err), STATUS_OK);
    assert_memory_equal(&knobs, &again, sizeof knobs);
    /* Cut at any byte it is refused, and *out stays as it was. */
    for (size_t n = 0; n < text.length; n++) {
        char cut[4096];
        memcpy(cut, text.text, n);
        cut[n] = 0;
        again.width = -1;
        assert_int_equal(knobs_from_canonical(cut, &again, &err), STATUS_FORMAT);
        assert_int_equal(again.width, -1);
    }
    str_append(&text, "extra=1\n");
    assert_int_equal(knobs_from_canonical(text.text, &again, &err), STATUS_FORMAT);
    str_release(&text);
}

static void test_numbers(void **state)
{
    static const struct { const char *text; double value; } right[] = {
        {"0", 0}, {"-0", 0}, {"64", 64}, {"+64", 64}, {"1e3", 1000}, {"1E-3", 0.001}, {".5", 0.5}, {"5.", 5},
        {"4k", 4000}, {"4K", 4000}, {"1.001k", 1001}, {"2M", 2e6}, {"3G", 3e9}, {"3B", 3e9}, {"1T", 1e12},
        {"-2k", -2000}, {"4.35M", 4350000},
    };
    static const char *const wrong[] = {
        "", " ", "1 ", " 1", "k", "e", ".", "-", "+-1", "--1", "1e", "1e+", "1.2.3", "1kk", "1kM", "1e3k", "0x10",
        "nan", "inf", "-inf", "infinity", "1e999", "1_000", "1,5", "1P", "1m", "１",
        "1111111111111111111111111111111111111111111111111111111111111111111111",
    };
    double value;
    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_true(knob_read_number(right[i].text, &value));
        assert_memory_equal(&value, &right[i].value, sizeof value); /* bit for bit: -0 is not 0 */
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        value = 42;
        assert_false(knob_read_number(wrong[i], &value));
        assert_true(value == 42);
    }
}

static void expect_refusal(const char *name, const char *text, const char *message)
{
    struct err err = ERR_INIT;
    struct knobs knobs, before;
    knobs_preset(&knobs);
    before = knobs;
    assert_int_equal(knob_parse(knob_find(name), text, &knobs, &err), STATUS_USAGE);
    assert_string_equal(err.text, message);
    assert_memory_equal(&knobs, &before, sizeof knobs); /* untouched */
}

static void test_refusals(void **state)
{
    char text[KNOB_TEXT_SIZE + 1];
    (void)state;
    memset(text, 'a', KNOB_TEXT_SIZE);
    text[KNOB_TEXT_SIZE] = 0;
    expect_refusal("model.width", "7", "model.width takes 8 to 16384 channels, not '7'");
    expect_refusal("model.width", "64.5", "model.width takes a whole number, not '64.5'");
    expect_refusal("train.lr", "", "train.lr takes a number, not ''");
    expect_refusal("seed", "-1", "seed takes 0 to 4294967295, not '-1'");
    expect_refusal("model.tied", "1", "model.tied takes true or false, not '1'");
    expect_refusal("data.source", "", "data.source takes one of: world text sparse_parity; not ''");
    expect_refusal("data.source", "worl", "data.source takes one of: world text sparse_parity; not 'worl'");
    expect_refusal("data.source", "orld", "data.source takes one of: world text sparse_parity; not 'orld'");
    expect_refusal("data.source", "world text", "data.source takes one of: world text sparse_parity; not 'world text'");
    expect_refusal("data.path", text, "data.path takes at most 255 characters");
    expect_refusal("data.path", "a\nb", "data.path must not contain control characters");
}

/* Applies "name=value" settings to the preset and expects this message of knobs_check ("": none). */
static void expect_verdict(const char *const *settings, const char *message)
{
    struct err err = ERR_INIT;
    struct knobs knobs;
    knobs_preset(&knobs);
    for (int i = 0; settings[i]; i++) {
        const char *equals = strchr(settings[i], '=');
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", (int)(equals - settings[i]), settings[i]);
        assert_non_null(knob_find(name));
        assert_int_equal(knob_parse(knob_find(name), equals + 1, &knobs, &err), STATUS_OK);
    }
    assert_int_equal(knobs_check(&knobs, &err), *message ? STATUS_USAGE : STATUS_OK);
    assert_string_equal(err.text, message);
}

#define CHECK(message, ...) expect_verdict((const char *const[]){__VA_ARGS__, NULL}, message)

static void test_checks(void **state)
{
    (void)state;
    CHECK("", "seed=1");
    CHECK("", "width=96", "heads=3", "kv_heads=1");
    CHECK("model.width 64 does not split into 3 heads of an even size; set model.heads", "heads=3");
    CHECK("model.width 64 does not split into 64 heads of an even size; set model.heads", "heads=64");
    CHECK("model.kv_heads 3 does not divide 4 heads", "kv_heads=3");
    CHECK("model.experts_per_token 2 is more than model.experts 1", "experts_per_token=2");
    CHECK("model.granularity is for models with experts", "granularity=2");
    CHECK("", "granularity=2", "experts=4");
    CHECK("model.granularity 7 does not divide the feed-forward width 192", "granularity=7", "experts=4");
    CHECK("train.batch_tokens 1000 is not a multiple of model.context 128", "batch_tokens=1000");
    CHECK("train.warmup and train.decay add up to more than 1", "warmup=0.6", "decay=0.5");
    CHECK("data.source text needs data.path", "data_source=text");
    CHECK("data.tasks, data.facts and data.junk add up to more than 1", "task_share=0.9", "fact_share=0.11");
    CHECK("", "task_share=0.56", "fact_share=0.34", "junk=0.1"); /* 1 + 2^-52 in binary */
}

static void test_nearest(void **state)
{
    (void)state;
    assert_string_equal(knob_nearest("model.widht"), "model.width");
    assert_string_equal(knob_nearest("train.token"), "train.tokens");
    assert_string_equal(knob_nearest("sed"), "seed");
    assert_null(knob_nearest("something.else"));
    assert_string_equal(knob_nearest("model.experts_per_tokne"), "model.experts_per_token");
    assert_null(knob_nearest("shrink.methdo")); /* no spec may set it */
}

static void test_derived(void **state)
{
    struct knobs knobs;
    (void)state;
    knobs_preset(&knobs);
    for (knobs.width = 8; knobs.width <= 4096; knobs.width += 8) {
        int64_t ffn = knobs_ffn(&knobs);
        assert_true(ffn % 32 == 0 && 3 * ffn >= 8 * knobs.width && 3 * (ffn - 32) < 8 * knobs.width);
        assert_true(knobs_heads(&knobs) >= 1);
    }
    knobs.width = 64;
    assert_int_equal(knobs_heads(&knobs), 4);
    knobs.width = 96;
    assert_int_equal(knobs_heads(&knobs), 3);
    knobs.heads = 6;
    knobs.ffn = 100;
    assert_int_equal(knobs_heads(&knobs), 6);
    assert_int_equal(knobs_ffn(&knobs), 100);
}

/* experiments/README.md repeats the table for readers: row by row as it is here. */
static void test_readme(void **state)
{
    struct str readme, row;
    char block[4096];
    size_t n;
    FILE *file = fopen("experiments/README.md", "r");
    (void)state;
    assert_non_null(file); /* tests run in the repository's root */
    str_init(&readme);
    str_init(&row);
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        str_append_bytes(&readme, block, n);
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < knob_count(); i++) {
        const struct knob *knob = knob_at(i);
        str_clear(&row);
        str_format(&row, "\n| `%s` | %s | %s | %s |\n", knob->name, *knob->preset ? knob->preset : "–", knob->unit,
                   knob->help);
        if (!strstr(readme.text, row.text) && !knob->internal)
            fail_msg("experiments/README.md lacks the row%s", row.text);
        assert_true(!knob->internal || !strstr(readme.text, row.text));
    }
    str_release(&row);
    str_release(&readme);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_differ),
        cmocka_unit_test(test_fields_are_covered),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_derived),
        cmocka_unit_test(test_readme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
