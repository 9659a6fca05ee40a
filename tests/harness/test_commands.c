/* SPDX-License-Identifier: Apache-2.0 */
/* test_commands.c — goal: the table of commands keeps its promises: help leads with examples that really
 * work and fits 80 columns, the man page and the completions know every command, errors and exit codes
 * are those of the design. Method: loops over the real table, so a new command is tested by being in it;
 * and one made-up command whose texts try to break out of each format. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/str.h"
#include "harness/cli/commands.h"
#include "harness/cli/help.h"
#include "harness/cli/man.h"

enum { MOST_WORDS = 40 };

/* Splits a line as a shell would, as far as our examples need it: spaces, and quotes around a word or a
 * part of it. Stops at a pipe, a redirection or a comment. */
static int split(char *line, char **words)
{
    int n = 0;
    char *to = line;
    for (char *at = line; *at;) {
        char quote = 0;
        at += strspn(at, " ");
        if (!*at || strchr("|>#", *at))
            break;
        assert_true(n < MOST_WORDS);
        words[n++] = to;
        for (; *at && (quote || *at != ' '); at++) {
            if (!quote && (*at == '\'' || *at == '"'))
                quote = *at;
            else if (*at == quote)
                quote = 0;
            else
                *to++ = *at;
        }
        assert_int_equal(quote, 0);
        at += *at != 0;
        *to++ = 0;
    }
    return n;
}

static void check_example(const char *text)
{
    char line[256], *words[MOST_WORDS];
    struct invocation invocation;
    const struct command *command;
    struct err err = ERR_INIT;
    bool help;
    int n;
    assert_true(str_copy(line, sizeof line, text));
    n = split(line, words);
    assert_true(n >= 2);
    assert_string_equal(words[0], "isoflop");
    command = command_find(words[1]);
    if (!command)
        fail_msg("example '%s': no such command", text);
    else {
        if (command_read(command, n - 2, words + 2, &invocation, &help, &err))
            fail_msg("example '%s': %s", text, err.text);
        options_release(&invocation.options);
    }
}

static void examples_are_command_lines(void **state)
{
    (void)state;
    assert_non_null(overview[0].line);
    for (const struct example *example = overview; example->line; example++)
        check_example(example->line);
    for (const struct command *command = commands; command->name; command++)
        for (const struct example *example = command->examples; example && example->line; example++)
            check_example(example->line);
}

static void rows_are_complete(void **state)
{
    (void)state;
    for (const struct command *command = commands; command->name; command++) {
        size_t n = strlen(command->summary);
        if (n == 0 || n > 50 || command->summary[n - 1] == '.')
            fail_msg("'%s': the summary is empty, too long, or ends in a full stop", command->name);
        assert_non_null(command->run);
        assert_non_null(command->arguments);
        assert_true(command->group < GROUP_COUNT);
        assert_ptr_equal(command_find(command->name), command);
        if (!(command->flags & COMMAND_HIDDEN) && !command->examples)
            fail_msg("'%s' has no example", command->name);
    }
}

static void option_names_are_unique(void **state)
{
    (void)state;
    for (const struct command *command = commands; command->name; command++) {
        struct options options;
        command_options(command, &options);
        for (int i = 0; i < options.n_rows; i++)
            for (int j = 0; j < i; j++) {
                const struct option_row *a = options.rows[i], *b = options.rows[j];
                if (strcmp(a->name, b->name) == 0 || (a->letter && a->letter == b->letter))
                    fail_msg("'%s': --%s and --%s share a name or a letter", command->name, a->name, b->name);
            }
        options_release(&options);
    }
}

/* ---- a command that means no good ---- */

