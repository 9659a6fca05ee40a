/* SPDX-License-Identifier: Apache-2.0 */
/* ids.c — see ids.h. */
#include "harness/cli/ids.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/str.h"

const char ids_gap[] = " \t\r\n,";

bool ids_next(const char **at, int vocabulary, int32_t *out)
{
    char *end;
    long id;
    if (**at < '0' || **at > '9')
        return false;
    errno = 0;
    id = strtol(*at, &end, 10);
    if (errno || id >= vocabulary || (*end && !strchr(ids_gap, *end)))
        return false;
    *at = end + strspn(end, ids_gap);
    *out = (int32_t)id;
    return true;
}

/* Appends the whole file. */
static enum status read_whole(const char *path, struct str *out, struct err *err)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    char block[1 << 14];
    enum status status = STATUS_OK;
    size_t n;
    if (!file)
        return err_set(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "%s: %s", path, strerror(errno));
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        str_append_bytes(out, block, n);
    if (ferror(file))
        status = err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    if (!standard)
        (void)fclose(file);
    return status;
}

/* The error that begins at `at`, with its line and column. */
static enum status refuse(const char *path, const struct str *text, const char *at, int vocabulary, struct err *err)
{
    int line = 1, column = 1;
    for (const char *c = text->text; c < at; c++) {
        line += *c == '\n';
        column = *c == '\n' ? 1 : column + 1;
    }
    return err_set(err, STATUS_FORMAT, "%s:%d:%d: '%.*s' is no token; the model's are numbered 0 to %d", path, line, column,
                   (int)strcspn(at, ids_gap) < 20 ? (int)strcspn(at, ids_gap) : 20, at, vocabulary - 1);
}

enum status ids_read(const char *path, int vocabulary, int32_t **tokens, int64_t *n, struct err *err)
{
    struct str text;
    const char *at, *end;
    int32_t *list = NULL;
    int64_t count = 0;
    enum status status;
    str_init(&text);
    status = read_whole(path, &text, err);
    at = text.text + strspn(text.text, ids_gap);
    end = text.text + text.length; /* further than the first zero byte, which is no token */
    list = malloc((text.length / 2 + 1) * sizeof *list); /* a digit and a gap each */
    NEED_MEMORY(list);
    while (status == STATUS_OK && at < end) {
        if (ids_next(&at, vocabulary, &list[count]))
            count++;
        else
            status = refuse(path, &text, at, vocabulary, err);
    }
    if (status == STATUS_OK && count < 2)
        status = err_set(err, STATUS_FORMAT, "%s: too few tokens, %lld; a token is foretold from those before it", path,
                         (long long)count);
    str_release(&text);
    if (status != STATUS_OK) {
        free(list);
        return status;
    }
    *tokens = list;
    *n = count;
    return STATUS_OK;
}

/* The sums over windows that a ratio and its error need. */
struct sums {
    double windows, n, loss, nn, nl, ll;
};

static void add_window(struct sums *s, double n, double loss)
{
    s->windows++;
    s->n += n;
    s->loss += loss;
    s->nn += n * n;
    s->nl += n * loss;
    s->ll += loss * loss;
}

void ids_score(const int32_t *tokens, int64_t n, int T, const struct scorer *scorer, struct ids_loss *out)
{
    int32_t *targets = malloc((size_t)T * sizeof *targets);
    float *logprob = malloc((size_t)T * sizeof *logprob);
    struct sums s = {0};
    int64_t told = 0; /* tokens 1 … told are foretold */
    double ratio, spread;
    ASSERT(T >= 1 && T < n);
    NEED_MEMORY(targets && logprob);
    while (told < n - 1) {
        int64_t start = told ? told - T / 2 : 0;
        double loss = 0;
        start = start + T > n - 1 ? n - 1 - T : start;
        for (int t = 0; t < T; t++)
            targets[t] = start + t < told ? -1 : tokens[start + t + 1];
        scorer->score(scorer->context, tokens + start, targets, 1, T, logprob, NULL);
        for (int t = 0; t < T; t++)
            loss -= (double)logprob[t];
        add_window(&s, (double)(start + T - told), loss);
        told = start + T;
    }
    ratio = s.loss / s.n;
    spread = fmax(0, s.ll - 2 * ratio * s.nl + ratio * ratio * s.nn);
    *out = (struct ids_loss){ratio, s.windows > 1 ? sqrt(spread * s.windows / (s.windows - 1)) / s.n : NAN, n - 1};
    free(targets);
    free(logprob);
}
