/* SPDX-License-Identifier: Apache-2.0 */
/* plot.c — see plot.h. The child sees only its own folder as working directory; the parent waits with a
 * deadline and kills the whole process group when it passes. Invariant: the private folder is removed on
 * every way out. */
#include "harness/report/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/assert.h"

bool plot_find_gnuplot(char *path, size_t size)
{
    const char *p = getenv("PATH");
    if (!p || !*p)
        p = "/usr/local/bin:/usr/bin:/bin";
    while (*p) {
        size_t n = strcspn(p, ":");
        int length = snprintf(path, size, "%.*s/gnuplot", (int)n, p);
        /* Only absolute folders: a relative one would mean whatever folder we happen to stand in. */
        if (*p == '/' && length > 0 && (size_t)length < size && access(path, X_OK) == 0)
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

static enum status write_all(int fd, const char *bytes, size_t n, const char *name, struct err *err)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_set(err, STATUS_IO, "cannot write %s: %s", name, strerror(errno));
        bytes += done;
        n -= (size_t)done;
    }
    return STATUS_OK;
}

static enum status write_at(int folder, const char *name, const char *bytes, size_t n, struct err *err)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(err, STATUS_IO, "cannot create %s: %s", name, strerror(errno));
    enum status status = write_all(fd, bytes, n, name, err);
    if (close(fd) != 0 && status == STATUS_OK)
        status = err_set(err, STATUS_IO, "cannot write %s: %s", name, strerror(errno));
    return status;
}

enum status plot_write_file(const char *folder, const char *name, const char *bytes, size_t n, struct err *err)
{
    char temporary[192];
    enum status status;
    ASSERT(str_is_name(name));
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_set(err, STATUS_IO, "cannot write to folder %s: %s", folder, strerror(errno));
    (void)snprintf(temporary, sizeof temporary, ".%s.%ld.tmp", name, (long)getpid());
    (void)unlinkat(dir, temporary, 0); /* what a killed process with our number may have left */
    status = write_at(dir, temporary, bytes, n, err);
    if (status == STATUS_OK && renameat(dir, temporary, dir, name) != 0)
        status = err_set(err, STATUS_IO, "cannot write %s/%s: %s", folder, name, strerror(errno));
    if (status != STATUS_OK) {
        (void)unlinkat(dir, temporary, 0);
        (void)err_prefix(err, "%s", folder);
    }
    (void)close(dir);
    return status;
}

static void limit(int resource, rlim_t most)
{
    struct rlimit value = {most, most};
    (void)setrlimit(resource, &value);
}

/* In the child: never returns. What goes wrong before the program starts is told on the error pipe. */
static _Noreturn void become_gnuplot(const struct plot_job *job, const char *program, int folder, int errors,
                                     int seconds)
{
    char script[160], setting[64];
    char *const environment[] = {"LC_ALL=C", NULL};
    (void)snprintf(script, sizeof script, "%s.gp", job->name);
    (void)snprintf(setting, sizeof setting, "format='%s'", job->format);
    char *const arguments[] = {"gnuplot", "-d", "-e", setting, script, NULL};
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)setpgid(0, 0);
    if (nothing >= 0 && dup2(nothing, 0) == 0 && dup2(nothing, 1) == 1 && dup2(errors, 2) == 2 &&
        fchdir(folder) == 0) {
        limit(RLIMIT_FSIZE, PLOT_MOST_BYTES);
        limit(RLIMIT_CPU, (rlim_t)seconds + 1);
        limit(RLIMIT_CORE, 0);
        (void)close_range(3, ~0U, 0);
        (void)execve(program, arguments, environment);
    }
    (void)dprintf(2, "cannot start %s: %s", program, strerror(errno));
    _exit(127);
}

static long now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

/* Reads complaints until gnuplot closes its side or the deadline passes; false when it passed. */
static bool listen_until(int fd, long deadline, char *complaint, size_t size)
{
    size_t used = 0;
    complaint[0] = 0;
    for (;;) {
        char piece[512];
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        long left = deadline - now_ms();
        if (left <= 0)
            return false;
        int n = poll(&ready, 1, (int)left);
        if (n < 0 && errno != EINTR)
            return false;
        if (n <= 0)
            continue;
        ssize_t got = read(fd, piece, sizeof piece);
        if (got == 0)
            return true;
        for (ssize_t i = 0; i < got && used + 1 < size; i++)
            complaint[used++] = piece[i] < ' ' ? ' ' : piece[i];
        complaint[used] = 0;
    }
}

