/* SPDX-License-Identifier: Apache-2.0 */
/* test_csv.c — goal: a table survives the way out and back, and no cell can break out of its document.
 * Method: documents are written to memory and compared with what was worked out by hand; hostile CSV is read
 * and must be refused with the right line. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/store/csv.h"
#include "harness/store/export.h"

/* What a writer writes, as text; free() it. */
static char *written(enum status (*write)(FILE *, const struct table *, struct err *),
                     const struct table *table)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    assert_int_equal(write(file, table, NULL), STATUS_OK);
    assert_int_equal(fclose(file), 0);
    return text;
}

static enum status json(FILE *file, const struct table *table, struct err *err)
{
    return export_json(file, table, "isoflop.test", err);
}

static enum status read_text(const char *text, size_t n, struct table *out, struct err *err)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, n, "r");
    enum status status;
    assert_non_null(file);
    status = csv_read_table(file, "x.csv", out, err);
    assert_int_equal(fclose(file), 0);
    return status;
}

static void one_column(struct table *table, const char *const *texts, int n)
{
    const char *const names[] = {"text", "more"};
    table_init(table, 2, names);
    for (int i = 0; i < n; i++)
        table_set_text(table, table_add_row(table), 0, texts[i]);
}

static void csv_quotes_only_what_must_be(void **state)
{
    const char *const texts[] = {"plain", "a,b", "say \"hi\"", "two\nlines", "", " edge "};
    struct table table;
    char *text;
    (void)state;
    one_column(&table, texts, 6);
    text = written(export_csv, &table);
    assert_string_equal(
        text, "text,more\nplain,\n\"a,b\",\n\"say \"\"hi\"\"\",\n\"two\nlines\",\n\"\",\n\" edge \",\n");
    free(text);
    table_release(&table);
}

static void csv_guards_against_formulas(void **state)
{
    const char *const texts[] = {"=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=1"};
    struct table table;
    char *text;
    (void)state;
    one_column(&table, texts, 7);
    table_set_real(&table, 0, 1, -1.5); /* a number is no formula */
    text = written(export_csv, &table);
    assert_string_equal(text, "text,more\n'=1+1,-1.5\n'+1,\n'-1,\n'@x,\n\"'\tx\",\n\"'\rx\",\na=1,\n");
    free(text);
    table_release(&table);
}

static void numbers_round_trip(void **state)
{
    static const double reals[] = {0.1, 1e300, 5e-324, -2.5, 1.0 / 3, 123456789.125};
    const char *const names[] = {"real", "integer"};
    struct table table, back;
    char *text;
    (void)state;
    table_init(&table, 2, names);
    for (int i = 0; i < 6; i++) {
        int row = table_add_row(&table);
        table_set_real(&table, row, 0, reals[i]);
        table_set_integer(&table, row, 1, i % 2 ? INT64_MAX : INT64_MIN);
    }
    text = written(export_csv, &table);
    assert_int_equal(read_text(text, strlen(text), &back, NULL), STATUS_OK);
    assert_int_equal(back.n_rows, 6);
    for (int i = 0; i < 6; i++) {
        assert_true(table_number(&back, i, 0) == reals[i]);
        assert_int_equal(table_cell(&back, i, 1)->kind, CELL_INTEGER);
        assert_true(table_cell(&back, i, 1)->integer == (i % 2 ? INT64_MAX : INT64_MIN));
    }
    free(text);
    table_release(&table);
    table_release(&back);
}

static void csv_reads_what_others_write(void **state)
{
    static const char text[] = "\xef\xbb\xbfname,\"a \"\"b\"\"\",n\r\n\"x,\ny\",0x10,7\r\n,nan,-1.5e3\n";
    struct table table;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(read_text(text, sizeof text - 1, &table, &err), STATUS_OK);
    assert_int_equal(table.n_columns, 3);
    assert_int_equal(table.n_rows, 2);
    assert_string_equal(table.names[0], "name");
    assert_string_equal(table.names[1], "a \"b\"");
    assert_string_equal(table_text(&table, 0, 0), "x,\ny");
    assert_string_equal(table_text(&table, 0, 1), "0x10");
    assert_int_equal(table_cell(&table, 0, 2)->kind, CELL_INTEGER);
    assert_int_equal(table_cell(&table, 1, 0)->kind, CELL_NULL);
    assert_string_equal(table_text(&table, 1, 1), "nan");
    assert_true(table_number(&table, 1, 2) == -1500);
    table_release(&table);
}

static void csv_refuses_with_the_line(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        const char *begins;
    } bad[] = {
        {"a,b\n1,2\n3\n", 10, "x.csv:3: fewer fields"},
        {"a,b\n1,2,3\n", 10, "x.csv:2: more fields"},
        {"a,a\n", 4, "x.csv:1: two columns"},
        {"a,\n1,2\n", 7, "x.csv:1: a column has no name"},
        {"a\n\"open\n", 8, "x.csv:2: the file ends inside quotes"},
        {"a\nx\"y\n", 6, "x.csv:2: a quote"},
        {"a\n\0\n", 4, "x.csv:2: a NUL byte"},
        {"\n", 1, "x.csv:1: no header"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct table table = {0};
        struct err err = ERR_INIT;
        assert_int_equal(read_text(bad[i].text, bad[i].n, &table, &err), STATUS_FORMAT);
        if (strncmp(err.text, bad[i].begins, strlen(bad[i].begins)) != 0)
            fail_msg("expected '%s', got '%s'", bad[i].begins, err.text);
        assert_null(table.cells);
    }
}

