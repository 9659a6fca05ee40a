/* SPDX-License-Identifier: Apache-2.0 */
/* output.c — see output.h. Nothing here keeps state; the streams do. */
#include "harness/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const struct exit_meaning exit_meanings[] = {
    {"0", "done"},
    {"1", "runtime error"},
    {"2", "wrong usage, or an error in an experiment file"},
    {"3", "some trials failed; what finished is stored"},
    {"4", "a performance regression was found"},
    {"5", "not enough data, or machines that cannot be compared"},
    {"6", "the store is damaged, foreign, or newer than the program"},
    {"75", "interrupted by a cluster; run the same command again to go on"},
    {"130, 143", "interrupted by Ctrl-C or SIGTERM; what finished is stored"},
    {NULL, NULL},
};

int exit_code(enum status status, int signal)
{
    switch (status) {
    case STATUS_OK:
    case STATUS_DONE:
        return EXIT_CODE_DONE;
    case STATUS_USAGE:
        return EXIT_CODE_USAGE;
    case STATUS_CORRUPT:
        return EXIT_CODE_CORRUPT;
    case STATUS_INSUFFICIENT:
        return EXIT_CODE_INSUFFICIENT;
    case STATUS_INTERRUPTED:
        return signal == SIGINT || signal == SIGTERM ? 128 + signal : EXIT_CODE_RESUMABLE;
    case STATUS_NOT_FOUND:
    case STATUS_IO:
    case STATUS_FORMAT:
    case STATUS_MEMORY:
    case STATUS_COUNT:
        break;
    }
    return EXIT_CODE_RUNTIME;
}

/* Steps back over the digits that end at `end`, which moves to the colon before them. */
static bool number_before(const char *start, const char **end)
{
    const char *at = *end;
    while (at > start && at[-1] >= '0' && at[-1] <= '9')
        at--;
    if (at == *end || at - start < 2 || at[-1] != ':')
        return false;
    *end = at - 1;
    return true;
}

static bool has_place(const char *text)
{
    const char *end = strstr(text, ": ");
    return end && number_before(text, &end) && number_before(text, &end);
}

void error_print(const struct err *err)
{
    if (!has_place(err->text))
        (void)fputs("isoflop: ", stderr);
    for (const char *at = err->text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        (void)fputc((c < 0x20 && c != '\n') || c == 0x7f ? '?' : c, stderr);
    }
    (void)fputc('\n', stderr);
}

int failed(const struct err *err)
{
    error_print(err);
    return exit_code(err->status, 0);
}

static int columns(int descriptor)
{
    const char *text = getenv("COLUMNS");
    long given = text ? strtol(text, NULL, 10) : 0;
    struct winsize size;
    if (given >= 20 && given <= 1000)
        return (int)given;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return 80;
}

struct screen screen_look(int descriptor, bool no_color)
{
    const char *term = getenv("TERM");
    const char *refused = getenv("NO_COLOR");
    struct screen screen = {.width = columns(descriptor)};
    screen.terminal = isatty(descriptor) && term && *term && strcmp(term, "dumb") != 0;
    screen.color = screen.terminal && !no_color && !(refused && *refused);
    screen.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return screen;
}

void output_begin(void)
{
    /* A closed standard stream is opened the wrong way round: using it still fails, as the caller wanted,
     * but no other file can take its number. */
    for (int i = 0; i <= STDERR_FILENO; i++)
        if (fcntl(i, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", i == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    (void)setlocale(LC_CTYPE, "");
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is a full disk: an error of the write, not a death */
}

static bool reader_is_gone(int descriptor)
{
    struct pollfd watched = {.fd = descriptor, .events = POLLOUT};
    return poll(&watched, 1, 0) == 1 && (watched.revents & (POLLERR | POLLHUP));
}

int written(enum status status, const struct err *err)
{
    if (status == STATUS_OK || (status == STATUS_IO && reader_is_gone(STDOUT_FILENO)))
        return EXIT_CODE_DONE;
    return failed(err);
}

int output_end(int code)
{
    bool full = ferror(stdout) != 0;
    int reason = 0;
    if (fflush(stdout) != 0) {
        full = true;
        reason = errno;
    }
    if (!full || reader_is_gone(STDOUT_FILENO))
        return code;
    (void)fprintf(stderr, "isoflop: standard output did not take everything%s%s\n", reason ? ": " : "",
                  reason ? strerror(reason) : "");
    return code ? code : EXIT_CODE_RUNTIME;
}
