/* SPDX-License-Identifier: Apache-2.0 */
/* test_where.c — goal: a spec's `where` keeps the right cells, and can do nothing else.
 * Method: expressions over a small grid with answers worked out by hand; then everything an attacker would
 * write, each of which must be STATUS_USAGE and leave the answers untouched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/store/store.h"

/* Widths 32, 64, 96; tokens 100, 200, missing; source world, text, world. */
static void make_cells(struct table *cells)
{
    static const char *const names[] = {"width", "tokens", "data_source", "odd \"name"};
    table_init(cells, 4, names);
    for (int i = 0; i < 3; i++) {
        int row = table_add_row(cells);
        table_set_integer(cells, row, 0, 32 * (i + 1));
        if (i < 2)
            table_set_real(cells, row, 1, 100 * (i + 1));
        table_set_text(cells, row, 2, i == 1 ? "text" : "world");
    }
}

static void expressions_keep_cells(void **state)
{
    static const struct {
        const char *expression, *keep;
    } good[] = {
        {"width > 32", "011"},
        {"width * 2 < tokens", "110"}, /* a missing value keeps nothing */
        {"data_source = 'world' AND width BETWEEN 40 AND 100", "001"},
        {"round(log2(width)) IN (5, 7) -- 96 rounds up", "101"},
        {"iif(tokens IS NULL, 1, 0)", "001"},
        {"0.5 /* half */", "111"},
        {"data_source LIKE 'W%'", "101"},
        {"NULL", "000"},
    };
    struct table cells;
    (void)state;
    make_cells(&cells);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char keep[3] = {7, 7, 7};
        struct err err = ERR_INIT;
        if (store_where(good[i].expression, &cells, keep, &err) != STATUS_OK)
            fail_msg("%s: %s", good[i].expression, err.text);
        for (int row = 0; row < 3; row++)
            if (keep[row] != good[i].keep[row] - '0')
                fail_msg("%s: cell %d is %d", good[i].expression, row, keep[row]);
    }
    table_release(&cells);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *expression, *says;
    } bad[] = {
        {"width >", "syntax error"},
        {"", "syntax error"},
        {"widht > 3", "no such column: widht"},
        {"\"widht\" > 3", "no such column: widht"}, /* never a string by accident */
        {"frobnicate(width)", "no such function"},
        {"max(width)", "one answer per cell"},
        {"width = ?1", "without parameters"},
    };
    struct table cells;
    (void)state;
    make_cells(&cells);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char keep[3] = {7, 7, 7};
        struct err err = ERR_INIT;
        if (store_where(bad[i].expression, &cells, keep, &err) != STATUS_USAGE ||
            !strstr(err.text, bad[i].says))
            fail_msg("%s: expected '%s', got '%s'", bad[i].expression, bad[i].says, err.text);
        assert_int_equal(keep[0], 7);
    }
    table_release(&cells);
}

static void attacks_are_refused(void **state)
{
    static const char *const attacks[] = {
        "load_extension('x')",
        "(SELECT count(*) FROM sqlite_master)",
        "EXISTS (SELECT 1 FROM cells)",
        "width IN cells",
        "1) FROM cells; DROP TABLE cells; --",
        "1) FROM cells; SELECT (1",
        "1) FROM cells UNION SELECT 1, (1",
        "1), (2",
        "1) IS TRUE, ((2",
        "1)) IS TRUE FROM cells /*",
        "1)) IS TRUE FROM cells, cells AS b /*",
        "1)) IS TRUE FROM cells WHERE '",
        "1)) IS TRUE FROM cells --",
        "1)) IS TRUE FROM cells WHERE ((1",
        "1)) IS TRUE FROM cells, cells AS b WHERE ((1",
        "1)) IS TRUE FROM sqlite_master WHERE ((1",
        "randomblob(1000000000)",
        "zeroblob(1000000000)",
        "printf('%1000000000d', 1)",
        "random()",
        "sqlite_version() > ''",
        "row_number() OVER () = 1",
    };
    struct table cells;
    (void)state;
    make_cells(&cells);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        char keep[3] = {7, 7, 7};
        struct err err = ERR_INIT;
        if (store_where(attacks[i], &cells, keep, &err) != STATUS_USAGE)
            fail_msg("was not refused: %s", attacks[i]);
        assert_int_equal(keep[0], 7);
    }
    table_release(&cells);
}

static void no_cells_are_fine(void **state)
{
    static const char *const names[] = {"width"};
    struct table cells;
    struct err err = ERR_INIT;
    char keep[1] = {7};
    (void)state;
    table_init(&cells, 1, names);
    assert_int_equal(store_where("width > 3", &cells, keep, &err), STATUS_OK);
    assert_int_equal(keep[0], 7);
    assert_int_equal(store_where("width >", &cells, keep, &err), STATUS_USAGE);
    table_release(&cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_keep_cells),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(attacks_are_refused),
        cmocka_unit_test(no_cells_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
