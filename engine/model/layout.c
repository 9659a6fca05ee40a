/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c — the memory of a model: one function lays it out, run once to count and once to hand out.
 * Invariant: what model_bytes says is exactly what model_open takes. */
#include <stddef.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/rng.h"
#include "engine/layers/attention.h"
#include "engine/layers/rope.h"
#include "engine/model/model.h"

void moe_layout(struct moe_state *s, const struct config *c, size_t n, struct arena *arena)
{
    size_t slots = n * (size_t)c->experts_per_token, C = (size_t)c->width, F = (size_t)c->ffn;
    s->logits = ARENA_NEW(arena, real, n * (size_t)c->experts);
    s->p = ARENA_NEW(arena, real, n * (size_t)c->experts);
    s->weight = ARENA_NEW(arena, real, slots);
    s->expert = ARENA_NEW(arena, int32_t, slots);
    s->slot = ARENA_NEW(arena, int32_t, slots);
    s->chosen = ARENA_NEW(arena, int32_t, c->experts);
    s->start = ARENA_NEW(arena, int32_t, c->experts + 1);
    s->load = ARENA_NEW(arena, real, c->experts);
    s->x = ARENA_NEW(arena, real, slots * C);
    s->gate_up = ARENA_NEW(arena, real, slots * 2 * F);
    s->h = ARENA_NEW(arena, real, slots * F);
    s->out = ARENA_NEW(arena, real, slots * C);
}

static void layer_layout(struct layer_activations *a, const struct config *c, size_t sequences, struct arena *arena)
{
    size_t T = (size_t)c->context, n = sequences * T, C = (size_t)c->width, F = (size_t)config_common_ffn(c);
    a->x = ARENA_NEW(arena, real, n * C);
    a->norm1 = ARENA_NEW(arena, real, n * C);
    a->rstd1 = ARENA_NEW(arena, real, n);
    a->qkv = ARENA_NEW(arena, real, n * (size_t)config_qkv_size(c));
    a->p = ARENA_NEW(arena, real, sequences * (size_t)c->heads * T * T);
    a->attended = ARENA_NEW(arena, real, n * (size_t)config_query_size(c));
    a->mid = ARENA_NEW(arena, real, n * C);
    a->norm2 = ARENA_NEW(arena, real, n * C);
    a->rstd2 = ARENA_NEW(arena, real, n);
    a->gate_up = ARENA_NEW(arena, real, n * 2 * F);
    a->h = ARENA_NEW(arena, real, n * F);
    if (c->routed)
        moe_layout(&a->moe, c, n, arena);
    if (c->qk_norm) {
        a->q_raw = ARENA_NEW(arena, real, n * (size_t)config_query_size(c));
        a->q_rstd = ARENA_NEW(arena, real, n * (size_t)c->heads);
        a->k_raw = ARENA_NEW(arena, real, n * (size_t)(c->kv_heads * config_head_size(c)));
        a->k_rstd = ARENA_NEW(arena, real, n * (size_t)c->kv_heads);
    }
}

static void scratch_layout(struct model *m, size_t n, struct arena *arena)
{
    const struct config *c = &m->config;
    size_t C = (size_t)c->width, HD = (size_t)config_query_size(c), slots = c->routed ? n * (size_t)c->experts_per_token : 0;
    size_t routed_h = slots * (size_t)c->ffn, common_h = n * (size_t)config_common_ffn(c);
    m->last = ARENA_NEW(arena, real, n * C);
    m->norm = ARENA_NEW(arena, real, n * C);
    m->rstd = ARENA_NEW(arena, real, n);
    m->out = ARENA_NEW(arena, real, n * (HD > C ? HD : C));
    m->shared = ARENA_NEW(arena, real, c->shared_experts ? n * C : 0);
    m->logits = ARENA_NEW(arena, real, (size_t)HEAD_ROWS * (size_t)c->vocabulary);
    m->losses = ARENA_NEW(arena, real, HEAD_ROWS);
    m->cosine = ARENA_NEW(arena, real, c->context * (config_head_size(c) / 2));
    m->sine = ARENA_NEW(arena, real, c->context * (config_head_size(c) / 2));
    if (!m->trains)
        return;
    m->dx = ARENA_NEW(arena, real, n * C);
    m->dnorm = ARENA_NEW(arena, real, n * C);
    m->dqkv = ARENA_NEW(arena, real, n * (size_t)config_qkv_size(c));
    m->dh = ARENA_NEW(arena, real, routed_h > common_h ? routed_h : common_h);
    m->dhead = ARENA_NEW(arena, real, c->qk_norm ? config_head_size(c) : 0);
    m->scores = ARENA_NEW(arena, real, ATTENTION_BLOCK * c->context);
    m->dslots = ARENA_NEW(arena, real, slots * C);
    m->dx_slots = ARENA_NEW(arena, real, slots * C);
    m->dlogits = ARENA_NEW(arena, real, slots ? n * (size_t)c->experts : 0);
    m->chosen = ARENA_NEW(arena, int64_t, c->routed ? c->depth * c->experts : 0);
    m->dropped = ARENA_NEW(arena, int64_t, c->routed ? c->depth : 0);
}

