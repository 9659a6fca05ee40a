/* SPDX-License-Identifier: Apache-2.0 */
/* trial_measure.c — what is measured on a finished model: held-out loss, abilities, latency, memory.
 *
 * A shrunk model is measured through the session that runs its 8-bit weights, a trained one through the
 * training forward pass; the numbers mean the same. Latency is taken while nothing else runs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/math/blas.h"
#include "engine/model/cost.h"
#include "engine/model/sample.h"
#include "engine/tasks/task.h"
#include "harness/run/sysinfo.h"
#include "harness/run/trial_parts.h"

static void score(void *context, const int32_t *tokens, const int32_t *targets, int B, int T, float *logprob,
                  uint8_t *is_argmax)
{
    struct trial *trial = context;
    if (trial->shrunk)
        session_score(&trial->session, tokens, targets, B, T, logprob, is_argmax);
    else
        model_score(&trial->model, tokens, targets, B, T, logprob, is_argmax);
}

static void add_load(const struct trial *trial, double *load, double weight)
{
    int n = trial->config.depth * trial->config.experts;
    double *now = calloc((size_t)n, sizeof *now);
    NEED_MEMORY(now);
    model_expert_load(&trial->model, now);
    for (int i = 0; i < n; i++)
        load[i] += weight * now[i];
    free(now);
}

struct progress {
    struct trial *trial;
    int64_t windows;
    double *load; /* may be NULL */
};

static bool after_batch(void *context, int rows)
{
    struct progress *p = context;
    if (p->load)
        add_load(p->trial, p->load, (double)rows / (double)p->windows);
    return child_poll(&p->trial->child);
}

bool trial_heldout(struct trial *trial, int64_t windows, struct heldout *out, double *load)
{
    struct progress progress = {trial, windows, load};
    struct scorer scorer = {trial, model_max_tokens(&trial->model), trial->config.context, score, NULL};
    struct heldout_plan plan = {
        .context = trial->config.context,
        .windows = windows,
        .data_seed = (uint64_t)trial->knobs->data_seed,
        .after = after_batch,
        .after_context = &progress,
    };
    return heldout_evaluate(trial->source, &plan, &scorer, out);
}

/* Loss and floor of each part, as the last points of curves of their own. */
static void report_parts(struct trial *trial, const struct heldout *h)
{
    const struct world *world = source_world(trial->source);
    for (int i = 0; world && i < WORLD_PARTS; i++) {
        enum world_part part = (enum world_part)i;
        char name[64];
        if (h->part_tokens[part] == 0)
            continue;
        (void)snprintf(name, sizeof name, "heldout_loss_%s", world_part_name(part));
        child_metric(&trial->child, trial->steps, name, h->part_loss[part]);
        (void)snprintf(name, sizeof name, "entropy_floor_%s", world_part_name(part));
        child_metric(&trial->child, trial->steps, name, world_part_floor(world, part));
    }
}

static bool measure_heldout(struct trial *trial)
{
    struct child *child = &trial->child;
    const struct config *c = &trial->config;
    bool routed = c->routed && !trial->shrunk;
    double *load = calloc((size_t)(c->depth * c->experts), sizeof *load);
    double entropy_floor = source_entropy_floor(trial->source);
    struct heldout h;
    bool go_on;
    NEED_MEMORY(load);
    go_on = trial_heldout(trial, trial_heldout_windows(trial->knobs), &h, routed ? load : NULL);
    if (go_on) {
        child_fact(child, "heldout_loss", h.loss);
        child_fact(child, "heldout_stderr", h.stderror);
        child_fact(child, "entropy_floor", entropy_floor);
        child_fact(child, "excess_nats", h.loss - entropy_floor);
        child_fact(child, "bits_per_byte", h.loss / M_LN2 / ((double)h.bytes / (double)h.tokens));
        report_parts(trial, &h);
        for (int i = 0; routed && i < c->depth * c->experts; i++)
            child_moe_load(child, trial->steps, i / c->experts, i % c->experts, load[i]);
    }
    free(load);
    return go_on;
}

/* Contract of struct scorer: the session continues the tokens one by one. */
static int write_answer(void *context, const int32_t *tokens, int n, int most, double temperature, struct rng *rng,
                        char *out, double *logprob)
{
    struct trial *trial = context;
    int V = trial->config.vocabulary, written = 0;
    const struct sampling how = {temperature, 0, 1};
    struct candidate *scratch = calloc((size_t)V, sizeof *scratch);
    const real *seen;
    NEED_MEMORY(scratch);
    session_reset(&trial->session);
    seen = session_feed(&trial->session, tokens, n);
    *logprob = 0;
    for (int32_t token = -1; token != '\n' && written < most;) {
        double top = -INFINITY, sum = 0;
        if (token >= 0)
            seen = session_feed(&trial->session, &token, 1);
        for (int v = 0; v < V; v++)
            top = fmax(top, (double)seen[v]);
        for (int v = 0; v < V; v++)
            sum += exp((double)seen[v] - top);
        token = sample_token(seen, V, &how, scratch, rng);
        *logprob += (double)seen[token] - top - log(sum);
        out[written++] = (char)token;
    }
    free(scratch);
    return written;
}

