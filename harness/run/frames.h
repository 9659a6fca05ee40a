/* SPDX-License-Identifier: Apache-2.0 */
/* frames.h — how a record travels from a trial process to the runner.
 *
 * A frame is a header of 12 bytes and a payload of at most FRAME_PAYLOAD_MAX, all little-endian:
 *
 *   0  magic "IsoF"      4  kind, 2 bytes      6  payload length, 2 bytes
 *   8  CRC-32 of bytes 4..7 and the payload
 *
 * The payload lists the record's fields that are not zero, in rising order of tag: one byte of tag, then eight
 * bytes of a number, or two bytes of length and the text without terminator. Text holds no NUL. A record thus
 * has exactly one encoding, and reading it back gives the same bytes, NaN included.
 *
 * The reader believes nothing it is fed: whatever the bytes, it stays within its buffer and answers with a
 * record or with what is wrong. After garbage it stays broken, for a stream cannot be trusted to fall into
 * step again. A struct frame_reader is plain data and owns nothing. */
#ifndef HARNESS_RUN_FRAMES_H
#define HARNESS_RUN_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "harness/run/record.h"

enum {
    FRAME_HEADER_SIZE = 12,
    FRAME_PAYLOAD_MAX = 8192,
    FRAME_SIZE_MAX = FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX,
    FRAME_FEED_MAX = 16384, /* most bytes one feed takes */
    FRAME_FD = 3            /* where a trial process finds the pipe */
};

/* Bytes [start, end) of the buffer are not decoded yet. */
struct frame_reader {
    size_t start, end;
    bool broken;
    char complaint[128]; /* what was wrong, when broken */
    unsigned char bytes[FRAME_SIZE_MAX + FRAME_FEED_MAX];
};

/* Writing. frame_encode fills `out` and returns the frame's size. */
size_t frame_encode(const struct record *record, unsigned char out[FRAME_SIZE_MAX]);
/* Writes one frame whole, through interrupted and short writes. STATUS_IO when the other end is gone (SIGPIPE
 * must be ignored) or the system refuses. */
MUST_CHECK enum status frames_write(int fd, const struct record *record, struct err *err);

/* Reading. Feed at most FRAME_FEED_MAX bytes, then call frame_reader_next until it says STATUS_DONE (no whole
 * frame left: feed more) or STATUS_FORMAT (garbage; so does every later call). */
void frame_reader_init(struct frame_reader *reader);
void frame_reader_feed(struct frame_reader *reader, const void *bytes, size_t n);
MUST_CHECK enum status frame_reader_next(struct frame_reader *reader, struct record *out, struct err *err);

#endif
