/* SPDX-License-Identifier: Apache-2.0 */
/* runner_book.h — what the runner's test looks at: a sink in memory that notes every call, the file of
 * marks that the fake trials leave, and a run over both. Included by test_runner.c only, after cmocka. */
#ifndef TESTS_HARNESS_RUNNER_BOOK_H
#define TESTS_HARNESS_RUNNER_BOOK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "engine/base/str.h"
#include "harness/run/runner.h"
#include "tests/harness/fake_trial.h"

enum { TRIALS_MAX = 16 };

/* What the sink knows of one trial, by its place in the list. */
struct seen {
    int claims, finishes;
    enum outcome outcome;
    char reason[700];
    struct record *records;
    int n;
};

struct book {
    const enum act *acts; /* 0 ends the list */
    int next, n;
    bool alone_last;      /* the last trial asks to run alone */
    double seconds;       /* predicted, of each */
    int retries;          /* a failed trial is handed out again this often */
    int again;            /* trial to hand out again, or -1 */
    int finish_fails_at, claim_fails_at, settle_fails_at; /* number of the call, from 1; 0: never */
    int finishes, claims, settles;
    bool aside;           /* something has ended and was not settled since */
    struct seen seen[TRIALS_MAX];
    struct runner_progress last;
    int reports;
};

static char folder[64];
static char program[4096]; /* of this test */

/* ---- a sink in memory ---- */

static enum status book_claim(void *context, struct assignment *out, struct err *err)
{
    struct book *book = context;
    int i = book->again >= 0 ? book->again : book->next;
    if (i >= book->n)
        return STATUS_DONE;
    if (++book->claims == book->claim_fails_at)
        return err_set(err, STATUS_CORRUPT, "the store is gone");
    if (book->again < 0)
        book->next++;
    book->again = -1;
    (void)snprintf(out->id, sizeof out->id, "%032d", i);
    (void)snprintf(out->label, sizeof out->label, "trial %d", i);
    (void)snprintf(out->checkpoint, sizeof out->checkpoint, "%s", folder);
    knobs_preset(&out->knobs);
    out->knobs.seed = book->acts[i];
    out->attempt = ++book->seen[i].claims;
    out->seconds = book->seconds;
    out->alone = book->alone_last && i == book->n - 1;
    return STATUS_OK;
}

static enum status book_peek(void *context, double *seconds, struct err *err)
{
    struct book *book = context;
    (void)err;
    *seconds = book->seconds;
    return book->next < book->n ? STATUS_OK : STATUS_DONE;
}

static enum status book_finish(void *context, const struct assignment *assignment, enum outcome outcome,
                               const char *reason, const struct record *records, int n, struct err *err)
{
    struct book *book = context;
    long i = strtol(assignment->id, NULL, 10);
    struct seen *seen = &book->seen[i];
    book->aside = true;
    if (++book->finishes == book->finish_fails_at)
        return err_set(err, STATUS_IO, "no space left on device");
    seen->finishes++;
    assert_int_equal(seen->finishes, seen->claims); /* once per claim */
    seen->outcome = outcome;
    (void)str_copy(seen->reason, sizeof seen->reason, reason);
    free(seen->records);
    seen->records = calloc((size_t)n + 1, sizeof *records);
    assert_non_null(seen->records);
    if (n > 0)
        memcpy(seen->records, records, (size_t)n * sizeof *records);
    seen->n = n;
    if (outcome != OUTCOME_DONE && outcome != OUTCOME_INTERRUPTED && seen->claims <= book->retries)
        book->again = (int)i;
    return STATUS_OK;
}

static enum status book_settle(void *context, struct err *err)
{
    struct book *book = context;
    if (book->aside && ++book->settles == book->settle_fails_at)
        return err_set(err, STATUS_IO, "no space left on device");
    book->aside = false;
    return STATUS_OK;
}

static void note_progress(const struct runner_progress *progress, void *context)
{
    struct book *book = context;
    book->last = *progress;
    book->reports++;
}

static const struct record *find_record(const struct seen *seen, const char *name)
{
    for (int i = 0; i < seen->n; i++)
        if (strcmp(seen->records[i].name, name) == 0)
            return &seen->records[i];
    return NULL;
}

static void free_book(struct book *book)
{
    for (int i = 0; i < TRIALS_MAX; i++)
        free(book->seen[i].records);
}

/* ---- the marks ---- */

struct marks {
    int n;
    char sign[4096];
    long pid[4096];
};

static void read_marks(struct marks *marks)
{
    char path[128];
    FILE *file;
    (void)snprintf(path, sizeof path, "%s/marks", folder);
    file = fopen(path, "r");
    assert_non_null(file);
    marks->n = 0;
    while (marks->n < 4096 && fscanf(file, " %c %ld", &marks->sign[marks->n], &marks->pid[marks->n]) == 2)
        marks->n++;
    (void)fclose(file);
}

/* Every window, from "[" to "]" or to its owner's last mark when it died inside, holds marks of its owner
 * only. Returns how many windows were closed. */
static int check_silence(const struct marks *marks)
{
    int windows = 0;
    for (int i = 0; i < marks->n; i++) {
        int end = i;
        if (marks->sign[i] != '[')
            continue;
        for (int k = i; k < marks->n && marks->sign[end] != ']'; k++)
            if (marks->pid[k] == marks->pid[i])
                end = k;
        windows += marks->sign[end] == ']';
        for (int k = i; k < end; k++)
            assert_int_equal(marks->pid[k], marks->pid[i]);
    }
    return windows;
}

/* ---- runs ---- */

static const struct runner_options usual = {.jobs = 2, .timeout_s = 20};

/* Runs the acts, a list that ends with 0. */
static enum status run_book(struct book *book, const enum act *acts, struct runner_options options,
                            struct runner_result *out, struct err *err)
{
    struct sink sink = {.context = book, .claim = book_claim, .finish = book_finish, .settle = book_settle};
    enum status status;
    book->acts = acts;
    book->again = -1;
    while (acts[book->n])
        book->n++;
    sink.peek = options.budget_s > 0 ? book_peek : NULL;
    options.program = program;
    options.total = book->n;
    options.progress = note_progress;
    options.context = book;
    status = runner_run(&options, &sink, out, err);
    assert_true(status != STATUS_OK || !book->aside);
    assert_true(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD); /* no zombie, nobody left */
    return status;
}

/* Runs one act by itself; the caller frees the book. */
static struct runner_result run_one(struct book *book, enum act act, double timeout_s)
{
    struct runner_options options = usual;
    struct runner_result result;
    options.timeout_s = timeout_s;
    assert_int_equal(run_book(book, (const enum act[]){act, 0}, options, &result, NULL), STATUS_OK);
    assert_int_equal(book->seen[0].finishes, 1);
    return result;
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/isoflop-runner-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/marks", folder);
    (void)unlink(path);
    return rmdir(folder);
}

#endif
