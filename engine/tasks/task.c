/* SPDX-License-Identifier: Apache-2.0 */
/* task.c — the table of abilities and the split into training and held-out items. Invariant: whether an item is
 * held out depends on its text and the world's seed alone. */
#include "engine/tasks/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

static const struct task_family *const families[] = {
    &tasks_strings,    &tasks_arithmetic, &tasks_induction,   &tasks_sort,    &tasks_brackets, &tasks_completion, &tasks_recall,
    &tasks_parity,     &tasks_chain,      &tasks_translation, &tasks_program, &tasks_rules,    &tasks_instruct,
};

int task_count(void)
{
    int n = 0;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        n += families[f]->n;
    return n;
}

const struct task *task_at(int i)
{
    ASSERT(i >= 0 && i < task_count());
    for (size_t f = 0;; i -= families[f++]->n)
        if (i < families[f]->n)
            return &families[f]->tasks[i];
}

const struct task *task_find(const char *name)
{
    for (int i = 0; i < task_count(); i++)
        if (strcmp(task_at(i)->name, name) == 0)
            return task_at(i);
    return NULL;
}

uint64_t task_items(const struct task *task, const struct facts *facts)
{
    return task->items ? task->items : task->count(facts);
}

/* The finaliser of SplitMix64 (Steele 2014). */
static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

/* FNV-1a over the text, then mixed, since FNV's low bits are weak. */
static uint64_t hash_item(const struct item *item, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325u ^ (seed * 0x9e3779b97f4a7c15u);
    for (const char *c = item->prompt; *c; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001b3u;
    for (const char *c = item->answer; *c; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001b3u;
    return mix(h);
}

bool task_is_heldout(const struct item *item, uint64_t data_seed)
{
    return hash_item(item, data_seed) % TASK_HELDOUT_ONE_IN == 0;
}

struct task_part task_train_part(const struct task *task, const struct facts *facts)
{
    uint64_t n = task->only_asked ? 0 : task_items(task, facts);
    struct task_part part = {0, 0};
    struct item item;
    for (uint64_t i = 0; i < n; i++) {
        task->make(task, facts, i, &item);
        if (!task_is_heldout(&item, facts->seed)) {
            part.items++;
            part.bytes += strlen(item.prompt) + strlen(item.answer);
        }
    }
    return part;
}

void task_draw_train(const struct task *task, const struct facts *facts, struct rng *rng, struct item *out)
{
    ASSERT(!task->only_asked);
    do
        task->make(task, facts, rng_below(rng, (uint32_t)task_items(task, facts)), out);
    while (task_is_heldout(out, facts->seed));
}

/* Walks the items in steps coprime to their number from a seeded start: each is met once, scattered. */
int task_heldout_items(const struct task *task, const struct facts *facts, struct item *out, int n)
{
    static const uint64_t strides[] = {611953, 86028121, 15485863};
    uint64_t count = task_items(task, facts), stride = 1, at;
    struct rng rng = rng_open(facts->seed, RNG_TASK, 0);
    int found = 0;
    for (size_t i = 0; i < sizeof strides / sizeof *strides; i++)
        if (count % strides[i] != 0) /* the strides are prime */
            stride = strides[i];
    at = count > 0 ? rng_below(&rng, (uint32_t)count) : 0;
    for (uint64_t i = 0; i < count && found < n; i++) {
        task->make(task, facts, at, &out[found]);
        found += task->only_asked || task_is_heldout(&out[found], facts->seed);
        at = (at + stride) % count;
    }
    return found;
}

/* ---- for the families ---- */

/* Four rounds of a Feistel network over the next power of four; what falls outside is sent through again (Black &
 * Rogaway 2002), which ends because a permutation leads back in. */
uint64_t task_scatter(uint64_t index, uint64_t n)
{
    int half = 1;
    ASSERT(index < n && n <= UINT64_C(1) << 62);
    while (n > UINT64_C(1) << (2 * half))
        half++;
    do {
        uint64_t mask = (UINT64_C(1) << half) - 1, left = index >> half, right = index & mask;
        for (uint64_t round = 1; round <= 4; round++) {
            uint64_t next = left ^ (mix(right + round * 0x9e3779b97f4a7c15u) & mask);
            left = right;
            right = next;
        }
        index = left << half | right;
    } while (index >= n);
    return index;
}

uint64_t task_power(uint64_t base, int exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0)
        power *= base;
    return power;
}

/* Each choice leaves one letter fewer. */
uint64_t task_arrange(uint64_t index, char first, int n, int k, char *out)
{
    char left[26];
    for (int i = 0; i < n; i++)
        left[i] = (char)(first + i);
    for (int i = 0; i < k; i++) {
        int at = (int)(index % (uint64_t)(n - i));
        index /= (uint64_t)(n - i);
        out[i] = left[at];
        left[at] = left[n - 1 - i];
    }
    return index;
}

/* ---- chance ---- */

static int by_answer(const void *a, const void *b)
{
    return strcmp(a, b);
}

struct chance chance_from_answers(const struct task *task, const struct facts *facts)
{
    uint64_t n = task_items(task, facts), best = 0;
    char(*answers)[ITEM_ANSWER_SIZE] = calloc(n, sizeof *answers);
    struct chance chance = {0};
    NEED_MEMORY(answers);
    for (uint64_t i = 0; i < n; i++) {
        struct item item;
        task->make(task, facts, i, &item);
        memcpy(answers[i], item.answer, strlen(item.answer) + 1);
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

struct chance chance_one_of(const struct task *task, const struct facts *facts, double n)
{
    uint64_t items = task_items(task, facts);
    double turned = 0;
    struct item item;
    for (uint64_t i = 0; i < items; i++) {
        task->make(task, facts, i, &item);
        turned += 1 / (double)strlen(item.answer);
    }
    return (struct chance){1 / n, -log(n) * turned / (double)items};
}
