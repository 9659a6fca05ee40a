/* SPDX-License-Identifier: Apache-2.0 */
/* model.c — the forward and the backward pass, layer by layer.
 *
 * Pre-norm residual blocks: x += attention(norm(x)); x += feed_forward(norm(x)). The backward pass carries
 * the gradient of the residual stream in dx from the head down to the embedding. */
#include "engine/model/model.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/layers/attention.h"
#include "engine/layers/embed.h"
#include "engine/layers/ffn.h"
#include "engine/layers/linear.h"
#include "engine/layers/loss.h"
#include "engine/layers/norm.h"
#include "engine/layers/rope.h"
#include "engine/math/vec.h"

int model_max_tokens(const struct model *model)
{
    return model->max_sequences * model->config.context;
}

/* One layer's slice of a tensor of all layers. */
static real *slice(const struct model *m, real *tensor, enum tensor_id id, int layer)
{
    const struct tensor_info *info = &m->info[id];
    return tensor + layer * (info->count * info->rows * info->columns);
}

#define W(name) slice(m, m->w.name, TENSOR_##name, l)
#define DW(name) slice(m, m->d.name, TENSOR_##name, l)

/* Only in training may an expert be full. */
enum pass { PASS_TRAIN, PASS_SCORE };

static struct attention_shape attention_shape(const struct model *m, int B, int T)
{
    const struct config *c = &m->config;
    return (struct attention_shape){B, T, c->heads, c->kv_heads, config_head_size(c)};
}

static struct moe_shape moe_shape(const struct model *m, int n, enum pass pass)
{
    const struct config *c = &m->config;
    int E = c->experts, k = c->experts_per_token;
    int capacity = pass == PASS_TRAIN ? moe_capacity(c->capacity, n, E, k) : 0;
    return (struct moe_shape){n, c->width, c->ffn, E, k, capacity, c->gate_all, (real)c->load_balance,
                              (real)c->router_z};
}

/* to (n,C) = from + change: the residual stream is kept at every station for the backward pass. */
static void residual(real *to, const real *from, const real *change, int n, int C)
{
    memcpy(to, from, (size_t)n * (size_t)C * sizeof(real));
    for (int t = 0; t < n; t++)
        vec->add(to + (size_t)t * (size_t)C, change + (size_t)t * (size_t)C, C);
}

static void qk_norm_forward(struct model *m, int l, int n)
{
    const struct config *c = &m->config;
    struct layer_activations *a = &m->layers[l];
    int keys = config_query_size(c), D = config_head_size(c), Q = config_qkv_size(c);
    real eps = (real)c->norm_eps;
    rmsnorm_heads_forward(a->qkv, a->q_raw, a->q_rstd, W(q_norm), n, c->heads, D, Q, eps);
    rmsnorm_heads_forward(a->qkv + keys, a->k_raw, a->k_rstd, W(k_norm), n, c->kv_heads, D, Q, eps);
}

static void qk_norm_backward(struct model *m, int l, int n)
{
    const struct config *c = &m->config;
    struct layer_activations *a = &m->layers[l];
    int keys = config_query_size(c), D = config_head_size(c), Q = config_qkv_size(c);
    rmsnorm_heads_backward(m->dqkv, DW(q_norm), m->dhead, a->q_raw, W(q_norm), a->q_rstd, n, c->heads, D, Q);
    rmsnorm_heads_backward(m->dqkv + keys, DW(k_norm), m->dhead, a->k_raw, W(k_norm), a->k_rstd, n, c->kv_heads, D, Q);
}

/* The feed-forward part of layer l, from a->norm2 to m->out. Returns its auxiliary loss. */
static double feed_forward(struct model *m, int l, int n, enum pass pass)
{
    const struct config *c = &m->config;
    struct layer_activations *a = &m->layers[l];
    struct moe_shape moe = moe_shape(m, n, pass);
    struct moe_weights weights = {W(router), W(ffn_in), W(ffn_out)};
    double aux;
    if (!c->routed) {
        ffn_forward(m->out, a->gate_up, a->h, a->norm2, W(ffn_in), W(ffn_out), n, c->width, c->ffn);
        return 0;
    }
    aux = moe_forward(m->out, &a->moe, a->norm2, &weights, &moe);
    if (c->shared_experts > 0) {
        ffn_forward(m->shared, a->gate_up, a->h, a->norm2, W(shared_in), W(shared_out), n, c->width,
                    config_shared_ffn(c));
        for (int t = 0; t < n; t++)
            vec->add(m->out + (size_t)t * (size_t)c->width, m->shared + (size_t)t * (size_t)c->width, c->width);
    }
    return aux;
}

