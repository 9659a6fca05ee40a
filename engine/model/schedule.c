/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c — see schedule.h. */
#include "engine/model/schedule.h"

#include <math.h>

static double falling_line(const struct schedule *s, int64_t step)
{
    if (s->falling == 0)
        return 1;
    return s->final + (1 - s->final) * ((double)(s->steps - step) / (double)s->falling);
}

static double falling_cosine(const struct schedule *s, int64_t step)
{
    double done = (double)(step - s->rising) / (double)(s->steps - s->rising);
    return step < s->rising ? 1 : s->final + (1 - s->final) * (1 + cos(M_PI * done)) / 2;
}

double schedule_factor(const struct schedule *s, int64_t step)
{
    double up = (double)(step + 1) / (double)s->rising, down = 1;
    if (s->kind == SCHEDULE_WSD)
        down = falling_line(s, step);
    else if (s->kind == SCHEDULE_COSINE)
        down = falling_cosine(s, step);
    return fmin(1, fmin(up, down));
}

int64_t schedule_constant_steps(const struct schedule *s)
{
    switch (s->kind) {
    case SCHEDULE_WSD:
        return s->falling < s->steps ? s->steps - s->falling : 0;
    case SCHEDULE_CONSTANT:
        return s->steps;
    case SCHEDULE_COSINE:
        break;
    }
    return 0;
}
