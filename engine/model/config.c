/* SPDX-License-Identifier: Apache-2.0 */
/* config.c — what follows from a shape alone. */
#include "engine/model/config.h"

#include <math.h>

static enum status check_heads(const struct config *c, struct err *err)
{
    if (c->heads % c->kv_heads)
        return err_set(err, STATUS_FORMAT, "%d heads do not share %d key/value heads evenly", c->heads, c->kv_heads);
    if (!c->head_size && (c->width % c->heads || config_head_size(c) % 2))
        return err_set(err, STATUS_FORMAT, "width %d does not split into %d heads of an even size", c->width, c->heads);
    if (config_head_size(c) % 2)
        return err_set(err, STATUS_FORMAT, "head_size %d is odd; channels turn in pairs", c->head_size);
    if (config_query_size(c) > 1 << 17)
        return err_set(err, STATUS_FORMAT, "%d heads of head_size %d are more than %d together", c->heads, c->head_size,
                       1 << 17);
    return STATUS_OK;
}

static enum status check_rope(const struct rope_scaling *s, struct err *err)
{
    if (s->kind != ROPE_UNSCALED && !(s->factor > 0 && isfinite(s->factor)))
        return err_set(err, STATUS_FORMAT, "rope_scaling: factor %g is not above 0", s->factor);
    if (s->kind == ROPE_LLAMA3 && (!(s->low > 0 && s->low < s->high && isfinite(s->high)) || s->original < 1))
        return err_set(err, STATUS_FORMAT, "rope_scaling: low_freq_factor %g, high_freq_factor %g, "
                       "original_max_position_embeddings %d do not fit together", s->low, s->high, s->original);
    return STATUS_OK;
}

enum status config_check_window(const struct config *c, struct err *err)
{
    if (c->window && c->context > c->window)
        return err_set(err, STATUS_FORMAT, "sliding_window is %d and the context %d; attention here looks at all of it, so "
                       "the context can be at most %d", c->window, c->context, c->window);
    return STATUS_OK;
}

enum status config_check(const struct config *c, struct err *err)
{
    const struct { const char *name; int value, minimum, maximum; } ranges[] = {
        {"vocabulary", c->vocabulary, 2, 1 << 20}, {"context", c->context, 1, 1 << 20},
        {"depth", c->depth, 1, 1024},              {"width", c->width, 1, 1 << 17},
        {"heads", c->heads, 1, 1024},              {"kv_heads", c->kv_heads, 1, 1024},
        {"ffn", c->ffn, 1, 100000},                {"experts", c->experts, 1, 4096},
        {"experts_per_token", c->experts_per_token, 1, 4096},
        {"shared_experts", c->shared_experts, 0, 4096},
        {"head_size", c->head_size, 0, 2048},      {"window", c->window, 0, 1 << 30},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].value < ranges[i].minimum || ranges[i].value > ranges[i].maximum)
            return err_set(err, STATUS_FORMAT, "%s %d is not between %d and %d", ranges[i].name,
                           ranges[i].value, ranges[i].minimum, ranges[i].maximum);
    if (check_heads(c, err) != STATUS_OK || check_rope(&c->rope_scaling, err) != STATUS_OK)
        return STATUS_FORMAT;
    if (c->experts_per_token > c->experts)
        return err_set(err, STATUS_FORMAT, "%d experts per token of %d", c->experts_per_token, c->experts);
    if (c->experts > 1 && !c->routed)
        return err_set(err, STATUS_FORMAT, "%d experts need a router", c->experts);
    if (c->shared_experts > 0 && !c->routed)
        return err_set(err, STATUS_FORMAT, "%d shared experts without others", c->shared_experts);
    if (!(c->capacity >= 0 && c->capacity <= 1e6))
        return err_set(err, STATUS_FORMAT, "capacity %g is not between 0 and 1000000", c->capacity);
    return STATUS_OK;
}

int64_t config_tensors(const struct config *c, struct tensor_info info[TENSOR_COUNT])
{
    const struct tensor_info all[TENSOR_COUNT] = {
#define TENSOR(name_, layers_, count_, rows_, columns_, kind_)                                             \
    {.name = #name_, .id = TENSOR_##name_, .kind = kind_, .layers = (layers_), .count = (count_),          \
     .rows = (rows_), .columns = (columns_)},
#include "engine/model/tensors.def"
#undef TENSOR
    };
    int64_t offset = 0;
    for (int i = 0; i < TENSOR_COUNT; i++) {
        info[i] = all[i];
        info[i].size = all[i].layers * all[i].count * all[i].rows * all[i].columns;
        info[i].offset = offset;
        offset += info[i].size;
    }
    return offset;
}

/* The factor that muP puts on what falls with the width. */
static double narrowing(const struct config *c)
{
    return c->mup ? (double)c->base_width / c->width : 1;
}

double config_init_std(const struct config *c, const struct tensor_info *tensor)
{
    double fan_in = 1 / sqrt((double)tensor->columns);
    double output = c->mup ? sqrt((double)c->base_width) / c->width : 1 / sqrt((double)c->width);
    double quarter = 0.25; /* of unit logits: training starts near the uniform guess at every width */
    switch (tensor->kind) {
    case KIND_EMBED:
        return c->tied ? quarter / sqrt((double)(c->mup ? c->base_width : c->width)) : 1;
    case KIND_NORM:
        return 0; /* all gains of a norm start alike */
    case KIND_HIDDEN:
        return fan_in;
    case KIND_RESIDUAL: /* 2 L additions to the residual stream keep its scale (Radford 2019, sec. 2.3) */
        return fan_in / sqrt(2.0 * c->depth);
    case KIND_ROUTER:
        return output;
    case KIND_HEAD:
        return quarter * output;
    }
    return 0;
}

/* The norm whose gain carries the output multiplier. */
static bool scales_logits(const struct config *c, const struct tensor_info *tensor)
{
    return c->tied && tensor->id == TENSOR_final_norm;
}

double config_init_gain(const struct config *c, const struct tensor_info *tensor)
{
    return scales_logits(c, tensor) ? narrowing(c) : 1;
}

double config_rate_factor(const struct config *c, const struct tensor_info *tensor)
{
    bool vector_like = tensor->kind == KIND_EMBED || tensor->kind == KIND_NORM;
    return vector_like && !scales_logits(c, tensor) ? 1 : narrowing(c);
}
