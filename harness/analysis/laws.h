/* SPDX-License-Identifier: Apache-2.0 */
/* laws.h — scaling laws: fitting one to points, its intervals, and the best use of compute that follows from it.
 *
 * Arrays in, structs out; stateless, safe from several threads. N are parameters in one convention that the caller
 * names, D training tokens, C training FLOPs; a logarithm is natural unless said otherwise. The laws:
 *
 *   chinchilla        L = E + A / N^alpha + B / D^beta                               Hoffmann et al. 2022, eq. 2
 *   kaplan            L = (N_c / N)^alpha_N at the most tokens, (D_c / D)^alpha_D at the most parameters,
 *                     (C_c / C)^alpha_C along the lower envelope                     Kaplan et al. 2020, eq. 1.1-1.3;
 *                     each law's errors are those of the points it goes through, the largest of them held out
 *   data-constrained  chinchilla's in N' and D': of U unique tokens seen R + 1 times D' = U + U R_D (1 - exp(-R / R_D)),
 *                     and N' likewise with R_N, from the size that U can feed        Muennighoff et al. 2023, eq. 5-7
 *   routed            log10 L = a log10 N + b log10 X + c log10 N log10 X + d, X the experts E saturated between E_start
 *                     and E_max: 1/X = 1/(E - 1 + 1/(1/E_start - 1/E_max)) + 1/E_max Clark et al. 2022, eq. 2, 7
 *   fine-grained      L = c + (g / G^gamma + a) / N^alpha + b / D^beta, G granularity Krajewski et al. 2024, eq. 9
 *   precision         chinchilla's + delta D^gamma_D / N^gamma_N exp(-gamma_P P), P bits a weight was rounded to after
 *                     training; gamma_P is 1/gamma_post                              Kumar et al. 2024, eq. 2
 *
 * Methods: varpro and huber are powersum.h's; approach1 and approach2 are Hoffmann's envelope and IsoFLOP parabolas, which give
 * N_opt = k_N C^a and D_opt = k_D C^b alone; logs is least squares on logarithms, relative on relative residuals.
 *
 * Intervals: cases are resampled with replacement, whole clusters at a time (Philox; equal settings give equal bits),
 * and the law is fitted again. An end is a quantile of the replicates, at a level widened for the number of
 * clusters G (Hesterberg 2015, section 3.6: the expanded percentile interval), sqrt(G / (G - 1)) times Student's t of
 * G - 1. In 1000 simulated studies of 25 clusters the plain percentile of varpro covers 93 to 94 %, the expanded one 95 to
 * 97 %, as bootstrap-t does with more work. Of huber the plain percentile is taken: it covers 96 to 97 %.
 */
#ifndef HARNESS_ANALYSIS_LAWS_H
#define HARNESS_ANALYSIS_LAWS_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "harness/analysis/powersum.h"
#include "harness/analysis/stats.h"

/* Data */

enum law_variable { LAW_N, LAW_D, LAW_C, LAW_E, LAW_G, LAW_U, LAW_P, LAW_VARIABLES };

enum law_method { LAW_VARPRO, LAW_HUBER, LAW_APPROACH1, LAW_APPROACH2, LAW_LOGS, LAW_RELATIVE, LAW_METHODS };

enum law_id { LAW_CHINCHILLA, LAW_KAPLAN, LAW_DATA_CONSTRAINED, LAW_ROUTED, LAW_FINE_GRAINED, LAW_PRECISION };

enum { LAW_LETTERS = 10, LAW_COMPUTES = 8, LAW_QUANTITIES = LAW_LETTERS + 3 + 3 * LAW_COMPUTES, LAW_MOST_POINTS = 20000, LAW_POINT_TEXT = 80 };

struct law {
    const char *name;
    const char *formula;
    unsigned variables;               /* a bit per law_variable it needs */
    unsigned methods;                 /* a bit per law_method that fits it */
    const struct powersum_form *form; /* NULL: no sum of powers */
    const char *letters[LAW_LETTERS + 1]; /* NULL past the last */
};
extern const struct law laws[]; /* by law_id; ends with a row without name */
extern const char *const law_variable_names[LAW_VARIABLES];
extern const char *const law_method_names[LAW_METHODS];

