/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: whatever is wrong with a spec, one line says what, where, and the way out; nothing crashes or leaks.
 *
 * Method: every file of specs/bad says in its first line which message it must give, so that a new case is a
 * new file. Bounds are tested with generated texts one step beyond them, and all files, good and bad, are cut
 * at every byte and altered at random: the reader must say something sensible or accept, never fall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/rng.h"
#include "harness/spec/file.h"
#include "harness/spec/spec.h"
#include "tests/harness/stub_hooks.h"

static const char bad[] = "tests/harness/specs/bad", good[] = "tests/harness/specs/good";

/* --- files that say what is wrong with them --- */

static void read_file(struct str *out, const char *path)
{
    struct err err = ERR_INIT;
    str_init(out);
    assert_int_equal(file_read(out, path, &err), STATUS_OK);
}

/* Calls visit with the path of each spec of a folder; returns how many there were. */
static int each_spec(const char *folder, void (*visit)(const char *path))
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int n = 0;
    assert_non_null(dir); /* tests run in the repository's root */
    while ((entry = readdir(dir)) != NULL) {
        char path[512];
        if (!strstr(entry->d_name, ".yaml"))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        visit(path);
        n++;
    }
    (void)closedir(dir);
    return n;
}

static void expect_its_message(const char *path)
{
    static const char mark[] = "# expect ";
    struct err err = ERR_INIT;
    struct plan plan;
    struct str text, expected;
    const char *from;
    read_file(&text, path);
    from = strstr(text.text, mark);
    assert_non_null(from);
    from += strlen(mark);
    str_init(&expected);
    str_format(&expected, "%s:%.*s", path, (int)strcspn(from, "\n"), from);
    assert_int_equal(plan_load(&plan, path, NULL, 0, &stub_hooks, &err), STATUS_USAGE);
    assert_string_equal(err.text, expected.text);
    assert_int_equal(err.status, STATUS_USAGE);
    str_release(&expected);
    str_release(&text);
}

static void test_bad_files(void **state)
{
    (void)state;
    assert_true(each_spec(bad, expect_its_message) > 100);
}

/* What experiments/README.md shows as a spec is one. */
static void test_readme_examples(void **state)
{
    static const char fence[] = "```yaml\n";
    struct str readme;
    int n = 0;
    (void)state;
    read_file(&readme, "experiments/README.md");
    for (const char *at = readme.text; (at = strstr(at, fence)) != NULL; n++) {
        struct err err = ERR_INIT;
        struct spec spec;
        const char *end = strstr(at += strlen(fence), "```");
        assert_non_null(end);
        if (spec_read(&spec, "README.yaml", at, (size_t)(end - at), NULL, 0, &err) != STATUS_OK)
            fail_msg("%s", err.text);
        spec_release(&spec);
    }
    assert_true(n >= 3);
    str_release(&readme);
}

/* --- bounds --- */

/* The message for a generated spec, or "" when it is accepted. */
static void read_text(const char *text, size_t size, struct err *err)
{
    struct spec spec;
    *err = ERR_INIT;
    if (spec_read(&spec, "x.yaml", text, size, NULL, 0, err) == STATUS_OK)
        spec_release(&spec);
}

static void expect_repeated(const char *head, const char *unit, int n, const char *tail, const char *message)
{
    struct str text;
    struct err err;
    str_init(&text);
    str_append(&text, head);
    for (int i = 0; i < n; i++)
        str_append(&text, unit);
    str_append(&text, tail);
    read_text(text.text, text.length, &err);
    assert_string_equal(err.text, message);
    str_release(&text);
}

