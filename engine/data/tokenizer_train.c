/* SPDX-License-Identifier: Apache-2.0 */
/* tokenizer_train.c — learning merges. Each different word is kept once with its frequency, so the text is read once;
 * then a merge touches only the words that hold its pair.
 *
 * Invariants: the count of a pair is the sum, over all words, of the word's frequency times the places (overlapping
 * ones too) where the pair stands in it; the words of a pair include every word that holds it; the heap holds, for
 * every pair, an entry of at least its count. Counts in the heap grow stale as pairs vanish; a stale entry is
 * corrected when it comes to the top. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/data/tokenizer_parts.h"

/* Longer words are learnt from in pieces: else a file without spaces would be one word, walked over by every merge. */
enum { LONGEST_WORD = 256 };

/* One different word: its tokens, in the shared block, and how often it occurs. */
struct lesson {
    size_t start;
    int32_t n;
    int64_t frequency;
};

struct candidate {
    int32_t left, right;
    int64_t count;
    int32_t *lessons; /* that hold it, or held it once */
    int32_t n_lessons, capacity;
    bool is_risen;    /* its count has grown in this round */
};

struct entry {
    int64_t count;
    int32_t left, right, candidate;
};

struct trainer {
    struct tokenizer *tokenizer;
    struct lesson *lessons;
    int32_t n_lessons;
    int32_t *tokens;            /* of all lessons */
    struct pairs index;         /* pair -> candidate */
    struct candidate *candidates;
    int32_t n_candidates, candidate_capacity;
    struct entry *heap;
    size_t n_heap, heap_capacity;
    int32_t *risen;             /* candidates to be put into the heap */
    int32_t n_risen, risen_capacity;
};

/* Makes room for one element more; *capacity counts elements. */
static void *grown(void *array, int32_t n, int32_t *capacity, size_t size)
{
    if (n < *capacity)
        return array;
    ASSERT(n < INT32_MAX / 2);
    *capacity = n < 4 ? 4 : 2 * n;
    array = realloc(array, (size_t)*capacity * size);
    NEED_MEMORY(array);
    return array;
}

/* ---- the heap of pairs: the most frequent on top, among equals the one of the lowest tokens ---- */

static bool is_before(const struct entry *a, const struct entry *b)
{
    if (a->count != b->count)
        return a->count > b->count;
    return a->left != b->left ? a->left < b->left : a->right < b->right;
}

static void heap_push(struct trainer *t, int32_t candidate)
{
    const struct candidate *c = &t->candidates[candidate];
    const struct entry entry = {c->count, c->left, c->right, candidate};
    size_t i = t->n_heap++;
    if (i == t->heap_capacity) {
        t->heap_capacity = i < 512 ? 1024 : 2 * i;
        t->heap = realloc(t->heap, t->heap_capacity * sizeof *t->heap);
        NEED_MEMORY(t->heap);
    }
    for (; i > 0 && is_before(&entry, &t->heap[(i - 1) / 2]); i = (i - 1) / 2)
        t->heap[i] = t->heap[(i - 1) / 2];
    t->heap[i] = entry;
}

static struct entry heap_pop(struct trainer *t)
{
    struct entry top = t->heap[0], last = t->heap[--t->n_heap];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < t->n_heap) {
        if (child + 1 < t->n_heap && is_before(&t->heap[child + 1], &t->heap[child]))
            child++;
        if (!is_before(&t->heap[child], &last))
            break;
        t->heap[i] = t->heap[child];
        i = child;
    }
    t->heap[i] = last;
    return top;
}

/* The candidate that is most frequent now, or -1 when none occurs twice. */
static int32_t most_frequent(struct trainer *t)
{
    while (t->n_heap > 0) {
        struct entry top = heap_pop(t);
        int64_t count = t->candidates[top.candidate].count;
        if (count == top.count)
            return count >= 2 ? top.candidate : -1;
        if (count < top.count && count >= 2) /* stale; were it larger, a later entry would have come first */
            heap_push(t, top.candidate);
    }
    return -1;
}

