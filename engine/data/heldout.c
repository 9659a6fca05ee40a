/* SPDX-License-Identifier: Apache-2.0 */
/* heldout.c — see heldout.h. */
#include "engine/data/heldout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

/* Targets of a window that count: those of its second half, less where the source scores fewer. */
static int counted(const struct source *source, int T)
{
    int scored = source_scored(source, T), half = T - T / 2;
    return scored < half ? scored : half;
}

/* One window as tokens and targets; those that do not count are left out. */
static void window(const struct source *source, const struct heldout_plan *plan, int64_t index,
                   int32_t *tokens, int32_t *targets)
{
    int T = plan->context, first = T - counted(source, T);
    int32_t row[HELDOUT_CONTEXT_MAX + 1];
    source_window(source, plan->data_seed, RNG_HELDOUT_DATA, (uint64_t)index, row, T + 1);
    memcpy(tokens, row, (size_t)T * sizeof *row);
    for (int t = 0; t < T; t++)
        targets[t] = t < first ? -1 : row[t + 1];
}

/* Mean loss of one window's n counted tokens. */
static double window_loss(const float *logprob, int T, int n)
{
    double loss = 0;
    for (int t = 0; t < T; t++)
        loss -= (double)logprob[t];
    return loss / n;
}

/* Bytes of n tokens, those left out aside. */
static int64_t bytes_of(const struct source *source, const int32_t *targets, size_t n)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += targets[i] < 0 ? 0 : source_bytes_of(source, targets[i]);
    return bytes;
}

/* Adds one window's losses to the parts of the mixture that its tokens belong to. */
static void add_parts(const struct source *source, const struct heldout_plan *plan, int64_t index,
                      const int32_t *targets, const float *logprob, struct heldout *out)
{
    uint8_t parts[HELDOUT_CONTEXT_MAX + 1];
    int T = plan->context;
    source_window_parts(source, plan->data_seed, RNG_HELDOUT_DATA, (uint64_t)index, parts, T + 1);
    for (int t = 0; t < T; t++) {
        if (targets[t] < 0)
            continue;
        out->part_loss[parts[t + 1]] -= (double)logprob[t];
        out->part_tokens[parts[t + 1]]++;
    }
}

bool heldout_evaluate(const struct source *source, const struct heldout_plan *plan,
                      const struct scorer *scorer, struct heldout *out)
{
    int T = plan->context, B = scorer->max_tokens / T;
    size_t n = (size_t)B * (size_t)T;
    int32_t *tokens = calloc(n, sizeof *tokens), *targets = calloc(n, sizeof *targets);
    float *logprob = calloc(n, sizeof *logprob);
    double sum = 0, squares = 0, mean, variance;
    int64_t bytes = 0;
    bool go_on = true;
    *out = (struct heldout){0};
    ASSERT(B > 0 && T > 0 && T <= HELDOUT_CONTEXT_MAX && tokens && targets && logprob);
    for (int64_t first = 0; go_on && first < plan->windows; first += B) {
        int rows = plan->windows - first < B ? (int)(plan->windows - first) : B;
        for (int b = 0; b < rows; b++)
            window(source, plan, first + b, tokens + (size_t)b * (size_t)T, targets + (size_t)b * (size_t)T);
        scorer->score(scorer->context, tokens, targets, rows, T, logprob, NULL);
        for (int b = 0; b < rows; b++) {
            size_t at = (size_t)b * (size_t)T;
            double loss = window_loss(logprob + at, T, counted(source, T));
            if (source_world(source))
                add_parts(source, plan, first + b, targets + at, logprob + at, out);
            sum += loss;
            squares += loss * loss;
        }
        bytes += bytes_of(source, targets, (size_t)rows * (size_t)T);
        go_on = !plan->after || plan->after(plan->after_context, rows);
    }
    mean = sum / (double)plan->windows;
    variance = plan->windows > 1 ? (squares - sum * mean) / (double)(plan->windows - 1) : NAN;
    variance = variance < 0 ? 0 : variance; /* rounding; NaN stays */
    out->loss = mean;
    out->stderror = sqrt(variance / (double)plan->windows);
    out->tokens = plan->windows * counted(source, T);
    out->bytes = bytes;
    for (int part = 0; part < WORLD_PARTS; part++)
        out->part_loss[part] /= (double)out->part_tokens[part];
    free(tokens);
    free(targets);
    free(logprob);
    return go_on;
}