/* What does not fit the context is said to be unmeasured, and the trial goes on. */
static bool measure_task(struct trial *trial, const struct task *task, const struct facts *facts,
                         const struct scorer *scorer, struct err *err)
{
    const struct exam exam = {.items = (int)trial->knobs->items, .shots = (int)trial->knobs->shots};
    struct task_score score;
    enum status status = task_evaluate(task, facts, &exam, scorer, &score, err);
    if (status == STATUS_OK && trial->knobs->write_answers)
        status = task_write(task, facts, &exam, scorer, &score, err);
    if (status == STATUS_INSUFFICIENT) {
        child_eval(&trial->child, trial->steps, task->name, task_metric_name(METRIC_EXACT_MATCH), NAN, 0, NAN, NAN);
        return true;
    }
    for (int m = 0; m < TASK_METRICS && status == STATUS_OK; m++) {
        const struct task_figure *f = &score.figures[m];
        if (f->n > 0)
            child_eval(&trial->child, trial->steps, task->name, task_metric_name((enum task_metric)m), f->value, f->n,
                       f->stderror, f->chance);
    }
    return status == STATUS_OK;
}

static bool measure_tasks(struct trial *trial, struct err *err)
{
    struct scorer scorer = {trial, model_max_tokens(&trial->model), trial->config.context, score, write_answer};
    const struct world *world = source_world(trial->source);
    if (!world)
        return true; /* a text file says nothing about these tasks' form */
    for (int i = 0; i < world_tasks(world)->n; i++) {
        const struct task *task = world_tasks(world)->tasks[i];
        if (!child_poll(&trial->child))
            return false;
        if (task_items(task, world_facts(world)) > 0 && !measure_task(trial, task, world_facts(world), &scorer, err))
            return false;
    }
    return true;
}

/* Raw samples of prefill (half a context at once) and decode (one token after it), batch 1, in milliseconds. */
static void measure_latency(struct trial *trial, int64_t samples)
{
    enum { WARM_UP = 5 };
    struct session *s = &trial->session;
    int T = trial->config.context, prompt = T / 2;
    int32_t tokens[8193];
    source_window(trial->source, (uint64_t)trial->knobs->data_seed, RNG_HELDOUT_DATA, 0, tokens, T);
    for (int64_t i = -WARM_UP; i < samples; i++) {
        struct instant before;
        session_reset(s);
        before = clock_now();
        (void)session_feed(s, tokens, prompt);
        if (i >= 0)
            child_latency(&trial->child, "prefill", 1, prompt, i, 1e3 * clock_since(before));
    }
    for (int64_t i = -WARM_UP; i < samples; i++) {
        struct instant before;
        if (session_position(s) == T) { /* the cache is full: start again after the prompt */
            session_reset(s);
            (void)session_feed(s, tokens, prompt);
        }
        before = clock_now();
        (void)session_feed(s, tokens + session_position(s), 1);
        if (i >= 0)
            child_latency(&trial->child, "decode", 1, prompt, i, 1e3 * clock_since(before));
    }
}

/* Loss and abilities, with the FLOPs of the loss audited. */
static bool measure_scores(struct trial *trial, struct err *err)
{
    struct child *child = &trial->child;
    uint64_t before = flop_counter();
    double formula;
    if (!measure_heldout(trial))
        return false;
    formula = cost_forward_flops(&trial->config, 1, trial->config.context) *
              (double)trial_heldout_windows(trial->knobs);
    if ((double)(flop_counter() - before) != formula) {
        (void)err_set(err, STATUS_CORRUPT, "scoring executed %.17g FLOPs, the formula says %.17g",
                      (double)(flop_counter() - before), formula);
        return false;
    }
    if (trial->shrunk) { /* nothing was trained: what was executed and audited is the scoring */
        child_cost(child, "flops_executed", formula);
        child_cost(child, "flops_formula", formula);
    }
    return measure_tasks(trial, err);
}

bool trial_measure(struct trial *trial, struct err *err)
{
    struct child *child = &trial->child;
    struct instant start = clock_now();
    double parked = child->parked_s;
    uint64_t before = flop_counter();
    if (!measure_scores(trial, err))
        return false;
    child_cost(child, "eval_s", clock_since(start) - (child->parked_s - parked));
    child_cost(child, "eval_flops", (double)(flop_counter() - before));
    if (!child_exclusive_begin(child))
        return false;
    start = clock_now();
    measure_latency(trial, trial->knobs->latency_samples);
    child_cost(child, "latency_s", clock_since(start));
    child_exclusive_end(child);
    child_cost(child, "weight_bytes", (double)(trial->shrunk ? quantize_weight_bytes(&trial->model, &trial->i8)
                                                             : 4 * trial->model.n_params));
    child_cost(child, "model_bytes", (double)trial->model.arena.used);
    child_cost(child, "peak_rss_bytes", (double)sysinfo_peak_rss_bytes());
    return true;
}
