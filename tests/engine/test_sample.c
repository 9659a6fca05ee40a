/* SPDX-License-Identifier: Apache-2.0 */
/* test_sample.c — goal: tokens are drawn from exactly the distribution that sample.h defines.
 *
 * Method: the distribution written down again from the definition, with ranks counted by comparing every pair, against
 * sample_candidates on random logits full of ties, for temperature, top-k and top-p alone and together; boundaries
 * where the sums are exact; frequencies of drawn tokens against their probabilities (chi-square). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/model/sample.h"

enum { MOST = 64 };

/* p (V) by the definition. Returns false when top-p cuts so near a sum that rounding may decide. */
static bool by_definition(const real *logits, int V, const struct sampling *how, double *p)
{
    int order[MOST], kept = how->top_k > 0 && how->top_k < V ? how->top_k : V;
    double largest = (double)logits[0], sum = 0, reached = 0;
    bool clear = true;
    for (int v = 0; v < V; v++) {
        int rank = 0;
        for (int u = 0; u < V; u++)
            rank += logits[u] > logits[v] || (logits[u] == logits[v] && u < v);
        order[rank] = v;
        largest = fmax(largest, (double)logits[v]);
        p[v] = 0;
    }
    for (int r = 0; r < kept; r++)
        sum += exp(((double)logits[order[r]] - largest) / how->temperature);
    for (int r = 0; r < kept && (r == 0 || how->top_p >= 1 || reached < how->top_p); r++) {
        p[order[r]] = exp(((double)logits[order[r]] - largest) / how->temperature) / sum;
        reached += p[order[r]];
        clear = clear && (how->top_p >= 1 || fabs(reached - how->top_p) > 1e-12);
    }
    for (int v = 0; v < V; v++)
        p[v] /= reached;
    return clear;
}

static void compare(const real *logits, int V, const struct sampling *how)
{
    struct candidate candidates[MOST];
    double p[MOST], sum, total = 0;
    bool seen[MOST] = {false};
    int n = sample_candidates(logits, V, how, candidates, &sum);
    if (!by_definition(logits, V, how, p))
        return;
    assert_in_range(n, 1, V);
    for (int i = 0; i < n; i++) {
        int v = candidates[i].token;
        assert_in_range(v, 0, V - 1);
        assert_false(seen[v]);
        seen[v] = true;
        total += p[v];
        assert_true(fabs(candidates[i].weight / sum - p[v]) < 1e-12);
    }
    assert_true(fabs(total - 1) < 1e-12); /* so what is left out has no probability */
}

static void test_equals_the_definition(void **state)
{
    struct rng rng = rng_open(1, RNG_TEST, 0);
    (void)state;
    for (int round = 0; round < 4000; round++) {
        int V = 1 + (int)rng_below(&rng, MOST), values = 1 + (int)rng_below(&rng, 9);
        real logits[MOST];
        struct sampling how = {.temperature = 0.1 + 3 * rng_uniform(&rng), .top_p = 1};
        for (int v = 0; v < V; v++) /* few values: many ties */
            logits[v] =
                (real)rng_below(&rng, (uint32_t)values) - (round % 3 == 0 ? (real)rng_uniform(&rng) : 0);
        compare(logits, V, &how);
        how.top_k = 1 + (int)rng_below(&rng, (uint32_t)V + 2);
        compare(logits, V, &how);
        how.top_p = rng_uniform(&rng);
        compare(logits, V, &how);
        how.top_k = 0;
        compare(logits, V, &how);
    }
}

static int kept(const real *logits, int V, int top_k, double top_p, struct candidate *candidates)
{
    struct sampling how = {1, top_k, top_p};
    double sum;
    return sample_candidates(logits, V, &how, candidates, &sum);
}

static void test_boundaries(void **state)
{
    static const real equal[4] = {2, 2, 2, 2}, tied[5] = {1, 3, 0, 3, 3}, shut[3] = {-INFINITY, 0, -INFINITY};
    struct candidate c[5];
    (void)state;
    assert_int_equal(kept(equal, 4, 0, 0.5, c), 2); /* a sum that reaches P exactly is enough */
    assert_int_equal(kept(equal, 4, 0, 0.5000001, c), 3);
    assert_int_equal(kept(equal, 4, 0, 0, c), 1);
    assert_int_equal(kept(equal, 4, 0, 1, c), 4);
    assert_int_equal(kept(equal, 4, 2, 0.5, c), 1); /* of the two that top-k leaves, one is a half */
    assert_int_equal(kept(equal, 4, 9, 0.75, c), 3);
    assert_int_equal(kept(tied, 5, 2, 1, c), 2); /* of three equals the lower two */
    assert_int_equal(c[0].token, 1);
    assert_int_equal(c[1].token, 3);
    assert_int_equal(kept(tied, 5, 4, 1, c), 4);
    assert_int_equal(c[3].token, 0);
    assert_int_equal(kept(shut, 3, 0, 0.999, c), 1);
    assert_int_equal(c[0].token, 1);
}

static void test_temperature_zero(void **state)
{
    static const real logits[4] = {1, 5, 5, -2};
    struct sampling how = {0, 3, 0.5};
    struct candidate scratch[4];
    struct rng rng = rng_open(1, RNG_SAMPLE, 0), untouched = rng;
    (void)state;
    assert_int_equal(sample_token(logits, 4, &how, scratch, &rng), 1);
    assert_memory_equal(&rng, &untouched, sizeof rng);
}

/* Pearson's statistic of N draws; its mean is the degrees of freedom, its variance twice that. */
static void check_frequencies(const real *logits, int V, const struct sampling *how)
{
    enum { N = 100000 };
    struct candidate scratch[MOST];
    double p[MOST], statistic = 0;
    int counts[MOST] = {0}, freedom = -1;
    (void)by_definition(logits, V, how, p);
    for (int i = 0; i < N; i++) {
        struct rng rng = rng_open(3, RNG_SAMPLE, (uint64_t)i);
        counts[sample_token(logits, V, how, scratch, &rng)]++;
    }
    for (int v = 0; v < V; v++) {
        if (p[v] > 0) {
            statistic += (counts[v] - N * p[v]) * (counts[v] - N * p[v]) / (N * p[v]);
            freedom++;
        } else {
            assert_int_equal(counts[v], 0);
        }
    }
    assert_true(fabs(statistic - freedom) < 5 * sqrt(2.0 * freedom));
}

static void test_frequencies(void **state)
{
    static const real logits[12] = {0, 1, 2, 2, -1, 0.5F, 2, 1, -3, 0, 1.5F, -0.5F};
    (void)state;
    check_frequencies(logits, 12, &(struct sampling){1, 0, 1});
    check_frequencies(logits, 12, &(struct sampling){0.7, 5, 1});
    check_frequencies(logits, 12, &(struct sampling){1.3, 0, 0.8});
    check_frequencies(logits, 12, &(struct sampling){1, 7, 0.6});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_the_definition),
        cmocka_unit_test(test_boundaries),
        cmocka_unit_test(test_temperature_zero),
        cmocka_unit_test(test_frequencies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
