/* SPDX-License-Identifier: Apache-2.0 */
/* tokenizer.c — encoding. The tokens of a word are a doubly linked list over its bytes, and a heap holds the pairs
 * that may be joined, by rank and place: a word of n bytes takes O(n log n), however hostile. Words repeat, so a table
 * remembers where in the output the tokens of a word stand already. */
#include "engine/data/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/data/tokenizer_parts.h"

/* Words that are remembered, and the longest of them, in bytes. */
enum { CACHE_SLOTS = 1 << 15, CACHE_WORD = 64 };

struct tokenizer *tokenizer_new(void)
{
    struct tokenizer *t = calloc(1, sizeof *t);
    NEED_MEMORY(t);
    words_init(&t->tokens);
    pairs_init(&t->ranks);
    t->begin = -1;
    return t;
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    words_release(&t->tokens);
    pairs_release(&t->ranks);
    free(t->merges);
    free(t->special);
    free(t);
}

struct tokenizer *tokenizer_bytes(void)
{
    struct tokenizer *t = tokenizer_new();
    for (int i = 0; i < TOKENIZER_BYTES; i++) {
        uint8_t byte = (uint8_t)i;
        t->byte_tokens[i] = words_add(&t->tokens, &byte, 1);
    }
    return t;
}

void tokenizer_add_merge(struct tokenizer *t, int32_t left, int32_t right, int32_t result)
{
    if (pairs_add(&t->ranks, left, right, t->n_merges) == t->n_merges)
        t->merges[t->n_merges++] = (struct merge){left, right, result};
}

int tokenizer_vocabulary(const struct tokenizer *t)
{
    return t->tokens.n;
}

int32_t tokenizer_begin(const struct tokenizer *t)
{
    return t->begin;
}

const uint8_t *tokenizer_token(const struct tokenizer *t, int32_t token, size_t *length)
{
    return words_at(&t->tokens, token, length);
}

/* ---- one word ---- */

/* A token of the word; `previous` and `next` are places in the word, -1 and the word's length at its ends. */
struct node {
    int32_t token; /* -1: joined to its left neighbour */
    int32_t previous, next;
};

/* Rank and place of a pair in one number, so that the order of numbers is the order of joining. */
struct joiner {
    const struct tokenizer *tokenizer;
    struct node *nodes;
    uint64_t *heap;
    size_t n_heap;
    size_t capacity; /* bytes of the longest word there is room for */
};

static void heap_push(struct joiner *j, uint64_t entry)
{
    size_t i = j->n_heap++;
    for (; i > 0 && j->heap[(i - 1) / 2] > entry; i = (i - 1) / 2)
        j->heap[i] = j->heap[(i - 1) / 2];
    j->heap[i] = entry;
}

static uint64_t heap_pop(struct joiner *j)
{
    uint64_t top = j->heap[0], last = j->heap[--j->n_heap];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < j->n_heap) {
        if (child + 1 < j->n_heap && j->heap[child + 1] < j->heap[child])
            child++;
        if (j->heap[child] >= last)
            break;
        j->heap[i] = j->heap[child];
        i = child;
    }
    j->heap[i] = last;
    return top;
}

/* Puts the pair that begins at `at` into the heap when it has a merge. */
static void propose(struct joiner *j, int32_t at, int32_t n)
{
    int32_t next = at < 0 ? n : j->nodes[at].next, rank;
    if (next >= n)
        return;
    rank = pairs_find(&j->tokenizer->ranks, j->nodes[at].token, j->nodes[next].token);
    if (rank >= 0)
        heap_push(j, (uint64_t)rank << 32 | (uint32_t)at);
}

/* Joins the pair if it is still there: what it was proposed for may have been joined to something else. */
static void join(struct joiner *j, uint64_t entry, int32_t n)
{
    const struct merge *merge = &j->tokenizer->merges[entry >> 32];
    int32_t at = (int32_t)(entry & UINT32_MAX);
    struct node *left = &j->nodes[at], *right;
    if (left->token != merge->left || left->next >= n || j->nodes[left->next].token != merge->right)
        return;
    right = &j->nodes[left->next];
    left->token = merge->result;
    left->next = right->next;
    right->token = -1;
    if (left->next < n)
        j->nodes[left->next].previous = at;
    propose(j, left->previous, n);
    propose(j, at, n);
}

