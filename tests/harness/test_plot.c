/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: text from strangers cannot do anything, and gnuplot cannot do harm. Method: hostile strings through
 * every escaper; stub programs in gnuplot's place that fail, hang, flood or look around; gnuplot itself where
 * it is installed; drawings with foreign elements must be refused. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/report/plot.h"
#include "harness/report/svg.h"
#include "harness/report/templates.h"
#include "harness/report/text.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/test_plot_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char path[160];
    static const char *const names[] = {"stub", "out.txt", "target", "link", "x", "y"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static void expect_text(void (*function)(struct str *, const char *), const char *in, const char *wanted)
{
    struct str out;
    str_init(&out);
    function(&out, in);
    assert_string_equal(out.text, wanted);
    str_release(&out);
}

static void escapers(void **state)
{
    (void)state;
    expect_text(text_clean, "a\x1b[31mred\x1b[0m b\tc\n\nd\x07", "ared b c d");
    expect_text(text_clean, "x\x1b]0;title\x07y\x1b" "cz", "xyz");
    expect_text(text_clean, "bad \xff\xc0\x80 utf\xe2\x82", "bad \uFFFD\uFFFD\uFFFD utf\uFFFD\uFFFD");
    expect_text(text_clean, "a\u202Eb\u2066c", "abc");
    expect_text(text_clean, "8\u00D7top-2 \U0001F600", "8\u00D7top-2 \U0001F600");
    expect_text(text_xml, "<b a='1'>&\"", "&lt;b a=&#39;1&#39;&gt;&amp;&quot;");
    expect_text(text_gnuplot, "it's `x`\n'", "'it''s `x` '''");
    expect_text(text_csv, "=1+1", "'=1+1");
    expect_text(text_csv, "a,\"b\"", "\"a,\"\"b\"\"\"");
    expect_text(text_csv, "plain", "plain");
    expect_text(text_percent, "a b\n\"<", "a%20b%0A%22%3C");
    expect_text(text_ascii, "a \u2192 \u22121.2\u00D7 \u00FC", "a -> -1.2x ?");
}

static void expect_count(double value, const char *wanted)
{
    struct str out;
    str_init(&out);
    text_count(&out, value);
    assert_string_equal(out.text, wanted);
    str_release(&out);
}

static void numbers(void **state)
{
    struct str out;
    (void)state;
    expect_count(0, "0");
    expect_count(950, "950");
    expect_count(4096, "4.1 k");
    expect_count(4000, "4 k");
    expect_count(310234, "310 k");
    expect_count(999700, "1 M");
    expect_count(3145728, "3.15 M");
    expect_count(1048576, "1.05 M");
    expect_count(1004000, "1 M");
    expect_count(NAN, "?");
    str_init(&out);
    text_number(&out, -0.0912, 2, true);
    text_number(&out, 0.5, 1, true);
    text_number(&out, -0.001, 1, true);
    text_duration(&out, 75.2);
    text_duration(&out, 7384);
    assert_string_equal(out.text, "\u22120.09+0.5\u00B10.075 s2:03:04");
    str_release(&out);
    str_init(&out);
    text_power(&out, 7.14e12);
    text_power(&out, 9.97e9);
    text_power(&out, 3e10);
    text_power(&out, NAN);
    assert_string_equal(out.text, "7.1e121e103e10?");
    str_release(&out);
    assert_int_equal(text_decimals(2.41, 1.62), 2);
    assert_int_equal(text_decimals(0, 0.003), 4);
    assert_int_equal(text_decimals(1, 1), 2);
}

/* Puts a shell script in gnuplot's place and runs a job with it. */
static enum status run_stub(const char *body, int timeout_s, struct str *out, struct err *err)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/stub", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n", body);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
    const struct plot_job job = {.name = "job", .format = "svg", .script = "s", .csv = "c\n", .gnuplot = path,
                                 .timeout_s = timeout_s};
    return plot_run(&job, out, err);
}

static void stubs(void **state)
{
    struct str out;
    struct err err = ERR_INIT;
    char body[256];
    (void)state;
    str_init(&out);
    assert_int_equal(run_stub("cat job.gp job.csv > job.svg; env >> job.svg; echo \"$@\" >> job.svg; pwd >> job.svg",
                              5, &out, &err), STATUS_OK);
    assert_non_null(strstr(out.text, "sc\n"));
    assert_non_null(strstr(out.text, "LC_ALL=C"));
    assert_null(strstr(out.text, "HOME="));
    assert_non_null(strstr(out.text, "-d -e format='svg' job.gp"));
    assert_null(strstr(out.text, folder)); /* it stood in a folder of its own … */
    const char *place = strstr(out.text, "/tmp/isoflop-plot-");
    assert_non_null(place);
    (void)snprintf(body, sizeof body, "%.*s", (int)strcspn(place, "\n"), place);
    assert_int_equal(access(body, F_OK), -1); /* … that is gone */
    str_clear(&out);
    assert_int_equal(run_stub("echo line 7: nonsense >&2; exit 1", 5, &out, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "line 7: nonsense"));
    assert_int_equal(run_stub("exit 0", 5, &out, &err), STATUS_IO);
    assert_int_equal(run_stub("ln -s /etc/passwd job.svg", 5, &out, &err), STATUS_IO);
    assert_int_equal(run_stub("sleep 100000 & exec 2>&-; sleep 100000", 1, &out, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "within 1 s"));
    assert_int_equal(run_stub("exec dd if=/dev/zero of=job.svg bs=1M count=64 2>/dev/null", 5, &out, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "wrote too much"));
    assert_int_equal(out.length, 0);
    str_release(&out);
}

