/* SPDX-License-Identifier: Apache-2.0 */
/* test_moe.c — goal: a mixture routes, limits, combines and counts as its formulas say.
 *
 * Method: a second implementation in plain loops and double precision, token by token, with no sorting: it chooses by
 * looking for the largest logit k times, serves in the order of tokens and ranks until an expert is full, and sums what
 * was served. Outputs, weights, who was dropped, and the auxiliary loss are compared over a table of shapes. Balance
 * figures are compared with cases worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/layers/moe.h"

enum { N = 30, C = 12, F = 8, E_MOST = 40, K_MOST = 6 };

static real router[E_MOST * C], w_in[E_MOST * 2 * F * C], w_out[E_MOST * C * F], x[N * C], out[N * C];

/* A state with room for the largest shape. */
static struct moe_state *room(void)
{
    static real logits[N * E_MOST], p[N * E_MOST], weight[N * K_MOST], load[E_MOST], gathered[N * K_MOST * C];
    static real gate_up[N * K_MOST * 2 * F], h[N * K_MOST * F], outputs[N * K_MOST * C];
    static int32_t expert[N * K_MOST], slot[N * K_MOST], chosen[E_MOST], start[E_MOST + 1];
    static struct moe_state state = {
        .logits = logits, .p = p, .weight = weight, .expert = expert, .slot = slot, .chosen = chosen, .start = start,
        .load = load, .x = gathered, .gate_up = gate_up, .h = h, .out = outputs,
    };
    return &state;
}

static void draw(real *to, int n, double std, uint64_t stream)
{
    struct rng rng = rng_open(17, RNG_TEST, stream);
    for (int i = 0; i < n; i++)
        to[i] = (real)(std * rng_normal(&rng));
}

