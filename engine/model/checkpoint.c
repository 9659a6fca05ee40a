/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.c — the names others know our tensors by. Stacked matrices are taken apart by rows: the first
 * rows of attn_qkv are the queries, the first rows of ffn_in the gate. */
#include "engine/model/checkpoint_piece.h"

#include <stdio.h>

/* One file tensor within a layer: which of our tensors, which rows of it, its name. */
struct part {
    enum tensor_id id;
    int64_t first_row, rows;
    const char *name;
    bool per_expert;
};

#define SHARED "block_sparse_moe.shared_expert."

static int layer_parts(const struct config *c, struct part parts[16])
{
    int64_t D = config_head_size(c), q = c->heads * D, kv = c->kv_heads * D, shared = config_shared_ffn(c);
    int n = 0;
    parts[n++] = (struct part){TENSOR_attn_norm, 0, 1, "input_layernorm.weight", false};
    parts[n++] = (struct part){TENSOR_attn_qkv, 0, q, "self_attn.q_proj.weight", false};
    parts[n++] = (struct part){TENSOR_attn_qkv, q, kv, "self_attn.k_proj.weight", false};
    parts[n++] = (struct part){TENSOR_attn_qkv, q + kv, kv, "self_attn.v_proj.weight", false};
    parts[n++] = (struct part){TENSOR_attn_out, 0, c->width, "self_attn.o_proj.weight", false};
    if (c->qk_norm) {
        parts[n++] = (struct part){TENSOR_q_norm, 0, 1, "self_attn.q_norm.weight", false};
        parts[n++] = (struct part){TENSOR_k_norm, 0, 1, "self_attn.k_norm.weight", false};
    }
    parts[n++] = (struct part){TENSOR_ffn_norm, 0, 1, "post_attention_layernorm.weight", false};
    if (c->routed) {
        parts[n++] = (struct part){TENSOR_router, 0, c->experts, "block_sparse_moe.gate.weight", false};
        if (shared > 0) {
            parts[n++] = (struct part){TENSOR_shared_in, 0, shared, SHARED "gate_proj.weight", false};
            parts[n++] = (struct part){TENSOR_shared_in, shared, shared, SHARED "up_proj.weight", false};
            parts[n++] = (struct part){TENSOR_shared_out, 0, c->width, SHARED "down_proj.weight", false};
        }
        parts[n++] = (struct part){TENSOR_ffn_in, 0, c->ffn, "w1.weight", true};
        parts[n++] = (struct part){TENSOR_ffn_in, c->ffn, c->ffn, "w3.weight", true};
        parts[n++] = (struct part){TENSOR_ffn_out, 0, c->width, "w2.weight", true};
    } else {
        parts[n++] = (struct part){TENSOR_ffn_in, 0, c->ffn, "mlp.gate_proj.weight", false};
        parts[n++] = (struct part){TENSOR_ffn_in, c->ffn, c->ffn, "mlp.up_proj.weight", false};
        parts[n++] = (struct part){TENSOR_ffn_out, 0, c->width, "mlp.down_proj.weight", false};
    }
    return n;
}

static void fill(struct checkpoint_piece *out, const struct model *m, const struct part *part, int64_t layer,
                 int64_t matrix)
{
    const struct tensor_info *info = &m->info[part->id];
    int64_t row = (layer * info->count + matrix) * info->rows + part->first_row;
    int64_t scales = 0;
    for (int i = 0; i < (int)part->id; i++)
        if (weights_i8_covers(m->info[i].kind))
            scales += m->info[i].layers * m->info[i].count * m->info[i].rows;
    out->id = part->id;
    out->offset = info->offset + row * info->columns;
    out->rows = info->kind == KIND_NORM ? info->columns : part->rows;
    out->columns = info->kind == KIND_NORM ? 0 : info->columns;
    out->first_scale = scales + row;
}

bool checkpoint_piece_at(const struct model *m, int64_t i, struct checkpoint_piece *out)
{
    const struct config *c = &m->config;
    struct part parts[16];
    const struct part ends[] = {
        {TENSOR_embed, 0, c->vocabulary, "model.embed_tokens.weight", false},
        {TENSOR_final_norm, 0, 1, "model.norm.weight", false},
        {TENSOR_head, 0, c->vocabulary, "lm_head.weight", false},
    };
    int n = layer_parts(c, parts);
    int singles = 0, experts = c->routed ? c->experts : 0;
    int64_t per_layer, layer, rest;
    for (int p = 0; p < n; p++)
        singles += !parts[p].per_expert;
    per_layer = singles + 3 * experts;
    if (i >= per_layer * c->depth) {
        i -= per_layer * c->depth;
        if (i >= (c->tied ? 2 : 3))
            return false;
        fill(out, m, &ends[i], 0, 0);
        (void)snprintf(out->name, sizeof out->name, "%s", ends[i].name);
        return true;
    }
    layer = i / per_layer;
    rest = i % per_layer;
    if (rest < singles) {
        fill(out, m, &parts[rest], layer, 0);
        (void)snprintf(out->name, sizeof out->name, "model.layers.%lld.%s", (long long)layer, parts[rest].name);
        return true;
    }
    rest -= singles;
    fill(out, m, &parts[singles + rest % 3], layer, rest / 3);
    (void)snprintf(out->name, sizeof out->name, "model.layers.%lld.block_sparse_moe.experts.%lld.%s",
                   (long long)layer, (long long)(rest / 3), parts[singles + rest % 3].name);
    return true;
}
