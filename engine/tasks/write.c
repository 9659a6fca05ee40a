/* SPDX-License-Identifier: Apache-2.0 */
/* write.c — what the model answers when it is let write, item by item: the same items that evaluate.c scores. Writing
 * stops at the line end, or a little beyond the length of the right answer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/tasks/task.h"

/* Bytes that may be written beyond the right answer's; samples per item, and of how many items. */
enum { BEYOND = TASK_SAID - ITEM_ANSWER_SIZE, SAMPLES = 10, SAMPLED_ITEMS = 32, BINS = 10, SAID_SIZE = TASK_SAID + 1 };

#define TEMPERATURE 0.8

struct sum {
    int n;
    double value, squares;
};

struct bin {
    double n, confidence, right;
};

struct writing {
    const struct scorer *scorer;
    int before;
    int32_t tokens[EXAM_ROW + ITEM_PROMPT_SIZE];
    struct rng rng;
    struct sum sums[TASK_METRICS];
    struct bin bins[BINS];
};

static void add(struct writing *w, enum task_metric metric, double value)
{
    w->sums[metric].n++;
    w->sums[metric].value += value;
    w->sums[metric].squares += value * value;
}

double task_pass_at(int n, int c, int k)
{
    double none = 1;
    ASSERT(k <= n && c <= n);
    if (n - c < k)
        return 1;
    for (int i = n - c + 1; i <= n; i++)
        none *= 1 - (double)k / i;
    return 1 - none;
}

/* Rows of the table of distances to ever longer beginnings of the answer. */
int task_edit_distance(const char *said, const char *answer)
{
    int row[SAID_SIZE], n = (int)strlen(said);
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; answer[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int replace = diagonal + (said[j - 1] != answer[i - 1]), other = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = replace < other ? replace : other;
        }
    }
    return row[n];
}

/* What the model says after the prompt whose tokens are in place. */
static void say(struct writing *w, const struct item *item, double temperature, char said[SAID_SIZE], double *logprob)
{
    int prompt = w->before + (int)strlen(item->prompt), most = (int)strlen(item->answer) + BEYOND, n;
    if (prompt + most - 1 > w->scorer->longest) /* the last token written is not read again */
        most = w->scorer->longest + 1 - prompt;
    n = w->scorer->write(w->scorer->context, w->tokens, prompt, most, temperature, &w->rng, said, logprob);
    said[n] = 0;
}

static void write_once(struct writing *w, const struct task *task, const struct item *item)
{
    char said[SAID_SIZE];
    double logprob, confidence;
    bool right;
    int bin;
    say(w, item, 0, said, &logprob);
    right = strcmp(said, item->answer) == 0;
    confidence = exp(logprob);
    bin = (int)(confidence * BINS);
    bin = bin < BINS ? bin : BINS - 1;
    w->bins[bin].n++;
    w->bins[bin].confidence += confidence;
    w->bins[bin].right += right;
    add(w, METRIC_BRIER, (confidence - right) * (confidence - right));
    add(w, METRIC_EDIT_DISTANCE, task_edit_distance(said, item->answer));
    if (task->is_right)
        add(w, METRIC_EXECUTED, task->is_right(item->answer, said));
}

static void write_samples(struct writing *w, const struct task *task, const struct item *item)
{
    int right = 0;
    for (int i = 0; i < SAMPLES; i++) {
        char said[SAID_SIZE];
        double logprob;
        say(w, item, TEMPERATURE, said, &logprob);
        right += task->is_right(item->answer, said);
    }
    add(w, METRIC_PASS_AT_1, task_pass_at(SAMPLES, right, 1));
    add(w, METRIC_PASS_AT_5, task_pass_at(SAMPLES, right, 5));
}

static void set_figures(const struct writing *w, int n, const struct written_chance *guess, struct task_score *out)
{
    static const struct {
        enum task_metric metric;
        int k;
    } tries[] = {{METRIC_EXECUTED, 1}, {METRIC_PASS_AT_1, 1}, {METRIC_PASS_AT_5, 5}};
    double chance = out->figures[METRIC_EXACT_MATCH].chance, error = 0;
    for (int m = METRIC_BRIER; m < TASK_METRICS; m++) {
        const struct sum *sum = &w->sums[m];
        double mean = sum->value / sum->n, variance = fmax(0, sum->squares - sum->value * mean) / (sum->n - 1);
        if (sum->n > 1)
            out->figures[m] = (struct task_figure){sum->n, mean, sqrt(variance / sum->n), NAN};
    }
    for (int b = 0; b < BINS; b++)
        error += fabs(w->bins[b].confidence - w->bins[b].right) / n;
    out->figures[METRIC_CALIBRATION_ERROR] = (struct task_figure){n, error, NAN, NAN};
    /* A guesser who knows how often it is right gives that as its confidence. */
    out->figures[METRIC_BRIER].chance = chance * (1 - chance);
    out->figures[METRIC_EDIT_DISTANCE].chance = guess->edit_distance;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
        if (out->figures[tries[i].metric].n > 0)
            out->figures[tries[i].metric].chance = guess->right[tries[i].k - 1];
}

enum status task_write(const struct task *task, const struct facts *facts, const struct exam *exam,
                       const struct scorer *scorer, struct task_score *out, struct err *err)
{
    struct item *items = calloc((size_t)exam->items, sizeof *items);
    struct writing w = {.scorer = scorer, .rng = rng_open(facts->seed, RNG_SAMPLE, 0)};
    struct written_chance guess;
    char shots[EXAM_ROW];
    int n;
    if (!items)
        return err_set(err, STATUS_MEMORY, "no memory to write %d answers of %s", exam->items, task->name);
    n = task_heldout_items(task, facts, items, exam->items);
    w.before = task_shots(task, facts, exam->shots, shots);
    for (int i = 0; i < w.before; i++)
        w.tokens[i] = (uint8_t)shots[i];
    for (int i = 0; i < n; i++) {
        for (int j = 0; items[i].prompt[j]; j++)
            w.tokens[w.before + j] = (uint8_t)items[i].prompt[j];
        write_once(&w, task, &items[i]);
        if (task->is_right && i < SAMPLED_ITEMS)
            write_samples(&w, task, &items[i]);
    }
    task_written_chance(task, facts, &guess);
    set_figures(&w, n, &guess, out);
    free(items);
    return STATUS_OK;
}
