/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: token numbers are read as written or refused with their place, and every token but the first is foretold once.
 * Method: files by hand; a scorer that writes down what it was asked, over many lengths and windows, and whose
 * log-probabilities say from how far back a token was foretold. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cli/ids.h"

static enum status read_text(const char *text, size_t size, int V, int32_t **tokens, int64_t *n, struct err *err)
{
    char path[] = "/tmp/isoflop-ids-XXXXXX";
    int fd = mkstemp(path);
    enum status status;
    assert_true(fd >= 0 && write(fd, text, size) == (ssize_t)size && close(fd) == 0);
    status = ids_read(path, V, tokens, n, err);
    assert_int_equal(unlink(path), 0);
    return status;
}

static void test_read(void **state)
{
    static const char text[] = "\n 0, 12\t7\r\n,3";
    const int32_t wanted[] = {0, 12, 7, 3};
    struct err err = ERR_INIT;
    int32_t *tokens;
    int64_t n;
    (void)state;
    assert_int_equal(read_text(text, strlen(text), 13, &tokens, &n, &err), STATUS_OK);
    assert_int_equal(n, 4);
    assert_memory_equal(tokens, wanted, sizeof wanted);
    free(tokens);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *says;
    } cases[] = {
        {"", 0, "too few tokens, 0"},
        {"5", 1, "too few tokens, 1"},
        {"1 2\n3 13 4", 10, ":2:3: '13' is no token; the model's are numbered 0 to 12"},
        {"1 -2", 4, ":1:3: '-2'"},
        {"1 +2", 4, ":1:3: '+2'"},
        {"1 2.5", 5, ":1:3: '2.5'"},
        {"1 2 0x3", 7, ":1:5: '0x3'"},
        {"1 99999999999999999999", 22, ":1:3: '99999999999999999999'"},
        {"1 2 \0 3", 7, ":1:5: ''"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = ERR_INIT;
        int32_t *tokens = NULL;
        int64_t n;
        if (read_text(cases[i].text, cases[i].size, 13, &tokens, &n, &err) != STATUS_FORMAT || !strstr(err.text, cases[i].says))
            fail_msg("case %zu: %s", i, err.text);
        assert_null(tokens);
    }
}

enum { MOST = 60 };

/* Which tokens were foretold, token i being number i, and from how many before them at least. */
struct asked {
    int times[MOST], least;
};

static void score(void *context, const int32_t *tokens, const int32_t *targets, int B, int T, float *logprob,
                  uint8_t *is_argmax)
{
    struct asked *a = context;
    assert_true(B == 1 && !is_argmax);
    for (int t = 0; t < T; t++) {
        assert_int_equal(tokens[t], tokens[0] + t);
        logprob[t] = 0;
        if (targets[t] < 0)
            continue;
        assert_int_equal(targets[t], tokens[t] + 1);
        a->times[targets[t]]++;
        a->least = tokens[0] > 0 && t + 1 < a->least ? t + 1 : a->least; /* the first window has nothing before it */
        logprob[t] = -(float)targets[t];
    }
}

static void test_score(void **state)
{
    (void)state;
    for (int n = 2; n <= MOST; n++) {
        for (int T = 1; T < n; T++) {
            struct asked a = {.least = MOST};
            const struct scorer scorer = {&a, MOST, MOST, score, NULL};
            struct ids_loss found;
            int32_t tokens[MOST];
            for (int i = 0; i < n; i++)
                tokens[i] = i;
            ids_score(tokens, n, T, &scorer, &found);
            for (int i = 0; i < n; i++)
                assert_int_equal(a.times[i], i > 0);
            assert_true(a.least > T / 2);
            assert_int_equal(found.tokens, n - 1);
            assert_true(fabs(found.loss - n / 2.0) < 1e-9); /* the mean of 1 … n-1 */
            assert_true(T == n - 1 ? isnan(found.stderror) : found.stderror > 0);
        }
    }
}

/* Two windows with losses 1 and 2: the standard error of their mean is half their distance. */
static void test_stderror(void **state)
{
    struct asked a = {.least = MOST};
    const struct scorer scorer = {&a, MOST, MOST, score, NULL};
    const int32_t tokens[] = {0, 1, 2};
    struct ids_loss found;
    (void)state;
    ids_score(tokens, 3, 1, &scorer, &found);
    assert_true(fabs(found.stderror - 0.5) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_score),
        cmocka_unit_test(test_stderror),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