/* ---- counting ---- */

static struct candidate *candidate_of(struct trainer *t, int32_t left, int32_t right)
{
    int32_t i = pairs_add(&t->index, left, right, t->n_candidates);
    if (i == t->n_candidates) {
        t->candidates = grown(t->candidates, t->n_candidates, &t->candidate_capacity, sizeof *t->candidates);
        t->candidates[t->n_candidates++] = (struct candidate){.left = left, .right = right};
    }
    return &t->candidates[i];
}

/* The pair stands in this lesson once more. */
static void count_more(struct trainer *t, int32_t lesson, int32_t left, int32_t right)
{
    struct candidate *c = candidate_of(t, left, right);
    c->count += t->lessons[lesson].frequency;
    if (c->n_lessons == 0 || c->lessons[c->n_lessons - 1] != lesson) {
        c->lessons = grown(c->lessons, c->n_lessons, &c->capacity, sizeof *c->lessons);
        c->lessons[c->n_lessons++] = lesson;
    }
    if (!c->is_risen) {
        c->is_risen = true;
        t->risen = grown(t->risen, t->n_risen, &t->risen_capacity, sizeof *t->risen);
        t->risen[t->n_risen++] = (int32_t)(c - t->candidates);
    }
}

static void push_risen(struct trainer *t)
{
    for (int32_t i = 0; i < t->n_risen; i++) {
        t->candidates[t->risen[i]].is_risen = false;
        heap_push(t, t->risen[i]);
    }
    t->n_risen = 0;
}

static void count_words(struct words *words, int64_t **frequencies, const uint8_t *text, size_t n)
{
    int32_t capacity = 0;
    size_t length;
    for (size_t at = 0; at < n; at += length) {
        int32_t before = words->n, word;
        length = split_next(SPLIT_GPT2, text + at, n - at);
        if (length > LONGEST_WORD)
            length = LONGEST_WORD;
        word = words_add(words, text + at, length);
        if (word == before) {
            *frequencies = grown(*frequencies, word, &capacity, sizeof **frequencies);
            (*frequencies)[word] = 0;
        }
        (*frequencies)[word]++;
    }
}

/* Words become lessons, bytes their first tokens, and all pairs candidates. */
static void begin(struct trainer *t, const uint8_t *text, size_t n)
{
    struct words words;
    int64_t *frequencies = NULL;
    words_init(&words);
    count_words(&words, &frequencies, text, n);
    t->n_lessons = words.n;
    t->lessons = calloc((size_t)words.n + 1, sizeof *t->lessons);
    t->tokens = calloc(words.starts[words.n] + 1, sizeof *t->tokens);
    NEED_MEMORY(t->lessons && t->tokens);
    for (size_t i = 0; i < words.starts[words.n]; i++)
        t->tokens[i] = words.bytes[i];
    for (int32_t w = 0; w < words.n; w++) {
        int32_t length = (int32_t)(words.starts[w + 1] - words.starts[w]);
        t->lessons[w] = (struct lesson){words.starts[w], length, frequencies[w]};
        for (size_t i = words.starts[w]; i + 1 < words.starts[w + 1]; i++)
            count_more(t, w, t->tokens[i], t->tokens[i + 1]);
    }
    push_risen(t);
    free(frequencies);
    words_release(&words);
}

/* ---- one merge ---- */

