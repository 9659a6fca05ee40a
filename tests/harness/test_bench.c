/* SPDX-License-Identifier: Apache-2.0 */
/* test_bench.c — goal: samples travel whole, exact counters are exact, and `compare` says by its exit code what the
 * stored samples show.
 *
 * Method: lines written and read back, and broken ones refused; one case measured twice; stores with planted samples
 * (equal, slower, changed, too few, another machine) given to the command itself. Nothing here depends on speed. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "harness/cli/bench_cases.h"
#include "harness/cli/commands.h"

static void test_lines(void **state)
{
    struct bench_sample s = {.exact = true, .value = 0.1 + 0.2}, back;
    struct str line;
    (void)state;
    (void)str_copy(s.bench, sizeof s.bench, "train");
    (void)str_copy(s.name, sizeof s.name, "width 64, 2 layers");
    (void)str_copy(s.metric, sizeof s.metric, "loss_bits");
    str_init(&line);
    bench_line_write(&s, &line);
    assert_true(bench_line_read(line.text, &back));
    assert_true(back.value == s.value && back.exact && strcmp(back.name, s.name) == 0 && back.unit[0] == 0);
    str_release(&line);
    assert_false(bench_line_read("", &back));
    assert_false(bench_line_read("train|x|seconds|s|0", &back));
    assert_false(bench_line_read("train|x|seconds|s|2|1.5", &back));
    assert_false(bench_line_read("train|x|seconds|s|0|fast", &back));
    assert_false(bench_line_read("train|x|seconds|s|0|1.5 ", &back));
    assert_false(bench_line_read("train|x|seconds|s|0|nan", &back));
}

static double metric(const struct bench_sample *samples, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(samples[i].metric, name) == 0)
            return samples[i].value;
    fail_msg("no %s", name);
    return NAN;
}

static void test_exact_counters(void **state)
{
    struct bench_sample first[BENCH_METRICS_MAX], second[BENCH_METRICS_MAX];
    struct err err = ERR_INIT;
    int n, m;
    (void)state;
    assert_int_equal(bench_measure(bench_case_at(0), first, &n, &err), STATUS_OK);
    assert_int_equal(bench_measure(bench_case_at(0), second, &m, &err), STATUS_OK);
    assert_int_equal(n, m);
    assert_true(metric(first, n, "flops") == metric(second, n, "flops") && metric(first, n, "flops") > 0);
    assert_true(metric(first, n, "loss_bits") == metric(second, n, "loss_bits"));
    assert_true(metric(first, n, "seconds") > 0 && metric(first, n, "peak_flops_per_s") > 0);
    for (int i = 0; bench_case_at(i); i++)
        assert_ptr_equal(bench_case_find(bench_case_at(i)->suite, bench_case_at(i)->name), bench_case_at(i));
}

/* The cases without a model carry what their rows are computed from. */
static void test_machine_and_products(void **state)
{
    static const struct { const char *suite, *name, *metric; double exact; } expected[] = {
        {"machine", "multiply-add", "threads", 1},
        {"machine", "multiply-add, all CPUs", "threads", 0},
        {"machine", "read 1 MiB", "bytes", 1 << 20},
        {"gemm", "TN 128 x 32 x 64", "flops", 2.0 * 128 * 32 * 64},
    };
    struct bench_sample samples[BENCH_METRICS_MAX];
    struct err err = ERR_INIT;
    int n;
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const struct bench_case *c = bench_case_find(expected[i].suite, expected[i].name);
        assert_non_null(c);
        assert_int_equal(bench_measure(c, samples, &n, &err), STATUS_OK);
        if (expected[i].exact > 0)
            assert_true(metric(samples, n, expected[i].metric) == expected[i].exact);
        else
            assert_true(metric(samples, n, expected[i].metric) >= 1);
        assert_true(metric(samples, n, "seconds") > 0 && metric(samples, n, "peak_flops_per_s") > 0);
    }
    assert_true(metric(samples, n, "openblas_seconds") > 0);
}