static const struct option_row hostile_options[] = {
    {.name = "a-name-that-is-longer-than-its-column",
     .kind = OPTION_TEXT,
     .metavar = "SOMETHING",
     .preset = ".TH",
     .help = "a help that goes on and on, because somebody had much to say about it, and then some more"},
    {.name = "rerun",
     .kind = OPTION_CHOICE,
     .metavar = "WHAT",
     .choices = "none failed all",
     .help = ".so /etc/passwd"},
    {.name = NULL},
};
static const struct example hostile_examples[] = {
    {"isoflop hostile --rerun all a-file-with-a-rather-long-name.yaml and-another-one.yaml",
     ".br starts this text"},
    {NULL, NULL},
};
static const struct command hostile = {
    .name = "hostile",
    .summary = "'begins with a quote \\fB and a font",
    .arguments = "SPEC...",
    .details =
        "A first paragraph that is so long that it has to be broken somewhere before it reaches column eighty.\n"
        ".A second one.",
    .examples = hostile_examples,
    .options = hostile_options,
    .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV,
};

static void assert_fits(const char *text)
{
    for (; *text; text += *text == '\n') {
        size_t n = strcspn(text, "\n");
        /* A single word cannot be broken, nor can an example, so those of the real commands are short enough. */
        if (n > HELP_WIDTH && memchr(text + 4, ' ', n - 4) && strncmp(text, "  isoflop hostile ", 18) != 0)
            fail_msg("wider than %d columns: '%.*s'", (int)HELP_WIDTH, (int)n, text);
        if (n && text[n - 1] == ' ')
            fail_msg("ends in a space: '%.*s'", (int)n, text);
        text += n;
    }
}

static void help_fits_and_leads_with_examples(void **state)
{
    struct str text;
    (void)state;
    str_init(&text);
    help_overview(&text);
    assert_fits(text.text);
    assert_non_null(strstr(text.text, "\n\nExamples:\n"));
    for (const struct command *command = commands; command->name; command++) {
        str_clear(&text);
        help_command(command, &text);
        assert_fits(text.text);
        if (command->examples)
            assert_true(strstr(text.text, "Examples:") < strstr(text.text, "Usage:"));
    }
    str_clear(&text);
    help_command(&hostile, &text);
    assert_fits(text.text);
    assert_non_null(strstr(text.text, "\n      --a-name-that-is-longer-than-its-column SOMETHING\n"));
    assert_non_null(strstr(text.text, ".so /etc/passwd: none, failed, all"));
    assert_non_null(strstr(text.text, "\n.A second one.\n"));
    str_release(&text);
}

static void the_overview_lists_every_visible_command(void **state)
{
    struct str text;
    (void)state;
    str_init(&text);
    help_overview(&text);
    for (const struct command *command = commands; command->name; command++) {
        char line[128];
        (void)snprintf(line, sizeof line, "\n  %s ", command->name);
        assert_true((strstr(text.text, line) != NULL) == !(command->flags & COMMAND_HIDDEN));
    }
    str_release(&text);
}

/* Every line of the page that begins with a control character must be one of the macros man.c writes. */
static void assert_only_known_macros(const char *page)
{
    static const char *const known[] = {".TH ISOFLOP ", ".SH ", ".SS ", ".TP\n", ".PP\n"};
    for (const char *line = page; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        bool ok = line[0] != '.' && line[0] != '\'';
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            ok = ok || strncmp(line, known[i], strlen(known[i])) == 0;
        if (!ok)
            fail_msg("a text became a macro: '%.40s'", line);
    }
}

static void no_text_becomes_a_macro(void **state)
{
    struct str page;
    (void)state;
    str_init(&page);
    man_page(&page);
    assert_only_known_macros(page.text);
    str_clear(&page);
    man_command(&hostile, &page);
    assert_only_known_macros(page.text);
    assert_non_null(strstr(page.text, "\n\\&'begins with a quote \\efB"));
    assert_non_null(strstr(page.text, "\n\\&.so /etc/passwd"));
    str_release(&page);
}

static void completions_know_every_command_and_option(void **state)
{
    struct str script;
    (void)state;
    str_init(&script);
    man_completions_bash(&script);
    for (const struct command *command = commands; command->name; command++) {
        char line[128];
        (void)snprintf(line, sizeof line, "    %s) names='", command->name);
        assert_true((strstr(script.text, line) != NULL) == !(command->flags & COMMAND_HIDDEN));
    }
    str_release(&script);
}

/* ---- reading a line ---- */

