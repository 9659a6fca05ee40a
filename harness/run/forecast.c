/* SPDX-License-Identifier: Apache-2.0 */
/* forecast.c — see forecast.h. */
#include "harness/run/forecast.h"

#include <math.h>

void forecast_add(struct forecast *forecast, double predicted_s, double measured_s, int done)
{
    forecast->ended++;
    forecast->ended_s += predicted_s;
    if (done && predicted_s > 0) {
        forecast->predicted_s += predicted_s;
        forecast->measured_s += measured_s;
    }
}

double forecast_ratio(const struct forecast *forecast, const struct forecast_running *running)
{
    double predicted = forecast->predicted_s, measured = forecast->measured_s;
    /* What only runs counts as evidence once it is a second of work; before, it is mostly starting up. */
    if (running->done_s > 1) {
        predicted += running->done_s;
        measured += running->busy_s;
    }
    return predicted > 0 && measured > 0 ? measured / predicted : 1;
}

double forecast_fraction(const struct forecast *forecast, const struct forecast_running *running, int total,
                         double total_s)
{
    double fraction = 0;
    if (total_s > 0)
        fraction = (forecast->ended_s + running->done_s) / total_s;
    else if (total > 0)
        fraction = ((double)forecast->ended + running->fractions) / (double)total;
    return fmin(fmax(fraction, 0), 1);
}

double forecast_eta_s(const struct forecast *forecast, const struct forecast_running *running, int total,
                      double total_s, int jobs, double elapsed_s)
{
    double fraction = forecast_fraction(forecast, running, total, total_s);
    int left = total - forecast->ended;
    int lanes = left < jobs ? left : jobs; /* the last trials cannot be shared out */
    if (total_s > 0)
        return (1 - fraction) * total_s * forecast_ratio(forecast, running) / (double)(lanes > 1 ? lanes : 1);
    if (!(fraction >= 0.01) || !(elapsed_s >= 1))
        return NAN;
    return elapsed_s * (1 - fraction) / fraction;
}
