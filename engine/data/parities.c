/* SPDX-License-Identifier: Apache-2.0 */
/* parities.c — see parities.h. Tokens in their order: two per place, the sign, the tasks, those beyond them; an answer is
 * one of the first two. Invariant: whether a sample is held out depends on the seed, its task and its bits alone. */
#include "engine/data/parities.h"

#include <math.h>

/* sum of i^-s over i >= first, by Euler and Maclaurin from a place where the next term is below a double's precision. */
static double zeta_from(int first, double s)
{
    enum { FAR = 64 };
    double sum = 0, a = first + FAR;
    for (int i = first; i < first + FAR; i++)
        sum += pow(i, -s);
    return sum + pow(a, 1 - s) / (s - 1) + pow(a, -s) / 2 + s * pow(a, -s - 1) / 12 -
           s * (s + 1) * (s + 2) * pow(a, -s - 3) / 720;
}

static double choices(int n, int k)
{
    double ways = 1;
    for (int i = 1; i <= k; i++)
        ways = ways * (n - k + i) / i;
    return ways;
}

/* Draws until the places are as many as wanted and no earlier task has them. */
static uint64_t draw_mask(const struct parities *p, int task, struct rng *rng)
{
    for (;;) {
        uint64_t mask = 0;
        bool taken = false;
        for (int chosen = 0; chosen < p->config.places;) {
            uint64_t bit = UINT64_C(1) << rng_below(rng, (uint32_t)p->config.bits);
            chosen += (mask & bit) == 0;
            mask |= bit;
        }
        for (int i = 0; i < task; i++)
            taken = taken || p->mask[i] == mask;
        if (!taken)
            return mask;
    }
}

enum status parities_init(struct parities *out, const struct parities_config *config, int vocabulary, struct err *err)
{
    struct parities p = {.config = *config};
    struct rng rng = rng_open(config->seed, RNG_PARITIES, 0);
    double all, sum = 0;
    int tokens = 2 * config->bits + 1 + config->tasks + 1;
    if (config->bits < PARITIES_FEWEST_BITS || config->bits > PARITIES_MOST_BITS)
        return err_set(err, STATUS_USAGE, "data.source sparse_parity shows %d to %d bits, two fewer than model.context",
                       PARITIES_FEWEST_BITS, PARITIES_MOST_BITS);
    if (!(config->zipf > 1))
        return err_set(err, STATUS_USAGE, "data.source sparse_parity needs a data.ability_zipf above 1: its tasks are endless");
    if (config->tasks > PARITIES_MOST_TASKS || tokens > vocabulary)
        return err_set(err, STATUS_USAGE, "data.parity_tasks %d with %d bits are %d tokens, and there are %d", config->tasks,
                       config->bits, tokens, vocabulary);
    if (config->places > config->bits || choices(config->bits, config->places) < config->tasks)
        return err_set(err, STATUS_USAGE, "data.parity_tasks: there are not %d ways to choose %d of %d bits", config->tasks,
                       config->places, config->bits);
    all = zeta_from(1, config->zipf);
    for (int i = 0; i < config->tasks; i++) {
        p.mask[i] = draw_mask(&p, i, &rng);
        sum += pow(i + 1, -config->zipf) / all;
        p.cumulative[i] = sum;
    }
    p.cumulative[config->tasks] = 1;
    *out = p;
    return STATUS_OK;
}

int parities_tokens(const struct parities *p)
{
    return p->config.bits + 3;
}

static bool is_heldout(const struct parities *p, int task, uint64_t bits)
{
    struct rng hash = rng_open(p->config.seed, RNG_PARITIES, bits | (uint64_t)(task + 1) << PARITIES_MOST_BITS);
    return rng_below(&hash, PARITIES_HELDOUT_ONE_IN) == 0;
}

/* An even number of ones among the places that count: 0. */
static int parity(uint64_t bits)
{
    int odd = 0;
    for (; bits != 0; bits &= bits - 1)
        odd = !odd;
    return odd;
}

void parities_draw_of(const struct parities *p, int task, struct rng *rng, bool heldout, int32_t *tokens)
{
    int n = p->config.bits;
    uint64_t bits;
    do
        bits = rng_u64(rng) & ((UINT64_C(1) << n) - 1);
    while (is_heldout(p, task, bits) != heldout);
    tokens[0] = 2 * n + 1 + task;
    for (int i = 0; i < n; i++)
        tokens[1 + i] = 2 * i + (int)(bits >> i & 1);
    tokens[1 + n] = 2 * n;
    tokens[2 + n] = task < p->config.tasks ? parity(bits & p->mask[task]) : (int)rng_below(rng, 2);
}

int parities_draw(const struct parities *p, struct rng *rng, bool heldout, int32_t *tokens)
{
    double draw = rng_uniform(rng);
    int task = 0;
    while (draw >= p->cumulative[task])
        task++;
    parities_draw_of(p, task, rng, heldout, tokens);
    return task;
}

double parities_probability(const struct parities *p, int task)
{
    return p->cumulative[task] - (task > 0 ? p->cumulative[task - 1] : 0);
}

double parities_floor(const struct parities *p)
{
    return M_LN2 * parities_probability(p, p->config.tasks);
}
