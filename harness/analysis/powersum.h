/* SPDX-License-Identifier: Apache-2.0 */
/* powersum.h — laws that are sums of powers, fitted by variable projection or by Huber's loss.
 *
 *     L(x) = sum over terms j of  c_j  exp(-sum over factors f of term j of  s_f theta_f z_f(x)),   c_j >= 0
 *
 * with z = log of a variable (a power) or the variable itself (an exponential). Chinchilla's law, the fine-grained
 * mixture law and the precision law are of this form (laws.c has the table). Two objectives:
 *
 *   varpro   sum of w ((L - fitted) / L)^2. The c_j are linear: for given exponents they follow by non-negative least
 *            squares, and the search is over the exponents alone (Golub & Pereyra 1973; steps by Kaufman 1975 with
 *            Levenberg's damping).
 *   huber    sum of w h(log fitted - log L), h(r) = r^2 / 2 within delta, delta (|r| - delta / 2) beyond, with the logarithm of
 *            the sum taken of the terms' logarithms (Hoffmann et al. 2022, eq. 3; the sum and not the mean: Besiroglu
 *            et al. 2024). Newton's method with the true Hessian, damped: most residuals lie beyond delta, where the
 *            loss is nearly that of least absolute deviations and methods of first order crawl.
 *
 * Weights are how often a point counts, so that a resample is a vector of weights. Arrays are the caller's; a struct
 * powersum owns its tables and its scratch room and is used by one thread at a time. */
#ifndef HARNESS_ANALYSIS_POWERSUM_H
#define HARNESS_ANALYSIS_POWERSUM_H

#include <stdbool.h>

#include "engine/base/err.h"

enum { POWERSUM_TERMS = 4, POWERSUM_EXPONENTS = 5, POWERSUM_FACTORS = 6 };

/* Exponents are sought in this range; one that runs to its end is not determined by the points. */
#define POWERSUM_LEAST 1e-3
#define POWERSUM_MOST 5.0
#define POWERSUM_HUBER_DELTA 1e-3 /* Hoffmann's; powersum_init sets it */

/* Data */

/* One factor of one term: exp(-sign theta z). */
struct powersum_factor {
    int term, exponent;
    int variable;  /* index into the caller's variables */
    int sign;      /* +1: falls with the variable; -1: grows */
    bool straight; /* z is the variable itself, not its logarithm */
};

struct powersum_form {
    int n_terms, n_exponents, n_factors;
    struct powersum_factor factors[POWERSUM_FACTORS];
};

/* A point in the search. Coefficients belong to centred z; powersum_letters gives those of the law. */
struct powersum_solution {
    double coefficient[POWERSUM_TERMS];
    double exponent[POWERSUM_EXPONENTS];
    double objective;
};

struct powersum {
    const struct powersum_form *form;
    int n;
    double delta;       /* of Huber's loss; the smaller, the nearer to least absolute deviations */
    double *feature;    /* (n_factors, n): sign z, less its mean over the points */
    double mean[POWERSUM_FACTORS];
    double *loss_inverse, *loss_log; /* (n) */
    double *column;     /* (terms + exponents, n) scratch: terms over loss, then their derivatives by the exponents */
    double *residual;   /* (n) scratch */
};

/* Life cycle. variables[v] (n) for every v that the form names; they and loss (n) must be finite, positive where a
 * logarithm is taken. STATUS_MEMORY is the only error. */
MUST_CHECK enum status powersum_init(struct powersum *p, const struct powersum_form *form, const double *const *variables,
                                     const double *loss, int n, struct err *err);
void powersum_release(struct powersum *p);

/* Operations. weight (n) >= 0. A descent goes from *at to the minimum near it; false when the points (of positive
 * weight) do not determine the unknowns. Huber's also needs positive coefficients to begin with. */
bool powersum_varpro(struct powersum *p, const double *weight, struct powersum_solution *at);
bool powersum_huber(struct powersum *p, const double *weight, struct powersum_solution *at);

/* The least minimum found from a grid of exponents over the whole range. For Huber's loss the descents begin there and
 * at the projected minimum. */
bool powersum_search(struct powersum *p, const double *weight, bool huber, struct powersum_solution *best);

/* c_j and theta_k of the law as written above: out (n_terms + n_exponents). */
void powersum_letters(const struct powersum *p, const struct powersum_solution *at, double *out);

/* The exponent that ran to an end of its range, or -1. */
int powersum_stuck(const struct powersum *p, const struct powersum_solution *at);

#endif
