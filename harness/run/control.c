/* SPDX-License-Identifier: Apache-2.0 */
/* control.c — see control.h. The reader takes exactly the configuration's bytes and no more: the commands
 * that may follow at once stay in the pipe for child.c. */
#include "harness/run/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/str.h"
#include "harness/run/clock.h"

static void append_block(struct str *to, const char *text)
{
    size_t n = strlen(text);
    for (int i = 0; i < 4; i++)
        str_append_char(to, (char)(n >> (8 * i) & 255));
    str_append_bytes(to, text, n);
}

/* Waits until fd takes more bytes; false when the deadline has passed. */
static bool wait_writable(int fd, struct instant deadline)
{
    double left = clock_between(clock_now(), deadline);
    if (left <= 0)
        return false;
    (void)poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, left < 1 ? (int)(left * 1e3) + 1 : 1000);
    return true;
}

enum status control_configure(int fd, const struct assignment *assignment, double timeout_s, struct err *err)
{
    struct instant deadline = clock_later(clock_now(), timeout_s);
    enum status status = STATUS_OK;
    struct str text, knobs;
    char seconds[32];
    str_init(&text);
    str_init(&knobs);
    knobs_canonical(&assignment->knobs, &knobs);
    append_block(&text, assignment->id);
    append_block(&text, knobs.text);
    append_block(&text, assignment->checkpoint);
    append_block(&text, assignment->parent);
    append_block(&text, assignment->state);
    append_block(&text, assignment->trunk);
    str_from_double(seconds, sizeof seconds, assignment->state_every_s);
    append_block(&text, seconds);
    for (size_t sent = 0; sent < text.length;) {
        ssize_t rc = write(fd, text.text + sent, text.length - sent);
        if (rc >= 0) {
            sent += (size_t)rc;
        } else if (errno == EAGAIN && !wait_writable(fd, deadline)) {
            status = err_set(err, STATUS_IO, "the trial process does not read its configuration");
            goto done;
        } else if (errno != EAGAIN && errno != EINTR) {
            status = err_set(err, STATUS_IO, "cannot configure the trial process: %s", strerror(errno));
            goto done;
        }
    }
done:
    str_release(&knobs);
    str_release(&text);
    return status;
}

static enum status read_exactly(int fd, void *to, size_t n, struct err *err)
{
    for (size_t got = 0; got < n;) {
        ssize_t rc = read(fd, (char *)to + got, n - got);
        if (rc > 0)
            got += (size_t)rc;
        else if (rc == 0)
            return err_set(err, STATUS_FORMAT, "configuration: ends too early");
        else if (errno == EAGAIN)
            (void)poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
        else if (errno != EINTR)
            return err_set(err, STATUS_IO, "configuration: %s", strerror(errno));
    }
    return STATUS_OK;
}

/* One block as terminated text, the caller's to free; shorter than size. */
static enum status read_block(int fd, size_t size, char **out, struct err *err)
{
    unsigned char head[4];
    char *text;
    size_t n;
    enum status status = read_exactly(fd, head, sizeof head, err);
    if (status != STATUS_OK)
        return status;
    n = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    if (n >= size)
        return err_set(err, STATUS_FORMAT,
                       "configuration: a block of %zu bytes, at most %zu are possible; only the runner starts a "
                       "trial process, use `isoflop run` or `isoflop train`", n, size - 1);
    text = malloc(n + 1);
    if (!text)
        return err_set(err, STATUS_MEMORY, "no memory for the configuration");
    status = read_exactly(fd, text, n, err);
    text[n] = 0;
    if (status == STATUS_OK && strlen(text) != n)
        status = err_set(err, STATUS_FORMAT, "configuration: a zero byte in a text");
    if (status == STATUS_OK)
        *out = text;
    else
        free(text);
    return status;
}

enum status control_read_configuration(int fd, struct assignment *out, struct err *err)
{
    static const size_t sizes[CONFIGURATION_BLOCKS] = {
        sizeof out->id, CONFIGURATION_BLOCK_MAX, sizeof out->checkpoint, sizeof out->parent,
        sizeof out->state, sizeof out->trunk, 32};
    char *blocks[CONFIGURATION_BLOCKS] = {NULL};
    struct assignment assignment;
    enum status status = STATUS_OK;
    memset(&assignment, 0, sizeof assignment);
    for (int i = 0; i < CONFIGURATION_BLOCKS; i++) {
        status = read_block(fd, sizes[i], &blocks[i], err);
        if (status != STATUS_OK)
            goto done;
    }
    status = knobs_from_canonical(blocks[1], &assignment.knobs, err);
    if (status != STATUS_OK)
        goto done;
    (void)str_copy(assignment.id, sizeof assignment.id, blocks[0]);
    (void)str_copy(assignment.checkpoint, sizeof assignment.checkpoint, blocks[2]);
    (void)str_copy(assignment.parent, sizeof assignment.parent, blocks[3]);
    (void)str_copy(assignment.state, sizeof assignment.state, blocks[4]);
    (void)str_copy(assignment.trunk, sizeof assignment.trunk, blocks[5]);
    assignment.state_every_s = strtod(blocks[6], NULL);
    *out = assignment;
done:
    for (int i = 0; i < CONFIGURATION_BLOCKS; i++)
        free(blocks[i]);
    return status;
}

void control_send(int fd, enum control command)
{
    char byte = (char)command;
    ssize_t rc;
    do
        rc = write(fd, &byte, 1);
    while (rc < 0 && errno == EINTR);
}
