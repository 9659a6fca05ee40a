/* SPDX-License-Identifier: Apache-2.0 */
/* infer.c — the forward pass against a cache. Each key/value head's rows lie together, so that a query meets
 * its keys in one matrix-vector product.
 *
 * A pass computes up to SESSION_CHUNK rows, cut into segments of one sequence each. Products with weights take all
 * rows at once; only positions, cache and attention go segment by segment. Invariant: rows 0 … position-1 of each
 * sequence's cache are filled. */
#include "engine/model/infer.h"

#include <math.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/layers/embed.h"
#include "engine/layers/ffn.h"
#include "engine/layers/linear.h"
#include "engine/layers/loss.h"
#include "engine/layers/norm.h"
#include "engine/layers/rope.h"
#include "engine/math/blas.h"
#include "engine/math/vec.h"

bool weights_i8_covers(enum tensor_kind kind)
{
    return kind == KIND_HIDDEN || kind == KIND_RESIDUAL || kind == KIND_HEAD;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Keys, or values, of one sequence. */
static size_t cache_size(const struct config *c)
{
    return (size_t)c->depth * (size_t)c->kv_heads * (size_t)c->context * (size_t)config_head_size(c);
}

static void layout(struct session *s, const struct config *c, struct arena *arena)
{
    size_t n = SESSION_CHUNK, C = (size_t)c->width, F = larger((size_t)c->ffn, (size_t)config_shared_ffn(c));
    size_t B = (size_t)s->sequences, cache = B * cache_size(c);
    s->positions = ARENA_NEW(arena, int, B);
    s->tokens = ARENA_NEW(arena, int32_t, n);
    s->segments = ARENA_NEW(arena, struct segment, n);
    s->keys = ARENA_NEW(arena, real, cache);
    s->values = ARENA_NEW(arena, real, cache);
    s->x = ARENA_NEW(arena, real, n * C);
    s->norm = ARENA_NEW(arena, real, n * C);
    s->rstd = ARENA_NEW(arena, real, n * (size_t)c->heads);
    s->qkv = ARENA_NEW(arena, real, n * (size_t)config_qkv_size(c));
    s->attended = ARENA_NEW(arena, real, n * (size_t)config_query_size(c));
    s->out = ARENA_NEW(arena, real, n * C);
    s->shared = ARENA_NEW(arena, real, c->shared_experts ? n * C : 0);
    s->gate_up = ARENA_NEW(arena, real, n * 2 * F);
    s->h = ARENA_NEW(arena, real, n * F);
    s->scores = ARENA_NEW(arena, real, n * (size_t)c->context);
    s->logits = ARENA_NEW(arena, real, larger(n, B) * (size_t)c->vocabulary);
    s->narrow.q = ARENA_NEW(arena, int8_t, s->i8 ? n * larger(larger(C, F), (size_t)config_query_size(c)) : 0);
    s->narrow.scale = ARENA_NEW(arena, real, n);
    if (c->routed)
        moe_layout(&s->moe, c, n, arena);
}

enum status session_open(struct session *session, const struct model *model, const struct weights_i8 *i8,
                         struct err *err)
{
    return session_open_batch(session, model, i8, 1, err);
}

enum status session_open_batch(struct session *session, const struct model *model, const struct weights_i8 *i8,
                               int sequences, struct err *err)
{
    struct session s = {.model = model, .i8 = i8, .sequences = sequences};
    struct arena counting = arena_counting();
    enum status status;
    ASSERT(sequences > 0);
    layout(&s, &model->config, &counting);
    status = arena_init(&s.arena, counting.used, err);
    if (status != STATUS_OK)
        return status;
    layout(&s, &model->config, &s.arena);
    arena_seal(&s.arena);
    *session = s;
    return STATUS_OK;
}

void session_release(struct session *session)
{
    arena_release(&session->arena);
    memset(session, 0, sizeof *session);
}

void session_reset(struct session *session)
{
    memset(session->positions, 0, (size_t)session->sequences * sizeof *session->positions);
}

/* y (n,O) = x (n,I) times matrix number `index` of a tensor, in the precision of the session. */
static void apply(struct session *s, real *y, const real *x, enum tensor_id id, int64_t index, int n)
{
    const struct tensor_info *info = &s->model->info[id];
    int64_t at = info->offset + index * info->rows * info->columns;
    int I = (int)info->columns, O = (int)info->rows;
    if (s->i8 && weights_i8_covers(info->kind)) {
        struct matrix_i8 w = {s->i8->q + at, s->i8->scale + s->i8->scale_offset[id] + index * info->rows};
        linear_i8_forward(y, &s->narrow, x, &w, n, I, O);
    } else if (n == 1) {
        gemv(O, I, s->model->params + at, I, x, y);
    } else {
        linear_forward(y, x, s->model->params + at, n, I, O);
    }
}

/* Where key/value head g of layer l begins in the cache of a sequence. */
static size_t cache_at(const struct config *c, int sequence, int l, int g)
{
    size_t rows = (size_t)c->context * (size_t)config_head_size(c);
    return (size_t)sequence * cache_size(c) + (size_t)(l * c->kv_heads + g) * rows;
}

/* Moves the new keys and values of a segment's rows into layer l's cache. */
static void remember(struct session *s, int l, const struct segment *segment)
{
    const struct config *c = &s->model->config;
    int D = config_head_size(c), Q = config_qkv_size(c);
    for (int g = 0; g < c->kv_heads; g++) {
        size_t head = cache_at(c, segment->sequence, l, g) + (size_t)segment->position * (size_t)D;
        for (int t = 0; t < segment->n; t++) {
            const real *row = s->qkv + (size_t)(segment->first + t) * (size_t)Q + (size_t)((c->heads + g) * D);
            memcpy(s->keys + head + (size_t)(t * D), row, (size_t)D * sizeof(real));
            memcpy(s->values + head + (size_t)(t * D), row + (size_t)(c->kv_heads * D), (size_t)D * sizeof(real));
        }
    }
}

static void attend(struct session *s, int l, const struct segment *segment)
{
    const struct config *c = &s->model->config;
    int D = config_head_size(c), Q = config_qkv_size(c), HD = config_query_size(c);
    int n = segment->n, keys = segment->position + n;
    const real *queries = s->qkv + (size_t)segment->first * (size_t)Q;
    real *attended = s->attended + (size_t)segment->first * (size_t)HD;
    real scale = (real)(1 / sqrt((double)D));
    for (int h = 0; h < c->heads; h++) {
        size_t head = cache_at(c, segment->sequence, l, h / (c->heads / c->kv_heads));
        gemm(false, true, n, keys, D, scale, queries + (size_t)(h * D), Q, s->keys + head, D, 0, s->scores, c->context);
        for (int t = 0; t < n; t++) {
            real *row = s->scores + (size_t)t * (size_t)c->context;
            int seen = segment->position + t + 1;
            real sum = vec->exp_sum(row, row, vec->max(row, seen), seen);
            vec->scale(row, 1 / sum, seen);
            memset(row + seen, 0, (size_t)(keys - seen) * sizeof(real));
        }
        gemm(false, false, n, D, keys, 1, s->scores, c->context, s->values + head, D, 0, attended + (size_t)(h * D), HD);
    }
}

/* Turns queries and keys by their positions, and lets them meet the caches. */
static void attention(struct session *s, int l)
{
    const struct model *m = s->model;
    const struct config *c = &m->config;
    int D = config_head_size(c), Q = config_qkv_size(c);
    for (int i = 0; i < s->n_segments; i++) {
        const struct segment *segment = &s->segments[i];
        rope_turn(s->qkv + (size_t)segment->first * (size_t)Q, m->cosine, m->sine, segment->n, segment->n,
                  segment->position, c->heads + c->kv_heads, D, Q, 1);
        remember(s, l, segment);
        attend(s, l, segment);
    }
}

/* Matrix number `index` of the pair of tensors in, out: a feed-forward layer of width F. */
static void gated(struct session *s, real *y, const real *x, enum tensor_id in, enum tensor_id out, int64_t index,
                  int n)
{
    int F = (int)s->model->info[out].columns;
    apply(s, s->gate_up, x, in, index, n);
    for (int t = 0; t < n; t++) {
        const real *gate = s->gate_up + (size_t)t * (size_t)(2 * F);
        vec->silu_mul(s->h + (size_t)t * (size_t)F, gate, gate + F, F);
    }
    apply(s, y, s->h, out, index, n);
}

/* Few tokens: token by token, each through its own experts, with no sorting. */
static void mixture_by_token(struct session *s, int l, int n)
{
    const struct config *c = &s->model->config;
    int C = c->width, E = c->experts, k = c->experts_per_token;
    apply(s, s->moe.logits, s->norm, TENSOR_router, l, n);
    for (int t = 0; t < n; t++) {
        real *row = s->out + (size_t)t * (size_t)C;
        moe_route(s->moe.expert, s->moe.weight, s->moe.p, s->moe.logits + (size_t)t * (size_t)E, E, k, c->gate_all);
        memset(row, 0, (size_t)C * sizeof(real));
        for (int j = 0; j < k; j++) {
            gated(s, s->moe.out, s->norm + (size_t)t * (size_t)C, TENSOR_ffn_in, TENSOR_ffn_out,
                  (int64_t)l * E + s->moe.expert[j], 1);
            vec->axpy(row, s->moe.weight[j], s->moe.out, C);
        }
    }
}

static void mixture_together(struct session *s, int l, int n)
{
    const struct model *m = s->model;
    const struct config *c = &m->config;
    int64_t in = (int64_t)c->experts * 2 * c->ffn * c->width, out = in / 2;
    struct moe_weights weights = {m->w.router + (int64_t)l * c->experts * c->width, m->w.ffn_in + l * in,
                                  m->w.ffn_out + l * out};
    struct moe_shape shape = {n, c->width, c->ffn, c->experts, c->experts_per_token, 0, c->gate_all, 0, 0};
    (void)moe_forward(s->out, &s->moe, s->norm, &weights, &shape);
}

/* From s->norm to s->out. */
static void feed_forward(struct session *s, int l, int n)
{
    const struct config *c = &s->model->config;
    if (!c->routed)
        gated(s, s->out, s->norm, TENSOR_ffn_in, TENSOR_ffn_out, l, n);
    else if (n == 1 || s->i8)
        mixture_by_token(s, l, n);
    else
        mixture_together(s, l, n);
    if (c->shared_experts > 0) {
        gated(s, s->shared, s->norm, TENSOR_shared_in, TENSOR_shared_out, l, n);
        vec->add(s->out, s->shared, n * c->width);
    }
}

static void qk_norm(struct session *s, int l, int n)
{
    const struct model *m = s->model;
    const struct config *c = &m->config;
    int D = config_head_size(c), Q = config_qkv_size(c);
    real eps = (real)c->norm_eps;
    rmsnorm_heads_forward(s->qkv, NULL, s->rstd, m->w.q_norm + (size_t)(l * D), n, c->heads, D, Q, eps);
    rmsnorm_heads_forward(s->qkv + config_query_size(c), NULL, s->rstd, m->w.k_norm + (size_t)(l * D), n, c->kv_heads, D, Q, eps);
}

static void layer(struct session *s, int l, int n)
{
    const struct model *m = s->model;
    const struct config *c = &m->config;
    int C = c->width;
    rmsnorm_forward(s->norm, s->rstd, s->x, m->w.attn_norm + (size_t)l * (size_t)C, n, C, (real)c->norm_eps);
    apply(s, s->qkv, s->norm, TENSOR_attn_qkv, l, n);
    if (c->qk_norm)
        qk_norm(s, l, n);
    attention(s, l);
    apply(s, s->out, s->attended, TENSOR_attn_out, l, n);
    vec->add(s->x, s->out, n * C);
    rmsnorm_forward(s->norm, s->rstd, s->x, m->w.ffn_norm + (size_t)l * (size_t)C, n, C, (real)c->norm_eps);
    feed_forward(s, l, n);
    vec->add(s->x, s->out, n * C);
}

/* All layers over the pass's n rows: x, and the positions moved on. */
static void pass(struct session *s, int n)
{
    const struct model *m = s->model;
    const struct config *c = &m->config;
    ASSERT(n > 0 && n <= SESSION_CHUNK);
    embed_forward(s->x, s->tokens, m->w.embed, n, c->width);
    for (int l = 0; l < c->depth; l++)
        layer(s, l, n);
    for (int i = 0; i < s->n_segments; i++)
        s->positions[s->segments[i].sequence] += s->segments[i].n;
}

/* Logits (rows,V) of consecutive rows of the pass, into logits. */
static void head(struct session *s, real *logits, int first, int rows)
{
    const struct model *m = s->model;
    const struct config *c = &m->config;
    size_t at = (size_t)first * (size_t)c->width;
    rmsnorm_forward(s->norm + at, s->rstd + first, s->x + at, m->w.final_norm, rows, c->width, (real)c->norm_eps);
    if (c->tied)
        linear_forward(logits, s->norm + at, m->w.embed, rows, c->width, c->vocabulary);
    else
        apply(s, logits, s->norm + at, TENSOR_head, 0, rows);
}

/* Adds a segment of the span's tokens from `from` on to a pass that has n rows; returns how many fitted. */
static int add_segment(struct session *s, const struct span *span, int from, int n)
{
    int part = span->n - from < SESSION_CHUNK - n ? span->n - from : SESSION_CHUNK - n;
    ASSERT(part > 0 && span->sequence < s->sequences);
    ASSERT(s->positions[span->sequence] + part <= s->model->config.context);
    memcpy(s->tokens + n, span->tokens + from, (size_t)part * sizeof *s->tokens);
    s->segments[s->n_segments++] = (struct segment){span->sequence, n, part, s->positions[span->sequence]};
    return part;
}

/* The logits of the spans that ended in the pass, the first of which is number `first`: their last rows are moved
 * together, to the front, so that the head is one product too. */
static void finish(struct session *s, int first, int ended)
{
    size_t C = (size_t)s->model->config.width, V = (size_t)s->model->config.vocabulary;
    for (int i = 0; i < ended; i++) {
        int last = s->segments[i].first + s->segments[i].n - 1;
        if (last != i)
            memcpy(s->x + (size_t)i * C, s->x + (size_t)last * C, C * sizeof *s->x);
    }
    if (ended > 0)
        head(s, s->logits + (size_t)first * V, 0, ended);
}

const real *session_extend(struct session *session, const struct span *spans, int n)
{
    int span = 0, from = 0; /* the next token: of this span, this one */
    ASSERT(n > 0 && n <= session->sequences);
    while (span < n) {
        int rows = 0, first = span;
        session->n_segments = 0;
        while (span < n && rows < SESSION_CHUNK) {
            int part = add_segment(session, &spans[span], from, rows);
            rows += part;
            from += part;
            if (from == spans[span].n) {
                span++;
                from = 0;
            }
        }
        pass(session, rows);
        finish(session, first, span - first);
    }
    return session->logits;
}

const real *session_feed(struct session *session, const int32_t *tokens, int n)
{
    struct span span = {0, tokens, n};
    return session_extend(session, &span, 1);
}

void session_score(struct session *session, const int32_t *tokens, const int32_t *targets, int B, int T,
                   float *logprob, uint8_t *is_argmax)
{
    real losses[SESSION_CHUNK];
    int V = session->model->config.vocabulary;
    for (int b = 0; b < B; b++) {
        session_reset(session);
        for (int first = 0; first < T; first += SESSION_CHUNK) {
            struct span span = {0, tokens + b * T, T};
            int at = b * T + first, part;
            session->n_segments = 0;
            part = add_segment(session, &span, first, 0);
            pass(session, part);
            head(session, session->logits, 0, part);
            cross_entropy(losses, is_argmax ? is_argmax + at : NULL, session->logits, targets + at, 0, part, V);
            for (int i = 0; i < part; i++)
                logprob[at + i] = (float)-losses[i];
        }
    }
    session_reset(session);
}