static double product(const real *a, const real *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Adds weight times expert e's answer to token t. */
static void add_expert(double *to, int e, int t, double weight)
{
    for (int f = 0; f < F; f++) {
        double gate = product(w_in + (e * 2 * F + f) * C, x + t * C, C);
        double up = product(w_in + (e * 2 * F + F + f) * C, x + t * C, C);
        double h = gate / (1 + exp(-gate)) * up;
        for (int c = 0; c < C; c++)
            to[c] += weight * h * (double)w_out[(e * C + c) * F + f];
    }
}

struct reference {
    double out[N * C], weight[N * K_MOST], aux;
    int expert[N * K_MOST];
    bool served[N * K_MOST];
    int dropped;
};

static void choose(struct reference *r, int t, const double *logits, const struct moe_shape *s)
{
    bool taken[E_MOST] = {false};
    double sum = 0;
    for (int j = 0; j < s->k; j++) {
        int best = -1;
        for (int e = 0; e < s->E; e++)
            if (!taken[e] && (best < 0 || logits[e] > logits[best]))
                best = e;
        taken[best] = true;
        r->expert[t * s->k + j] = best;
    }
    for (int e = 0; e < s->E; e++)
        sum += s->gate_all || taken[e] ? exp(logits[e]) : 0;
    for (int j = 0; j < s->k; j++)
        r->weight[t * s->k + j] = exp(logits[r->expert[t * s->k + j]]) / sum;
}

static void refer(struct reference *r, const struct moe_shape *s)
{
    static double p[N][E_MOST];
    int queue[E_MOST] = {0};
    double balance = 0, z = 0;
    memset(r, 0, sizeof *r);
    for (int t = 0; t < s->n; t++) {
        double logits[E_MOST], sum = 0;
        for (int e = 0; e < s->E; e++)
            sum += exp(logits[e] = product(router + e * C, x + t * C, C));
        for (int e = 0; e < s->E; e++)
            p[t][e] = exp(logits[e]) / sum;
        z += log(sum) * log(sum) / s->n;
        choose(r, t, logits, s);
        for (int j = 0; j < s->k; j++) {
            int pair = t * s->k + j, e = r->expert[pair];
            r->served[pair] = queue[e]++ < (s->capacity ? s->capacity : s->n * s->k);
            r->dropped += !r->served[pair];
            if (r->served[pair])
                add_expert(r->out + t * C, e, t, r->weight[pair]);
        }
    }
    for (int e = 0; e < s->E; e++)
        for (int t = 0; t < s->n; t++)
            balance += queue[e] / (double)(s->n * s->k) * p[t][e] / s->n;
    r->aux = s->E > 1 ? (double)s->load_balance * s->E * balance + (double)s->router_z * z : 0;
}

static void check_shape(const struct moe_shape *s, bool drops)
{
    static struct reference r;
    struct moe_state *state = room();
    struct moe_weights weights = {router, w_in, w_out};
    double aux = moe_forward(out, state, x, &weights, s);
    refer(&r, s);
    assert_true(fabs(aux - r.aux) < 1e-5 * (1 + fabs(r.aux)));
    if ((r.dropped > 0) != drops)
        fail_msg("%d of %d experts, at most %d pairs each: %d dropped", s->k, s->E, s->capacity, r.dropped);
    assert_int_equal(state->start[s->E], s->n * s->k - r.dropped);
    for (int i = 0; i < s->n * s->k; i++) {
        assert_int_equal(state->expert[i], r.expert[i]);
        assert_int_equal(state->slot[i] >= 0, r.served[i]);
        assert_true(fabs((double)state->weight[i] - r.weight[i]) < 1e-6);
    }
    for (int i = 0; i < s->n * C; i++)
        assert_true(fabs((double)out[i] - r.out[i]) < 1e-5);
}

static void test_against_brute_force(void **state)
{
    /* E, k, capacity factor, over all, whether somebody is dropped */
    static const struct { int E, k; double factor; bool gate_all, drops; } cases[] = {
        {1, 1, 0, false, false}, {4, 1, 0, true, false},   {4, 2, 0, false, false}, {40, 6, 0, false, false},
        {40, 6, 0, true, false}, {4, 2, 0.9, false, true},   {4, 1, 1, true, true},   {4, 2, 0.3, false, true},
        {8, 3, 0.9, true, true}, {40, 6, 0.5, true, true}, {4, 4, 1, false, false}, {4, 2, 4, false, false},
    };
    (void)state;
    draw(router, E_MOST * C, 0.5, 0);
    draw(w_in, E_MOST * 2 * F * C, 0.3, 1);
    draw(w_out, E_MOST * C * F, 0.3, 2);
    draw(x, N * C, 1, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int n = 1; n <= N; n += 29) {
            int E = cases[i].E, k = cases[i].k;
            int capacity = moe_capacity(cases[i].factor, n, E, k);
            struct moe_shape s = {n, C, F, E, k, capacity, cases[i].gate_all, 0.1f, 0.01f};
            check_shape(&s, cases[i].drops && n > 1);
        }
}

/* Equal logits: the lowest experts win, in order; a logit that is no number is never preferred, and never an index. */
static void test_ties(void **state)
{
    const real equal[5] = {1, 1, 1, 1, 1}, mixed[5] = {0, 3, 3, 1, 3}, broken[5] = {NAN, NAN, 2, NAN, 1};
    int32_t expert[3];
    real weight[3], p[5];
    (void)state;
    moe_route(expert, weight, p, equal, 5, 3, false);
    assert_true(expert[0] == 0 && expert[1] == 1 && expert[2] == 2);
    moe_route(expert, weight, p, mixed, 5, 3, true);
    assert_true(expert[0] == 1 && expert[1] == 2 && expert[2] == 4);
    assert_true(weight[0] == weight[2]);
    moe_route(expert, weight, p, broken, 5, 3, false);
    for (int j = 0; j < 3; j++)
        assert_in_range(expert[j], 0, 4);
}

static void test_capacity(void **state)
{
    (void)state;
    assert_int_equal(moe_capacity(0, 100, 8, 2), 0);
    assert_int_equal(moe_capacity(1, 64, 8, 1), 8);
    assert_int_equal(moe_capacity(1.25, 64, 8, 1), 10);
    assert_int_equal(moe_capacity(1, 65, 8, 1), 9);    /* 8.125 */
    assert_int_equal(moe_capacity(1.1, 100, 10, 1), 11); /* in binary 1.1 * 100 / 10 is a little more */
    assert_int_equal(moe_capacity(1, 10, 64, 2), 1);
    assert_int_equal(moe_capacity(1e-6, 10, 64, 2), 1); /* never 0, which would mean no limit */
    assert_int_equal(moe_capacity(1e6, 10, 4, 2), 20);
}

static void check_balance(const int64_t *chosen, int64_t dropped, double max_over_mean, double effective, double dead,
                          double share)
{
    struct moe_balance b = moe_balance(chosen, dropped, 4);
    assert_true(fabs(b.max_over_mean - max_over_mean) < 1e-12);
    assert_true(fabs(b.effective - effective) < 1e-12);
    assert_true(fabs(b.dead - dead) < 1e-12);
    assert_true(fabs(b.dropped - share) < 1e-12);
}

static void test_balance(void **state)
{
    (void)state;
    check_balance((const int64_t[]){5, 5, 5, 5}, 0, 1, 1, 0, 0);
    check_balance((const int64_t[]){12, 0, 0, 0}, 9, 4, 0.25, 0.75, 0.75);
    check_balance((const int64_t[]){8, 0, 8, 0}, 4, 2, 0.5, 0.5, 0.25);
    /* shares 1/2, 1/4, 1/8, 1/8: entropy 7/4 ln 2 */
    check_balance((const int64_t[]){4, 2, 1, 1}, 1, 2, pow(2, 1.75) / 4, 0, 0.125);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_brute_force),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_balance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
