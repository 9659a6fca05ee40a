/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the regression gate cries wolf as rarely as it promises, finds what matters, and gives the same
 * answer to the same data.
 * Method: simulated processes with log-normal noise, drawn by Philox so that every run sees the same ones: A
 * against A must not alarm, a planted slowdown must be found, a change below the threshold must pass. Exact
 * metrics, pairing, correction, symmetry and refusals by hand-made samples. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "harness/analysis/regress.h"

#define NEAR(value, expected, tolerance) assert_true(fabs((value) - (expected)) <= (tolerance))
#define OK(call) assert_int_equal((call), STATUS_OK)

enum { N = 10 };

static struct err err;

struct samples {
    double a[N];
    double b[N];
    int block_a[N];
    int block_b[N];
};

/* Comparison number `index` of its kind: noise and drift are standard deviations of the logarithm, drift
 * common to both samples of a block; slowdown multiplies b. Block numbers of b come in reverse. */
static void simulate(struct samples *out, uint64_t index, double noise, double drift, double slowdown)
{
    struct rng rng = rng_open(5, RNG_TEST, index);
    for (int i = 0; i < N; i++) {
        double level = 100.0 * exp(drift * rng_normal(&rng));
        out->a[i] = level * exp(noise * rng_normal(&rng));
        out->b[N - 1 - i] = slowdown * level * exp(noise * rng_normal(&rng));
        out->block_a[i] = i;
        out->block_b[N - 1 - i] = i;
    }
}

static struct regress_metric metric_of(const struct samples *samples, bool paired)
{
    struct regress_metric metric = REGRESS_METRIC_INIT;
    metric.name = "latency";
    metric.a = samples->a;
    metric.n_a = N;
    metric.b = samples->b;
    metric.n_b = N;
    if (paired) {
        metric.block_a = samples->block_a;
        metric.block_b = samples->block_b;
    }
    return metric;
}

/* How many of `trials` simulated comparisons get the verdict. */
static int count_verdicts(enum regress_verdict verdict, int trials, double noise, double drift,
                          double slowdown, bool paired)
{
    int count = 0;
    for (int trial = 0; trial < trials; trial++) {
        struct samples samples;
        struct regress_result result;
        simulate(&samples, (uint64_t)trial, noise, drift, slowdown);
        struct regress_metric metric = metric_of(&samples, paired);
        OK(regress_compare(&metric, &result, &err));
        assert_true(result.paired == paired);
        count += result.verdict == verdict;
    }
    return count;
}

/* A against A, 5 % noise: at most 5 % of 400 comparisons may claim a change. With so few samples most are undecided, and
 * with little noise they are unchanged. */
static void test_false_alarms(void **state)
{
    (void)state;
    for (int paired = 0; paired <= 1; paired++) {
        int undecided = count_verdicts(REGRESS_UNDECIDED, 400, 0.05, 0.05, 1.0, paired);
        int unchanged = count_verdicts(REGRESS_UNCHANGED, 400, 0.05, 0.05, 1.0, paired);
        assert_true(400 - undecided - unchanged <= 400 * 5 / 100);
        assert_true(undecided > 10 * unchanged);
        assert_true(count_verdicts(REGRESS_UNCHANGED, 400, 0.001, 0.0, 1.0, paired) > 390);
    }
}

/* 10 % slower under 2 % noise: nearly always found, and never taken for an improvement. */
static void test_power(void **state)
{
    (void)state;
    for (int paired = 0; paired <= 1; paired++) {
        assert_true(count_verdicts(REGRESS_REGRESSION, 200, 0.02, 0.0, 1.1, paired) >= 198);
        assert_true(count_verdicts(REGRESS_IMPROVEMENT, 200, 0.02, 0.0, 1.0 / 1.1, paired) >= 198);
    }
}

/* The machine drifts by 20 % from block to block, the slowdown is 5 %: only pairs can see it. */
static void test_pairs_cancel_drift(void **state)
{
    (void)state;
    assert_true(count_verdicts(REGRESS_REGRESSION, 100, 0.005, 0.2, 1.05, true) >= 99);
    assert_true(count_verdicts(REGRESS_REGRESSION, 100, 0.005, 0.2, 1.05, false) <= 5);
}

/* Half a percent slower without a doubt (p is tiny) is still no regression at a threshold of 1 %; at a
 * threshold of 0 it is. */
