/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: JSON of strangers is read or refused with its byte, never with more memory than allowed. Method: a text with
 * every kind of value read back; one hostile text per rule; the memory foretold held against the heap's growth. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/str.h"

static enum status parse(struct json **out, const char *text, struct err *err)
{
    return json_parse(out, text, strlen(text), 1 << 20, "x.json", 0, err);
}

static void test_values(void **state)
{
    struct err err = ERR_INIT;
    struct json *root;
    struct json_walk walk = {0};
    const char *text, *keys[] = {"z", "a", "list", "off", "nothing", "wide"};
    int64_t whole;
    double real;
    bool flag;
    size_t n = 0;
    (void)state;
    assert_int_equal(parse(&root,
                           "{\"z\":-7,\"a\":1.5,\"list\":[\"\\u00e4\",{}],\"off\":false,\"nothing\":null,"
                           "\"wide\":9223372036854775807}",
                           &err),
                     STATUS_OK);
    while (json_next(root, &walk))
        assert_string_equal(walk.key, keys[n++]); /* in the order of the text */
    assert_int_equal(n, json_count(root));
    assert_true(json_get_integer(json_member(root, "z"), &whole) && whole == -7);
    assert_true(json_get_integer(json_member(root, "wide"), &whole) && whole == INT64_MAX);
    assert_true(json_get_real(json_member(root, "a"), &real) && real == 1.5);
    assert_true(json_get_real(json_member(root, "z"), &real) && real == -7);
    assert_false(json_get_integer(json_member(root, "a"), &whole));
    assert_true(json_get_bool(json_member(root, "off"), &flag) && !flag);
    assert_true(json_get_text(json_item(json_member(root, "list"), 0), &text));
    assert_string_equal(text, "\xc3\xa4");
    assert_int_equal(json_kind(json_item(json_member(root, "list"), 1)), JSON_IS_OBJECT);
    assert_int_equal(json_kind(json_item(json_member(root, "list"), 2)), JSON_IS_MISSING);
    assert_int_equal(json_kind(json_member(root, "nothing")), JSON_IS_NULL);
    assert_int_equal(json_kind(json_member(json_member(root, "no"), "no")), JSON_IS_MISSING);
    assert_string_equal(json_kind_name(JSON_IS_OBJECT), "an object");
    json_free(root);
    json_free(NULL);
}

static void test_refusals(void **state)
{
    const struct {
        const char *text, *says;
    } cases[] = {
        {"", "byte 0"},
        {"{\"a\":1", "byte 6"},
        {"{\"a\":1}}", "byte 8"},
        {"{\"a\":1,\"a\":2}", "duplicate"},
        {"{\"a\\u0000b\":1}", "byte"},
        {"{\"a\":\"\\u0000\"}", "byte"},
        {"{\"a\":\"\xff\"}", "byte 0xff"},
        {"{\"\xc3(\":1}", "decode byte"},
        {"{\"a\":9223372036854775808}", "integer"},
        {"{\"a\":1e999}", "real"},
        {"{\"a\":NaN}", "byte"},
        {"{a:1}", "byte"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = ERR_INIT;
        struct json *root = NULL;
        assert_int_equal(parse(&root, cases[i].text, &err), STATUS_FORMAT);
        if (!strstr(err.text, cases[i].says) || !strstr(err.text, "x.json: byte "))
            fail_msg("'%s' is refused with: %s", cases[i].text, err.text);
        assert_null(root);
    }
}

static void test_depth(void **state)
{
    struct err err = ERR_INIT;
    struct json *root;
    struct str text;
    (void)state;
    str_init(&text);
    str_append(&text, "[\"[[[[\"");
    for (int i = 1; i < JSON_DEEPEST; i++)
        str_append(&text, ",[");
    for (int i = 0; i < JSON_DEEPEST; i++)
        str_append_char(&text, ']');
    assert_int_equal(parse(&root, text.text, &err),
                     STATUS_FORMAT); /* "[,[": no JSON, but not for its depth */
    assert_null(strstr(err.text, "nested"));
    str_clear(&text);
    for (int i = 0; i < 1 << 20; i++)
        str_append_char(&text, '[');
    assert_int_equal(json_parse(&root, text.text, text.length, SIZE_MAX, "x.json", 8, &err), STATUS_FORMAT);
    assert_string_equal(err.text, "x.json: byte 72: nested deeper than 64 levels");
    str_release(&text);
}

/* The most that jansson takes for shapes of text that are all containers, all numbers, all members. */
static void test_memory(void **state)
{
    const char *const elements[] = {
        "{}", "[]", "1", "\"\"", "{\"a\":1}", "[[1]]", "1e5", "null", "{\"a\":{\"b\":[]}}"};
    (void)state;
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        for (int keyed = 0; keyed < 2; keyed++) {
            struct err err = ERR_INIT;
            struct json *root;
            struct str text;
            size_t before, after, foretold;
            str_init(&text);
            str_append_char(&text, keyed ? '{' : '[');
            for (int n = 0; n < 5000; n++) {
                str_append(&text, n ? "," : "");
                if (keyed)
                    str_format(&text, "\"%x\":", (unsigned)n);
                str_append(&text, elements[i]);
            }
            str_append_char(&text, keyed ? '}' : ']');
            foretold = json_memory(text.text, text.length);
            assert_int_equal(json_parse(&root, text.text, text.length, foretold - 1, "x.json", 0, &err),
                             STATUS_FORMAT);
            assert_non_null(strstr(err.text, "bytes of memory"));
            before = mallinfo2().uordblks + mallinfo2().hblkhd;
            assert_int_equal(json_parse(&root, text.text, text.length, foretold, "x.json", 0, &err),
                             STATUS_OK);
            after = mallinfo2().uordblks + mallinfo2().hblkhd;
            if (after - before > foretold)
                fail_msg("5000 times %s took %zu bytes, foretold %zu", elements[i], after - before, foretold);
            json_free(root);
            str_release(&text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
