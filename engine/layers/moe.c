/* SPDX-License-Identifier: Apache-2.0 */
/* moe.c — route, sort, run each expert on its rows, combine.
 * Invariant: slot is a permutation of 0 … n k - 1, and start[e] … start[e+1]-1 are the slots of expert e. */
#include "engine/layers/moe.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "engine/layers/ffn.h"
#include "engine/layers/linear.h"
#include "engine/math/vec.h"

/* The k largest of E logits, best first; the lower expert wins a tie. */
static void choose_experts(int32_t *expert, const real *logits, int E, int k)
{
    for (int j = 0; j < k; j++) {
        int best = -1;
        for (int e = 0; e < E; e++) {
            bool taken = false;
            for (int i = 0; i < j; i++)
                taken |= expert[i] == e;
            if (!taken && (best < 0 || logits[e] > logits[best]))
                best = e;
        }
        expert[j] = best;
    }
}

void moe_route(int32_t *expert, real *weight, const real *logits, int E, int k, bool gate_all)
{
    real sum = 0;
    choose_experts(expert, logits, E, k);
    for (int j = 0; j < k; j++)
        weight[j] = (real)exp((double)(logits[expert[j]] - logits[expert[0]]));
    for (int j = 0; j < (gate_all ? E : k); j++)
        sum += gate_all ? (real)exp((double)(logits[j] - logits[expert[0]])) : weight[j];
    for (int j = 0; j < k; j++)
        weight[j] /= sum;
}

static void sort_slots(struct moe_state *s, const struct moe_shape *shape)
{
    int pairs = shape->n * shape->k;
    memset(s->start, 0, (size_t)(shape->E + 1) * sizeof *s->start);
    for (int i = 0; i < pairs; i++)
        s->start[s->expert[i] + 1]++;
    for (int e = 0; e < shape->E; e++)
        s->start[e + 1] += s->start[e];
    for (int i = 0; i < pairs; i++)
        s->slot[i] = s->start[s->expert[i]]++;
    for (int e = shape->E; e > 0; e--) /* the loop above moved every start to its end: move them back */
        s->start[e] = s->start[e - 1];
    s->start[0] = 0;
}

/* The auxiliary losses; where dlogits is given, their gradient times aux_scale is added to it. Computed row by
 * row in double: n E exponentials are nothing beside the experts' products. */
static double auxiliary(real *dlogits, const struct moe_state *s, const struct moe_shape *shape, double aux_scale)
{
    int n = shape->n, E = shape->E;
    double balance = 0, z = 0;
    if (E == 1 || (shape->load_balance == 0 && shape->router_z == 0))
        return 0;
    for (int t = 0; t < n; t++) {
        const real *row = s->logits + (size_t)t * (size_t)E;
        double top = (double)vec->max(row, E), sum = 0, mean_load = 0, lse;
        for (int e = 0; e < E; e++)
            sum += exp((double)row[e] - top);
        lse = top + log(sum);
        for (int e = 0; e < E; e++) {
            double load = (double)(s->start[e + 1] - s->start[e]) / ((double)n * shape->k);
            mean_load += load * exp((double)row[e] - lse);
        }
        balance += mean_load;
        z += lse * lse;
        if (dlogits == NULL)
            continue;
        for (int e = 0; e < E; e++) {
            double p = exp((double)row[e] - lse);
            double load = (double)(s->start[e + 1] - s->start[e]) / ((double)n * shape->k);
            double d = (double)shape->load_balance * E * p * (load - mean_load) + (double)shape->router_z * 2 * lse * p;
            dlogits[(size_t)t * (size_t)E + (size_t)e] += (real)(d * aux_scale / n);
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
        moe_route(s->expert + (size_t)(t * k), s->weight + (size_t)(t * k), s->logits + (size_t)t * (size_t)E, E, k,
                  shape->gate_all);
    sort_slots(s, shape);
    for (int i = 0; i < n * k; i++)
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
            vec->axpy(row, s->weight[t * k + j], s->out + (size_t)s->slot[t * k + j] * (size_t)C, C);
    }
    return auxiliary(NULL, s, shape, 0);
}

/* dlogits from the gradients of the k weights: through the softmax over the chosen logits, or over all. */
static void router_backward(real *dlogits, const struct moe_state *s, const real *dout, const struct moe_shape *shape)
{
    int C = shape->C, E = shape->E, k = shape->k;
    memset(dlogits, 0, (size_t)shape->n * (size_t)E * sizeof(real));
    for (int t = 0; t < shape->n; t++) {
        const real *weight = s->weight + (size_t)(t * k), *logits = s->logits + (size_t)t * (size_t)E;
        const int32_t *expert = s->expert + (size_t)(t * k);
        const real *d = dout + (size_t)t * (size_t)C;
        real *row = dlogits + (size_t)t * (size_t)E;
        real mean = 0;
        for (int j = 0; j < k; j++) {
            row[expert[j]] = weight[j] * vec->dot(d, s->out + (size_t)s->slot[t * k + j] * (size_t)C, C);
            mean += row[expert[j]];
        }
        if (shape->gate_all)
            for (int e = 0; e < E; e++) /* every probability is the best one's times e^(difference) */
                row[e] -= weight[0] * (real)exp((double)(logits[e] - logits[expert[0]])) * mean;
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
        real *row = dslots + (size_t)s->slot[i] * (size_t)C;
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
        vec->add(dx + (size_t)(i / k) * (size_t)C, dx_slots + (size_t)s->slot[i] * (size_t)C, C);
}
