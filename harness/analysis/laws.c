/* SPDX-License-Identifier: Apache-2.0 */
/* laws.c — the table of laws, what they predict, and the best use of compute; see laws.h. Fitting is in laws_fit.c. */
#include "harness/analysis/laws.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

const char *const law_variable_names[LAW_VARIABLES] = {"N", "D", "C", "E", "G", "U", "P"};
const char *const law_method_names[LAW_METHODS] = {"varpro", "huber", "approach1", "approach2", "logs", "relative"};

/* Terms are numbered as the letters stand; exponents follow them. */
static const struct powersum_form chinchilla_form = {3, 2, 2, {{1, 0, LAW_N, 1, false}, {2, 1, LAW_D, 1, false}}};
static const struct powersum_form fine_form = {
    4, 3, 4, {{1, 0, LAW_N, 1, false}, {2, 1, LAW_D, 1, false}, {3, 0, LAW_N, 1, false}, {3, 2, LAW_G, 1, false}}};
static const struct powersum_form precision_form = {4,
                                                    5,
                                                    5,
                                                    {{1, 0, LAW_N, 1, false},
                                                     {2, 1, LAW_D, 1, false},
                                                     {3, 2, LAW_D, -1, false},
                                                     {3, 3, LAW_N, 1, false},
                                                     {3, 4, LAW_P, 1, true}}};

#define BIT(x) (1u << (x))
#define SUMS (BIT(LAW_VARPRO) | BIT(LAW_HUBER))

const struct law laws[] = {
    [LAW_CHINCHILLA] = {"chinchilla", "L = E + A/N^alpha + B/D^beta", BIT(LAW_N) | BIT(LAW_D),
                        SUMS | BIT(LAW_APPROACH1) | BIT(LAW_APPROACH2), &chinchilla_form,
                        {"E", "A", "B", "alpha", "beta"}},
    [LAW_KAPLAN] = {"kaplan", "L = (N_c/N)^alpha_N, (D_c/D)^alpha_D, (C_c/C)^alpha_C", BIT(LAW_N) | BIT(LAW_D) | BIT(LAW_C),
                    BIT(LAW_LOGS), NULL, {"N_c", "alpha_N", "D_c", "alpha_D", "C_c", "alpha_C"}},
    [LAW_DATA_CONSTRAINED] = {"data-constrained", "L = E + A/N'^alpha + B/D'^beta, N' and D' saturating with R_N, R_D",
                              BIT(LAW_N) | BIT(LAW_D) | BIT(LAW_U), BIT(LAW_RELATIVE), NULL,
                              {"E", "A", "B", "alpha", "beta", "R_D", "R_N"}},
    [LAW_ROUTED] = {"routed", "log10 L = a log10 N + b log10 X + c log10 N log10 X + d", BIT(LAW_N) | BIT(LAW_E),
                    BIT(LAW_LOGS), NULL, {"a", "b", "c", "d", "E_start", "E_max"}},
    [LAW_FINE_GRAINED] = {"fine-grained", "L = c + (g/G^gamma + a)/N^alpha + b/D^beta", BIT(LAW_N) | BIT(LAW_D) | BIT(LAW_G),
                          SUMS, &fine_form, {"c", "a", "b", "g", "alpha", "beta", "gamma"}},
    [LAW_PRECISION] = {"precision", "L = E + A/N^alpha + B/D^beta + delta D^gamma_D/N^gamma_N exp(-gamma_P P)",
                       BIT(LAW_N) | BIT(LAW_D) | BIT(LAW_P), SUMS, &precision_form,
                       {"E", "A", "B", "delta", "alpha", "beta", "gamma_D", "gamma_N", "gamma_P"}},
    {.name = NULL},
};

const struct law *law_find(const char *name)
{
    for (const struct law *law = laws; law->name; law++)
        if (strcmp(law->name, name) == 0)
            return law;
    return NULL;
}

/* ---- What they predict ---- */

static double sum_loss(const struct powersum_form *form, const double *letters, const double *x)
{
    double power[POWERSUM_TERMS] = {0}, sum = 0.0;
    for (int f = 0; f < form->n_factors; f++) {
        const struct powersum_factor *factor = &form->factors[f];
        double z = factor->straight ? x[factor->variable] : log(x[factor->variable]);
        power[factor->term] += factor->sign * z * letters[form->n_terms + factor->exponent];
    }
    for (int j = 0; j < form->n_terms; j++)
        sum += letters[j] * exp(-power[j]);
    return sum;
}