/* n points. x[v] (n) or NULL where a variable is not known. cluster (n): numbers 0 … n_clusters - 1, resampled as a whole.
 * row (n): what messages call a point, as "row 7". replicate (n) or NULL: the seed, by which two runs of one setting differ. */
struct law_points {
    int n, n_clusters;
    const double *x[LAW_VARIABLES];
    const double *loss;
    const int *cluster, *row;
    const char *const *trial; /* (n) or NULL: ids of trials, which name a point in place of its row */
    const double *replicate;
};

struct law_settings {
    enum law_method method;
    struct bootstrap bootstrap; /* replicates 0: no intervals */
    double delta;               /* huber: where its loss turns from square to straight, on log loss */
    double holdout;             /* share of the clusters, those of most compute, held out to measure the error; 0: none */
    double bucket;              /* approach2: runs whose C differs by no more than this share are one budget */
    double compute[LAW_COMPUTES]; /* budgets whose best N and D are wanted */
    int n_computes;
    double inference_tokens;    /* tokens to be served after training: C = 6 N D + 2 N D_inf (Sardana & Frankle 2023) */
    double unique_tokens;       /* most different tokens there are; 0: no limit */
};
#define LAW_SETTINGS_INIT \
    ((struct law_settings){.method = LAW_VARPRO, .bootstrap = BOOTSTRAP_INIT, .delta = POWERSUM_HUBER_DELTA, .holdout = 0.2, .bucket = 0.2})

/* A figure with its interval; low, high and se (the replicates' standard deviation) are NaN where there is none. */
struct law_quantity {
    const char *name;
    double value, low, high, se;
};

/* Best use of a budget; loss.value is NaN for approaches 1 and 2. */
struct law_optimum {
    double compute;
    struct law_quantity N, D, loss;
};

struct law_fit {
    const struct law *law;
    enum law_method method;
    struct law_quantity letter[LAW_LETTERS]; /* the law's own (approach1, approach2: a b k_N k_D) */
    int n_letters;
    struct law_quantity derived[3];          /* a, b, G: N_opt = G (C/6)^a, D_opt = (C/6)^b / G */
    int n_derived;
    struct law_optimum optimum[LAW_COMPUTES];
    int n_optima;
    double covariance[LAW_LETTERS * LAW_LETTERS]; /* (n_letters, n_letters) of the replicates; NaN without */
    double objective;                        /* what was minimised, at its minimum */
    double residual_rms;                     /* sqrt(mean ((L - fitted) / L)^2); NaN where no loss is predicted */
    double heldout_error;                    /* mean |fitted / L - 1| over the held-out points; NaN: none */
    int n_points, n_clusters, n_heldout;
    int n_replicates, n_failed;              /* of the bootstrap; failed: the resample determined no law */
    char notes[400];                         /* what the reader must know; "" for nothing */
};

/* Operations */

/* NULL when there is no such law. */
const struct law *law_find(const char *name);

/* The law's loss at x (LAW_VARIABLES values) for its letters' values; NaN for methods and laws that predict none. */
double law_loss(const struct law *law, const double *letters, const double *x);

/* Best N and D for C FLOPs under chinchilla, data-constrained or fine-grained letters (the last with G = 1).
 * Closed form where nothing but C limits (Hoffmann 2022, eq. 4), else golden section in log N. */
void law_allocate(const struct law *law, const double *letters, double compute, double inference_tokens,
                  double unique_tokens, double *N, double *D);

/* "row 7" or "trial 3f2a…": the point in a message, in the caller's room. */
const char *law_point_text(const struct law_points *points, int i, char text[LAW_POINT_TEXT]);

/* Fits one law by one method. STATUS_INSUFFICIENT names the row of a value that is not finite or not positive, of a
 * point given twice, or says why the points determine no such law (too few, one size only, N proportional to D, an
 * exponent that runs away, a loss that does not fall). STATUS_USAGE: method and law do not go together. */
MUST_CHECK enum status law_fit(const struct law *law, const struct law_points *points,
                               const struct law_settings *settings, struct law_fit *out, struct err *err);

#endif