/* Takes the lesson's pairs out of the count, joins the merge's from the left, and counts what stands there then. */
static void revise(struct trainer *t, int32_t lesson, const struct merge *merge)
{
    struct lesson *l = &t->lessons[lesson];
    int32_t *tokens = t->tokens + l->start, n = 0;
    bool is_there = false;
    for (int32_t i = 0; i + 1 < l->n && !is_there; i++)
        is_there = tokens[i] == merge->left && tokens[i + 1] == merge->right;
    if (!is_there)
        return;
    for (int32_t i = 0; i + 1 < l->n; i++)
        candidate_of(t, tokens[i], tokens[i + 1])->count -= l->frequency;
    for (int32_t i = 0; i < l->n; n++) {
        bool joined = i + 1 < l->n && tokens[i] == merge->left && tokens[i + 1] == merge->right;
        tokens[n] = joined ? merge->result : tokens[i];
        i += joined ? 2 : 1;
    }
    l->n = n;
    for (int32_t i = 0; i + 1 < n; i++) {
        if (tokens[i] == merge->result || tokens[i + 1] == merge->result)
            count_more(t, lesson, tokens[i], tokens[i + 1]);
        else /* stood there before: the lesson is known, and the count does not rise */
            candidate_of(t, tokens[i], tokens[i + 1])->count += l->frequency;
    }
}

/* Two ways to join may spell the same token ("a" "bc", "ab" "c"); it is one token then, with two merges. */
static void learn(struct trainer *t, int32_t candidate)
{
    struct tokenizer *tokenizer = t->tokenizer;
    struct merge merge = {t->candidates[candidate].left, t->candidates[candidate].right, 0};
    int32_t *lessons = t->candidates[candidate].lessons, n = t->candidates[candidate].n_lessons;
    size_t left_length, right_length;
    const uint8_t *left = words_at(&tokenizer->tokens, merge.left, &left_length);
    const uint8_t *right = words_at(&tokenizer->tokens, merge.right, &right_length);
    uint8_t spelt[LONGEST_WORD];
    ASSERT(left_length + right_length <= sizeof spelt);
    memcpy(spelt, left, left_length);
    memcpy(spelt + left_length, right, right_length);
    merge.result = words_add(&tokenizer->tokens, spelt, left_length + right_length);
    tokenizer_add_merge(tokenizer, merge.left, merge.right, merge.result);
    t->candidates[candidate].lessons = NULL; /* what is joined stands nowhere any more */
    t->candidates[candidate].n_lessons = t->candidates[candidate].capacity = 0;
    for (int32_t i = 0; i < n; i++)
        revise(t, lessons[i], &merge);
    free(lessons);
    ASSERT(t->candidates[candidate].count == 0);
    push_risen(t);
}

static void release(struct trainer *t)
{
    for (int32_t i = 0; i < t->n_candidates; i++)
        free(t->candidates[i].lessons);
    free(t->candidates);
    free(t->lessons);
    free(t->tokens);
    free(t->heap);
    free(t->risen);
    pairs_release(&t->index);
}

enum status tokenizer_train(struct tokenizer **out, const uint8_t *text, size_t n, int vocabulary, struct err *err)
{
    struct trainer t = {0};
    int32_t capacity = 0, best = 0;
    if (vocabulary < TOKENIZER_BYTES || vocabulary > TOKENIZER_MOST_TOKENS)
        return err_set(err, STATUS_USAGE, "a vocabulary has %d to %d tokens, not %d", TOKENIZER_BYTES,
                       TOKENIZER_MOST_TOKENS, vocabulary);
    if (n > TOKENIZER_MOST_TEXT)
        return err_set(err, STATUS_USAGE, "%zu bytes are more than the %d a tokenizer learns from", n,
                       TOKENIZER_MOST_TEXT);
    t.tokenizer = tokenizer_bytes();
    pairs_init(&t.index);
    begin(&t, text, n);
    while (t.tokenizer->tokens.n < vocabulary && (best = most_frequent(&t)) >= 0) {
        t.tokenizer->merges = grown(t.tokenizer->merges, t.tokenizer->n_merges, &capacity, sizeof *t.tokenizer->merges);
        learn(&t, best);
    }
    release(&t);
    if (best < 0) {
        int most = t.tokenizer->tokens.n;
        tokenizer_free(t.tokenizer);
        return err_set(err, STATUS_INSUFFICIENT, "after %d tokens no pair of neighbours occurs twice: the text is too "
                       "small for a vocabulary of %d", most, vocabulary);
    }
    *out = t.tokenizer;
    return STATUS_OK;
}
