/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h — the learning rate over a run, as a factor on its peak. Pure functions.
 *
 * With S steps in all, U of them rising and F falling, and the final factor f, step s = 0 … S-1 has
 *
 *   wsd       min((s + 1) / U, f + (1 - f) (S - s) / F), at most 1: warm-up, stable, decay (Hu 2024, eq. 1, with the
 *             linear decay of Haegele 2024, sec. 4)
 *   cosine    (s + 1) / U while s < U, then f + (1 - f) (1 + cos(pi (s - U) / (S - U))) / 2 (Loshchilov & Hutter
 *             2017, eq. 5); its horizon is the run, without which it is worse (Hoffmann 2022, app. B)
 *   constant  min((s + 1) / U, 1)
 *
 * Up to schedule_constant_steps, wsd depends on U alone: runs that differ in S and F begin alike, so one constant run
 * (the trunk) holds the beginning of them all. */
#ifndef ENGINE_MODEL_SCHEDULE_H
#define ENGINE_MODEL_SCHEDULE_H

#include <stdint.h>

enum schedule_kind { SCHEDULE_WSD, SCHEDULE_COSINE, SCHEDULE_CONSTANT };

struct schedule {
    enum schedule_kind kind;
    int64_t steps;   /* S, at least 1 */
    int64_t rising;  /* U, at least 1: the first step has rate 1 / U */
    int64_t falling; /* F, wsd only; 0: never */
    double final;    /* f, wsd and cosine */
};

double schedule_factor(const struct schedule *schedule, int64_t step);

/* The steps from the start that do not depend on how long the run is: of wsd those before its decay, of a constant
 * rate all, of a cosine none. */
int64_t schedule_constant_steps(const struct schedule *schedule);

#endif