/* Every join leaves one token less and proposes at most two pairs: 3 n entries are enough. */
static void make_room(struct joiner *j, size_t length)
{
    if (length <= j->capacity)
        return;
    free(j->nodes);
    free(j->heap);
    j->capacity = 2 * length;
    j->nodes = malloc(j->capacity * sizeof *j->nodes);
    j->heap = malloc(3 * j->capacity * sizeof *j->heap);
    NEED_MEMORY(j->nodes && j->heap);
}

static size_t encode_word(struct joiner *j, const uint8_t *text, size_t length, int32_t *tokens)
{
    const struct tokenizer *t = j->tokenizer;
    int32_t n = (int32_t)length, whole = t->ignore_merges ? words_find(&t->tokens, text, length) : -1;
    size_t written = 0;
    if (whole >= 0) {
        tokens[0] = whole;
        return 1;
    }
    make_room(j, length);
    j->n_heap = 0;
    for (int32_t i = 0; i < n; i++)
        j->nodes[i] = (struct node){t->byte_tokens[text[i]], i - 1, i + 1};
    for (int32_t i = 0; i < n; i++)
        propose(j, i, n);
    while (j->n_heap > 0)
        join(j, heap_pop(j), n);
    for (int32_t i = 0; i < n; i = j->nodes[i].next)
        tokens[written++] = j->nodes[i].token;
    return written;
}

/* ---- a text ---- */

/* A word met before: where it stands in the text, and its tokens in the output. */
struct seen {
    const uint8_t *text;
    const int32_t *tokens;
    uint16_t length, n_tokens; /* length 0: an empty slot */
};

/* Text without special tokens. */
static size_t encode_plain(struct joiner *j, struct seen *cache, const uint8_t *text, size_t n, int32_t *tokens)
{
    enum split split = j->tokenizer->split;
    size_t written = 0, length;
    for (size_t at = 0; at < n; at += length) {
        struct seen *seen = NULL;
        size_t count;
        length = split_next(split, text + at, n - at);
        if (length <= CACHE_WORD) {
            seen = &cache[(words_hash(text + at, length) >> 8) & (CACHE_SLOTS - 1)];
            if (seen->length == length && memcmp(seen->text, text + at, length) == 0) {
                memcpy(tokens + written, seen->tokens, seen->n_tokens * sizeof *tokens);
                written += seen->n_tokens;
                continue;
            }
        }
        count = encode_word(j, text + at, length, tokens + written);
        if (seen)
            *seen = (struct seen){text + at, tokens + written, (uint16_t)length, (uint16_t)count};
        written += count;
    }
    return written;
}

/* The special token that the text begins with, or -1. */
static int32_t special_at(const struct tokenizer *t, const uint8_t *text, size_t n)
{
    for (int32_t i = 0; i < t->n_special; i++) {
        size_t length;
        const uint8_t *special = words_at(&t->tokens, t->special[i], &length);
        if (length <= n && memcmp(special, text, length) == 0)
            return t->special[i];
    }
    return -1;
}

/* Plain text and special tokens by turns. `starts` says which bytes a special token may begin with. */
static size_t encode_mixed(struct joiner *j, struct seen *cache, const uint8_t *text, size_t n, int32_t *tokens)
{
    const struct tokenizer *t = j->tokenizer;
    bool starts[256] = {false};
    size_t written = 0, plain = 0, length;
    for (int32_t i = 0; i < t->n_special; i++)
        starts[*words_at(&t->tokens, t->special[i], &length)] = true;
    for (size_t at = 0; at < n;) {
        int32_t special = starts[text[at]] ? special_at(t, text + at, n - at) : -1;
        if (special < 0) {
            at++;
            continue;
        }
        written += encode_plain(j, cache, text + plain, at - plain, tokens + written);
        tokens[written++] = special;
        (void)words_at(&t->tokens, special, &length);
        at += length;
        plain = at;
    }
    return written + encode_plain(j, cache, text + plain, n - plain, tokens + written);
}

size_t tokenizer_encode(const struct tokenizer *t, const uint8_t *text, size_t n, int32_t *tokens)
{
    struct joiner joiner = {.tokenizer = t};
    struct seen *cache;
    size_t written;
    ASSERT(n <= TOKENIZER_MOST_TEXT);
    if (t->n_merges == 0 && t->n_special == 0) {
        for (size_t i = 0; i < n; i++)
            tokens[i] = t->byte_tokens[text[i]];
        return n;
    }
    cache = calloc(CACHE_SLOTS, sizeof *cache);
    NEED_MEMORY(cache);
    written = encode_mixed(&joiner, cache, text, n, tokens);
    free(cache);
    free(joiner.nodes);
    free(joiner.heap);
    return written;
}