static void test_bounds(void **state)
{
    (void)state;
    expect_repeated("model: {width: ", "[", 100000, "", "x.yaml:1:26: lists and mappings are nested more than 12 deep");
    expect_repeated("seeds: [1", ",1", AXIS_VALUES, "]", "x.yaml:1:20009: seed has more than 10000 values");
    expect_repeated("seeds: [1", ",1", AXIS_VALUES - 1, "]", "");
    expect_repeated("grids:\n", "- seeds: [1,1,1,1,1,1,1,1,1,1]\n", 5000, "",
                    "x.yaml:4168:19: more than 50000 values in one file");
    expect_repeated("grids:\n", "- seed: 1\n", SPEC_GRIDS, "", "");
    expect_repeated("grids:\n", "- seed: 1\n", SPEC_GRIDS + 1, "", "x.yaml:2:1: more than 1000 grids");
    expect_repeated("question: ", "a", TREE_TEXT, "", "");
    expect_repeated("question: ", "a", TREE_TEXT + 1, "", "x.yaml:1:11: a text of more than 8192 characters");
    expect_repeated("train: {flops: log(1", ", 1", TREE_TEXT / 3, ")}", "x.yaml:1:16: a parenthesis that is not closed");
    expect_repeated("claims: [a", ", a", SPEC_CLAIMS, "]", "x.yaml:1:202: more than 64 claims");
    expect_repeated("name: ", "n", 129, "", "x.yaml:1:7: name 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn'"
                    " may hold letters, digits and . _ - only, up to 128, and not start with . or -");
}

static void test_many_keys(void **state)
{
    struct str text;
    struct err err;
    (void)state;
    str_init(&text);
    for (int i = 0; i <= TREE_KEYS; i++)
        str_format(&text, "k%d: 1\n", i);
    read_text(text.text, text.length, &err);
    assert_string_equal(err.text, "x.yaml:201:1: more than 200 keys in one mapping");
    str_release(&text);
}

/* --- files that are not there --- */

static void expect_missing(const char *path, const char *message)
{
    struct err err = ERR_INIT;
    struct plan plan;
    assert_int_equal(plan_load(&plan, path, NULL, 0, &stub_hooks, &err), STATUS_USAGE);
    assert_string_equal(err.text, message);
}

static void touch(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("model: {width: 64}\n", file);
    assert_int_equal(fclose(file), 0);
}