/* gnuplot may close its error channel early and live on, so waiting has the same deadline. */
static bool reap_until(pid_t child, long deadline, int *how)
{
    for (;;) {
        pid_t got = waitpid(child, how, WNOHANG);
        if (got == child)
            return true;
        if ((got < 0 && errno != EINTR) || now_ms() >= deadline)
            return false;
        (void)nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
}

static enum status run_child(const struct plot_job *job, const char *program, int folder, struct err *err)
{
    int errors[2], how = 0;
    char complaint[400];
    int seconds = job->timeout_s > 0 ? job->timeout_s : PLOT_TIMEOUT_S;
    if (pipe2(errors, O_CLOEXEC) != 0)
        return err_set(err, STATUS_IO, "gnuplot: no pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0) {
        (void)close(errors[0]);
        (void)close(errors[1]);
        return err_set(err, STATUS_IO, "gnuplot: no process: %s", strerror(errno));
    }
    if (child == 0)
        become_gnuplot(job, program, folder, errors[1], seconds);
    (void)setpgid(child, child);
    (void)close(errors[1]);
    long deadline = now_ms() + 1000L * seconds;
    bool in_time = listen_until(errors[0], deadline, complaint, sizeof complaint) &&
                   reap_until(child, deadline, &how);
    (void)close(errors[0]);
    if (!in_time) {
        (void)kill(-child, SIGKILL);
        (void)kill(child, SIGKILL);
        while (waitpid(child, &how, 0) < 0 && errno == EINTR)
            continue;
        return err_set(err, STATUS_IO, "gnuplot did not finish %s within %d s", job->name, seconds);
    }
    if (WIFSIGNALED(how))
        return err_set(err, STATUS_IO, "gnuplot was killed by signal %d while drawing %s%s", WTERMSIG(how),
                       job->name, WTERMSIG(how) == SIGXFSZ ? " (it wrote too much)" : "");
    if (WEXITSTATUS(how) != 0)
        return err_set(err, STATUS_IO, "gnuplot could not draw %s: %s", job->name, complaint);
    return STATUS_OK;
}

static enum status read_back(const struct plot_job *job, int folder, struct str *out, struct err *err)
{
    char name[160], bytes[16384];
    struct stat info;
    (void)snprintf(name, sizeof name, "%s.%s", job->name, job->format);
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0 || info.st_size == 0 || info.st_size > PLOT_MOST_BYTES) {
        if (fd >= 0)
            (void)close(fd);
        return err_set(err, STATUS_IO, "gnuplot wrote no usable %s", name);
    }
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            str_append_bytes(out, bytes, (size_t)got);
    (void)close(fd);
    return got == 0 ? STATUS_OK : err_set(err, STATUS_IO, "cannot read %s: %s", name, strerror(errno));
}

static void remove_folder(const char *path, int folder, const struct plot_job *job)
{
    const char *const endings[] = {"gp", "csv", job->format};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[160];
        (void)snprintf(name, sizeof name, "%s.%s", job->name, endings[i]);
        (void)unlinkat(folder, name, 0);
    }
    (void)rmdir(path);
}

enum status plot_run(const struct plot_job *job, struct str *out, struct err *err)
{
    char found[512], path[64] = "/tmp/isoflop-plot-XXXXXX", name[160];
    const char *program = job->gnuplot;
    enum status status;
    ASSERT(str_is_name(job->name) && str_is_name(job->format) && strlen(job->name) < 120);
    if (!program && plot_find_gnuplot(found, sizeof found))
        program = found;
    if (!program || access(program, X_OK) != 0)
        return err_set(err, STATUS_NOT_FOUND, "gnuplot is not here: install gnuplot-nox");
    if (!mkdtemp(path))
        return err_set(err, STATUS_IO, "cannot make a folder in /tmp: %s", strerror(errno));
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        status = err_set(err, STATUS_IO, "cannot open %s: %s", path, strerror(errno));
        (void)rmdir(path);
        return status;
    }
    (void)snprintf(name, sizeof name, "%s.gp", job->name);
    status = write_at(folder, name, job->script, strlen(job->script), err);
    (void)snprintf(name, sizeof name, "%s.csv", job->name);
    if (status == STATUS_OK)
        status = write_at(folder, name, job->csv, strlen(job->csv), err);
    if (status == STATUS_OK)
        status = run_child(job, program, folder, err);
    if (status == STATUS_OK)
        status = read_back(job, folder, out, err);
    remove_folder(path, folder, job);
    (void)close(folder);
    return status;
}