static void test_threshold(void **state)
{
    (void)state;
    struct samples samples;
    struct regress_result result;
    for (int paired = 0; paired <= 1; paired++) {
        simulate(&samples, 1, 0.0002, 0.0, 1.005);
        struct regress_metric metric = metric_of(&samples, paired);
        OK(regress_compare(&metric, &result, &err));
        assert_true(result.p_value < 0.01);
        NEAR(result.ratio, 1.005, 0.0005);
        assert_int_equal(result.verdict, REGRESS_UNCHANGED);
        metric.threshold = 0.0;
        OK(regress_compare(&metric, &result, &err));
        assert_int_equal(result.verdict, REGRESS_REGRESSION);
        assert_string_equal(regress_verdict_name(&result), "regression");
    }
}

/* Twenty metrics without change together, 100 times, as pairs: at least 95 families stay silent. Uncorrected
 * p values would break more than half of the families. */
static void test_many_metrics(void **state)
{
    (void)state;
    enum { FAMILIES = 100, METRICS = 20 };
    int loud = 0, loud_uncorrected = 0;
    for (int family = 0; family < FAMILIES; family++) {
        struct samples samples[METRICS];
        struct regress_metric metrics[METRICS];
        struct regress_result results[METRICS];
        bool alarm = false, small_p = false;
        for (int i = 0; i < METRICS; i++) {
            simulate(&samples[i], 1000 + (uint64_t)(family * METRICS + i), 0.05, 0.0, 1.0);
            metrics[i] = metric_of(&samples[i], true);
            metrics[i].threshold = 0.0;
        }
        OK(regress_compare_all(metrics, METRICS, results, &err));
        for (int i = 0; i < METRICS; i++) {
            alarm |= results[i].verdict != REGRESS_UNCHANGED && results[i].verdict != REGRESS_UNDECIDED;
            small_p |= results[i].p_value < REGRESS_SIGNIFICANCE;
        }
        loud += alarm;
        loud_uncorrected += small_p;
    }
    assert_true(loud <= 5);
    assert_true(loud_uncorrected >= 20);
}

/* Pairs 1 of 10 against the trend: p = 2 (1 + 10) / 1024. All 10 with it: p = 2 / 1024. Exact metrics and
 * those with too few samples do not count: two tested metrics, so p is corrected for two. */
static void test_correction_by_hand(void **state)
{
    (void)state;
    struct samples clear, weak;
    struct regress_metric metrics[4];
    struct regress_result results[4];
    for (int i = 0; i < N; i++) {
        clear.a[i] = weak.a[i] = 100.0 + i;
        clear.b[i] = clear.a[i] * 1.05;
        weak.b[i] = weak.a[i] * (i == 3 ? 0.9 : 1.05);
        clear.block_a[i] = clear.block_b[i] = weak.block_a[i] = weak.block_b[i] = 100 - i;
    }
    metrics[0] = metric_of(&weak, true);
    metrics[1] = metric_of(&clear, true);
    metrics[1].exact = true;
    metrics[2] = metric_of(&clear, true);
    metrics[3] = metric_of(&clear, false);
    metrics[3].n_b = 4;
    OK(regress_compare_all(metrics, 4, results, &err));
    NEAR(results[0].p_value, 22.0 / 1024.0, 0.0);
    NEAR(results[0].p_adjusted, 22.0 / 1024.0, 1e-16);
    NEAR(results[2].p_value, 2.0 / 1024.0, 0.0);
    NEAR(results[2].p_adjusted, 4.0 / 1024.0, 1e-16);
    NEAR(results[2].ratio, 1.05, 1e-14);
    NEAR(results[2].log_interval.low, log(1.05), 1e-14);
    NEAR(results[0].log_interval.low, log(1.05), 1e-14); /* the 2nd of 10 */
    assert_int_equal(results[0].verdict, REGRESS_REGRESSION);
    assert_int_equal(results[1].verdict, REGRESS_REGRESSION);
    assert_string_equal(regress_verdict_name(&results[1]), "changed");
    assert_true(isnan(results[1].p_value) && isnan(results[1].p_adjusted));
    assert_int_equal(results[2].verdict, REGRESS_REGRESSION);
    assert_int_equal(results[3].verdict, REGRESS_INSUFFICIENT);
    assert_true(isnan(results[3].p_adjusted));
}

