/* SPDX-License-Identifier: Apache-2.0 */
/* test_parities.c — goal: samples say what they promise, training never sees a held-out one, and tasks come as often as
 * Zipf's law over endlessly many says. Method: a second reading of a sample's tokens, all samples of a small setting marked
 * by part, shares of many draws against sums that are known in closed form. */
#include "engine/data/parities.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/data/source.h"


enum { DRAWS = 100000, VOCABULARY = 256 };

static struct parities open_parities(int tasks, int bits, int places, double zipf)
{
    struct parities p;
    const struct parities_config config = {.seed = 3, .tasks = tasks, .bits = bits, .places = places, .zipf = zipf};
    assert_int_equal(parities_init(&p, &config, VOCABULARY, NULL), STATUS_OK);
    return p;
}

static int ones(uint64_t bits)
{
    int n = 0;
    for (int i = 0; i < 64; i++)
        n += (int)(bits >> i & 1);
    return n;
}

/* The bits a sample shows, read from its tokens. */
static uint64_t read_bits(const struct parities *p, const int32_t *tokens)
{
    uint64_t bits = 0;
    for (int i = 0; i < p->config.bits; i++) {
        assert_int_equal(tokens[1 + i] / 2, i);
        bits |= (uint64_t)(tokens[1 + i] % 2) << i;
    }
    return bits;
}

static void samples_are_parities(void **state)
{
    struct parities p = open_parities(60, 14, 3, 1.4);
    struct rng rng = rng_open(1, RNG_TEST, 0);
    int tossed[2] = {0, 0};
    (void)state;
    for (int i = 0; i < p.config.tasks; i++) {
        assert_int_equal(ones(p.mask[i]), 3);
        assert_true(p.mask[i] < UINT64_C(1) << 14);
        for (int j = 0; j < i; j++)
            assert_true(p.mask[i] != p.mask[j]);
    }
    for (int i = 0; i < DRAWS; i++) {
        int32_t tokens[PARITIES_MOST_BITS + 3];
        int task = parities_draw(&p, &rng, i % 2 == 1, tokens);
        uint64_t bits = read_bits(&p, tokens);
        assert_int_equal(tokens[0], 2 * 14 + 1 + task);
        assert_int_equal(tokens[15], 2 * 14);
        if (task < 60)
            assert_int_equal(tokens[16], ones(bits & p.mask[task]) % 2);
        else
            tossed[tokens[16]]++;
    }
    assert_int_equal(parities_tokens(&p), 17);
    assert_true(abs(tossed[0] - tossed[1]) < 5 * sqrt(tossed[0] + tossed[1]));
}

static void training_never_sees_what_is_held_out(void **state)
{
    enum { TASKS = 5, BITS = 6 };
    struct parities p = open_parities(TASKS, BITS, 2, 1.5);
    struct rng rng = rng_open(2, RNG_TEST, 0);
    uint8_t part[TASKS + 1][1 << BITS] = {{0}};
    int heldout = 0, all = 0;
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        int32_t tokens[BITS + 3];
        int task = parities_draw(&p, &rng, i % 2 == 1, tokens);
        part[task][read_bits(&p, tokens)] |= (uint8_t)(i % 2 == 1 ? 2 : 1);
    }
    for (int task = 0; task <= TASKS; task++)
        for (int bits = 0; bits < 1 << BITS; bits++) {
            assert_int_not_equal(part[task][bits], 3);
            assert_int_not_equal(part[task][bits], 0);
            heldout += part[task][bits] == 2;
            all++;
        }
    assert_true(fabs((double)heldout / all - 1.0 / PARITIES_HELDOUT_ONE_IN) < 0.06);
}

