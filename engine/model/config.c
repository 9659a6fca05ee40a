/* SPDX-License-Identifier: Apache-2.0 */
/* config.c — what follows from a shape alone. */
#include "engine/model/config.h"

#include <math.h>

enum status config_check(const struct config *c, struct err *err)
{
    const struct { const char *name; int value, minimum, maximum; } ranges[] = {
        {"vocabulary", c->vocabulary, 2, 1 << 20}, {"context", c->context, 1, 1 << 20},
        {"depth", c->depth, 1, 1024},              {"width", c->width, 1, 1 << 17},
        {"heads", c->heads, 1, 1024},              {"kv_heads", c->kv_heads, 1, 1024},
        {"ffn", c->ffn, 1, 100000},                {"experts", c->experts, 1, 4096},
        {"experts_per_token", c->experts_per_token, 1, 4096},
        {"shared_experts", c->shared_experts, 0, 4096},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].value < ranges[i].minimum || ranges[i].value > ranges[i].maximum)
            return err_set(err, STATUS_FORMAT, "%s %d is not between %d and %d", ranges[i].name,
                           ranges[i].value, ranges[i].minimum, ranges[i].maximum);
    if (c->width % c->heads || config_head_size(c) % 2)
        return err_set(err, STATUS_FORMAT, "width %d does not split into %d heads of an even size", c->width, c->heads);
    if (c->heads % c->kv_heads)
        return err_set(err, STATUS_FORMAT, "%d heads do not share %d key/value heads evenly", c->heads, c->kv_heads);
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

double config_init_std(const struct config *c, const struct tensor_info *tensor)
{
    double fan_in = 1 / sqrt((double)tensor->columns);
    /* A quarter of unit logits: training starts near the uniform guess at every width. */
    double head = 0.25 * (c->mup ? sqrt((double)c->base_width) / c->width : 1 / sqrt((double)c->width));
    switch (tensor->kind) {
    case KIND_EMBED:
        return c->tied ? head : 1;
    case KIND_NORM:
        return 0; /* gains start at one */
    case KIND_HIDDEN:
    case KIND_ROUTER:
        return fan_in;
    case KIND_RESIDUAL: /* 2 L additions to the residual stream keep its scale (Radford 2019, sec. 2.3) */
        return fan_in / sqrt(2.0 * c->depth);
    case KIND_HEAD:
        return head;
    }
    return 0;
}

double config_rate_factor(const struct config *c, const struct tensor_info *tensor)
{
    bool vector_like = tensor->kind == KIND_EMBED || tensor->kind == KIND_NORM;
    return c->mup && !vector_like ? (double)c->base_width / c->width : 1;
}
