/* SPDX-License-Identifier: Apache-2.0 */
/* cost.c — sums over tensors.def for parameters, over the layers' products for FLOPs. */
#include "engine/model/cost.h"

#include "engine/layers/attention.h"

struct param_counts cost_params(const struct config *config)
{
    struct tensor_info info[TENSOR_COUNT];
    struct param_counts counts = {.total = config_tensors(config, info)};
    for (int i = 0; i < TENSOR_COUNT; i++) {
        int64_t active = info[i].size;
        if (i == TENSOR_ffn_in || i == TENSOR_ffn_out)
            active = active / config->experts * config->experts_per_token;
        counts.active += active;
        if (info[i].kind != KIND_EMBED && info[i].kind != KIND_HEAD)
            counts.non_embedding += info[i].size;
        if (info[i].kind != KIND_NORM && (info[i].kind != KIND_EMBED || config->tied))
            counts.matmul += active;
    }
    return counts;
}

double cost_forward_flops(const struct config *c, int B, int T)
{
    double matmul = (double)cost_params(c).matmul;
    double attention = 2.0 * attention_product_flops(T, config_head_size(c)) * c->heads * c->depth;
    return 2.0 * matmul * B * T + attention * B;
}

double cost_train_flops(const struct config *config, int64_t steps, int64_t sequences, int T)
{
    return 3.0 * cost_forward_flops(config, 1, T) * (double)sequences * (double)steps;
}

double cost_dropped_flops(const struct config *config, int64_t dropped)
{
    return 3.0 * 6.0 * config->width * config->ffn * (double)dropped;
}

double cost_6nd(const struct config *config, double tokens)
{
    return 6.0 * (double)cost_params(config).matmul * tokens;
}