/* zeta(2) = pi^2 / 6 and zeta(4) = pi^4 / 90 (Euler). */
static void shares_are_zipfs_over_endlessly_many(void **state)
{
    const double zeta2 = M_PI * M_PI / 6, zeta4 = pow(M_PI, 4) / 90;
    struct parities p = open_parities(40, 12, 2, 2), q = open_parities(3, 12, 2, 4);
    struct rng rng = rng_open(3, RNG_TEST, 0);
    double counts[41] = {0}, rest = 1;
    (void)state;
    assert_true(fabs(parities_probability(&q, 0) * zeta4 - 1) < 1e-13);
    for (int i = 0; i < 40; i++) {
        assert_true(fabs(parities_probability(&p, i) * zeta2 * (i + 1) * (i + 1) - 1) < 1e-11);
        rest -= 1 / zeta2 / (i + 1) / (i + 1);
    }
    assert_true(fabs(parities_floor(&p) - M_LN2 * rest) < 1e-13);
    for (int i = 0; i < DRAWS; i++) {
        int32_t tokens[PARITIES_MOST_BITS + 3];
        counts[parities_draw(&p, &rng, false, tokens)]++;
    }
    for (int i = 0; i <= 40; i++) {
        double expected = DRAWS * parities_probability(&p, i);
        assert_true(fabs(counts[i] - expected) < 5 * sqrt(expected) + 1);
    }
}

/* What the header derives: the loss of who knows the first K tasks falls as K^-alpha. */
static void loss_of_the_first_is_a_power(void **state)
{
    struct parities p = open_parities(100, 30, 2, 1.4);
    double loss[2] = {0, 0};
    (void)state;
    for (int half = 0; half < 2; half++)
        for (int i = half ? 80 : 20; i <= p.config.tasks; i++)
            loss[half] += M_LN2 * parities_probability(&p, i);
    assert_true(fabs(log(loss[0] / loss[1]) / log(4) - 0.4) < 0.01);
}

static void impossible_settings_are_refused(void **state)
{
    static const struct {
        struct parities_config config;
        int vocabulary;
        const char *says;
    } cases[] = {
        {{.tasks = 10, .bits = 3, .places = 2, .zipf = 2}, 256, "model.context"},
        {{.tasks = 10, .bits = 57, .places = 2, .zipf = 2}, 256, "model.context"},
        {{.tasks = 10, .bits = 8, .places = 2, .zipf = 1}, 256, "above 1"},
        {{.tasks = 29, .bits = 8, .places = 2, .zipf = 2}, 256, "29 ways to choose 2 of 8"},
        {{.tasks = 5, .bits = 4, .places = 5, .zipf = 2}, 256, "5 of 4"},
        {{.tasks = 240, .bits = 30, .places = 3, .zipf = 2}, 256, "302 tokens"},
        {{.tasks = 20, .bits = 8, .places = 2, .zipf = 2}, 37, "38 tokens"},
    };
    struct parities p;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = ERR_INIT;
        assert_int_equal(parities_init(&p, &cases[i].config, cases[i].vocabulary, &err), STATUS_USAGE);
        assert_non_null(strstr(err.text, cases[i].says));
    }
}

static void a_source_gives_a_sample_per_window(void **state)
{
    struct source_config config = {.kind = SOURCE_PARITIES, .context = 10, .vocabulary = VOCABULARY,
                                   .parities = {.seed = 3, .tasks = 20, .places = 2, .zipf = 2}};
    struct source *s;
    int32_t first[11], again[11];
    struct str identity;
    (void)state;
    assert_int_equal(source_open(&s, &config, NULL), STATUS_OK);
    assert_int_equal(parities_tokens(source_parities(s)), 11);
    assert_int_equal(source_scored(s, 10), 1);
    assert_null(source_world(s));
    assert_int_equal(source_unique_tokens(s, 1, 100, 10), 1000);
    assert_true(source_entropy_floor(s) == parities_floor(source_parities(s)));
    for (uint64_t i = 0; i < 100; i++) {
        source_window(s, 7, RNG_TRAIN_DATA, i, first, 11);
        source_window(s, 7, RNG_TRAIN_DATA, i, again, 5);
        assert_memory_equal(first, again, 5 * sizeof *first);
        assert_int_equal(first[9], 2 * 8);
    }
    str_init(&identity);
    source_identity(s, &identity);
    assert_string_equal(identity.text, "parities 1 seed=3 tasks=20 bits=8 places=2 zipf=2");
    str_release(&identity);
    source_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_parities),
        cmocka_unit_test(training_never_sees_what_is_held_out),
        cmocka_unit_test(shares_are_zipfs_over_endlessly_many),
        cmocka_unit_test(loss_of_the_first_is_a_power),
        cmocka_unit_test(impossible_settings_are_refused),
        cmocka_unit_test(a_source_gives_a_sample_per_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