/* With a counting arena m->layers is NULL, so the layers are laid out through a local struct. */
static void layout(struct model *m, struct arena *arena)
{
    const struct config *c = &m->config;
    size_t n = (size_t)m->max_sequences * (size_t)c->context, params = (size_t)m->n_params;
    m->params = ARENA_NEW(arena, real, m->owns_weights ? params : 0);
    m->gradients = ARENA_NEW(arena, real, m->trains ? params : 0);
    m->moment1 = ARENA_NEW(arena, real, m->trains && m->owns_weights ? params : 0);
    m->moment2 = ARENA_NEW(arena, real, m->trains && m->owns_weights ? params : 0);
    m->layers = ARENA_NEW(arena, struct layer_activations, c->depth);
    for (int l = 0; l < c->depth; l++) {
        struct layer_activations layer = {0};
        layer_layout(&layer, c, (size_t)m->max_sequences, arena);
        if (m->layers)
            m->layers[l] = layer;
    }
    scratch_layout(m, n, arena);
}

static void point(struct tensors *t, const struct model *m, real *block)
{
#define TENSOR(name, layers, count, rows, columns, kind) t->name = block + m->info[TENSOR_##name].offset;
#include "engine/model/tensors.def"
#undef TENSOR
}

static void prepare(struct model *m, const struct config *config, int max_sequences, enum model_use use)
{
    *m = (struct model){.config = *config, .max_sequences = max_sequences, .trains = use != MODEL_SCORE,
                        .owns_weights = use != MODEL_LANE};
    m->n_params = config_tensors(config, m->info);
}

size_t model_bytes(const struct config *config, int max_sequences, enum model_use use)
{
    struct model m;
    struct arena counting = arena_counting();
    prepare(&m, config, max_sequences, use);
    layout(&m, &counting);
    return counting.used;
}

enum status model_open(struct model *model, const struct config *config, int max_sequences, enum model_use use,
                       struct err *err)
{
    struct model m;
    enum status status = config_check(config, err);
    if (status == STATUS_OK)
        status = config_check_window(config, err);
    if (status != STATUS_OK)
        return status;
    ASSERT(max_sequences > 0 || (max_sequences == 0 && use == MODEL_SCORE));
    prepare(&m, config, max_sequences, use);
    status = arena_init(&m.arena, model_bytes(config, max_sequences, use), err);
    if (status != STATUS_OK)
        return status;
    layout(&m, &m.arena);
    arena_seal(&m.arena);
    if (m.owns_weights)
        point(&m.w, &m, m.params);
    if (m.trains)
        point(&m.d, &m, m.gradients);
    rope_table(m.cosine, m.sine, config->context, config_head_size(config), config->rope_base,
               &config->rope_scaling);
    *model = m;
    return STATUS_OK;
}

void model_share_weights(struct model *lane, const struct model *model)
{
    ASSERT(!lane->owns_weights && lane->n_params == model->n_params);
    lane->params = model->params;
    lane->w = model->w;
}

void model_point_gradients(struct model *model, real *gradients)
{
    model->gradients = gradients;
    point(&model->d, model, gradients);
}

void model_release(struct model *model)
{
    arena_release(&model->arena);
    memset(model, 0, sizeof *model);
}

void model_init_weights(struct model *model, uint64_t seed)
{
    for (int i = 0; i < TENSOR_COUNT; i++) {
        const struct tensor_info *info = &model->info[i];
        struct rng rng = rng_open(seed, RNG_INIT, (uint64_t)i);
        double std = config_init_std(&model->config, info);
        real *w = model->params + info->offset, gain = (real)config_init_gain(&model->config, info);
        for (int64_t j = 0; j < info->size; j++)
            w[j] = info->kind == KIND_NORM ? gain : (real)(std * rng_normal(&rng));
    }
}
