/* SPDX-License-Identifier: Apache-2.0 */
/* study.h — points as a caller of law_fit would hold them, made from a law: for the tests of laws. */
#ifndef TESTS_HARNESS_STUDY_H
#define TESTS_HARNESS_STUDY_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "harness/analysis/laws.h"

#define SAME(value, expected, digits) assert_true(fabs((value) / (expected)-1.0) <= 0.5 * pow(10.0, -(digits)))

enum { MOST = 400 };

/* A study: points as a caller would hold them. */
struct study {
    struct law_points points;
    double x[LAW_VARIABLES][MOST], loss[MOST], seed[MOST];
    int cluster[MOST], row[MOST];
};

static struct study study;
static struct err err;

static const double chinchilla[] = {1.69, 406.4, 410.7, 0.34, 0.28};

static inline void begin(void)
{
    memset(&study, 0, sizeof study);
    study.points.loss = study.loss;
    study.points.cluster = study.cluster;
    study.points.row = study.row;
}

static inline void add(double N, double D, double loss)
{
    int i = study.points.n++;
    assert_true(i < MOST);
    study.x[LAW_N][i] = N;
    study.x[LAW_D][i] = D;
    study.x[LAW_C][i] = 6.0 * N * D;
    study.loss[i] = loss;
    study.cluster[i] = i;
    study.row[i] = i + 1;
    study.points.n_clusters = i + 1;
    study.points.x[LAW_N] = study.x[LAW_N];
    study.points.x[LAW_D] = study.x[LAW_D];
    study.points.x[LAW_C] = study.x[LAW_C];
}

static inline double at(const struct law *law, const double *letters, double N, double D, enum law_variable other, double value)
{
    double x[LAW_VARIABLES] = {0};
    x[LAW_N] = N;
    x[LAW_D] = D;
    x[other] = value;
    return law_loss(law, letters, x);
}

/* per sizes times per token counts over three decades each, `noise` the deviation of log loss. */
static inline void make_grid(int per, int seeds, double noise, uint64_t seed)
{
    struct rng rng = rng_open(seed, RNG_TEST, 0);
    begin();
    for (int i = 0; i < per * per; i++) {
        double N = 1e6 * pow(10.0, i / per * 3.0 / (per - 1)), D = 1e7 * pow(10.0, i % per * 3.0 / (per - 1));
        for (int s = 0; s < seeds; s++) {
            add(N, D, at(&laws[LAW_CHINCHILLA], chinchilla, N, D, LAW_C, 0) * exp(noise * rng_normal(&rng)));
            study.cluster[study.points.n - 1] = i;
            study.seed[study.points.n - 1] = s;
        }
    }
    study.points.n_clusters = per * per;
    study.points.replicate = study.seed;
}

static inline struct law_settings by(enum law_method method, int replicates)
{
    struct law_settings settings = LAW_SETTINGS_INIT;
    settings.method = method;
    settings.bootstrap.replicates = replicates;
    return settings;
}

static inline void fit(enum law_id id, const struct law_settings *settings, struct law_fit *out)
{
    if (law_fit(&laws[id], &study.points, settings, out, &err) != STATUS_OK)
        fail_msg("%s", err.text);
}

#endif
