/* SPDX-License-Identifier: Apache-2.0 */
/* hardware.c — see hardware.h. */
#include "harness/analysis/hardware.h"

#include <math.h>

static const double weight_bytes[PRECISIONS] = {2, 1, 0.5};

/* Numbers of one expert's matrices, over all layers that have experts. */
static double expert_size(const struct architecture *a)
{
    double layers = a->experts > 1 ? (double)(a->layers - a->dense_layers) : 0;
    return layers * (a->gated ? 3 : 2) * (double)a->width * (double)a->expert_ffn;
}

/* ---- One pass ---- */

double hardware_pass_flops(const struct architecture *a, int64_t n, int64_t before)
{
    double tokens = (double)n, head = (double)a->vocabulary * (double)a->width;
    double pairs = tokens * (double)before + tokens * (tokens + 1) / 2;
    double matrices = (double)size_params(a).matmul - head;
    return 2 * tokens * matrices + 2 * head + 4 * pairs * (double)(a->heads * a->head_size * a->layers);
}

double hardware_pass_bytes(const struct architecture *a, int64_t n, int64_t before, double weight, double cache)
{
    struct size_counts counts = size_params(a);
    double visited = (double)a->experts_per_token, experts = (double)a->experts;
    /* n tokens that choose alike often leave no expert out (1 - k/E)^n of the time. */
    double touched = experts * (1 - pow(1 - visited / experts, (double)n));
    double numbers = (double)counts.matmul + expert_size(a) * (touched - visited) + (double)n * (double)a->width;
    return weight * numbers + size_cache_bytes(a, cache) * (double)(before + n);
}

/* ---- Training ---- */

double hardware_activation_bytes(const struct architecture *a, int64_t T)
{
    return (2 * (double)a->layers + 34) * (double)T * (double)a->width;
}

struct training_cost hardware_train(const struct hardware *h, const struct hardware_knobs *knobs, const struct architecture *a,
                                    double flops)
{
    struct training_cost cost = {0};
    double price = isnan(knobs->price_per_hour) ? h->price_per_hour : knobs->price_per_hour;
    cost.seconds = flops / (h->devices * h->flops_16 * knobs->utilisation);
    cost.device_hours = cost.seconds * h->devices / 3600;
    cost.kwh = cost.device_hours * h->power_w / 1000 * knobs->pue;
    cost.usd = cost.device_hours * price + (h->power_included ? 0 : cost.kwh * knobs->electricity);
    cost.co2_kg = cost.kwh * knobs->grid_intensity;
    cost.memory_bytes = TRAIN_BYTES_PER_PARAMETER * (double)size_params(a).total + hardware_activation_bytes(a, a->context);
    cost.fits = cost.memory_bytes <= h->devices * h->memory_bytes * h->usable;
    return cost;
}

/* ---- Running ---- */

struct running_cost hardware_run(const struct hardware *h, const struct architecture *a, enum hardware_precision precision, int64_t T,
                                 int64_t context)
{
    struct running_cost cost = {.prefill_s = (double)NAN, .decode_s = (double)NAN};
    double weight = weight_bytes[precision], peak;
    cost.memory_bytes = weight * (double)size_params(a).total + size_cache_bytes(a, 2) * (double)context;
    cost.devices = ceil(cost.memory_bytes / (h->memory_bytes * h->usable));
    if (cost.devices > h->devices) {
        cost.devices = 0;
        return cost;
    }
    /* Weights in 4 bits are widened to 16 before they multiply. */
    peak = cost.devices * (precision == PRECISION_8 ? h->flops_8 : h->flops_16);
    double rate = cost.devices * h->bandwidth;
    cost.prefill_s = fmax(hardware_pass_flops(a, T, 0) / peak, hardware_pass_bytes(a, T, 0, weight, 2) / rate);
    cost.decode_s = fmax(hardware_pass_flops(a, 1, T) / peak, hardware_pass_bytes(a, 1, T, weight, 2) / rate);
    return cost;
}
