/* SPDX-License-Identifier: Apache-2.0 */
/* test_runner.c — goal: whatever a trial process does, its attempt ends exactly once with the right outcome,
 * the others go on, and no process is left behind.
 *
 * Method: the program starts itself as the trial (fake_trial.h) with a behaviour per trial; a sink in memory
 * notes what comes in. Silence is checked from outside: trials append marks to one file, and between a
 * trial's "[" and "]" there may be no other's. After every run there must be no child left to wait for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness/run/forecast.h"
#include "tests/harness/fake_trial.h"
#include "tests/harness/runner_book.h"

/* ---- outcomes ---- */

static void a_quick_trial_is_stored_whole(void **state)
{
    struct book book = {.seconds = 0.01};
    struct runner_result result = run_one(&book, ACT_QUICK, 20);
    const struct seen *seen = &book.seen[0];
    (void)state;
    assert_int_equal(result.done, 1);
    assert_int_equal(seen->outcome, OUTCOME_DONE);
    assert_string_equal(seen->reason, "");
    assert_int_equal(seen->n, 6); /* neither progress nor the outcome is among them */
    assert_int_equal(seen->records[0].kind, RECORD_FACT);
    assert_string_equal(find_record(seen, "blas_core")->text, "00000000000000000000000000000000");
    assert_true(isnan(find_record(seen, "loss")->value));
    assert_string_equal(find_record(seen, "exact_match")->task, "copy");
    assert_float_equal(find_record(seen, "peak_rss_bytes")->value, 4096, 0);
    assert_true(book.last.finished && book.last.done == 1 && book.last.running == 0);
    assert_float_equal(book.last.fraction, 1, 1e-9);
    assert_float_equal(book.last.loss, 1.5, 0);
    assert_string_equal(book.last.label, "trial 0");
    free_book(&book);
}

static void each_bad_end_has_its_outcome(void **state)
{
    static const struct {
        enum act act;
        enum outcome outcome;
        const char *reason;
    } cases[] = {
        {ACT_EXIT_7, OUTCOME_FAILED, "exit code 7 after step 0"},
        {ACT_ABORT, OUTCOME_FAILED, "killed by signal 6 (Aborted)"},
        {ACT_KILL_ITSELF, OUTCOME_OOM, "killed by the system"},
        {ACT_DIVERGE, OUTCOME_DIVERGED, "loss is nan at step 17"},
        {ACT_GARBAGE, OUTCOME_FAILED, "garbage (not a frame: wrong first bytes)"},
        {ACT_DONE_EXIT_3, OUTCOME_FAILED, "exit code 3 after it had said done"},
        {ACT_NO_WORD, OUTCOME_FAILED, "exit code 0 after step 0, without saying why"},
        {ACT_LIE, OUTCOME_FAILED, "impossible outcome 'interrupted'"},
    };
    enum { N = sizeof cases / sizeof cases[0] };
    enum act acts[N + 2] = {0};
    struct book book = {0};
    struct runner_result result;
    (void)state;
    for (int i = 0; i < N; i++)
        acts[i] = cases[i].act;
    acts[N] = ACT_QUICK;
    assert_int_equal(run_book(&book, acts, usual, &result, NULL), STATUS_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(book.seen[i].outcome, cases[i].outcome);
        if (!strstr(book.seen[i].reason, cases[i].reason))
            fail_msg("'%s' instead of '%s'", book.seen[i].reason, cases[i].reason);
    }
    assert_int_equal(book.seen[N].outcome, OUTCOME_DONE); /* others go on */
    assert_true(result.done == 1 && result.failed == 6 && result.oom == 1 && result.diverged == 1);
    assert_int_equal(book.last.failed, 8);
    free_book(&book);
}

static void silence_is_a_timeout(void **state)
{
    static const enum act acts[] = {ACT_HANG, ACT_STAND, ACT_DEAF_HANG};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct book book = {0};
        struct runner_result result = run_one(&book, acts[i], 0.2);
        assert_int_equal(result.timeout, 1);
        assert_int_equal(book.seen[0].outcome, OUTCOME_TIMEOUT);
        assert_string_equal(book.seen[0].reason,
                            i == 0 ? "no word for 0.2 s after step 5" : "no word for 0.2 s after step 0");
        /* Only the deaf one needs SIGKILL, two seconds later. */
        assert_true(result.elapsed_s > 0.2 && (i == 2) == (result.elapsed_s > 2));
        free_book(&book);
    }
}

