/* SPDX-License-Identifier: Apache-2.0 */
/* size.c — one walk over the parts of a model. Invariant: each part is added once, to every convention it counts in. */
#include "harness/analysis/size.h"

#include <stddef.h>

/* Keeps every sum below 2^63: a thousand times what has been built. */
static const double MOST_PARAMETERS = 4e18;

static enum status check_ranges(const struct architecture *a, struct err *err)
{
    const struct { const char *name; int64_t value, minimum, maximum; } ranges[] = {
        {"layers", a->layers, 1, 100000},
        {"width", a->width, 1, 1 << 24},
        {"heads", a->heads, 1, 1 << 20},
        {"kv_heads", a->kv_heads, 1, 1 << 20},
        {"head_size", a->head_size, 1, 1 << 20},
        {"ffn", a->ffn, 1, 1 << 28},
        {"vocabulary", a->vocabulary, 1, 1 << 28},
        {"context", a->context, 1, 1 << 30},
        {"position_rows", a->position_rows, 0, 1 << 30},
        {"experts", a->experts, 1, 1 << 20},
        {"experts_per_token", a->experts_per_token, 1, a->experts},
        {"shared_experts", a->shared_experts, 0, 1 << 20},
        {"expert_ffn", a->expert_ffn, 1, 1 << 28},
        {"dense_layers", a->dense_layers, 0, a->layers},
        {"norms", a->norms, 0, 4},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].value < ranges[i].minimum || ranges[i].value > ranges[i].maximum)
            return err_set(err, STATUS_FORMAT, "%s %lld is not between %lld and %lld", ranges[i].name,
                           (long long)ranges[i].value, (long long)ranges[i].minimum, (long long)ranges[i].maximum);
    if (a->heads % a->kv_heads)
        return err_set(err, STATUS_FORMAT, "%lld heads do not share %lld kv_heads evenly", (long long)a->heads,
                       (long long)a->kv_heads);
    if ((a->positions == SIZE_LEARNED) != (a->position_rows > 0))
        return err_set(err, STATUS_FORMAT, "position_rows goes with learned positions, and they with it");
    return STATUS_OK;
}

enum status size_check(const struct architecture *a, struct err *err)
{
    double width = (double)a->width, attention, feed_forward;
    enum status status = check_ranges(a, err);
    if (status != STATUS_OK)
        return status;
    attention = 4 * width * (double)a->heads * (double)a->head_size + width * width;
    feed_forward = 4 * width * ((double)a->ffn + (double)(a->experts + a->shared_experts) * (double)a->expert_ffn);
    if ((double)a->layers * (attention + feed_forward) + 2 * width * (double)(a->vocabulary + a->position_rows) >
        MOST_PARAMETERS)
        return err_set(err, STATUS_FORMAT, "more than %.0e parameters", MOST_PARAMETERS);
    return STATUS_OK;
}

/* What a part holds: numbers in matrices, and vectors (gains, biases, positions of attention) beside them. */
struct part {
    int64_t matrices, vectors;
};

static struct part attention_part(const struct architecture *a)
{
    int64_t q = a->heads * a->head_size, kv = 2 * a->kv_heads * a->head_size, C = a->width;
    struct part part = {C * (q + kv) + q * C, 0};
    if (a->biases || a->qkv_biases)
        part.vectors += q + kv;
    if (a->biases)
        part.vectors += C;
    if (a->qk_norm != SIZE_QK_NONE)
        part.vectors += a->qk_norm == SIZE_QK_WIDTH ? q + kv / 2 : 2 * a->head_size;
    if (a->positions == SIZE_RELATIVE) {
        part.matrices += C * q;
        part.vectors += 2 * q;
    }
    part.vectors += a->norms * C * (a->norm_biases ? 2 : 1);
    return part;
}

static struct part feed_forward_part(const struct architecture *a, int64_t F)
{
    int64_t inputs = a->gated ? 2 : 1;
    return (struct part){(inputs + 1) * a->width * F, a->biases ? inputs * F + a->width : 0};
}

/* Adds `copies` of a part to the conventions, of which a token visits `visited`. */
static void add(struct size_counts *counts, struct part part, int64_t copies, int64_t visited)
{
    int64_t size = part.matrices + part.vectors;
    counts->total += copies * size;
    counts->non_embedding += copies * size;
    counts->active += visited * size;
    counts->matmul += visited * part.matrices;
}

struct size_counts size_params(const struct architecture *a)
{
    int64_t embedding = a->vocabulary * a->width, positions = a->position_rows * a->width;
    int64_t sparse = a->experts > 1 ? a->layers - a->dense_layers : 0, dense = a->layers - sparse;
    struct part expert = feed_forward_part(a, a->expert_ffn);
    struct part final_norm = {0, a->final_norm ? a->width * (a->norm_biases ? 2 : 1) : 0};
    struct size_counts counts = {0};
    add(&counts, attention_part(a), a->layers, a->layers);
    add(&counts, feed_forward_part(a, a->ffn), dense, dense);
    add(&counts, expert, sparse * (a->experts + a->shared_experts), sparse * (a->experts_per_token + a->shared_experts));
    add(&counts, (struct part){a->experts * a->width, 0}, sparse, sparse); /* the routers */
    add(&counts, final_norm, 1, 1);
    counts.total += embedding * (a->tied ? 1 : 2) + positions;
    counts.active += embedding * (a->tied ? 1 : 2) + positions;
    counts.matmul += embedding; /* the head multiplies, looking up does not */
    return counts;
}

double size_forward_flops(const struct architecture *a, int64_t T, bool causal)
{
    double tokens = (double)T, pairs = causal ? tokens * (tokens + 1) / 2 : tokens * tokens;
    double attention = 4 * pairs * (double)(a->heads * a->head_size * a->layers);
    return 2 * tokens * (double)size_params(a).matmul + attention;
}

double size_cache_bytes(const struct architecture *a, double bytes_per_number)
{
    return 2 * (double)(a->layers * a->kv_heads * a->head_size) * bytes_per_number;
}
