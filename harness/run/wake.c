/* SPDX-License-Identifier: Apache-2.0 */
/* wake.c — see wake.h. The pipe never blocks either side: a full one already holds what will wake the loop. */
#include "harness/run/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"

static const struct {
    int signal;
    bool ignored; /* by us */
    bool asks;    /* to stop */
} table[WAKE_SIGNALS] = {
    {SIGCHLD, false, false}, {SIGPIPE, true, false}, {SIGINT, false, true},
    {SIGTERM, false, true},  {SIGHUP, false, true},  {SIGUSR1, false, true},
};

static volatile sig_atomic_t handler_fd = -1;

static void handle(int signal)
{
    int error = errno;
    unsigned char byte = (unsigned char)signal;
    if (write((int)handler_fd, &byte, 1) != 1) {
        /* Full: the loop is awake anyway. */
    }
    errno = error;
}

enum status wake_open(struct wake *wake, struct err *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set(err, STATUS_IO, "cannot make a pipe for signals: %s", strerror(errno));
    wake->read_fd = fds[0];
    wake->write_fd = fds[1];
    handler_fd = fds[1];
    for (int i = 0; i < WAKE_SIGNALS; i++) {
        struct sigaction action = {.sa_flags = SA_RESTART};
        action.sa_handler = table[i].ignored ? SIG_IGN : handle;
        (void)sigemptyset(&action.sa_mask);
        (void)sigaction(table[i].signal, NULL, &wake->old[i]);
        if (!table[i].asks || wake->old[i].sa_handler != SIG_IGN)
            (void)sigaction(table[i].signal, &action, NULL);
    }
    return STATUS_OK;
}

void wake_close(struct wake *wake)
{
    for (int i = 0; i < WAKE_SIGNALS; i++)
        (void)sigaction(table[i].signal, &wake->old[i], NULL);
    handler_fd = -1;
    (void)close(wake->read_fd);
    (void)close(wake->write_fd);
}

int wake_wait(struct wake *wake, struct pollfd *looks, int n, int timeout_ms)
{
    int rc;
    looks[n] = (struct pollfd){.fd = wake->read_fd, .events = POLLIN};
    rc = poll(looks, (nfds_t)n + 1, timeout_ms);
    ASSERT(rc >= 0 || errno == EINTR || errno == ENOMEM);
    return rc;
}

int wake_take(struct wake *wake, int *signal)
{
    unsigned char bytes[256];
    ssize_t n;
    int asked = 0;
    while ((n = read(wake->read_fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
        for (ssize_t i = 0; i < n; i++)
            if (bytes[i] != SIGCHLD && asked++ == 0)
                *signal = bytes[i];
    return asked;
}
