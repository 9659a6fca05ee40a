/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate.c — held-out items in batches, prompt and answer in one row, only the answer's bytes scored.
 * Every row starts with a line end, as a line in training text does. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tasks/task.h"

enum { ROW = 1 + ITEM_PROMPT_SIZE + ITEM_ANSWER_SIZE };

/* Fills one row of T tokens; the padding's targets are left out. */
static void fill_row(const struct item *item, int T, int32_t *tokens, int32_t *targets)
{
    char text[ROW + 1] = "\n";
    int prompt = (int)strlen(item->prompt), all;
    memcpy(text + 1, item->prompt, (size_t)prompt);
    memcpy(text + 1 + prompt, item->answer, strlen(item->answer) + 1);
    all = (int)strlen(text);
    for (int t = 0; t < T; t++) {
        tokens[t] = t < all ? (uint8_t)text[t] : '\n';
        targets[t] = t >= prompt && t + 1 < all ? (uint8_t)text[t + 1] : -1;
    }
}

/* The longest row's inputs: the last byte is only a target. */
static int longest(const struct item *items, int n)
{
    int T = 0;
    for (int i = 0; i < n; i++) {
        int length = (int)(strlen(items[i].prompt) + strlen(items[i].answer));
        T = length > T ? length : T;
    }
    return T;
}

struct sums {
    double exact, logprob, logprob_squares;
};

static void add_row(struct sums *sums, const struct item *item, int T, const float *logprob, const uint8_t *first)
{
    int answer = (int)strlen(item->answer), start = (int)strlen(item->prompt);
    bool exact = true;
    double sum = 0;
    for (int t = start; t < start + answer && t < T; t++) {
        sum += (double)logprob[t];
        exact = exact && first[t];
    }
    sum /= answer;
    sums->exact += exact;
    sums->logprob += sum;
    sums->logprob_squares += sum * sum;
}

enum status task_evaluate(const struct task *task, uint64_t data_seed, int n_items, const struct scorer *scorer,
                          struct task_score *out, struct err *err)
{
    struct item *items = calloc((size_t)n_items, sizeof *items);
    size_t size = (size_t)scorer->max_tokens;
    int32_t *tokens = calloc(size, sizeof *tokens), *targets = calloc(size, sizeof *targets);
    float *logprob = calloc(size, sizeof *logprob);
    uint8_t *first = calloc(size, 1);
    struct sums sums = {0};
    struct chance chance;
    int n, T, rows;
    enum status status = STATUS_OK;
    if (!items || !tokens || !targets || !logprob || !first) {
        status = err_set(err, STATUS_MEMORY, "no memory to score %d items of %s", n_items, task->name);
        goto done;
    }
    n = task_heldout_items(task, data_seed, items, n_items);
    T = longest(items, n);
    rows = T > 0 ? scorer->max_tokens / T : 0;
    if (n < 2 || rows < 1) {
        status = err_set(err, STATUS_INSUFFICIENT, "%s: %d held-out items of %d tokens cannot be scored %d tokens at "
                         "a time", task->name, n, T, scorer->max_tokens);
        goto done;
    }
    for (int at = 0; at < n; at += rows) {
        int part = n - at < rows ? n - at : rows;
        for (int b = 0; b < part; b++)
            fill_row(&items[at + b], T, tokens + b * T, targets + b * T);
        scorer->score(scorer->context, tokens, targets, part, T, logprob, first);
        for (int b = 0; b < part; b++)
            add_row(&sums, &items[at + b], T, logprob + b * T, first + b * T);
    }
    chance = task->chance();
    *out = (struct task_score){
        .n = n,
        .exact_match = sums.exact / n,
        .exact_match_stderr = sqrt(sums.exact / n * (1 - sums.exact / n) / n),
        .exact_match_chance = chance.exact_match,
        .logprob = sums.logprob / n,
        .logprob_stderr = sqrt(fmax(0, sums.logprob_squares - sums.logprob * sums.logprob / n) / (n - 1) / n),
        .logprob_chance = chance.logprob,
    };
done:
    free(items);
    free(tokens);
    free(targets);
    free(logprob);
    free(first);
    return status;
}