/* From the gradient of its output in m->dx to that of its input in m->dnorm. */
static void feed_forward_backward(struct model *m, int l, int n, real aux_scale)
{
    const struct config *c = &m->config;
    struct layer_activations *a = &m->layers[l];
    struct moe_shape moe = moe_shape(m, n, PASS_TRAIN);
    struct moe_weights weights = {W(router), W(ffn_in), W(ffn_out)};
    struct moe_gradients gradients = {DW(router), DW(ffn_in), DW(ffn_out)};
    if (!c->routed) {
        ffn_backward(m->dnorm, DW(ffn_in), DW(ffn_out), m->dh, m->dx, a->norm2, a->gate_up, a->h, W(ffn_in),
                     W(ffn_out), n, c->width, c->ffn);
        return;
    }
    moe_backward(m->dnorm, &gradients, m->dslots, m->dx_slots, m->dh, m->dlogits, m->dx, &a->moe, a->norm2, &weights,
                 &moe, aux_scale);
    if (c->shared_experts > 0) {
        ffn_backward(m->shared, DW(shared_in), DW(shared_out), m->dh, m->dx, a->norm2, a->gate_up, a->h, W(shared_in),
                     W(shared_out), n, c->width, config_shared_ffn(c));
        for (int t = 0; t < n; t++)
            vec->add(m->dnorm + (size_t)t * (size_t)c->width, m->shared + (size_t)t * (size_t)c->width, c->width);
    }
}

/* Runs layer l on a->x and writes the layer's output to next (n,C). Returns its auxiliary loss. */
static double layer_forward(struct model *m, int l, real *next, int B, int T, enum pass pass)
{
    const struct config *c = &m->config;
    struct layer_activations *a = &m->layers[l];
    int n = B * T, C = c->width, D = config_head_size(c), Q = config_qkv_size(c);
    struct attention_shape shape = attention_shape(m, B, T);
    double aux;
    rmsnorm_forward(a->norm1, a->rstd1, a->x, W(attn_norm), n, C, (real)c->norm_eps);
    linear_forward(a->qkv, a->norm1, W(attn_qkv), n, C, Q);
    if (c->qk_norm)
        qk_norm_forward(m, l, n);
    rope_turn(a->qkv, m->cosine, m->sine, n, T, 0, c->heads + c->kv_heads, D, Q, 1);
    attention_forward(a->attended, a->p, a->qkv, &shape);
    linear_forward(m->out, a->attended, W(attn_out), n, config_query_size(c), C);
    residual(a->mid, a->x, m->out, n, C);
    rmsnorm_forward(a->norm2, a->rstd2, a->mid, W(ffn_norm), n, C, (real)c->norm_eps);
    aux = feed_forward(m, l, n, pass);
    residual(next, a->mid, m->out, n, C);
    return aux;
}

static double body_forward(struct model *m, const int32_t *tokens, int B, int T, enum pass pass)
{
    const struct config *c = &m->config;
    int n = B * T;
    double aux = 0;
    ASSERT(T <= c->context && n <= model_max_tokens(m));
    embed_forward(m->layers[0].x, tokens, m->w.embed, n, c->width);
    for (int l = 0; l < c->depth; l++)
        aux += layer_forward(m, l, l + 1 < c->depth ? m->layers[l + 1].x : m->last, B, T, pass);
    rmsnorm_forward(m->norm, m->rstd, m->last, m->w.final_norm, n, c->width, (real)c->norm_eps);
    return aux;
}

/* The gradient of the residual stream above the layer is in m->dx; below the layer it is in m->dx again. */
static void layer_backward(struct model *m, int l, int B, int T, real aux_scale)
{
    const struct config *c = &m->config;
    struct layer_activations *a = &m->layers[l];
    int n = B * T, C = c->width, D = config_head_size(c), Q = config_qkv_size(c);
    struct attention_shape shape = attention_shape(m, B, T);
    feed_forward_backward(m, l, n, aux_scale);
    rmsnorm_backward(m->dx, DW(ffn_norm), m->dnorm, a->mid, W(ffn_norm), a->rstd2, n, C);
    linear_backward(m->out, DW(attn_out), m->dx, a->attended, W(attn_out), n, config_query_size(c), C);
    attention_backward(m->dqkv, m->scores, m->out, a->qkv, a->p, &shape);
    rope_turn(m->dqkv, m->cosine, m->sine, n, T, 0, c->heads + c->kv_heads, D, Q, -1);
    if (c->qk_norm)
        qk_norm_backward(m, l, n);
    linear_backward(m->dnorm, DW(attn_qkv), m->dqkv, a->norm1, W(attn_qkv), n, C, Q);
    rmsnorm_backward(m->dx, DW(attn_norm), m->dnorm, a->x, W(attn_norm), a->rstd1, n, C);
}

