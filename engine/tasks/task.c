/* SPDX-License-Identifier: Apache-2.0 */
/* task.c — the table of abilities and the split into training and held-out items. Invariant: whether an item is
 * held out depends on its text and the world's seed alone. */
#include "engine/tasks/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

static const struct task *const tasks[] = {
    &task_copy, &task_reverse, &task_addition, &task_modular_addition, &task_induction,
};

int task_count(void)
{
    return (int)(sizeof tasks / sizeof *tasks);
}

const struct task *task_at(int i)
{
    ASSERT(i >= 0 && i < task_count());
    return tasks[i];
}

/* FNV-1a over the text, then the finaliser of SplitMix64 (Steele 2014), since FNV's low bits are weak. */
static uint64_t hash_item(const struct item *item, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325u ^ (seed * 0x9e3779b97f4a7c15u);
    for (const char *c = item->prompt; *c; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001b3u;
    for (const char *c = item->answer; *c; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001b3u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

bool task_is_heldout(const struct item *item, uint64_t data_seed)
{
    return hash_item(item, data_seed) % TASK_HELDOUT_ONE_IN == 0;
}

uint64_t task_train_count(const struct task *task, uint64_t data_seed)
{
    uint64_t n = task->count(), train = 0;
    struct item item;
    for (uint64_t i = 0; i < n; i++) {
        task->make(i, &item);
        train += !task_is_heldout(&item, data_seed);
    }
    return train;
}

void task_draw_train(const struct task *task, uint64_t data_seed, struct rng *rng, struct item *out)
{
    do
        task->make(rng_below(rng, (uint32_t)task->count()), out);
    while (task_is_heldout(out, data_seed));
}

/* Walks the items in steps coprime to their number from a seeded start: each is met once, scattered. */
int task_heldout_items(const struct task *task, uint64_t data_seed, struct item *out, int n)
{
    static const uint64_t strides[] = {611953, 86028121, 15485863};
    uint64_t count = task->count(), stride = 1, at;
    struct rng rng = rng_open(data_seed, RNG_TASK, 0);
    int found = 0;
    for (size_t i = 0; i < sizeof strides / sizeof *strides; i++)
        if (count % strides[i] != 0) /* the strides are prime */
            stride = strides[i];
    at = rng_below(&rng, (uint32_t)count);
    for (uint64_t i = 0; i < count && found < n; i++) {
        task->make(at, &out[found]);
        found += task_is_heldout(&out[found], data_seed);
        at = (at + stride) % count;
    }
    return found;
}

/* ---- chance from the distribution of answers ---- */

static int by_answer(const void *a, const void *b)
{
    return strcmp(a, b);
}

struct chance chance_from_answers(const struct task *task)
{
    uint64_t n = task->count(), best = 0;
    char(*answers)[ITEM_ANSWER_SIZE] = calloc(n, sizeof *answers);
    struct chance chance = {0};
    ASSERT(answers);
    for (uint64_t i = 0; i < n; i++) {
        struct item item;
        task->make(i, &item);
        memcpy(answers[i], item.answer, sizeof item.answer);
    }
    qsort(answers, n, sizeof *answers, by_answer);
    for (uint64_t i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && strcmp(answers[i], answers[next]) == 0;)
            next++;
        best = next - i > best ? next - i : best;
        chance.logprob += (double)(next - i) / (double)n * log((double)(next - i) / (double)n) /
                          (double)strlen(answers[i]);
    }
    chance.exact_match = (double)best / (double)n;
    free(answers);
    return chance;
}