static void many_records_arrive_in_order(void **state)
{
    struct book book = {0};
    (void)state;
    (void)run_one(&book, ACT_MANY, 20);
    assert_in_range(book.seen[0].n, 20000, 20001); /* its peak may have been added */
    for (int i = 0; i < 20000; i++)
        assert_int_equal(book.seen[0].records[i].step, i);
    free_book(&book);
}

static void surroundings_are_clean(void **state)
{
    struct book book = {0};
    const struct seen *seen = &book.seen[0];
    int leaked = open("/dev/null", O_RDONLY); /* without CLOEXEC */
    (void)state;
    (void)run_one(&book, ACT_SURROUNDINGS, 20);
    (void)close(leaked);
    assert_float_equal(find_record(seen, "open_fds")->value, 4, 0);
    assert_float_equal(find_record(seen, "leads_group")->value, 1, 0);
    assert_true(find_record(seen, "oom_score_adj")->value >= 500);
    assert_string_equal(find_record(seen, "blas_threads")->text, "1");
    free_book(&book);
}

/* ---- being alone ---- */

static void alone_means_alone(void **state)
{
    static const enum act acts[] = {ACT_SLOW, ACT_ALONE, ACT_ALONE, ACT_SLOW, ACT_ALONE, ACT_SLOW, 0};
    static struct marks marks;
    struct runner_options options = usual;
    struct book book = {0};
    struct runner_result result;
    (void)state;
    options.jobs = 4;
    assert_int_equal(run_book(&book, acts, options, &result, NULL), STATUS_OK);
    assert_int_equal(result.done, 6);
    read_marks(&marks);
    assert_int_equal(check_silence(&marks), 3);
    assert_true(find_record(&book.seen[2], "parked_s")->value > 0.05); /* one waited for the other */
    free_book(&book);
}

static void a_long_silence_harms_nobody(void **state)
{
    static const enum act acts[] = {ACT_ALONE_LONG, ACT_SLOW, ACT_ALONE, ACT_ALARM, ACT_SLOW, 0};
    static struct marks marks;
    struct runner_options options = usual;
    struct book book = {0};
    struct runner_result result;
    (void)state;
    options.jobs = 4;
    options.timeout_s = 1; /* the others are parked or wait for longer: that is no timeout */
    assert_int_equal(run_book(&book, acts, options, &result, NULL), STATUS_OK);
    assert_int_equal(result.done, 4);
    assert_true(find_record(&book.seen[2], "parked_s")->value > 1.2);
    /* A slot became free in the middle of it, and yet nothing was started. */
    assert_non_null(strstr(book.seen[3].reason, "killed by signal 14"));
    read_marks(&marks);
    assert_int_equal(check_silence(&marks), 2);
    free_book(&book);
}

static void a_crash_while_alone_frees_the_others(void **state)
{
    static const enum act acts[] = {ACT_ALONE_CRASH, ACT_SLOW, ACT_ALONE, 0};
    static struct marks marks;
    struct runner_options options = usual;
    struct book book = {0};
    struct runner_result result;
    (void)state;
    options.jobs = 3;
    assert_int_equal(run_book(&book, acts, options, &result, NULL), STATUS_OK);
    assert_true(result.done == 2 && result.failed == 1);
    read_marks(&marks);
    assert_int_equal(check_silence(&marks), 1);
    free_book(&book);
}

static void an_assignment_can_ask_to_run_alone(void **state)
{
    static const enum act acts[] = {ACT_SLOW, ACT_SLOW, ACT_ALONE, 0};
    static struct marks marks;
    struct book book = {.alone_last = true};
    struct runner_result result;
    long last;
    int first = 0;
    (void)state;
    assert_int_equal(run_book(&book, acts, usual, &result, NULL), STATUS_OK);
    assert_int_equal(result.done, 3);
    read_marks(&marks);
    last = marks.pid[marks.n - 1];
    while (marks.pid[first] != last)
        first++;
    assert_int_equal(first, 40); /* all marks of the other two come first */
    free_book(&book);
}

/* ---- being stopped ---- */

