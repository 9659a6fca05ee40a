/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a good spec gives exactly the trials it describes, once each, in a fixed order, with ids that depend
 * on what a trial computes and on nothing else.
 *
 * Method: the specs of specs/good and short ones written here, against cells listed by hand. Engine and store
 * are replaced by arithmetic (stub_hooks.h). Large plans are timed against their own tenth, so that the test
 * of linearity does not depend on the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xxhash.h>

#include "harness/spec/id.h"
#include "harness/spec/label.h"
#include "tests/harness/stub_hooks.h"

#define GOOD "tests/harness/specs/good/"

static struct plan load(const char *path, const char *const *overrides, int n)
{
    struct err err = ERR_INIT;
    struct plan plan;
    enum status status = plan_load(&plan, path, overrides, n, &stub_hooks, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(status, STATUS_OK);
    return plan;
}

/* A plan of a spec written to a file of its own, which is gone afterwards. */
static struct plan load_text(const char *text)
{
    char path[] = "/tmp/isoflop-plan-XXXXXX";
    int descriptor = mkstemp(path);
    struct plan plan;
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(descriptor), 0);
    plan = load(path, NULL, 0);
    assert_int_equal(unlink(path), 0);
    return plan;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The values a knob takes over the plan's trials, each trial one, sorted as text: "1 1 2". */
static void expect_values(const struct plan *plan, const char *name, const char *expected)
{
    char **values = calloc((size_t)plan->n_trials, sizeof *values);
    struct str joined;
    str_init(&joined);
    assert_non_null(values);
    for (int i = 0; i < plan->n_trials; i++) {
        struct str value;
        str_init(&value);
        knob_format(knob_find(name), &plan->trials[i].knobs, &value);
        values[i] = strdup(value.text);
        str_release(&value);
    }
    qsort(values, (size_t)plan->n_trials, sizeof *values, by_text);
    for (int i = 0; i < plan->n_trials; i++) {
        str_format(&joined, "%s%s", i ? " " : "", values[i]);
        free(values[i]);
    }
    assert_string_equal(joined.text, expected);
    str_release(&joined);
    free(values);
}

/* --- what a spec says --- */

static void test_design_example(void **state)
{
    struct plan plan = load(GOOD "design.yaml", NULL, 0);
    (void)state;
    assert_string_equal(plan.name, "isoflop");
    assert_string_equal(plan.question, "At equal compute, which model size wins?");
    assert_int_equal(plan.n_claims, 1);
    assert_string_equal(plan.claims[0], "compute-optimal");
    assert_int_equal(strncmp(plan.text, "name: isoflop\n", 14), 0);
    /* 48 * width^2 < 100000 leaves width 32: one width, three budgets, three seeds. */
    assert_int_equal(plan.n_trials, 9);
    assert_int_equal(plan.n_dropped, 36);
    expect_values(&plan, "width", "32 32 32 32 32 32 32 32 32");
    /* Budgets became tokens: C / (6 * 49152) in whole batches of 2048. */
    expect_values(&plan, "tokens", "100352 100352 100352 32768 32768 32768 337920 337920 337920");
    expect_values(&plan, "flops", "0 0 0 0 0 0 0 0 0");
    for (int i = 0; i < plan.n_trials; i++) {
        assert_int_equal(plan.trials[i].estimate.tokens, plan.trials[i].knobs.tokens);
        assert_int_equal(plan.trials[i].estimate.params_total, 49152);
    }
    plan_release(&plan);
}

static void test_empty_spec_is_one_preset_trial(void **state)
{
    struct plan plan = load_text("question: What does the preset do?\n");
    struct knobs preset;
    (void)state;
    knobs_preset(&preset);
    assert_int_equal(plan.n_trials, 1);
    assert_memory_equal(&plan.trials[0].knobs, &preset, sizeof preset);
    assert_int_equal(plan.n_claims, 0);
    assert_int_equal(strncmp(plan.name, "isoflop-plan-", 13), 0);
    plan_release(&plan);
}

static void test_windows_file(void **state)
{
    struct plan plan = load(GOOD "windows.yaml", NULL, 0);
    (void)state;
    assert_string_equal(plan.name, "windows");
    assert_string_equal(plan.question, "Größe?");
    expect_values(&plan, "tied", "false true");
    plan_release(&plan);
}

static void test_ranges(void **state)
{
    static const struct { const char *spec, *knob, *expected; } cases[] = {
        {"seeds: 1-4", "seed", "1 2 3 4"},
        {"seeds: 5", "seed", "5"},
        {"seed: 1 - 3", "seed", "1 2 3"},
        {"seeds: [1-3, 7, 9-9]", "seed", "1 2 3 7 9"},
        {"seeds: 0-10+5", "seed", "0 10 5"},
        {"seeds: 0-9+5", "seed", "0 5"},
        {"model: {width: 16-128*2}", "width", "128 16 32 64"},
        {"model: {width: 16-60*1.5}", "width", "16 24 36 54"},
        {"eval: {items: 1-4*1.3}", "items", "1 2 3 4"}, /* 1 1.3 1.69 2.2 2.9 3.7: rounded, merged */
        {"train: {tokens: 4.096k-16.384k*2}", "tokens", "16384 4096 8192"},
        {"train: {tokens: [1.024k, 0.512M, 2.048e3]}", "tokens", "1024 2048 512000"},
        {"train: {tokens: [1.024G, 1.024B, 1.024T]}", "tokens", "1024000000 1024000000000"},
        {"train: {tokens: [100, 1000, 1537]}", "tokens", "1024 2048"},
        {"train: {lr: 1e-3}", "lr", "0.001"},
        {"train: {lr: 1e-4-1e-2*10}", "lr", "0.0001 0.001 0.01"},
        {"train: {lr: 1E-4-1E-4+1}", "lr", "0.0001"},
        {"train: {weight_decay: 0-0.3+0.1}", "weight_decay", "0 0.1 0.2 0.3"},
        {"train: {weight_decay: [0, -0, 0.0]}", "weight_decay", "0"},
        {"train: {lr: log(1e-4, 1e-2, 5)}", "lr", "0.0001 0.000316227766017 0.001 0.00316227766017 0.01"},
        {"train:\n  lr: log(1e-4, 1e-2, 2)", "lr", "0.0001 0.01"},
        {"train: {lr: [log(1, 4, 3), 8], clip: log(1,2,2)}", "lr", "1 1 2 2 4 4 8 8"},
        {"train: {lr: [log(1, 4, 3), 8], clip: log(1,2,2)}", "clip", "1 1 1 1 2 2 2 2"},
        {"eval: {items: 'log(1, 10, 7)'}", "items", "1 10 2 3 5 7"}, /* 1 1.5 2.2 3.2 4.6 6.8 10 */
        {"data: {source: text, path: [1-3, a.txt]}", "data_path", "1-3 a.txt"},
        {"model: {tied: [on, FALSE, no]}", "tied", "false true"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan plan = load_text(cases[i].spec);
        expect_values(&plan, cases[i].knob, cases[i].expected);
        plan_release(&plan);
    }
}

static void test_mixed_ranges_multiply(void **state)
{
    struct plan plan = load(GOOD "ranges.yaml", NULL, 0);
    (void)state;
    /* 4 widths, 3 budgets, lr 0.001 (twice said) 0.002 0.003, items 1 2 5 10, 4 seeds */
    assert_int_equal(plan.n_trials, 4 * 3 * 3 * 4 * 4);
    plan_release(&plan);
}

static void test_zip(void **state)
{
    struct plan plan = load(GOOD "zip.yaml", NULL, 0);
    (void)state;
    assert_int_equal(plan.n_trials, 6);
    for (int i = 0; i < plan.n_trials; i++) {
        const struct knobs *knobs = &plan.trials[i].knobs;
        assert_int_equal(knobs->experts_per_token, knobs->experts == 1 ? 1 : 2);
        assert_int_equal(knobs->seed, 7);
    }
    expect_values(&plan, "experts", "1 1 4 4 8 8");
    expect_values(&plan, "width", "32 32 32 64 64 64");
    plan_release(&plan);
}

static void test_grids(void **state)
{
    struct plan plan = load(GOOD "grids.yaml", NULL, 0);
    (void)state;
    /* Grid 1: depth 3, the common where leaves width 32. Grid 2: two widths, three rates, its own where.
     * Grid 3: two widths, of which both are in grid 2 already. */
    expect_values(&plan, "depth", "2 2 2 2 2 2 3");
    expect_values(&plan, "width", "32 32 32 32 64 64 64");
    expect_values(&plan, "lr", "0.0001 0.0001 0.001 0.001 0.001 0.01 0.01");
    assert_int_equal(plan.n_dropped, 1);
    plan_release(&plan);
}

static void test_where_sees_all_columns(void **state)
{
    static const char *const estimates[] = {
        "params_total", "params_active", "params_non_embedding", "params_matmul", "flops_formula",
    };
    char spec[256];
    struct plan plan;
    (void)state;
    for (int k = 0; k < knob_count(); k++) {
        bool number = knob_at(k)->type != KNOB_CHOICE && knob_at(k)->type != KNOB_TEXT;
        if (!number)
            continue; /* the stub compares numbers only; a missing column would be an error all the same */
        (void)snprintf(spec, sizeof spec, "where: %s < 1e18\n", knob_at(k)->column);
        plan = load_text(spec);
        assert_int_equal(plan.n_trials, 1);
        plan_release(&plan);
    }
    for (size_t k = 0; k < sizeof estimates / sizeof *estimates; k++) {
        (void)snprintf(spec, sizeof spec, "where: %s < 1e18\n", estimates[k]);
        plan = load_text(spec);
        assert_int_equal(plan.n_trials, 1);
        plan_release(&plan);
    }
    plan = load_text("model: {width: [32, 64, 96]}\nseeds: 1-2\nwhere: width = 64\n"); /* neither first nor last */
    expect_values(&plan, "width", "64 64");
    expect_values(&plan, "seed", "1 2");
    plan_release(&plan);
    /* The budget is seen as it was asked for, the tokens as they follow from it. */
    plan = load_text("train: {flops: [1e11, 2e11]}\nwhere: flops = 1e11\n");
    assert_int_equal(plan.n_trials, 1);
    plan_release(&plan);
    plan = load_text("train: {flops: [1e11, 2e11]}\nwhere: tokens < 200000\n");
    assert_int_equal(plan.n_trials, 1); /* 168960, not 338944 and not the preset's 262144 */
    plan_release(&plan);
}

static void test_overrides(void **state)
{
    static const char *const overrides[] = {"model.width=96", "model.width=32,64-128*2", "seeds=[4, 5]",
                                            "train.flops=log(1e10, 1e10, 2)"};
    static const char *const deeper[] = {"depth=5"};
    struct plan plan = load(GOOD "design.yaml", NULL, 0);
    int dropped = plan.n_dropped;
    (void)state;
    plan_release(&plan);
    plan = load(GOOD "design.yaml", overrides, 4);
    assert_int_equal(dropped, 36);
    expect_values(&plan, "width", "32 32");
    expect_values(&plan, "seed", "4 5");
    assert_int_equal(plan.n_dropped, 3 * 2 - 2); /* the budget's two equal ends are one value */
    plan_release(&plan);
    plan = load(GOOD "grids.yaml", deeper, 1); /* the common part and every grid */
    expect_values(&plan, "depth", "5 5 5 5 5 5");
    plan_release(&plan);
}

/* --- ids and order --- */

static const char *id_of(const char *spec)
{
    static char id[TRIAL_ID_SIZE];
    struct plan plan = load_text(spec);
    assert_int_equal(plan.n_trials, 1);
    memcpy(id, plan.trials[0].id, sizeof id);
    plan_release(&plan);
    return id;
}

static void test_ids_are_stable(void **state)
{
    char preset[TRIAL_ID_SIZE];
    (void)state;
    memcpy(preset, id_of("seed: 1"), sizeof preset);
    assert_int_equal(strspn(preset, "0123456789abcdef"), 32);
    assert_int_equal(strlen(preset), 32);
    /* However a setting is written, whatever the spec is called, it is the same trial. */
    assert_string_equal(preset, id_of("name: other\nquestion: Why?\nclaims: [a]\nmodel: {width: 64}\n"));
    assert_string_equal(preset, id_of("seeds: [1, 1]\ntrain: {lr: 4e-3, tokens: 262144}\n"));
    assert_string_equal(preset, id_of("data: {junk: -0.0}\ngrids: [{model: {width: 6.4e1}}, {seeds: 1-1}]\n"));
    /* Another engine or other data: another trial. */
    stub_version = "engine 2\n";
    assert_string_not_equal(preset, id_of("seed: 1"));
    stub_version = "engine 1\n";
    assert_string_equal(preset, id_of("seed: 1"));
}

/* The id as the header defines it, without memory of earlier trials. */
static void define_id(const struct knobs *knobs, char out[TRIAL_ID_SIZE])
{
    struct err err = ERR_INIT;
    struct str text;
    XXH128_canonical_t bytes;
    str_init(&text);
    knobs_canonical(knobs, &text);
    assert_int_equal(stub_identity(knobs, &text, &err), STATUS_OK);
    XXH128_canonicalFromHash(&bytes, XXH3_128bits(text.text, text.length));
    for (int i = 0; i < 16; i++)
        (void)snprintf(out + 2 * (ptrdiff_t)i, 3, "%02x", bytes.digest[i]);
    str_release(&text);
}

static void test_id_is_as_defined(void **state)
{
    struct ids *ids = ids_new(stub_identity);
    struct err err = ERR_INIT;
    struct knobs knobs;
    char id[TRIAL_ID_SIZE], expected[TRIAL_ID_SIZE];
    (void)state;
    knobs_preset(&knobs);
    for (int i = 0; i < 200; i++) { /* some knobs change, some change back, data sets come again */
        knobs.width = 8 + i % 7;
        knobs.lr = 0.001 * (i % 3);
        knobs.data_seed = i % 5;
        knobs.tied = i % 2;
        assert_true(str_copy(knobs.data_path, sizeof knobs.data_path, i % 4 ? "a.txt" : ""));
        assert_int_equal(ids_make(ids, &knobs, id, &err), STATUS_OK);
        define_id(&knobs, expected);
        assert_string_equal(id, expected);
    }
    ids_free(ids);
}

static void test_every_knob_is_in_the_id(void **state)
{
    struct err err = ERR_INIT;
    struct ids *ids = ids_new(stub_identity);
    struct knobs preset;
    char before[TRIAL_ID_SIZE], after[TRIAL_ID_SIZE];
    (void)state;
    knobs_preset(&preset);
    assert_int_equal(ids_make(ids, &preset, before, &err), STATUS_OK);
    for (int k = 0; k < knob_count(); k++) {
        const struct knob *knob = knob_at(k);
        struct knobs knobs = preset;
        char *field = (char *)&knobs + knob->offset;
        field[0] ^= 1; /* another value of every type: the next integer, another letter, the other truth */
        assert_int_equal(ids_make(ids, &knobs, after, &err), STATUS_OK);
        assert_string_not_equal(before, after);
    }
    ids_free(ids);
}

static void test_budget_and_tokens_are_one_trial(void **state)
{
    /* 1e11 / (6 * 98304) = 169542 tokens, or 168960 in whole batches of 1024. */
    struct plan plan = load_text("grids:\n- train: {flops: 1e11}\n- train: {tokens: 169984}\n");
    (void)state;
    assert_int_equal(plan.n_trials, 2);
    plan_release(&plan);
    plan = load_text("grids:\n- train: {flops: 1e11}\n- train: {tokens: 168960}\n");
    assert_int_equal(plan.n_trials, 1);
    assert_int_equal(plan.trials[0].knobs.tokens, 168960);
    plan_release(&plan);
}

static void test_order(void **state)
{
    struct plan plan = load_text("model: {width: [32, 96, 64]}\ntrain: {tokens: [64k, 128k]}\nseeds: 1-3\n");
    (void)state;
    assert_int_equal(plan.n_trials, 18);
    for (int i = 1; i < plan.n_trials; i++) {
        const struct planned_trial *a = &plan.trials[i - 1], *b = &plan.trials[i];
        assert_true(a->estimate.flops > b->estimate.flops ||
                    (a->estimate.flops == b->estimate.flops && strcmp(a->id, b->id) < 0));
    }
    plan_release(&plan);
}

/* --- large plans --- */

/* User time: the kernel's share, handing out pages, is no business of ours and jumps about. */
static double user_seconds(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec;
}

static double seconds_of(const char *spec, int n_trials)
{
    double from = user_seconds(), seconds;
    struct plan plan = load_text(spec);
    seconds = user_seconds() - from;
    assert_int_equal(plan.n_trials, n_trials);
    plan_release(&plan);
    return seconds;
}

static void test_large_plan(void **state)
{
    double tenth, whole;
    (void)state;
    stub_identity_calls = 0;
    tenth = seconds_of("data: {junk: [0, 0.1]}\ntrain: {lr: 0.001-0.05+0.001}\nseeds: 1-100\nwhere: seed < 1e6\n", 10000);
    assert_int_equal(stub_identity_calls, 2); /* once per data set, not once per trial */
    whole = seconds_of("data: {junk: [0, 0.1]}\ntrain: {lr: 0.001-0.05+0.001}\nseeds: 1-1000\nwhere: seed < 1e6\n", 100000);
    assert_int_equal(stub_identity_calls, 4);
    print_message("10,000 trials: %.3f s, 100,000 trials: %.3f s\n", tenth, whole);
    assert_true(whole < 25 * tenth + 0.2); /* a quadratic step would take a hundred times as long */
}

static void test_many_data_sets(void **state)
{
    (void)state;
    stub_identity_calls = 0;
    (void)seconds_of("data: {seed: 1-5000}\nseeds: 1-2\n", 10000);
    assert_int_equal(stub_identity_calls, 5000);
}

/* --- plans without a spec, labels --- */

static void test_single(void **state)
{
    struct err err = ERR_INIT;
    struct knobs knobs;
    struct plan plan, same;
    (void)state;
    knobs_preset(&knobs);
    knobs.flops = 1e11;
    assert_int_equal(plan_single(&plan, "by-hand", &knobs, &stub_hooks, &err), STATUS_OK);
    assert_int_equal(plan.n_trials, 1);
    assert_string_equal(plan.name, "by-hand");
    assert_string_equal(plan.question, "");
    assert_string_equal(plan.text, "");
    same = load_text("train: {flops: 1e11}\n");
    assert_string_equal(plan.trials[0].id, same.trials[0].id);
    plan_release(&same);
    plan_release(&plan);
    knobs.experts_per_token = 3;
    assert_int_equal(plan_single(&plan, "by-hand", &knobs, &stub_hooks, &err), STATUS_USAGE);
    assert_string_equal(err.text, "model.experts_per_token 3 is more than model.experts 1");
    assert_int_equal(plan_single(&plan, "../x", &knobs, &stub_hooks, &err), STATUS_USAGE);
    knobs_preset(&knobs);
    assert_true(str_copy(knobs.shrink, sizeof knobs.shrink, "int8")); /* a command may set what a spec may not */
    assert_int_equal(plan_single(&plan, "int8", &knobs, &stub_hooks, &err), STATUS_OK);
    plan_release(&plan);
}

static void expect_label(const char *spec, const char *expected)
{
    struct plan plan = load_text(spec);
    char label[160], tiny[12];
    const char *found;
    plan_label(&plan, 0, label, sizeof label);
    assert_string_equal(label, expected);
    plan_label(&plan, 0, tiny, sizeof tiny); /* whole parts or nothing */
    found = strstr(label, tiny);
    assert_non_null(found);
    assert_true(found == label || found[-1] == ' ');
    if (*tiny)
        assert_non_null(strchr(",", found[strlen(tiny)])); /* a comma or the end follows */
    plan_release(&plan);
}

static void test_labels(void **state)
{
    (void)state;
    expect_label("model: {width: 96, experts: 8}\nseed: 3\n", "width 96, 262 k tokens");
    expect_label("model: {width: [64, 96]}", "width 96");
    expect_label("model: {width: [64, 96], experts: [8, 16], experts_per_token: 2}\ntrain: {tokens: [4k, 3.1M]}\n"
                 "zip: [[width, experts]]\n", "width 96, 16 experts, 3.1 M tokens");
    expect_label("model: {experts: [1, 2], kv_heads: [2, 2]}\ndata: {junk: [0.25]}\ngrids: [{model: {experts: 1}, "
                 "eval: {items: 5}}, {model: {experts: 2}, eval: {items: 6}, train: {tokens: 999}}]",
                 "262 k tokens, 5 items");
    expect_label("model: {context: [128, 64]}\ntrain: {lr: 1e-3}\neval: {every: 7}\nwhere: context < 100\n",
                 "width 64, 262 k tokens");
    expect_label("train: {lr: [1e-3, 0.002]}\nwhere: lr = 0.002\n", "width 64, 262 k tokens");
    expect_label("grids: [{model: {depth: 4}, train: {lr: 0.00123}}, {model: {depth: 1}}]", "depth 4, lr 0.00123");
    expect_label("grids: [{model: {depth: 4, tied: yes}, data: {source: text, path: a.txt}}, {model: {depth: 1}}]",
                 "data source text, data path a.txt, depth 4, tied true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_design_example),
        cmocka_unit_test(test_empty_spec_is_one_preset_trial),
        cmocka_unit_test(test_windows_file),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_mixed_ranges_multiply),
        cmocka_unit_test(test_zip),
        cmocka_unit_test(test_grids),
        cmocka_unit_test(test_where_sees_all_columns),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_ids_are_stable),
        cmocka_unit_test(test_id_is_as_defined),
        cmocka_unit_test(test_every_knob_is_in_the_id),
        cmocka_unit_test(test_budget_and_tokens_are_one_trial),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_large_plan),
        cmocka_unit_test(test_many_data_sets),
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