static void test_missing_files(void **state)
{
    char folder[] = "/tmp/isoflop-spec-XXXXXX", back[4096];
    struct err err = ERR_INIT;
    struct plan plan;
    FILE *file;
    (void)state;
    assert_non_null(getcwd(back, sizeof back));
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    expect_missing("demo.yaml", "demo.yaml: no such file");
    assert_int_equal(mkdir("experiments", 0700), 0);
    touch("experiments/demo.yaml");
    touch("mine.yaml");
    expect_missing("dmeo.yaml", "dmeo.yaml: no such file; did you mean 'experiments/demo.yaml'?");
    expect_missing("demo", "demo: no such file; did you mean 'experiments/demo.yaml'?");
    expect_missing("mien.yaml", "mien.yaml: no such file; did you mean 'mine.yaml'?");
    expect_missing("experiments/deno.yaml", "experiments/deno.yaml: no such file; did you mean 'experiments/demo.yaml'?");
    expect_missing("nothing-like-it.yaml", "nothing-like-it.yaml: no such file");
    expect_missing("experiments", "experiments: Is a directory");
    file = fopen("large.yaml", "w");
    assert_non_null(file);
    for (int i = 0; i <= SPEC_BYTES; i++)
        (void)fputc('#', file);
    assert_int_equal(fclose(file), 0);
    expect_missing("large.yaml", "large.yaml: larger than 1 MB; this is no spec");
    assert_int_equal(rename("mine.yaml", "my spec.yaml"), 0);
    expect_missing("my spec.yaml", "my spec.yaml:1:1: the file's name is not fit to be the spec's; add a line like "
                   "name: my-experiment");
    assert_int_equal(plan_load(&plan, "./experiments/demo.yaml", NULL, 0, &stub_hooks, &err), STATUS_OK);
    assert_string_equal(plan.name, "demo");
    plan_release(&plan);
    assert_int_equal(unlink("experiments/demo.yaml") | unlink("my spec.yaml") | unlink("large.yaml"), 0);
    assert_int_equal(rmdir("experiments"), 0);
    assert_int_equal(chdir(back), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* --- -S --- */

static void expect_override(const char *override, const char *message)
{
    struct err err = ERR_INIT;
    struct plan plan;
    assert_int_equal(plan_load(&plan, "tests/harness/specs/good/design.yaml", &override, 1, &stub_hooks, &err),
                     STATUS_USAGE);
    assert_string_equal(err.text, message);
}

static void test_bad_overrides(void **state)
{
    (void)state;
    expect_override("model.width", "-S model.width: it takes a knob and its values, like -S model.width=64,96");
    expect_override("model.widht=64", "-S model.widht=64: unknown knob 'model.widht'; did you mean 'model.width'?");
    expect_override("widht=64", "-S widht=64: unknown knob 'widht'; did you mean 'model.width'?");
    expect_override("=64", "-S =64: unknown knob ''");
    expect_override("model.width=", "-S model.width=: model.width has no value");
    expect_override("model.width=64,,96", "-S model.width=64,,96: model.width has no value");
    expect_override("model.width=64,abc", "-S model.width=64,abc: model.width takes a whole number, not 'abc'");
    expect_override("model.width=96-64", "-S model.width=96-64: the range 96-64 ends below its start");
    expect_override("shrink.method=int8", "-S shrink.method=int8: shrink.method is set by the shrink command, not by a spec");
    expect_override("model.width=100", "-S model.width=100: model.width 100 does not split into 3 heads of an even "
                    "size; set model.heads (in the cell flops 1e+10, seed 1)");
    expect_override("model.widthmodel.widthmodel.widthmodel.widthmodel.widthmodel.widthmodel.width=1",
                    "-S model.widthmodel.widthmodel.widthmodel.widthmodel.widthmodel.widthmodel.width=1: unknown knob "
                    "'model.widthmodel.widthmodel.widthmodel.widthmodel.widthmodel.widthmodel.width'");
}

/* Both at once would leave open how long is trained; -S takes the place of what the file says. */
static void test_budget_or_tokens(void **state)
{
    static const char both[] = "model: {width: 64}\ntrain: {tokens: 4096,\n  flops: 1e11}\n";
    static const char *const said = "train.flops and train.tokens are both given";
    const char *const tokens = "train.tokens=8192", *const flops = "train.flops=1e11", *two[] = {tokens, flops};
    struct err err = ERR_INIT;
    struct spec spec;
    (void)state;
    assert_int_equal(spec_read(&spec, "x.yaml", both, strlen(both), NULL, 0, &err), STATUS_USAGE);
    assert_non_null(strstr(err.text, "x.yaml:3:10: train.flops"));
    assert_non_null(strstr(err.text, said));
    for (int i = 0; i < 2; i++) {
        const char *text = i ? "train: {flops: 1e10}\n" : "train: {tokens: 4096}\n", *const other = i ? tokens : flops;
        assert_int_equal(spec_read(&spec, "x.yaml", text, strlen(text), &other, 1, &err), STATUS_OK);
        assert_true((spec.grids[0].axes[knob_index(knob_find("train.tokens"))] != NULL) == i);
        assert_true((spec.grids[0].axes[knob_index(knob_find("train.flops"))] != NULL) == !i);
        spec_release(&spec);
    }
    assert_int_equal(spec_read(&spec, "x.yaml", "seed: 1\n", 8, two, 2, &err), STATUS_USAGE);
    assert_non_null(strstr(err.text, said));
}

/* --- strangers' files --- */

static void survive(const char *text, size_t size)
{
    struct err err;
    read_text(text, size, &err);
    assert_true(!*err.text || strncmp(err.text, "x.yaml:", 7) == 0);
    assert_null(strchr(err.text, '\n'));
    assert_null(strchr(err.text, '\033'));
}

static void cut_and_alter(const char *path)
{
    static const char alphabet[] = "{}[]()-+*,:'\"\\ \n\t#&!|>%@`0e9.kM\xC3\x84\x9B";
    struct rng rng = rng_open(1, RNG_TEST, 0);
    struct str text;
    read_file(&text, path);
    for (size_t n = 0; n <= text.length; n++)
        survive(text.text, n);
    for (int round = 0; round < 100; round++) {
        char *copy = malloc(text.length);
        assert_non_null(copy);
        memcpy(copy, text.text, text.length);
        for (uint32_t changes = 1 + rng_below(&rng, 4); changes; changes--)
            copy[rng_below(&rng, (uint32_t)text.length)] = alphabet[rng_below(&rng, sizeof alphabet)];
        survive(copy, text.length);
        free(copy);
    }
    str_release(&text);
}

static void test_strangers(void **state)
{
    (void)state;
    (void)each_spec(bad, cut_and_alter);
    assert_true(each_spec(good, cut_and_alter) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_readme_examples),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_missing_files),
        cmocka_unit_test(test_bad_overrides), cmocka_unit_test(test_budget_or_tokens),
        cmocka_unit_test(test_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