static void the_first_signal_stops_politely(void **state)
{
    static const enum act acts[] = {ACT_STOPPABLE, ACT_INTERRUPT, ACT_QUICK, 0};
    struct book book = {0};
    struct runner_result result;
    struct sigaction before, after;
    (void)state;
    (void)signal(SIGINT, SIG_DFL);
    (void)sigaction(SIGINT, NULL, &before);
    assert_int_equal(run_book(&book, acts, usual, &result, NULL), STATUS_OK);
    (void)sigaction(SIGINT, NULL, &after);
    assert_true(before.sa_handler == after.sa_handler);
    assert_int_equal(result.signal, SIGINT);
    assert_true(result.interrupted == 2 && result.failed == 0);
    assert_true(result.elapsed_s < 3); /* no grace had to run out */
    assert_int_equal(book.seen[0].outcome, OUTCOME_INTERRUPTED);
    assert_non_null(find_record(&book.seen[0], "last")); /* what it said after STOP is kept */
    assert_int_equal(book.seen[2].claims, 0);
    free_book(&book);
}

static void who_does_not_stop_is_made_to(void **state)
{
    static const enum act acts[] = {ACT_HANG, ACT_INTERRUPT, 0};
    struct runner_options options = usual;
    struct book book = {0};
    struct runner_result result;
    (void)state;
    options.stop_grace_s = 0.3;
    assert_int_equal(run_book(&book, acts, options, &result, NULL), STATUS_OK);
    assert_int_equal(result.interrupted, 2);
    assert_string_equal(book.seen[0].reason, "asked to stop, and did not within 0.3 s");
    assert_string_equal(book.seen[1].reason, "asked to stop");
    assert_true(result.elapsed_s >= 0.3 && result.elapsed_s < 2);
    free_book(&book);
}

static void the_second_signal_kills(void **state)
{
    static const enum act acts[] = {ACT_DEAF_HANG, ACT_TERMINATE_TWICE, 0};
    struct book book = {0};
    struct runner_result result;
    (void)state;
    assert_int_equal(run_book(&book, acts, usual, &result, NULL), STATUS_OK);
    assert_int_equal(result.signal, SIGTERM);
    assert_int_equal(result.interrupted, 2);
    assert_true(result.elapsed_s < 3);
    free_book(&book);
}

static void children_die_with_the_runner(void **state)
{
    static struct marks marks;
    pid_t runner;
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* so that the orphans' ends can be seen here */
    runner = fork();
    if (runner == 0) {
        static const enum act acts[] = {ACT_HANG, ACT_HANG, 0};
        struct book book = {0};
        struct runner_result result;
        _exit(run_book(&book, acts, usual, &result, NULL) == STATUS_OK);
    }
    for (marks.n = 0; marks.n < 2; pause_ms(10)) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/marks", folder);
        if (access(path, R_OK) == 0)
            read_marks(&marks);
    }
    assert_int_equal(kill(runner, SIGKILL), 0);
    assert_int_equal(waitpid(runner, NULL, 0), runner);
    for (int i = 0; i < 2; i++) {
        struct instant start = clock_now();
        int end = 0;
        while (waitpid((pid_t)marks.pid[i], &end, WNOHANG) == 0 && clock_since(start) < 2)
            pause_ms(5);
        (void)kill((pid_t)marks.pid[i], SIGTERM); /* a failing test, too, leaves nobody behind */
        assert_true(WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL);
    }
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void what_a_trial_leaves_behind_is_killed(void **state)
{
    struct book book = {0};
    char path[64], status[16] = "";
    struct instant start = clock_now();
    pid_t orphan;
    FILE *file;
    (void)state;
    (void)run_one(&book, ACT_ORPHAN, 20);
    orphan = (pid_t)find_record(&book.seen[0], "orphan")->value;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)orphan);
    /* Gone, or a zombie that only its new parent can bury. */
    do {
        status[0] = 'Z';
        file = fopen(path, "r");
        if (file && fscanf(file, "%*d (%*[^)]) %15s", status) != 1)
            status[0] = 'Z';
        if (file)
            (void)fclose(file);
    } while (status[0] != 'Z' && clock_since(start) < 2);
    (void)kill(orphan, SIGTERM); /* a failing test, too, leaves nobody behind */
    assert_int_equal(status[0], 'Z');
    free_book(&book);
}

/* ---- trouble on the runner's side ---- */

