/* SPDX-License-Identifier: Apache-2.0 */
/* test_str.c — goal: a number as text is the shortest that reads back, whatever way it was found.
 * Method: the definition, "%.*g" with ever more digits until it reads back, on decimals of every length and size, on powers
 * of two and ten with their neighbours, and on random bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/base/table.h"

static void as_defined(double value)
{
    char want[32] = "", have[32];
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(want, sizeof want, "%.*g", digits, value);
        if (strtod(want, NULL) == value)
            break;
    }
    memset(have, 'x', sizeof have);
    str_from_double(have, sizeof have, value);
    if (strcmp(want, have) != 0)
        fail_msg("%a is '%s', not '%s'", value, want, have);
}

static void both_signs_and_neighbours(double value)
{
    as_defined(value);
    as_defined(-value);
    as_defined(nextafter(value, INFINITY));
    as_defined(nextafter(value, 0));
}

static void decimals(void **state)
{
    (void)state;
    for (int exponent = -20; exponent <= 22; exponent++) {
        for (int digits = 1; digits < 1000; digits += digits < 20 ? 1 : 37) {
            char text[32];
            (void)snprintf(text, sizeof text, "%de%d", digits, exponent);
            both_signs_and_neighbours(strtod(text, NULL));
        }
    }
    as_defined(0);
    as_defined(-0.0);
    as_defined(0.1 + 0.2);
    as_defined(999999999999999.9);
    as_defined(1e15);
}

static void powers(void **state)
{
    (void)state;
    for (int exponent = -1074; exponent <= 1023; exponent++)
        both_signs_and_neighbours(ldexp(1, exponent));
    as_defined(INFINITY);
    as_defined(-INFINITY);
}

static void any_bits(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100000; i++) {
        uint64_t bits = (i + 1) * 0x9e3779b97f4a7c15u;
        double value;
        bits ^= bits >> 29;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            as_defined(value);
        as_defined((double)(bits >> 11) * 0x1p-53);
        as_defined((double)(bits >> 11) * 0x1p-53 * pow(10, (double)(i % 22) - 5));
    }
}

static void integers_of_a_table(void **state)
{
    static const int64_t values[] = {0, 1, -1, 9, 10, -10, 1234567890123456789, INT64_MAX, INT64_MIN, INT64_MIN + 1};
    const char *const names[] = {"n"};
    struct table table;
    struct str text;
    (void)state;
    table_init(&table, 1, names);
    str_init(&text);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char want[32];
        (void)snprintf(want, sizeof want, "%" PRId64, values[i]);
        table_set_integer(&table, table_add_row(&table), 0, values[i]);
        str_clear(&text);
        table_format_cell(&table, (int)i, 0, &text);
        assert_string_equal(text.text, want);
    }
    table_clear(&table);
    assert_int_equal(table.n_rows, 0);
    assert_int_equal(table_add_row(&table), 0);
    assert_null(table_text(&table, 0, 0));
    str_release(&text);
    table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals),
        cmocka_unit_test(powers),
        cmocka_unit_test(any_bits),
        cmocka_unit_test(integers_of_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
