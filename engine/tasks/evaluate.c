/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate.c — held-out items in batches, prompt and answer in one row, only the answer's bytes scored.
 * Every row starts with a line end, as a line in training text does. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/tasks/task.h"

static const char *const names[TASK_METRICS] = {"exact_match",   "logprob",  "brier",     "calibration_error",
                                                "edit_distance", "executed", "pass_at_1", "pass_at_5"};

const char *task_metric_name(enum task_metric metric)
{
    return names[metric];
}

int task_shots(const struct task *task, const struct facts *facts, int shots, char out[EXAM_ROW])
{
    struct rng rng = rng_open(facts->seed, RNG_TASK, 1);
    size_t at = 1;
    ASSERT(shots >= 0 && shots <= EXAM_MOST_SHOTS);
    memcpy(out, "\n", 2);
    for (int i = 0; i < shots && !task->only_asked; i++) {
        struct item item;
        task_draw_train(task, facts, &rng, &item);
        for (const char *c = item.prompt; *c; c++)
            out[at++] = *c;
        for (const char *c = item.answer; *c; c++)
            out[at++] = *c;
    }
    out[at] = 0;
    return (int)at;
}

/* The task's held-out items and what is put before each. */
struct questions {
    struct item *items;
    int n, before, T; /* bytes before each; the longest row's inputs, the last byte being only a target */
    char shots[EXAM_ROW];
};

/* Fills one row of T tokens; the padding's targets are left out. */
static void fill_row(const struct questions *q, const struct item *item, int32_t *tokens, int32_t *targets)
{
    char text[EXAM_ROW + ITEM_PROMPT_SIZE + ITEM_ANSWER_SIZE];
    int prompt = q->before + (int)strlen(item->prompt), all = prompt + (int)strlen(item->answer);
    memcpy(text, q->shots, (size_t)q->before);
    memcpy(text + q->before, item->prompt, (size_t)(prompt - q->before));
    memcpy(text + prompt, item->answer, (size_t)(all - prompt));
    for (int t = 0; t < q->T; t++) {
        tokens[t] = t < all ? (uint8_t)text[t] : '\n';
        targets[t] = t >= prompt - 1 && t + 1 < all ? (uint8_t)text[t + 1] : -1;
    }
}

struct sums {
    double exact, logprob, logprob_squares;
};

/* Who asks what. */
struct asking {
    const struct task *task;
    const struct exam *exam;
    const struct scorer *scorer;
};

static void add_row(struct sums *sums, const struct asking *asking, const struct questions *q, const struct item *item,
                    const float *logprob, const uint8_t *first)
{
    int answer = (int)strlen(item->answer), start = q->before + (int)strlen(item->prompt) - 1;
    bool exact = true;
    double sum = 0;
    for (int t = start; t < start + answer; t++) {
        sum += (double)logprob[t];
        exact = exact && first[t];
    }
    sum /= answer;
    sums->exact += exact;
    sums->logprob += sum;
    sums->logprob_squares += sum * sum;
    if (asking->exam->each)
        asking->exam->each(asking->exam->each_context, asking->task, item, exact, sum);
}

static enum status score_rows(const struct asking *asking, const struct questions *q, struct sums *sums, struct err *err)
{
    const struct scorer *scorer = asking->scorer;
    size_t size = (size_t)scorer->max_tokens;
    int32_t *tokens = calloc(size, sizeof *tokens), *targets = calloc(size, sizeof *targets);
    float *logprob = calloc(size, sizeof *logprob);
    uint8_t *first = calloc(size, 1);
    int T = q->T, rows = scorer->max_tokens / T;
    enum status status = STATUS_OK;
    if (!tokens || !targets || !logprob || !first)
        status = err_set(err, STATUS_MEMORY, "no memory to score %d tokens", scorer->max_tokens);
    for (int at = 0; at < q->n && status == STATUS_OK; at += rows) {
        int part = q->n - at < rows ? q->n - at : rows;
        for (int b = 0; b < part; b++)
            fill_row(q, &q->items[at + b], tokens + b * T, targets + b * T);
        scorer->score(scorer->context, tokens, targets, part, T, logprob, first);
        for (int b = 0; b < part; b++)
            add_row(sums, asking, q, &q->items[at + b], logprob + b * T, first + b * T);
    }
    free(tokens);
    free(targets);
    free(logprob);
    free(first);
    return status;
}

static void set_figures(const struct sums *sums, int n, const struct chance *chance, struct task_score *out)
{
    double exact = sums->exact / n, logprob = sums->logprob / n;
    double variance = fmax(0, sums->logprob_squares - sums->logprob * logprob) / (n - 1);
    memset(out, 0, sizeof *out);
    out->figures[METRIC_EXACT_MATCH] = (struct task_figure){n, exact, sqrt(exact * (1 - exact) / n), chance->exact_match};
    out->figures[METRIC_LOGPROB] = (struct task_figure){n, logprob, sqrt(variance / n), chance->logprob};
}

enum status task_evaluate(const struct task *task, const struct facts *facts, const struct exam *exam,
                          const struct scorer *scorer, struct task_score *out, struct err *err)
{
    const struct asking asking = {task, exam, scorer};
    struct questions q = {.items = calloc((size_t)exam->items, sizeof *q.items)};
    struct sums sums = {0};
    enum status status;
    if (!q.items)
        return err_set(err, STATUS_MEMORY, "no memory to score %d items of %s", exam->items, task->name);
    q.n = task_heldout_items(task, facts, q.items, exam->items);
    q.before = task_shots(task, facts, exam->shots, q.shots);
    for (int i = 0; i < q.n; i++) {
        int inputs = q.before + (int)(strlen(q.items[i].prompt) + strlen(q.items[i].answer)) - 1;
        q.T = inputs > q.T ? inputs : q.T;
    }
    if (q.n < 2 || q.T > scorer->longest || q.T > scorer->max_tokens)
        status = err_set(err, STATUS_INSUFFICIENT, "%s: %d held-out items of %d tokens cannot be scored, %d tokens in a "
                         "row at most", task->name, q.n, q.T, scorer->longest);
    else
        status = score_rows(&asking, &q, &sums, err);
    if (status == STATUS_OK) {
        struct chance chance = task->chance(task, facts);
        set_figures(&sums, q.n, &chance, out);
    }
    free(q.items);
    return status;
}
