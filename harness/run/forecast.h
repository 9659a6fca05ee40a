/* SPDX-License-Identifier: Apache-2.0 */
/* forecast.h — how much of a run is done and how long the rest takes: predictions, corrected by what trials
 * really took. Plain arithmetic; durations in seconds. */
#ifndef HARNESS_RUN_FORECAST_H
#define HARNESS_RUN_FORECAST_H

struct forecast {
    double predicted_s; /* of the trials that are done and had a prediction */
    double measured_s;  /* what these took */
    double ended_s;     /* predicted seconds of all that ended, however */
    int ended;
};

/* What runs now, summed over its trials. */
struct forecast_running {
    int n;
    double fractions;   /* of each one's steps */
    double done_s;      /* predicted seconds times fraction */
    double busy_s;      /* what they took so far */
};

/* done: whether its time says how long such trials take. */
void forecast_add(struct forecast *forecast, double predicted_s, double measured_s, int done);

/* Measured over predicted seconds so far; 1 while nothing is known. */
double forecast_ratio(const struct forecast *forecast, const struct forecast_running *running);

/* total and total_s: trials of the run and their predicted seconds (0: unknown). */
double forecast_fraction(const struct forecast *forecast, const struct forecast_running *running, int total,
                         double total_s);
/* Seconds left on `jobs` processes; NaN while unknown. */
double forecast_eta_s(const struct forecast *forecast, const struct forecast_running *running, int total,
                      double total_s, int jobs, double elapsed_s);

#endif
