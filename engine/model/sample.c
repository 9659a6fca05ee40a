/* SPDX-License-Identifier: Apache-2.0 */
/* sample.c — a heap gives the ranking only as far as it is needed: V steps to build it, log V for each token that
 * stays. The heap compares logits, not weights: exp may give two different logits one weight. */
#include "engine/model/sample.h"

#include <math.h>
#include <stdbool.h>

static int32_t largest(const real *logits, int V)
{
    int32_t best = 0;
    for (int32_t v = 1; v < V; v++)
        if (logits[v] > logits[best])
            best = v;
    return best;
}

static bool ranks_before(const real *logits, int32_t a, int32_t b)
{
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

/* Lets the entry at i sink in the heap[0 … n-1] until both below it rank after it. */
static void sink(const real *logits, struct candidate *heap, int n, int i)
{
    struct candidate sinking = heap[i];
    for (int child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && ranks_before(logits, heap[child + 1].token, heap[child].token))
            child++;
        if (!ranks_before(logits, heap[child].token, sinking.token))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = sinking;
}

static void reverse(struct candidate *c, int n)
{
    for (int i = 0; i < n / 2; i++) {
        struct candidate kept = c[i];
        c[i] = c[n - 1 - i];
        c[n - 1 - i] = kept;
    }
}

/* Takes tokens off the heap in order of rank until `most` are taken or their weights reach enough; what is taken
 * gathers at the array's end, the last one foremost. Returns how many. */
static int take(const real *logits, struct candidate *heap, int n, int most, double enough, double *sum)
{
    int taken = 0;
    *sum = 0;
    while (taken < most && (taken == 0 || *sum < enough)) {
        struct candidate first = heap[0];
        heap[0] = heap[--n];
        sink(logits, heap, n, 0);
        heap[n] = first;
        *sum += first.weight;
        taken++;
    }
    return taken;
}

/* Leaves out what lies beyond the nucleus of n candidates in order of rank. */
static int nucleus(const struct candidate *candidates, int n, double top_p, double *sum)
{
    double enough = top_p * *sum, reached = candidates[0].weight;
    int kept = 1;
    while (kept < n && reached < enough)
        reached += candidates[kept++].weight;
    *sum = reached;
    return kept;
}

int sample_candidates(const real *logits, int V, const struct sampling *how, struct candidate *candidates,
                      double *sum)
{
    real top = logits[largest(logits, V)];
    bool some = how->top_k > 0 && how->top_k < V;
    int n;
    *sum = 0;
    for (int32_t v = 0; v < V; v++) {
        candidates[v] = (struct candidate){v, exp(((double)logits[v] - (double)top) / how->temperature)};
        *sum += candidates[v].weight;
    }
    if (!some && how->top_p >= 1)
        return V;
    for (int i = V / 2 - 1; i >= 0; i--)
        sink(logits, candidates, V, i);
    n = some ? take(logits, candidates, V, how->top_k, INFINITY, sum)
             : take(logits, candidates, V, V, how->top_p * *sum, sum);
    for (int i = 0; i < n; i++) /* what was taken gathers at the end, the last one foremost */
        candidates[i] = candidates[V - n + i];
    reverse(candidates, n);
    return some && how->top_p < 1 ? nucleus(candidates, n, how->top_p, sum) : n;
}

int32_t sample_token(const real *logits, int V, const struct sampling *how, struct candidate *scratch,
                     struct rng *rng)
{
    double sum, draw;
    int n;
    if (how->temperature <= 0)
        return largest(logits, V);
    n = sample_candidates(logits, V, how, scratch, &sum);
    draw = rng_uniform(rng) * sum;
    for (int i = 0; i < n; i++) {
        draw -= scratch[i].weight;
        if (draw < 0)
            return scratch[i].token;
    }
    return largest(logits, V); /* rounding has left a little of the draw over, or the logits are no numbers */
}