static enum status read_words(const struct command *command, struct invocation *out, bool *help,
                              struct err *err, const char *line)
{
    static char copy[256];
    char *words[MOST_WORDS];
    *err = ERR_INIT;
    assert_true(str_copy(copy, sizeof copy, line));
    return command_read(command, split(copy, words), words, out, help, err);
}

static void arguments_are_counted(void **state)
{
    static const struct {
        const char *arguments;
        int least, most;
    } rows[] = {{"", 0, 0},      {"SPEC", 1, 1},   {"[TRIAL]", 0, 1},  {"A B", 2, 2},
                {"A [B]", 1, 2}, {"DB...", 1, -1}, {"[DB...]", 0, -1}, {"CHART|all", 1, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct command command = {.name = "x", .arguments = rows[i].arguments};
        int least, most;
        command_arguments(&command, &least, &most);
        assert_int_equal(least, rows[i].least);
        assert_int_equal(most, rows[i].most);
    }
}

static void shared_options_reach_the_invocation(void **state)
{
    const struct command plain = {.name = "plain", .arguments = "[A]"};
    struct invocation invocation;
    struct err err;
    bool help;
    (void)state;
    assert_int_equal(read_words(&hostile, &invocation, &help, &err, "x --json -qv --no-color"), STATUS_OK);
    assert_false(help);
    assert_string_equal(invocation.db, "results/isoflop.db");
    assert_true(invocation.json && invocation.quiet && invocation.verbose && invocation.no_color);
    assert_false(invocation.csv);
    options_release(&invocation.options);
    assert_int_equal(read_words(&hostile, &invocation, &help, &err, "x --json --csv"), STATUS_USAGE);
    options_release(&invocation.options);
    assert_int_equal(read_words(&plain, &invocation, &help, &err, "--json"), STATUS_USAGE);
    options_release(&invocation.options);
    assert_int_equal(read_words(&plain, &invocation, &help, &err, "a"), STATUS_OK);
    assert_null(invocation.db);
    options_release(&invocation.options);
    assert_int_equal(read_words(&plain, &invocation, &help, &err, "a b"), STATUS_USAGE);
    assert_non_null(strstr(err.text, "what is 'b'?"));
    options_release(&invocation.options);
    assert_int_equal(read_words(&hostile, &invocation, &help, &err, "-q"), STATUS_USAGE);
    assert_non_null(strstr(err.text, "'hostile' needs SPEC..., as in  isoflop hostile"));
    options_release(&invocation.options);
}

static void help_wins_over_mistakes(void **state)
{
    struct invocation invocation;
    struct err err;
    bool help;
    (void)state;
    assert_int_equal(read_words(&hostile, &invocation, &help, &err, "--nonsense --help"), STATUS_OK);
    assert_true(help);
    options_release(&invocation.options);
    assert_int_equal(read_words(&hostile, &invocation, &help, &err, "-qh"), STATUS_OK);
    assert_true(help);
    options_release(&invocation.options);
    assert_int_equal(read_words(&hostile, &invocation, &help, &err, "-- --help"), STATUS_OK);
    assert_false(help);
    options_release(&invocation.options);
}

static void an_unknown_command_suggests_the_nearest(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(command_unknown("hepl", &err), STATUS_USAGE);
    assert_string_equal(err.text, "unknown command 'hepl'; did you mean 'help'?");
    assert_int_equal(command_unknown("__mna", &err), STATUS_USAGE);
    assert_null(strstr(err.text, "__man'?")); /* hidden commands are not suggested */
}

/* ---- output ---- */

static void statuses_become_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(exit_code(STATUS_OK, 0), 0);
    assert_int_equal(exit_code(STATUS_DONE, 0), 0);
    assert_int_equal(exit_code(STATUS_IO, 0), 1);
    assert_int_equal(exit_code(STATUS_NOT_FOUND, 0), 1);
    assert_int_equal(exit_code(STATUS_FORMAT, 0), 1);
    assert_int_equal(exit_code(STATUS_MEMORY, 0), 1);
    assert_int_equal(exit_code(STATUS_USAGE, 0), 2);
    assert_int_equal(exit_code(STATUS_INSUFFICIENT, 0), 5);
    assert_int_equal(exit_code(STATUS_CORRUPT, 0), 6);
    assert_int_equal(exit_code(STATUS_INTERRUPTED, SIGINT), 130);
    assert_int_equal(exit_code(STATUS_INTERRUPTED, SIGTERM), 143);
    assert_int_equal(exit_code(STATUS_INTERRUPTED, SIGUSR1), 75);
    assert_int_equal(exit_code(STATUS_INTERRUPTED, 0), 75);
}