/* What `have` counts for when the first `base` of it is new and the rest repeats it (Muennighoff 2023, eq. 5). */
static double saturate(double have, double base, double R)
{
    double excess = fmax(have / base - 1.0, 0.0);
    return fmin(have, base) + base * R * -expm1(-excess / R);
}

static double constrained_loss(const double *letters, const double *x)
{
    double A = letters[1], B = letters[2], alpha = letters[3], beta = letters[4];
    double U = fmin(x[LAW_U], x[LAW_D]);
    /* The size for which U tokens are compute-optimal: alpha A / N^alpha = beta B / U^beta. */
    double fed = exp((log(alpha * A / (beta * B)) + beta * log(U)) / alpha);
    double D = saturate(x[LAW_D], U, letters[5]);
    double N = saturate(x[LAW_N], fed, letters[6]);
    return letters[0] + A * pow(N, -alpha) + B * pow(D, -beta);
}

static double routed_loss(const double *letters, const double *x)
{
    double start = letters[4], most = letters[5];
    double X = 1.0 / (1.0 / (x[LAW_E] - 1.0 + 1.0 / (1.0 / start - 1.0 / most)) + 1.0 / most);
    double n = log10(x[LAW_N]), e = log10(X);
    return pow(10.0, letters[0] * n + letters[1] * e + letters[2] * n * e + letters[3]);
}

double law_loss(const struct law *law, const double *letters, const double *x)
{
    if (law->form)
        return sum_loss(law->form, letters, x);
    if (law == &laws[LAW_DATA_CONSTRAINED])
        return constrained_loss(letters, x);
    if (law == &laws[LAW_ROUTED])
        return routed_loss(letters, x);
    return (double)NAN;
}

/* ---- Allocation ---- */

/* Tokens that are left of the budget when each parameter costs 6 FLOPs a token trained and 2 a token served. */
static double tokens_for(double N, double compute, double served)
{
    return (compute / N - 2.0 * served) / 6.0;
}

static double loss_for(const struct law *law, const double *letters, double log_N, double compute, double served,
                       double unique)
{
    double N = exp(log_N), D = tokens_for(N, compute, served);
    bool repeats = law == &laws[LAW_DATA_CONSTRAINED];
    double x[LAW_VARIABLES] = {[LAW_N] = N, [LAW_D] = D, [LAW_C] = compute, [LAW_E] = 1, [LAW_G] = 1, [LAW_P] = 1e9};
    if (!(D > 0.0))
        return (double)INFINITY;
    if (unique > 0.0 && !repeats)
        x[LAW_D] = fmin(D, unique);
    x[LAW_U] = unique > 0.0 ? fmin(unique, D) : D;
    return law_loss(law, letters, x);
}

/* By golden section (Kiefer 1953); the loss falls and then rises with log N. */
static double best_size(const struct law *law, const double *letters, double compute, double served, double unique)
{
    const double golden = 0.61803398874989484820;
    double low = 0.0, high = log(compute / (6.0 + 2.0 * served));
    double left = high - golden * (high - low), right = low + golden * (high - low);
    double at_left = loss_for(law, letters, left, compute, served, unique);
    double at_right = loss_for(law, letters, right, compute, served, unique);
    for (int step = 0; step < 70; step++) {
        if (at_left <= at_right) {
            high = right;
            right = left;
            at_right = at_left;
            left = high - golden * (high - low);
            at_left = loss_for(law, letters, left, compute, served, unique);
        } else {
            low = left;
            left = right;
            at_left = at_right;
            right = low + golden * (high - low);
            at_right = loss_for(law, letters, right, compute, served, unique);
        }
    }
    return exp(0.5 * (low + high));
}

void law_allocate(const struct law *law, const double *letters, double compute, double inference_tokens,
                  double unique_tokens, double *N, double *D)
{
    if (law == &laws[LAW_CHINCHILLA] && inference_tokens == 0.0 && unique_tokens == 0.0) {
        double alpha = letters[3], beta = letters[4];
        double log_G = log(alpha * letters[1] / (beta * letters[2])) / (alpha + beta);
        *N = exp(log_G + beta / (alpha + beta) * log(compute / 6.0));
        *D = compute / 6.0 / *N;
        return;
    }
    *N = best_size(law, letters, compute, inference_tokens, unique_tokens);
    *D = tokens_for(*N, compute, inference_tokens);
    if (unique_tokens > 0.0 && law != &laws[LAW_DATA_CONSTRAINED])
        *D = fmin(*D, unique_tokens);
}