/* The unpaired numbers by hand: complete separation of 5 and 5 is 2 of C(10, 5) orders. */
static void test_unpaired_by_hand(void **state)
{
    (void)state;
    struct samples samples = {.a = {5.0, 1.0, 3.0, 2.0, 4.0}, .b = {60.0, 20.0, 30.0, 40.0, 50.0}};
    struct regress_metric metric = metric_of(&samples, false);
    struct regress_result result;
    metric.n_a = metric.n_b = 5;
    OK(regress_compare(&metric, &result, &err));
    assert_int_equal(result.n_a, 5);
    assert_true(result.median_a == 3.0 && result.median_b == 40.0);
    NEAR(result.ratio, 40.0 / 3.0, 1e-13);
    NEAR(result.log_ratio, log(40.0 / 3.0), 1e-15);
    NEAR(result.p_value, 2.0 / 252.0, 1e-16);
    assert_true(result.log_interval.low < result.log_ratio && result.log_ratio < result.log_interval.high);
    assert_int_equal(result.verdict, REGRESS_REGRESSION);
    metric.direction = REGRESS_LARGER_IS_BETTER;
    OK(regress_compare(&metric, &result, &err));
    assert_int_equal(result.verdict, REGRESS_IMPROVEMENT);
    assert_string_equal(regress_verdict_name(&result), "improvement");
}

/* The same samples in another order, and again: the same bits. */
static void test_deterministic(void **state)
{
    (void)state;
    struct samples samples, shuffled;
    struct regress_result first, again, other;
    for (int paired = 0; paired <= 1; paired++) {
        simulate(&samples, 3, 0.03, 0.0, 1.02);
        for (int i = 0; i < N; i++) {
            int from = (i * 3 + 1) % N;
            shuffled.a[i] = samples.a[from];
            shuffled.block_a[i] = samples.block_a[from];
            shuffled.b[i] = samples.b[N - 1 - from];
            shuffled.block_b[i] = samples.block_b[N - 1 - from];
        }
        struct regress_metric metric = metric_of(&samples, paired);
        struct regress_metric moved = metric_of(&shuffled, paired);
        OK(regress_compare(&metric, &first, &err));
        OK(regress_compare(&metric, &again, &err));
        OK(regress_compare(&moved, &other, &err));
        assert_true(first.log_interval.low == again.log_interval.low && first.log_ratio == again.log_ratio);
        assert_true(first.log_interval.low == other.log_interval.low && first.p_value == other.p_value);
        assert_true(first.log_interval.high == other.log_interval.high &&
                    first.log_ratio == other.log_ratio);
    }
}

/* Exchanging the sides of a pair changes signs and nothing else. */
static void test_symmetric(void **state)
{
    (void)state;
    struct samples samples;
    struct regress_result forth, back;
    simulate(&samples, 4, 0.01, 0.1, 1.05);
    struct regress_metric metric = metric_of(&samples, true);
    struct regress_metric swapped = metric;
    swapped.a = metric.b;
    swapped.b = metric.a;
    swapped.block_a = metric.block_b;
    swapped.block_b = metric.block_a;
    OK(regress_compare(&metric, &forth, &err));
    OK(regress_compare(&swapped, &back, &err));
    assert_int_equal(forth.verdict, REGRESS_REGRESSION);
    assert_int_equal(back.verdict, REGRESS_IMPROVEMENT);
    assert_true(forth.log_ratio == -back.log_ratio && forth.p_value == back.p_value);
    assert_true(forth.log_interval.low == -back.log_interval.high);
}

static void test_exact(void **state)
{
    (void)state;
    double loss = 1.625;
    double bumped = nextafter(loss, 2.0);
    const double a[] = {loss, loss};
    const double b[] = {loss, loss, bumped};
    const double zero[] = {0.0}, minus_zero[] = {-0.0};
    struct regress_result result;
    struct regress_metric metric = REGRESS_METRIC_INIT;
    metric.exact = true;
    metric.a = a;
    metric.n_a = 2;
    metric.b = b;
    metric.n_b = 2;
    OK(regress_compare(&metric, &result, &err));
    assert_int_equal(result.verdict, REGRESS_UNCHANGED);
    metric.n_b = 3; /* one bit of one sample */
    OK(regress_compare(&metric, &result, &err));
    assert_int_equal(result.verdict, REGRESS_REGRESSION);
    metric.a = b; /* a counter that wavers on the baseline's side is no less broken */
    metric.n_a = 3;
    metric.b = a;
    metric.n_b = 2;
    OK(regress_compare(&metric, &result, &err));
    assert_string_equal(regress_verdict_name(&result), "changed");
    metric.a = zero;
    metric.b = minus_zero;
    metric.n_a = metric.n_b = 1;
    OK(regress_compare(&metric, &result, &err));
    assert_int_equal(result.verdict, REGRESS_REGRESSION);
    assert_true(isnan(result.ratio));
    metric.b = zero;
    OK(regress_compare(&metric, &result, &err));
    assert_int_equal(result.verdict, REGRESS_UNCHANGED);
    metric.n_b = 0;
    OK(regress_compare(&metric, &result, &err));
    assert_string_equal(regress_verdict_name(&result), "insufficient");
}