static void csv_bounds_a_field(void **state)
{
    size_t n = 1 << 20;
    char *text = malloc(n);
    struct table table = {0};
    struct err err = ERR_INIT;
    (void)state;
    assert_non_null(text);
    memset(text, 'x', n);
    memcpy(text, "a\n\"", 3); /* a quote that is never closed must not swallow the file */
    assert_int_equal(read_text(text, n, &table, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.text, "x.csv:2: a field is longer"));
    free(text);
}

static void json_escapes_and_round_trips(void **state)
{
    const char *const names[] = {"a\"b", "value"};
    struct table table;
    char *text;
    (void)state;
    table_init(&table, 2, names);
    table_set_text(&table, table_add_row(&table), 0, "q\" s\\ \n\x01 \xc3\xbc \xff \xed\xa0\x80 \xc0\xaf");
    table_set_real(&table, 0, 1, 0.1);
    table_set_integer(&table, table_add_row(&table), 1, INT64_MAX);
    table_set_real(&table, table_add_row(&table), 1, (double)-INFINITY);
    text = written(json, &table);
    assert_string_equal(text, "{\"schema\": \"isoflop.test\", \"rows\": [\n"
                              "{\"a\\\"b\": \"q\\\" s\\\\ \\u000a\\u0001 \xc3\xbc \\ufffd "
                              "\\ufffd\\ufffd\\ufffd \\ufffd\\ufffd\", \"value\": 0.1},\n"
                              "{\"a\\\"b\": null, \"value\": 9223372036854775807},\n"
                              "{\"a\\\"b\": null, \"value\": -1e999}\n]}\n");
    free(text);
    table_release(&table);
}

static void json_of_no_rows(void **state)
{
    const char *const names[] = {"a"};
    struct table table;
    char *text;
    (void)state;
    table_init(&table, 1, names);
    text = written(json, &table);
    assert_string_equal(text, "{\"schema\": \"isoflop.test\", \"rows\": []}\n");
    free(text);
    table_release(&table);
}

static void markdown_stays_in_its_cell(void **state)
{
    const char *const names[] = {"trial_id", "heldout_loss"};
    struct table table;
    char *text;
    (void)state;
    table_init(&table, 2, names);
    table_set_text(&table, table_add_row(&table), 0, "a|b\n<i> _x_ `c`");
    table_set_real(&table, 0, 1, 2.5);
    text = written(export_markdown, &table);
    assert_string_equal(
        text, "| trial_id | heldout_loss |\n| --- | ---: |\n| a\\|b &lt;i> \\_x\\_ \\`c\\` | 2.5 |\n");
    free(text);
    table_release(&table);
}

/* Counts are stored as doubles where they are sums: they read as the whole numbers they are. */
static void json_writes_whole_numbers_whole(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{2.9e11, "290000000000"}, {9007199254740991.0, "9007199254740991"}, {-3e6, "-3000000"}, {0, "0"},
                 {2.5e-7, "2.5e-07"},      {1e300, "1e+300"},                         {0.1, "0.1"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const names[] = {"flops"};
        char wanted[64];
        struct table table;
        char *text;
        table_init(&table, 1, names);
        table_set_real(&table, table_add_row(&table), 0, cases[i].value);
        text = written(json, &table);
        (void)snprintf(wanted, sizeof wanted, "{\"flops\": %s}", cases[i].text);
        if (!strstr(text, wanted))
            fail_msg("%s is not in %s", wanted, text);
        free(text);
        table_release(&table);
    }
}

static void a_full_stream_is_an_error(void **state)
{
    const char *const texts[] = {"x"};
    struct table table;
    struct err err = ERR_INIT;
    FILE *full = fopen("/dev/full", "w");
    (void)state;
    if (!full)
        skip();
    one_column(&table, texts, 1);
    assert_int_equal(export_csv(full, &table, &err), STATUS_IO);
    clearerr(full);
    assert_int_equal(export_json(full, &table, "x", &err), STATUS_IO);
    clearerr(full);
    assert_int_equal(export_markdown(full, &table, &err), STATUS_IO);
    (void)fclose(full);
    table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_quotes_only_what_must_be), cmocka_unit_test(csv_guards_against_formulas),
        cmocka_unit_test(numbers_round_trip),           cmocka_unit_test(csv_reads_what_others_write),
        cmocka_unit_test(csv_refuses_with_the_line),    cmocka_unit_test(csv_bounds_a_field),
        cmocka_unit_test(json_escapes_and_round_trips), cmocka_unit_test(json_of_no_rows),
        cmocka_unit_test(json_writes_whole_numbers_whole), cmocka_unit_test(markdown_stays_in_its_cell),   cmocka_unit_test(a_full_stream_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