static double flops_of(const struct bench_case *c, const char *beside)
{
    struct bench_sample samples[BENCH_METRICS_MAX];
    struct err err = ERR_INIT;
    int n;
    assert_int_equal(bench_measure(c, samples, &n, &err), STATUS_OK);
    if (beside)
        assert_true(metric(samples, n, beside) > 0);
    return metric(samples, n, "flops");
}

/* A mixture does what the dense model beside it does, and chooses: the router's three products are all it adds. */
static void test_equal_active_size(void **state)
{
    struct bench_case c = {.suite = "moe", .name = "small", .kind = BENCH_TRAINING, .width = 32, .layers = 1, .experts = 4,
                           .experts_per_token = 2, .batch = 2, .tokens = 64, .beside = "dense"}, dense = c;
    (void)state;
    dense.experts = dense.experts_per_token = 0;
    dense.beside = NULL;
    assert_true(flops_of(&c, "dense_seconds") - flops_of(&dense, NULL) == 3 * 2.0 * 2 * 64 * 32 * 4);
}

/* What a token reads: every matrix, in the bytes it is stored in, with a scale for each row. */
static void test_decoded_bytes(void **state)
{
    const struct bench_case full = {.suite = "decode", .name = "small", .kind = BENCH_INFERENCE, .width = 32, .layers = 1,
                                    .batch = 1, .tokens = 1};
    struct bench_case i8 = full, prompt = full;
    struct bench_sample samples[BENCH_METRICS_MAX];
    struct err err = ERR_INIT;
    const double matrices = 32 * 4 * 32 + 3 * 32 * 96 + 256 * 32, rows = 3 * 32 + 32 + 2 * 96 + 32 + 256;
    const double others = 4 * (3 * 32 + 32); /* norms, and a row of the embedding */
    int n;
    (void)state;
    i8.i8 = true;
    i8.beside = "f32";
    prompt.tokens = 8;
    assert_int_equal(bench_measure(&full, samples, &n, &err), STATUS_OK);
    assert_true(metric(samples, n, "bytes") == 4 * matrices + others);
    assert_true(metric(samples, n, "read_seconds") > 0);
    assert_int_equal(bench_measure(&i8, samples, &n, &err), STATUS_OK);
    assert_true(metric(samples, n, "bytes") == matrices + 4 * rows + others);
    assert_true(metric(samples, n, "f32_seconds") > 0 && metric(samples, n, "read_seconds") > 0);
    assert_true(flops_of(&prompt, NULL) > 8 * 2 * (matrices - 256 * 32)); /* and the head, once */
}

/* One planted run: n samples around seconds with 1 % noise, and an exact counter. */
struct planted {
    const char *run, *host;
    int n;
    double seconds, flops;
};