static real *head_weights(const struct model *m)
{
    return m->config.tied ? m->w.embed : m->w.head;
}

/* Losses and, into m->dnorm, the gradient of the head's input, block by block. */
static double head_forward_backward(struct model *m, const int32_t *targets, int n, double scale)
{
    int C = m->config.width, V = m->config.vocabulary;
    real *dw = m->config.tied ? m->d.embed : m->d.head;
    double sum = 0;
    for (int first = 0; first < n; first += HEAD_ROWS) {
        int rows = n - first < HEAD_ROWS ? n - first : HEAD_ROWS;
        size_t at = (size_t)first * (size_t)C;
        linear_forward(m->logits, m->norm + at, head_weights(m), rows, C, V);
        cross_entropy(m->losses, NULL, m->logits, targets + first, (real)scale, rows, V);
        for (int r = 0; r < rows; r++)
            sum += (double)m->losses[r];
        linear_backward(m->dnorm + at, dw, m->logits, m->norm + at, head_weights(m), rows, C, V);
    }
    return sum;
}

static void count_choices(struct model *m, int n)
{
    const struct config *c = &m->config;
    for (int l = 0; l < c->depth; l++) {
        const struct moe_state *s = &m->layers[l].moe;
        for (int e = 0; e < c->experts; e++)
            m->chosen[l * c->experts + e] += s->chosen[e];
        m->dropped[l] += (int64_t)n * c->experts_per_token - s->start[c->experts];
    }
}

double model_forward_backward(struct model *m, const int32_t *tokens, const int32_t *targets, int B, int T,
                              double scale, double *aux)
{
    const struct config *c = &m->config;
    int n = B * T;
    double sum, auxiliary;
    ASSERT(m->trains);
    auxiliary = body_forward(m, tokens, B, T, PASS_TRAIN);
    if (c->routed)
        count_choices(m, n);
    sum = head_forward_backward(m, targets, n, scale);
    memset(m->dx, 0, (size_t)n * (size_t)c->width * sizeof(real));
    rmsnorm_backward(m->dx, m->d.final_norm, m->dnorm, m->last, m->w.final_norm, m->rstd, n, c->width);
    for (int l = c->depth - 1; l >= 0; l--)
        layer_backward(m, l, B, T, (real)(scale * n));
    embed_backward(m->d.embed, tokens, m->dx, n, c->width);
    if (aux)
        *aux = auxiliary;
    return sum;
}

void model_zero_gradients(struct model *m)
{
    memset(m->gradients, 0, (size_t)m->n_params * sizeof(real));
}

void model_score(struct model *m, const int32_t *tokens, const int32_t *targets, int B, int T, float *logprob,
                 uint8_t *is_argmax)
{
    int n = B * T, C = m->config.width, V = m->config.vocabulary;
    (void)body_forward(m, tokens, B, T, PASS_SCORE);
    for (int first = 0; first < n; first += HEAD_ROWS) {
        int rows = n - first < HEAD_ROWS ? n - first : HEAD_ROWS;
        linear_forward(m->logits, m->norm + (size_t)first * (size_t)C, head_weights(m), rows, C, V);
        cross_entropy(m->losses, is_argmax ? is_argmax + first : NULL, m->logits, targets + first, 0, rows, V);
        for (int r = 0; r < rows; r++)
            logprob[first + r] = (float)-m->losses[r];
    }
}

void model_expert_load(const struct model *m, double *load)
{
    const struct config *c = &m->config;
    for (int l = 0; l < c->depth; l++) {
        const int32_t *chosen = m->layers[l].moe.chosen;
        double pairs = 0;
        for (int e = 0; e < c->experts; e++)
            pairs += chosen[e];
        for (int e = 0; e < c->experts; e++)
            load[l * c->experts + e] = chosen[e] / pairs;
    }
}