/* Blocks that do not pair off one to one are compared unpaired; few samples are no verdict. */
static void test_pairing_and_minima(void **state)
{
    (void)state;
    struct samples samples;
    struct regress_result result;
    simulate(&samples, 6, 0.02, 0.0, 1.5);
    struct regress_metric metric = metric_of(&samples, true);
    samples.block_b[2] = 77; /* a block that only one side has */
    OK(regress_compare(&metric, &result, &err));
    assert_false(result.paired);
    for (int i = 0; i < N; i++)
        samples.block_a[i] = samples.block_b[i] = i;
    samples.block_a[2] = 3; /* a block that one side has twice, the other once */
    OK(regress_compare(&metric, &result, &err));
    assert_false(result.paired);
    samples.block_a[2] = 2;
    samples.block_b[2] = 3;
    OK(regress_compare(&metric, &result, &err));
    assert_false(result.paired);
    samples.block_a[2] = 3; /* twice on both sides: who belongs to whom? */
    OK(regress_compare(&metric, &result, &err));
    assert_false(result.paired);
    metric = metric_of(&samples, false);
    for (int n = 0; n <= 6; n++) {
        metric.n_a = n;
        OK(regress_compare(&metric, &result, &err));
        assert_int_equal(result.verdict, n < 5 ? REGRESS_INSUFFICIENT : REGRESS_REGRESSION);
        assert_true(isnan(result.median_a) == (n == 0) && isnan(result.ratio) == (n == 0));
        assert_true(isnan(result.log_interval.low) == (n < 5));
    }
    for (int i = 0; i < N; i++)
        samples.block_a[i] = samples.block_b[i] = i;
    metric = metric_of(&samples, true);
    for (int n = 1; n <= 7; n++) {
        metric.n_a = metric.n_b = n;
        OK(regress_compare(&metric, &result, &err));
        assert_true(result.paired);
        assert_int_equal(result.verdict, n < 6 ? REGRESS_INSUFFICIENT : REGRESS_REGRESSION);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    struct samples good, bad;
    struct regress_result results[2] = {{.n_a = -1}, {.n_a = -1}};
    simulate(&good, 8, 0.02, 0.0, 1.0);
    bad = good;
    struct regress_metric metrics[2] = {metric_of(&good, false), metric_of(&bad, false)};
    metrics[1].name = "prefill";
    const struct {
        double value;
        const char *text;
    } cases[] = {{(double)NAN, "value [7] is not a number"},
                 {(double)INFINITY, "value [7] is infinite"},
                 {0.0, "value [7] is 0; a ratio needs positive samples"},
                 {-1.0, "value [7] is -1"}};
    for (int i = 0; i < 4; i++) {
        bad.b[7] = cases[i].value;
        assert_int_equal(regress_compare_all(metrics, 2, results, &err), STATUS_INSUFFICIENT);
        assert_non_null(strstr(err.text, "metric 'prefill': candidate: "));
        assert_non_null(strstr(err.text, cases[i].text));
        assert_int_equal(regress_compare_all(metrics, 2, results, NULL), STATUS_INSUFFICIENT);
    }
    bad = good;
    metrics[1].threshold = -0.01;
    assert_int_equal(regress_compare_all(metrics, 2, results, &err), STATUS_USAGE);
    metrics[1].threshold = (double)NAN;
    assert_int_equal(regress_compare_all(metrics, 2, results, &err), STATUS_USAGE);
    metrics[1].threshold = 0.01;
    metrics[1].n_a = REGRESS_MAX_SAMPLES + 1;
    metrics[1].a = (const double[REGRESS_MAX_SAMPLES + 1]){1.0};
    assert_int_equal(regress_compare_all(metrics, 2, results, &err), STATUS_MEMORY);
    assert_int_equal(regress_compare_all(metrics, 0, results, &err), STATUS_INSUFFICIENT);
    assert_int_equal(results[0].n_a, -1); /* nothing was written */
    assert_int_equal(results[1].n_a, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_false_alarms),       cmocka_unit_test(test_power),
        cmocka_unit_test(test_pairs_cancel_drift), cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_many_metrics),       cmocka_unit_test(test_correction_by_hand),
        cmocka_unit_test(test_unpaired_by_hand),   cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_symmetric),          cmocka_unit_test(test_exact),
        cmocka_unit_test(test_pairing_and_minima), cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