static void plant(const char *db, const struct planted *p)
{
    struct host_info host = {.logical_cpus = 2, .numa_nodes = 1, .memory_bytes = 1 << 30};
    struct build_info build = {.version = "1"};
    struct owner owner = {.pid = 1};
    struct bench_sample samples[64];
    struct err err = ERR_INIT;
    struct store *store;
    struct rng rng = rng_open((uint64_t)p->run[0], RNG_TEST, 0);
    int n = 0;
    (void)str_copy(host.key, sizeof host.key, p->host);
    memset(samples, 0, sizeof samples);
    for (int i = 0; i < p->n; i++) {
        struct bench_sample s = {.bench = "train", .name = "width 64", .metric = "seconds", .unit = "s", .block = i};
        s.value = p->seconds * exp(0.01 * rng_normal(&rng));
        samples[n++] = s;
        s = (struct bench_sample){.bench = "train", .name = "width 64", .metric = "flops", .unit = "FLOPs", .block = i};
        s.exact = true;
        s.value = p->flops;
        samples[n++] = s;
    }
    if (store_open(&store, db, STORE_WRITE, &err) != STATUS_OK || store_host(store, &host, &owner.host_id, &err) != STATUS_OK ||
        store_build(store, &build, &owner.build_id, &err) != STATUS_OK ||
        store_put_bench(store, p->run, &owner, samples, n, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    store_close(store);
}

/* Runs a command line in this process with its output thrown away; returns its exit code. */
static int run(int n, const char *const *words)
{
    const struct command *command = command_find(words[0]);
    struct invocation invocation;
    struct err err = ERR_INIT;
    bool help;
    int code, kept = dup(STDOUT_FILENO), kept_error = dup(STDERR_FILENO), sink = open("/dev/null", O_WRONLY);
    (void)fflush(stdout);
    (void)dup2(sink, STDOUT_FILENO);
    (void)dup2(sink, STDERR_FILENO);
    if (command_read(command, n - 1, (char **)(uintptr_t)(words + 1), &invocation, &help, &err) != STATUS_OK)
        code = exit_code(err.status, 0);
    else
        code = command->run(&invocation);
    options_release(&invocation.options);
    (void)fflush(stdout);
    (void)dup2(kept, STDOUT_FILENO);
    (void)dup2(kept_error, STDERR_FILENO);
    (void)close(kept);
    (void)close(kept_error);
    (void)close(sink);
    return code;
}

static void check_compare(struct planted a, struct planted b, const char *threshold, int expected)
{
    char folder[] = "/tmp/isoflop-test-XXXXXX", db[64];
    const char *set[] = {"baseline", "set", "main", "a", "--db", db};
    const char *compare[] = {"compare", "main", "--db", db, "--threshold", threshold};
    const char *list[] = {"baseline", "list", "--db", db};
    assert_non_null(mkdtemp(folder));
    (void)snprintf(db, sizeof db, "%s/s.db", folder);
    plant(db, &a);
    assert_int_equal(run(6, set), EXIT_CODE_DONE);
    assert_int_equal(run(4, list), EXIT_CODE_DONE);
    plant(db, &b);
    assert_int_equal(run(6, compare), expected);
    (void)unlink(db);
    (void)rmdir(folder);
}

static void test_compare(void **state)
{
    const struct planted base = {"a", "one machine", 12, 0.01, 1e6};
    struct planted other = {"b", "one machine", 12, 0.01, 1e6};
    (void)state;
    check_compare(base, other, "1", EXIT_CODE_DONE);
    other.seconds = 0.0115;
    check_compare(base, other, "1", EXIT_CODE_REGRESSION);
    check_compare(base, other, "30", EXIT_CODE_DONE);
    other.seconds = 0.008;
    check_compare(base, other, "1", EXIT_CODE_DONE); /* faster is no regression */
    other = (struct planted){"b", "one machine", 12, 0.01, 1e6 + 1};
    check_compare(base, other, "1", EXIT_CODE_REGRESSION);
    other = (struct planted){"b", "one machine", 3, 0.02, 1e6};
    check_compare(base, other, "1", EXIT_CODE_INSUFFICIENT);
    other = (struct planted){"b", "another machine", 12, 0.02, 1e6};
    check_compare(base, other, "1", EXIT_CODE_INSUFFICIENT);
}

static void test_refusals(void **state)
{
    const char *nowhere[] = {"compare", "main", "--db", "/tmp/isoflop-no-such-store.db"};
    const char *odd_name[] = {"baseline", "set", "-x/y", "--db", "/tmp/isoflop-no-such-store.db"};
    const char *no_action[] = {"baseline", "forget", "--db", "/tmp/isoflop-no-such-store.db"};
    const char *no_suite[] = {"bench", "sorting", "--db", "/tmp/isoflop-no-such-store.db"};
    (void)state;
    assert_int_equal(run(4, nowhere), EXIT_CODE_RUNTIME);
    assert_int_equal(run(5, odd_name), EXIT_CODE_USAGE);
    assert_int_equal(run(4, no_action), EXIT_CODE_USAGE);
    assert_int_equal(run(4, no_suite), EXIT_CODE_USAGE);
    assert_int_equal(access("/tmp/isoflop-no-such-store.db", F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_exact_counters),
        cmocka_unit_test(test_machine_and_products),
        cmocka_unit_test(test_equal_active_size),
        cmocka_unit_test(test_decoded_bytes),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