static void a_store_that_fails_ends_the_run(void **state)
{
    static const enum act acts[] = {ACT_HANG, ACT_QUICK, ACT_QUICK, 0};
    struct book books[] = {{.finish_fails_at = 1}, {.settle_fails_at = 1}};
    (void)state;
    for (struct book *book = books; book < books + 2; book++) {
        struct runner_result result = {.done = 77};
        struct err err = ERR_INIT;
        assert_true(run_book(book, acts, usual, &result, &err) == STATUS_IO && strstr(err.text, "no space left"));
        assert_true(book->finishes == 1 && book->claims == (book == books ? 2 : 3) && result.done == 77);
        free_book(book);
    }
}

static void a_claim_that_fails_lets_the_others_finish(void **state)
{
    static const enum act acts[] = {ACT_SLOW, ACT_QUICK, ACT_QUICK, 0};
    struct book book = {.claim_fails_at = 3};
    struct runner_result result;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(run_book(&book, acts, usual, &result, &err), STATUS_CORRUPT);
    assert_string_equal(err.text, "the store is gone");
    assert_int_equal(book.seen[0].outcome, OUTCOME_DONE);
    assert_int_equal(book.seen[0].finishes, 1);
    free_book(&book);
}

static void too_few_descriptors_mean_fewer_at_once(void **state)
{
    static const enum act acts[] = {ACT_SLOW, ACT_SLOW, ACT_SLOW, ACT_QUICK, ACT_QUICK, 0};
    struct runner_options options = usual;
    struct runner_result result;
    struct rlimit old, few;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    options.jobs = 4;
    few = (struct rlimit){16, old.rlim_max}; /* two trials' pipes at 10 and above, and those of a start */
    for (int i = 0; i < 2; i++) {
        struct book book = {0};
        enum status status;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        status = run_book(&book, acts, options, &result, &err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        if (i == 0) {
            assert_int_equal(status, STATUS_OK);
            assert_int_equal(result.done, 5);
        } else { /* not even one: an error, and the trial is given back */
            assert_int_equal(status, STATUS_IO);
            assert_non_null(strstr(err.text, "cannot make a pipe for a trial"));
            assert_int_equal(book.seen[0].outcome, OUTCOME_INTERRUPTED);
            assert_int_equal(book.seen[0].finishes, 1);
        }
        free_book(&book);
        few.rlim_cur = 12;
    }
}

static void a_missing_program_is_noticed_before_any_claim(void **state)
{
    struct book book = {.again = -1};
    struct sink sink = {.context = &book, .claim = book_claim, .finish = book_finish};
    struct runner_options options = usual;
    struct runner_result result;
    struct err err = ERR_INIT;
    (void)state;
    options.program = "/nonexistent/isoflop";
    assert_int_equal(runner_run(&options, &sink, &result, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/isoflop"));
    assert_int_equal(book.claims, 0);
    options.jobs = 0;
    assert_int_equal(runner_run(&options, &sink, &result, &err), STATUS_USAGE);
}

static void a_program_that_cannot_run_says_so(void **state)
{
    static const enum act acts[] = {ACT_QUICK, 0};
    char saved[sizeof program], script[128];
    struct book book = {0};
    struct runner_result result;
    FILE *file;
    (void)state;
    (void)snprintf(script, sizeof script, "%s/marks", folder);
    file = fopen(script, "w");
    assert_non_null(file);
    (void)fputs("#!/nonexistent/interpreter\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(script, 0700), 0);
    memcpy(saved, program, sizeof saved);
    (void)snprintf(program, sizeof program, "%s", script);
    assert_int_equal(run_book(&book, acts, usual, &result, NULL), STATUS_OK);
    memcpy(program, saved, sizeof saved);
    assert_int_equal(book.seen[0].outcome, OUTCOME_FAILED);
    assert_ptr_equal(strstr(book.seen[0].reason, "cannot start "), book.seen[0].reason);
    free_book(&book);
}

/* ---- scheduling ---- */

static void what_the_sink_puts_back_is_retried(void **state)
{
    static const enum act acts[] = {ACT_QUICK, ACT_EXIT_7, 0};
    struct book book = {.retries = 2};
    struct runner_result result;
    (void)state;
    assert_int_equal(run_book(&book, acts, usual, &result, NULL), STATUS_OK);
    assert_int_equal(book.seen[1].finishes, 3);
    assert_true(result.done == 1 && result.failed == 3);
    free_book(&book);
}

static void a_budget_ends_the_starting(void **state)
{
    static const enum act acts[] = {ACT_SLOW, ACT_SLOW, ACT_SLOW, ACT_SLOW, ACT_SLOW, ACT_SLOW, ACT_SLOW, 0};
    struct runner_options options = usual;
    struct runner_result result;
    (void)state;
    options.jobs = 1;
    for (int i = 0; i < 3; i++) {
        /* Too small for any; for two at the predicted 0.12 s; with nothing predicted. */
        struct book book = {.seconds = i == 2 ? 0 : 0.12};
        options.budget_s = i == 0 ? 0.001 : 0.3;
        assert_int_equal(run_book(&book, acts, options, &result, NULL), STATUS_OK);
        assert_true(result.out_of_budget);
        assert_in_range(result.done, 1, i == 0 ? 1 : 3);
        assert_int_equal(result.failed + result.interrupted, 0);
        assert_int_equal(book.claims, result.done);
        free_book(&book);
    }
    options.budget_s = 1000;
    struct book book = {.seconds = 0.12};
    assert_int_equal(run_book(&book, acts, options, &result, NULL), STATUS_OK);
    assert_true(!result.out_of_budget && result.done == 7);
    assert_in_range(book.reports, 7, 7 + 10 * (int)(result.elapsed_s + 1));
    free_book(&book);
}

static void forecasts_are_corrected_by_what_was_measured(void **state)
{
    struct forecast forecast = {0};
    struct forecast_running none = {0}, half = {.n = 1, .fractions = 0.5, .done_s = 10, .busy_s = 20};
    (void)state;
    assert_float_equal(forecast_eta_s(&forecast, &none, 4, 80, 2, 0), 40, 1e-9);
    assert_true(isnan(forecast_eta_s(&forecast, &none, 4, 0, 2, 10)));
    forecast_add(&forecast, 20, 40, 1); /* took twice as long as predicted */
    assert_float_equal(forecast_ratio(&forecast, &none), 2, 1e-9);
    forecast_add(&forecast, 20, 1, 0);  /* crashed: says nothing about time, but is done with */
    assert_float_equal(forecast_ratio(&forecast, &half), 2, 1e-9);
    assert_float_equal(forecast_fraction(&forecast, &half, 4, 80), 50.0 / 80, 1e-9);
    assert_float_equal(forecast_eta_s(&forecast, &half, 4, 80, 2, 50), 30 * 2 / 2.0, 1e-9);
    forecast_add(&forecast, 20, 40, 1);
    assert_float_equal(forecast_eta_s(&forecast, &half, 4, 80, 2, 50), 10 * 2, 1e-9); /* one left: one lane */
    assert_float_equal(forecast_fraction(&forecast, &half, 4, 0), 3.5 / 4, 1e-9);
    assert_float_equal(forecast_eta_s(&forecast, &half, 4, 0, 2, 70), 10, 1e-9);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_quick_trial_is_stored_whole),
        TEST(each_bad_end_has_its_outcome),
        TEST(silence_is_a_timeout),
        TEST(many_records_arrive_in_order),
        TEST(surroundings_are_clean),
        TEST(alone_means_alone),
        TEST(a_long_silence_harms_nobody),
        TEST(a_crash_while_alone_frees_the_others),
        TEST(an_assignment_can_ask_to_run_alone),
        TEST(the_first_signal_stops_politely),
        TEST(who_does_not_stop_is_made_to),
        TEST(the_second_signal_kills),
        TEST(children_die_with_the_runner),
        TEST(what_a_trial_leaves_behind_is_killed),
        TEST(a_store_that_fails_ends_the_run),
        TEST(a_claim_that_fails_lets_the_others_finish),
        TEST(too_few_descriptors_mean_fewer_at_once),
        TEST(a_missing_program_is_noticed_before_any_claim),
        TEST(a_program_that_cannot_run_says_so),
        TEST(what_the_sink_puts_back_is_retried),
        TEST(a_budget_ends_the_starting),
        TEST(forecasts_are_corrected_by_what_was_measured),
    };
    if (argc > 1 && strcmp(argv[1], "__trial") == 0)
        return fake_trial();
    if (readlink("/proc/self/exe", program, sizeof program - 1) <= 0)
        return 1;
    return cmocka_run_group_tests_name("runner", tests, NULL, NULL);
}
