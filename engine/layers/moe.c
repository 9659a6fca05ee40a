/* SPDX-License-Identifier: Apache-2.0 */
/* moe.c — route, sort, run each expert on its rows, combine.
 * Invariant: the slots that are not -1 are a permutation of 0 … S-1, and start[e] … start[e+1]-1 are those of
 * expert e. */
#include "engine/layers/moe.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "engine/layers/ffn.h"
#include "engine/layers/linear.h"
#include "engine/math/vec.h"

int moe_capacity(double factor, int n, int E, int k)
{
    return factor > 0 ? (int)fmax(1, fmin(ceil(factor * n * k / E - 1e-9), (double)n * k)) : 0;
}

/* The k largest of E logits, best first; the lower expert wins a tie. One pass that keeps the best so far in order:
 * most logits are compared once. */
static void choose_experts(int32_t *expert, const real *logits, int E, int k)
{
    for (int e = 0, held = 0; e < E; e++) {
        int at = held;
        if (held == k && !(logits[e] > logits[expert[k - 1]]))
            continue;
        if (held < k)
            held++;
        else
            at = k - 1;
        for (; at > 0 && logits[e] > logits[expert[at - 1]]; at--)
            expert[at] = expert[at - 1];
        expert[at] = e;
    }
}

void moe_route(int32_t *expert, real *weight, real *p, const real *logits, int E, int k, bool gate_all)
{
    real sum = 0;
    choose_experts(expert, logits, E, k);
    vec->scale(p, 1 / vec->exp_sum(p, logits, logits[expert[0]], E), E);
    for (int j = 0; j < k; j++)
        sum += weight[j] = p[expert[j]];
    for (int j = 0; j < k && !gate_all; j++)
        weight[j] /= sum;
}

static int served(const struct moe_shape *shape, int chosen)
{
    return shape->capacity > 0 && chosen > shape->capacity ? shape->capacity : chosen;
}

/* Pairs come in the order of tokens and ranks, so whoever comes first is served first. */
static void sort_slots(struct moe_state *s, const struct moe_shape *shape)
{
    int pairs = shape->n * shape->k, E = shape->E;
    memset(s->chosen, 0, (size_t)E * sizeof *s->chosen);
    for (int i = 0; i < pairs; i++)
        s->chosen[s->expert[i]]++;
    s->start[0] = 0;
    for (int e = 0; e < E; e++) {
        s->start[e + 1] = s->start[e] + served(shape, s->chosen[e]);
        s->load[e] = (real)s->chosen[e] / (real)pairs;
        s->chosen[e] = 0; /* counts again, now as the next place in the expert's row of slots */
    }
    for (int i = 0; i < pairs; i++) {
        int e = s->expert[i], slot = s->start[e] + s->chosen[e]++;
        s->slot[i] = slot < s->start[e + 1] ? slot : -1;
    }
}

/* The auxiliary losses; where dlogits is given, their gradient times aux_scale is added to it. */
static double auxiliary(real *dlogits, const struct moe_state *s, const struct moe_shape *shape, double aux_scale)
{
    int n = shape->n, E = shape->E, k = shape->k;
    double balance = 0, z = 0, weigh = aux_scale / n;
    if (E == 1 || (shape->load_balance == 0 && shape->router_z == 0))
        return 0;
    for (int t = 0; t < n; t++) {
        const real *p = s->p + (size_t)t * (size_t)E;
        int best = s->expert[t * k];
        real mean_load = vec->dot(p, s->load, E);
        /* p is exp(logit - lse), and the best expert's is at least 1 / E. */
        double lse = (double)s->logits[(size_t)t * (size_t)E + (size_t)best] - log((double)p[best]);
        balance += (double)mean_load;
        z += lse * lse;
        if (dlogits) {
            real pull = (real)((double)shape->load_balance * E * weigh);
            real shrink = (real)((double)shape->router_z * 2 * lse * weigh);
            real *row = dlogits + (size_t)t * (size_t)E;
            for (int e = 0; e < E; e++)
                row[e] += p[e] * (pull * (s->load[e] - mean_load) + shrink);
        }
    }
    return ((double)shape->load_balance * E * balance + (double)shape->router_z * z) / n;
}

