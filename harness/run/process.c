/* SPDX-License-Identifier: Apache-2.0 */
/* process.c — see process.h.
 *
 * Between fork and exec all signals are blocked until the runner's handlers are gone, for they would write
 * into the runner's pipe. Pipe ends are made at descriptor 10 or above, so that putting them at 0 and 3
 * cannot overwrite one that is still needed, even when the runner itself was started with those closed. */
#include "harness/run/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/str.h"
#include "harness/run/control.h"
#include "harness/run/frames.h"

enum { FIRST_PIPE_FD = 10 };
static const double configure_s = 2;

struct pipe_ends {
    int read, write;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void close_ends(struct pipe_ends *ends)
{
    close_fd(&ends->read);
    close_fd(&ends->write);
}

static bool is_shortage(int error)
{
    return error == EAGAIN || error == EMFILE || error == ENFILE || error == ENOMEM;
}

static enum status refused(const char *what, struct err *err)
{
    int error = errno;
    return err_set(err, is_shortage(error) ? STATUS_INSUFFICIENT : STATUS_IO, "cannot %s: %s", what,
                   strerror(error));
}

static enum status open_pipe(struct pipe_ends *out, struct err *err)
{
    struct pipe_ends low = {-1, -1}, high;
    enum status status = STATUS_OK;
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return refused("make a pipe for a trial", err);
    low = (struct pipe_ends){fds[0], fds[1]};
    high.read = fcntl(low.read, F_DUPFD_CLOEXEC, FIRST_PIPE_FD);
    high.write = high.read < 0 ? -1 : fcntl(low.write, F_DUPFD_CLOEXEC, FIRST_PIPE_FD);
    if (high.write < 0) {
        status = refused("make a pipe for a trial", err);
        close_ends(&high);
    } else {
        *out = high;
    }
    close_ends(&low);
    return status;
}

/* ---- the new process, until it is another program ---- */

/* Out of memory, the kernel shall take a trial rather than the runner, which holds finished results. */
static void offer_to_the_oom_killer(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "800", 3) != 3) {
        /* Nothing lost: a container may forbid it, and the trial is then only as likely a victim as we. */
    }
    (void)close(fd);
}

/* Standard output belongs to the command's data, so what a trial prints goes to standard error. */
static void place_descriptors(int control, int frames)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fcntl(STDERR_FILENO, F_GETFD) < 0 && null >= 0)
        (void)dup2(null, STDERR_FILENO);
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    (void)dup2(control, STDIN_FILENO);
    (void)dup2(frames, FRAME_FD);
    /* Ours close on exec anyway; this is for descriptors that somebody left open around us. */
    (void)close_range(FRAME_FD + 1, ~0U, 0);
}

static void say_not_started(const char *program, int error)
{
    struct record record = {.kind = RECORD_OUTCOME};
    struct err text;
    (void)err_set(&text, STATUS_IO, "cannot start %.200s: %s", program, strerror(error));
    (void)str_copy(record.name, sizeof record.name, outcome_name(OUTCOME_FAILED));
    (void)str_copy(record.text, sizeof record.text, text.text);
    if (frames_write(FRAME_FD, &record, NULL) != STATUS_OK)
        _exit(126);
    _exit(127);
}

/* Not RLIMIT_AS: address space that is only reserved, as a BLAS and sanitizers do, costs nothing. */
static void limit_memory(int64_t bytes)
{
    struct rlimit limit = {.rlim_cur = (rlim_t)bytes, .rlim_max = (rlim_t)bytes};
    if (bytes > 0)
        (void)setrlimit(RLIMIT_DATA, &limit); /* fails only where a lower limit is in force already */
}

static _Noreturn void become_trial(const char *program, pid_t runner, int64_t memory_limit_bytes, int control, int frames,
                                   const sigset_t *mask)
{
    char *argv[] = {(char[]){"isoflop"}, (char[]){"__trial"}, NULL};
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != runner) /* it died before the line above took effect */
        _exit(125);
    for (int i = 1; i < NSIG; i++)
        (void)signal(i, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    offer_to_the_oom_killer();
    limit_memory(memory_limit_bytes);
    place_descriptors(control, frames);
    (void)setenv("OPENBLAS_NUM_THREADS", "1", 1);
    (void)execv(program, argv);
    say_not_started(program, errno);
    _exit(127);
}

/* ---- the runner's side ---- */

static pid_t fork_trial(const char *program, int64_t memory_limit_bytes, int control, int frames)
{
    pid_t runner = getpid(), pid;
    sigset_t all, mask;
    int error;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &mask);
    pid = fork();
    if (pid == 0)
        become_trial(program, runner, memory_limit_bytes, control, frames, &mask);
    error = errno;
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    errno = error;
    return pid;
}

enum status process_start(struct process *out, const char *program, const struct assignment *assignment,
                          struct err *err)
{
    struct pipe_ends control = {-1, -1}, frames = {-1, -1};
    pid_t pid;
    enum status status = open_pipe(&control, err);
    if (status == STATUS_OK)
        status = open_pipe(&frames, err);
    if (status != STATUS_OK)
        goto done;
    pid = fork_trial(program, assignment->memory_limit_bytes, control.read, frames.write);
    if (pid < 0) {
        status = refused("start a process for a trial", err);
        goto done;
    }
    (void)setpgid(pid, pid); /* both sides do it, so that it is done whoever comes first */
    (void)fcntl(frames.read, F_SETFL, O_NONBLOCK);
    (void)fcntl(control.write, F_SETFL, O_NONBLOCK);
    *out = (struct process){.pid = pid, .frames_fd = frames.read, .control_fd = control.write};
    frames.read = control.write = -1;
    /* A process that cannot be configured has died already or finds its standard input cut short; either way
     * it ends by itself and says more about it than could be said here. */
    if (control_configure(out->control_fd, assignment, configure_s, NULL) != STATUS_OK)
        close_fd(&out->control_fd);
done:
    close_ends(&control);
    close_ends(&frames);
    return status;
}

void process_release(struct process *process)
{
    close_fd(&process->frames_fd);
    close_fd(&process->control_fd);
}

void process_signal(const struct process *process, int signal)
{
    /* The group may not exist yet in the first microseconds of the process. */
    if (kill(-process->pid, signal) != 0)
        (void)kill(process->pid, signal);
}

bool process_has_ended(const struct process *process)
{
    siginfo_t info = {0};
    int rc = waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    ASSERT(rc == 0); /* nobody else reaps our children */
    if (info.si_pid == 0)
        return false;
    (void)kill(-process->pid, SIGKILL);
    return true;
}

void process_reap(const struct process *process, struct process_end *out)
{
    struct rusage usage;
    int status = 0;
    pid_t pid;
    do
        pid = wait4(process->pid, &status, 0, &usage);
    while (pid < 0 && errno == EINTR);
    ASSERT(pid == process->pid);
    out->by_signal = WIFSIGNALED(status);
    out->code = out->by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
    out->peak_rss_bytes = (int64_t)usage.ru_maxrss * 1024;
}