static void no_gnuplot(void **state)
{
    const struct plot_job job = {.name = "job", .format = "svg", .script = "", .csv = "", .gnuplot = "/nowhere/gnuplot"};
    struct str out;
    struct err err = ERR_INIT;
    (void)state;
    str_init(&out);
    assert_int_equal(plot_run(&job, &out, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, "install gnuplot-nox"));
    str_release(&out);
}

static void files(void **state)
{
    char link_path[128], target[128], text[16] = "";
    struct err err = ERR_INIT;
    (void)state;
    (void)snprintf(link_path, sizeof link_path, "%s/link", folder);
    (void)snprintf(target, sizeof target, "%s/target", folder);
    assert_int_equal(plot_write_file(folder, "target", "old", 3, &err), STATUS_OK);
    assert_int_equal(symlink(target, link_path), 0);
    assert_int_equal(plot_write_file(folder, "link", "new", 3, &err), STATUS_OK);
    FILE *file = fopen(target, "r"); /* the link was replaced, not followed */
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof text - 1, file), 3);
    (void)fclose(file);
    assert_string_equal(text, "old");
    assert_int_equal(plot_write_file("/nowhere/at/all", "x", "", 0, &err), STATUS_IO);
}

static void real_gnuplot(void **state)
{
    static const char script[] = "set terminal svg size 300,200 dynamic name 'job'\nset output 'job.svg'\n"
                                 "set label 1 'a `touch x` $(touch y)' at graph 0.5,0.5 noenhanced\nplot x title '<i>&'\n";
    char found[512], path[128];
    struct str raw, svg;
    struct err err = ERR_INIT;
    (void)state;
    if (!plot_find_gnuplot(found, sizeof found))
        skip();
    const struct plot_job job = {.name = "job", .format = "svg", .script = script, .csv = ""};
    str_init(&raw);
    str_init(&svg);
    assert_int_equal(plot_run(&job, &raw, &err), STATUS_OK);
    const struct svg_labels labels = {"job", "A & B", "It's \"said\" <here>", true};
    assert_int_equal(svg_finish(raw.text, &labels, &svg, &err), STATUS_OK);
    assert_non_null(strstr(svg.text, "role=\"img\" aria-label=\"A &amp; B\""));
    assert_non_null(strstr(svg.text, "<desc>It&#39;s &quot;said&quot; &lt;here&gt;</desc>"));
    assert_non_null(strstr(svg.text, "id=\"job-gpPt"));
    assert_null(strstr(svg.text, "id=\"gpPt"));
    assert_null(strstr(svg.text, "'black'"));
    assert_null(strstr(svg.text, "GNUPLOT"));
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, i ? "y" : "x");
        assert_int_equal(access(path, F_OK), -1);
    }
    str_release(&raw);
    str_release(&svg);
}

static void foreign_drawings(void **state)
{
    static const char *const bad[] = {
        "", "no drawing", "<svg viewBox=\"0 0 1 1\"><script>x</script></svg>",
        "<svg viewBox=\"0 0 1 1\"><g onclick=\"x\"></g></svg>",
        "<svg viewBox=\"0 0 1 1\"><use xlink:href='http://x/'/></svg>",
        "<svg viewBox=\"0 0 1 1\"><g style=\"fill:url(http://x)\"></g></svg>",
        "<svg viewBox=\"0 0 1 1\"><image href=\"x\"/></svg>", "<svg viewBox=\"0 0 1 1\"><g></svg>",
        "<svg viewBox=\"0 0 1 1\"><g fill='\"x'/></svg>", "<svg viewBox=\"x\"></svg>",
        "<svg viewBox=\"0 0 1 1\"></svg></svg>", "<svg viewBox=\"0 0 1 1\"><foreignObject/></svg>"};
    const struct svg_labels labels = {"n", "t", "d", false};
    struct str out;
    struct err err = ERR_INIT;
    (void)state;
    str_init(&out);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(svg_finish(bad[i], &labels, &out, &err), STATUS_FORMAT);
    assert_int_equal(out.length, 0);
    assert_int_equal(svg_finish("<svg viewBox=\"0 0 1 1\"><g fill='rgb( 15, 118, 110)' stroke=\"black\"/></svg>", &labels,
                                &out, &err), STATUS_OK);
    assert_non_null(strstr(out.text, "<g fill=\"#0f766e\" stroke=\"currentColor\"/>"));
    str_release(&out);
}

/* Every colour that style.gp names has a counterpart for dark pages. */
static void palette(void **state)
{
    const char *p = template_text("style");
    int n = 0;
    (void)state;
    while ((p = strstr(p, "'#")) != NULL) {
        char colour[8];
        size_t length = strspn(p + 2, "0123456789abcdef");
        /* Eight digits are alpha and a colour. */
        (void)snprintf(colour, sizeof colour, "#%.6s", length == 8 ? p + 4 : p + 2);
        bool known = false;
        for (int i = 0; svg_colour_at(i); i++)
            known |= strcmp(svg_colour_at(i)->light, colour) == 0;
        if (!known)
            fail_msg("style.gp's %s is unknown to svg.c", colour);
        n++;
        p += 2;
    }
    assert_true(n >= 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapers),
        cmocka_unit_test(numbers),
        cmocka_unit_test_setup_teardown(stubs, make_folder, remove_folder),
        cmocka_unit_test(no_gnuplot),
        cmocka_unit_test_setup_teardown(files, make_folder, remove_folder),
        cmocka_unit_test(real_gnuplot),
        cmocka_unit_test(foreign_drawings),
        cmocka_unit_test(palette),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
