/* SPDX-License-Identifier: Apache-2.0 */
/* stats_hypothesis.c — tests of hypotheses, declared in stats.h. Distributions of small integers are counted
 * out in doubles, which hold them exactly; nothing here is a table of critical values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/analysis/stats.h"

/* ---- Sign test ---- */

/* P(Bin(n, 1/2) <= k) by adding binomial coefficients upwards. The sum is kept in range by a power of two,
 * so any n works and nothing is lost but the rounding of the products. */
static double fair_binomial_cdf(int n, int k)
{
    double term = 1.0;
    double sum = 1.0;
    int scale = 0;
    for (int i = 0; i < k; i++) {
        term = term * (n - i) / (i + 1);
        sum += term;
        if (sum > 0x1p900) {
            term *= 0x1p-900;
            sum *= 0x1p-900;
            scale += 900;
        }
    }
    return ldexp(sum, scale - n);
}

double stats_sign_p(int positive, int negative)
{
    ASSERT(positive >= 0 && negative >= 0);
    int fewer = positive < negative ? positive : negative;
    return fmin(1.0, 2.0 * fair_binomial_cdf(positive + negative, fewer));
}

enum status stats_sign_test(const double *x, int n, struct sign_test *out, struct err *err)
{
    enum status status = stats_check("sign test", x, n, 1, err);
    if (status != STATUS_OK)
        return status;
    struct sign_test test = {0};
    for (int i = 0; i < n; i++) {
        test.positive += x[i] > 0.0;
        test.negative += x[i] < 0.0;
    }
    test.zero = n - test.positive - test.negative;
    test.p = stats_sign_p(test.positive, test.negative);
    *out = test;
    return STATUS_OK;
}

/* ---- Mann-Whitney ---- */

/* 2 P(U <= u) without ties. The number of orders of m and n values with U = u is the coefficient of q^u
 * in the product over i = 1 … m of (1 - q^(n+i)) / (1 - q^i): one multiplication and one division of a
 * polynomial per factor, in place. All coefficients stay below C(50, 25) < 2^53 and are therefore exact. */
static double mann_whitney_exact(int m, int n, int u)
{
    double count[MANN_WHITNEY_EXACT * MANN_WHITNEY_EXACT / 2 + 1] = {1.0};
    double orders = 1.0;
    double sum = 0.0;
    ASSERT(m <= MANN_WHITNEY_EXACT && n <= MANN_WHITNEY_EXACT && 2 * u <= m * n);
    for (int i = 1; i <= m; i++) {
        for (int d = u; d >= n + i; d--)
            count[d] -= count[d - n - i];
        for (int d = i; d <= u; d++)
            count[d] += count[d - i];
        orders = orders * (n + i) / i;
    }
    for (int d = 0; d <= u; d++)
        sum += count[d];
    return fmin(1.0, 2.0 * sum / orders);
}

/* Twice the distance of U from its mean, less one for continuity, over twice its standard deviation. The
 * tie sum is that of t^3 - t over groups of t equal values (Lehmann 1975, eq. 1.35). */
static double mann_whitney_normal(double m, double n, double twice_u, double ties)
{
    double total = m + n;
    double variance = m * n / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    double distance = fabs(twice_u - m * n) - 1.0;
    if (!(variance > 0.0) || distance <= 0.0)
        return 1.0;
    return erfc(distance / (2.0 * sqrt(variance)) / sqrt(2.0));
}

/* Walks two ascending samples together, one group of equal values at a time. Both results are integers. */
static void count_pairs(const double *a, int n_a, const double *b, int n_b, double *twice_u, double *ties)
{
    int i = 0;
    int j = 0;
    *twice_u = 0.0;
    *ties = 0.0;
    while (i < n_a || j < n_b) {
        double value = j == n_b || (i < n_a && a[i] < b[j]) ? a[i] : b[j];
        int i0 = i;
        int j0 = j;
        while (i < n_a && a[i] == value)
            i++;
        while (j < n_b && b[j] == value)
            j++;
        double equal = (double)(i - i0) + (j - j0);
        *twice_u += (double)(i - i0) * ((double)j0 + j);
        *ties += equal * equal * equal - equal;
    }
}

enum status stats_mann_whitney(const double *a, int n_a, const double *b, int n_b, struct mann_whitney *out,
                               struct err *err)
{
    enum status status = stats_check("Mann-Whitney, first sample", a, n_a, 1, err);
    if (status == STATUS_OK)
        status = stats_check("Mann-Whitney, second sample", b, n_b, 1, err);
    if (status != STATUS_OK)
        return status;
    double *sorted_a = malloc(((size_t)n_a + (size_t)n_b) * sizeof *sorted_a);
    if (sorted_a == NULL)
        return err_set(err, STATUS_MEMORY, "Mann-Whitney: no memory for %d and %d numbers", n_a, n_b);
    double *sorted_b = sorted_a + n_a;
    double twice_u, ties;
    memcpy(sorted_a, a, (size_t)n_a * sizeof *a);
    memcpy(sorted_b, b, (size_t)n_b * sizeof *b);
    stats_sort(sorted_a, n_a);
    stats_sort(sorted_b, n_b);
    count_pairs(sorted_a, n_a, sorted_b, n_b, &twice_u, &ties);
    free(sorted_a);

    bool exact = ties == 0.0 && n_a <= MANN_WHITNEY_EXACT && n_b <= MANN_WHITNEY_EXACT;
    double u = twice_u / 2.0;
    *out = (struct mann_whitney){.u = u, .exact = exact};
    if (exact)
        out->p = mann_whitney_exact(n_a, n_b, (int)fmin(u, (double)n_a * n_b - u));
    else
        out->p = mann_whitney_normal(n_a, n_b, twice_u, ties);
    return STATUS_OK;
}

/* ---- Several tests together ---- */

enum status stats_benjamini_hochberg(const double *p, int n, double *adjusted, struct err *err)
{
    enum status status = stats_check("Benjamini-Hochberg", p, n, 1, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < n; i++)
        if (!(p[i] >= 0.0 && p[i] <= 1.0))
            return err_set(err, STATUS_INSUFFICIENT,
                           "Benjamini-Hochberg: value [%d], %g, is no probability", i, p[i]);
    int *order = malloc((size_t)n * sizeof *order);
    if (order == NULL)
        return err_set(err, STATUS_MEMORY, "Benjamini-Hochberg: no memory for %d numbers", n);
    stats_order(order, p, n);
    double least = 1.0;
    for (int rank = n; rank >= 1; rank--) {
        int i = order[rank - 1];
        least = fmin(least, p[i] * n / rank);
        adjusted[i] = least;
    }
    free(order);
    return STATUS_OK;
}

/* ---- Student's t ---- */

/* P(|T| <= t) with t = sqrt(df) tan(angle): sums over odd or even powers of the cosine. */
static double student_within(double angle, int df)
{
    double cosine = cos(angle), term = df % 2 ? cosine : 1, sum = df > 1 ? term : 0;
    for (int power = df % 2 ? 3 : 2; power <= df - 2; power += 2) {
        term *= cosine * cosine * (power - 1) / power;
        sum += term;
    }
    sum *= sin(angle);
    return df % 2 ? 2 / M_PI * (angle + sum) : sum;
}

double stats_student_quantile(double p, int df)
{
    double low = 0, high = M_PI / 2;
    if (!(p >= 0.5 && p < 1) || df < 1)
        return NAN;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (student_within(middle, df) < 2 * p - 1)
            low = middle;
        else
            high = middle;
    }
    return sqrt(df) * tan((low + high) / 2);
}