/* What error_print writes, by way of a pipe in the place of standard error. */
static void assert_prints(const char *text, const char *expected)
{
    char got[512];
    struct err err = ERR_INIT;
    int ends[2], saved = dup(STDERR_FILENO);
    ssize_t n;
    (void)err_set(&err, STATUS_USAGE, "%s", text);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    error_print(&err);
    (void)fflush(stderr);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(ends[1]);
    n = read(ends[0], got, sizeof got - 1);
    (void)close(ends[0]);
    (void)close(saved);
    assert_true(n > 0);
    got[n] = 0;
    assert_string_equal(got, expected);
}

static void errors_say_who_speaks_unless_they_have_a_place(void **state)
{
    (void)state;
    assert_prints("no such trial", "isoflop: no such trial\n");
    assert_prints("my.yaml:7:10: unknown key 'widht'", "my.yaml:7:10: unknown key 'widht'\n");
    assert_prints("big.yaml: 3 of 40 trials", "isoflop: big.yaml: 3 of 40 trials\n");
    assert_prints("at 12:30: too late", "isoflop: at 12:30: too late\n");
    assert_prints(":1:2: x", "isoflop: :1:2: x\n");
    assert_prints("cannot open '\033[31mx\a'\nsecond line", "isoflop: cannot open '?[31mx?'\nsecond line\n");
}

static void a_pipe_gets_no_colour(void **state)
{
    struct screen screen;
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(setenv("COLUMNS", "132", 1), 0);
    screen = screen_look(ends[1], false);
    assert_false(screen.terminal);
    assert_false(screen.color);
    assert_int_equal(screen.width, 132);
    assert_int_equal(setenv("COLUMNS", "nonsense", 1), 0);
    assert_int_equal(screen_look(ends[1], false).width, 80);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void a_terminal_gets_colour_unless_told_otherwise(void **state)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY), screen;
    (void)state;
    if (terminal < 0)
        skip(); /* a machine without pseudo-terminals */
    assert_int_equal(grantpt(terminal) | unlockpt(terminal), 0);
    screen = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    assert_true(screen >= 0);
    assert_int_equal(unsetenv("NO_COLOR") | setenv("TERM", "xterm", 1), 0);
    assert_true(screen_look(screen, false).color);
    assert_false(screen_look(screen, true).color);
    assert_true(screen_look(screen, true).terminal);
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    assert_false(screen_look(screen, false).color);
    assert_int_equal(unsetenv("NO_COLOR") | setenv("TERM", "dumb", 1), 0);
    assert_false(screen_look(screen, false).terminal);
    (void)close(screen);
    (void)close(terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_are_command_lines),
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(option_names_are_unique),
        cmocka_unit_test(help_fits_and_leads_with_examples),
        cmocka_unit_test(the_overview_lists_every_visible_command),
        cmocka_unit_test(no_text_becomes_a_macro),
        cmocka_unit_test(completions_know_every_command_and_option),
        cmocka_unit_test(arguments_are_counted),
        cmocka_unit_test(shared_options_reach_the_invocation),
        cmocka_unit_test(help_wins_over_mistakes),
        cmocka_unit_test(an_unknown_command_suggests_the_nearest),
        cmocka_unit_test(statuses_become_exit_codes),
        cmocka_unit_test(errors_say_who_speaks_unless_they_have_a_place),
        cmocka_unit_test(a_pipe_gets_no_colour),
        cmocka_unit_test(a_terminal_gets_colour_unless_told_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