double moe_forward(real *out, struct moe_state *s, const real *x, const struct moe_weights *w,
                   const struct moe_shape *shape)
{
    int n = shape->n, C = shape->C, F = shape->F, E = shape->E, k = shape->k;
    linear_forward(s->logits, x, w->router, n, C, E);
    for (int t = 0; t < n; t++)
        moe_route(s->expert + (size_t)(t * k), s->weight + (size_t)(t * k), s->p + (size_t)t * (size_t)E,
                  s->logits + (size_t)t * (size_t)E, E, k, shape->gate_all);
    sort_slots(s, shape);
    for (int i = 0; i < n * k; i++)
        if (s->slot[i] >= 0)
            memcpy(s->x + (size_t)s->slot[i] * (size_t)C, x + (size_t)(i / k) * (size_t)C, (size_t)C * sizeof(real));
    for (int e = 0; e < E; e++) {
        size_t first = (size_t)s->start[e], matrix = (size_t)e * (size_t)F * (size_t)C;
        ffn_forward(s->out + first * (size_t)C, s->gate_up + first * (size_t)(2 * F), s->h + first * (size_t)F,
                    s->x + first * (size_t)C, w->in + 2 * matrix, w->out + matrix,
                    s->start[e + 1] - s->start[e], C, F);
    }
    for (int t = 0; t < n; t++) {
        real *row = out + (size_t)t * (size_t)C;
        memset(row, 0, (size_t)C * sizeof(real));
        for (int j = 0; j < k; j++)
            if (s->slot[t * k + j] >= 0)
                vec->axpy(row, s->weight[t * k + j], s->out + (size_t)s->slot[t * k + j] * (size_t)C, C);
    }
    return auxiliary(NULL, s, shape, 0);
}

/* dlogits from the gradients of the k weights, through the softmax over the chosen logits or over all. A dropped
 * pair's weight has no gradient, but its logit is part of the softmax. */
static void router_backward(real *dlogits, const struct moe_state *s, const real *dout, const struct moe_shape *shape)
{
    int C = shape->C, E = shape->E, k = shape->k;
    memset(dlogits, 0, (size_t)shape->n * (size_t)E * sizeof(real));
    for (int t = 0; t < shape->n; t++) {
        const real *weight = s->weight + (size_t)(t * k);
        const int32_t *expert = s->expert + (size_t)(t * k), *slot = s->slot + (size_t)(t * k);
        const real *d = dout + (size_t)t * (size_t)C;
        real *row = dlogits + (size_t)t * (size_t)E;
        real mean = 0;
        for (int j = 0; j < k; j++) {
            if (slot[j] >= 0)
                row[expert[j]] = weight[j] * vec->dot(d, s->out + (size_t)slot[j] * (size_t)C, C);
            mean += row[expert[j]];
        }
        if (shape->gate_all)
            vec->axpy(row, -mean, s->p + (size_t)t * (size_t)E, E);
        else
            for (int j = 0; j < k; j++)
                row[expert[j]] -= weight[j] * mean;
    }
}

void moe_backward(real *dx, struct moe_gradients *g, real *dslots, real *dx_slots, real *dh, real *dlogits,
                  const real *dout, struct moe_state *s, const real *x, const struct moe_weights *w,
                  const struct moe_shape *shape, real aux_scale)
{
    int n = shape->n, C = shape->C, F = shape->F, E = shape->E, k = shape->k;
    router_backward(dlogits, s, dout, shape);
    (void)auxiliary(dlogits, s, shape, (double)aux_scale);
    for (int i = 0; i < n * k; i++) {
        real *row;
        if (s->slot[i] < 0)
            continue;
        row = dslots + (size_t)s->slot[i] * (size_t)C;
        memcpy(row, dout + (size_t)(i / k) * (size_t)C, (size_t)C * sizeof(real));
        vec->scale(row, s->weight[i], C);
    }
    for (int e = 0; e < E; e++) {
        size_t first = (size_t)s->start[e], matrix = (size_t)e * (size_t)F * (size_t)C;
        ffn_backward(dx_slots + first * (size_t)C, g->in + 2 * matrix, g->out + matrix, dh + first * (size_t)F,
                     dslots + first * (size_t)C, s->x + first * (size_t)C, s->gate_up + first * (size_t)(2 * F),
                     s->h + first * (size_t)F, w->in + 2 * matrix, w->out + matrix,
                     s->start[e + 1] - s->start[e], C, F);
    }
    linear_backward(dx, g->router, dlogits, x, w->router, n, C, E);
    for (int i = 0; i < n * k; i++)
        if (s->slot[i] >= 0)
            vec->add(dx + (size_t)(i / k) * (size_t)C, dx_slots + (size_t)s->slot[i] * (size_t)C, C);
}

struct moe_balance moe_balance(const int64_t *chosen, int64_t dropped, int E)
{
    double pairs = 0, busiest = 0, entropy = 0;
    int dead = 0;
    for (int e = 0; e < E; e++)
        pairs += (double)chosen[e];
    for (int e = 0; e < E; e++) {
        double share = (double)chosen[e] / pairs;
        busiest = fmax(busiest, share);
        entropy -= share > 0 ? share * log(share) : 0;
        dead += chosen[e] == 0;
    }
    return (struct moe_balance){
        .max_over_mean = busiest * E,
        .effective = exp(entropy) / E,
        .dead = (double)dead / E,
        .dropped = (double)dropped / pairs,
    };
}
