/* SPDX-License-Identifier: Apache-2.0 */
/* moe.h — a mixture of experts in place of one feed-forward layer, in Mixtral's form (Jiang 2024, sec. 2.1):
 * each token goes to the k experts with the largest router logits, weighted by the softmax over those k. With
 * gate_all the weights are the softmax over all E logits instead (Fedus 2021, eq. 2): with k = 1 only that gives the
 * router a gradient from the loss.
 *
 *   out[t] = sum_j softmax_j(top-k of x[t] Wr^T) * ffn_{expert j}(x[t])
 *
 * Dropless unless capacity is set: then an expert serves at most `capacity` of a call's n k pairs (token, rank), in
 * the order of tokens and, within a token, of ranks. A pair beyond that is dropped: it adds nothing to its token, and
 * the weights of the token's other pairs stay as they are (Fedus 2021, sec. 2.2).
 *
 * Auxiliary losses over a call's n tokens, from the softmax p over all E logits:
 *   load balance  a E sum_e f_e mean_t p[t][e]   (Fedus 2021, eq. 4; f_e: share of the n k pairs, a constant)
 *   router z      z mean_t (log sum_e exp logit[t][e])^2   (Zoph 2022, eq. 5)
 * f_e counts what the router chose, dropped or not. Both vanish with one expert, where a mixture is bit for bit
 * the dense layer.
 *
 * Slots are ordered by expert, and within an expert by token and rank (a stable counting sort), so sums have
 * one order. The caller owns every array; none may overlap. */
#ifndef ENGINE_LAYERS_MOE_H
#define ENGINE_LAYERS_MOE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/real.h"

struct moe_shape {
    int n;        /* tokens */
    int C, F;     /* width, an expert's feed-forward width */
    int E, k;     /* experts, experts per token */
    int capacity; /* most pairs an expert serves in this call; 0: no limit */
    bool gate_all;               /* weights: softmax over all logits, not over the chosen */
    real load_balance, router_z; /* weights of the auxiliary losses */
};

/* What the forward pass leaves for the backward pass. S: slots, n k less what was dropped. */
struct moe_state {
    real *logits;    /* (n,E) */
    real *p;         /* (n,E): their softmax */
    real *weight;    /* (n,k): of the chosen experts */
    int32_t *expert; /* (n,k): the chosen experts, best first */
    int32_t *slot;   /* (n,k): where the pair (token, rank) lies in the sorted order; -1: dropped */
    int32_t *chosen; /* (E): pairs that chose each expert, dropped ones included */
    int32_t *start;  /* (E+1): first slot of each expert; start[E] = S */
    real *load;      /* (E): chosen as shares of n k */
    real *x;         /* (S,C): gathered inputs */
    real *gate_up;   /* (S,2F) */
    real *h;         /* (S,F) */
    real *out;       /* (S,C): the experts' outputs */
};

struct moe_weights {
    const real *router; /* (E,C) */
    const real *in;     /* (E,2F,C) */
    const real *out;    /* (E,C,F) */
};

struct moe_gradients {
    real *router, *in, *out; /* as above; added to */
};

/* ceil(factor n k / E), the pairs an expert may serve in a call with n tokens (Fedus 2021, eq. 3); 0, no limit, for
 * factor 0. A billionth of a pair is forgiven, so that 1.1 * 100 / 10 is 11. */
int moe_capacity(double factor, int n, int E, int k);

/* The choice for one token: the k experts with the largest of E logits, best first (the lower expert wins a
 * tie), their weights (k), and p (E), the softmax over all logits. */
void moe_route(int32_t *expert, real *weight, real *p, const real *logits, int E, int k, bool gate_all);

/* out (n,C); returns the auxiliary loss. */
double moe_forward(real *out, struct moe_state *state, const real *x, const struct moe_weights *weights,
                   const struct moe_shape *shape);

/* dx (n,C) is overwritten. aux_scale weighs the auxiliary losses' gradient (the share of this call's tokens in
 * the step). Scratch: dslots (S,C), dx_slots (S,C), dh (S,F), dlogits (n,E). */
void moe_backward(real *dx, struct moe_gradients *gradients, real *dslots, real *dx_slots, real *dh, real *dlogits,
                  const real *dout, struct moe_state *state, const real *x, const struct moe_weights *weights,
                  const struct moe_shape *shape, real aux_scale);

/* How evenly one layer's pairs fall on its experts, from the number of pairs that chose each. */
struct moe_balance {
    double max_over_mean; /* the busiest expert's load over the mean load; 1: even */
    double effective;     /* exp(entropy of the loads) / E: the share of experts that would carry this evenly */
    double dead;          /* share of experts that nobody chose */
    double dropped;       /* share of pairs that were dropped */
};

/* chosen (E), not all zero; dropped is a number of pairs. */
struct moe_balance moe_balance(const int64_t *chosen, int64_t dropped, int E);

#endif
