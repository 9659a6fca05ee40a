/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: hashes are XXH3's, and the same in one piece and in parts. Method: the published value of the empty input;
 * one text cut at every place; one changed bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"

static void test_known_value(void **state)
{
    char text[HASH_TEXT_SIZE];
    (void)state;
    hash_text(hash_bytes("", 0), text);
    assert_string_equal(text, "99aa06d3014798d86001c324468d497f");
    hash_text((struct hash){1, 2}, text);
    assert_string_equal(text, "00000000000000010000000000000002");
}

static void test_parts(void **state)
{
    uint8_t bytes[1500];
    struct hash whole;
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i >> 3);
    whole = hash_bytes(bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        struct hasher *hasher = hasher_new();
        hasher_add(hasher, bytes, cut);
        hasher_add(hasher, bytes + cut, sizeof bytes - cut);
        assert_true(hash_equal(hasher_value(hasher), whole));
        hasher_free(hasher);
    }
    bytes[700] ^= 1;
    assert_false(hash_equal(hash_bytes(bytes, sizeof bytes), whole));
    hasher_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_value),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
