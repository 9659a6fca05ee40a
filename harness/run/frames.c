/* SPDX-License-Identifier: Apache-2.0 */
/* frames.c — see frames.h.
 *
 * One table lists the fields of a record; encoder and decoder both walk it, so they cannot disagree. The
 * decoder's invariant: it looks at byte i only after having seen that i lies before the end it was given. */
#include "harness/run/frames.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/str.h"

static const unsigned char magic[4] = {'I', 's', 'o', 'F'};

/* Numbers travel as their 8 bytes, text with its length. The tag is the place in this table, from 1. */
static const struct field {
    size_t offset;
    size_t text_size; /* 0 for a number */
} fields[] = {
    {offsetof(struct record, step), 0},
    {offsetof(struct record, count), 0},
    {offsetof(struct record, index), 0},
    {offsetof(struct record, batch), 0},
    {offsetof(struct record, tokens), 0},
    {offsetof(struct record, value), 0},
    {offsetof(struct record, stderror), 0},
    {offsetof(struct record, chance), 0},
    {offsetof(struct record, name), RECORD_NAME_SIZE},
    {offsetof(struct record, task), RECORD_NAME_SIZE},
    {offsetof(struct record, text), RECORD_TEXT_SIZE},
};

enum { N_FIELDS = sizeof fields / sizeof fields[0] };

/* ---- bytes ---- */

static void put(unsigned char *to, uint64_t value, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *from, int n)
{
    uint64_t value = 0;
    for (int i = 0; i < n; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

/* CRC-32 as in IEEE 802.3, bit-reversed polynomial 0xEDB88320, four bits at a time. */
static uint32_t crc32(uint32_t crc, const unsigned char *bytes, size_t n)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ nibble[crc & 15];
        crc = (crc >> 4) ^ nibble[crc & 15];
    }
    return ~crc;
}

static uint32_t checksum(const unsigned char *frame, size_t payload)
{
    return crc32(crc32(0, frame + 4, 4), frame + FRAME_HEADER_SIZE, payload);
}

/* ---- writing ---- */

size_t frame_encode(const struct record *record, unsigned char out[FRAME_SIZE_MAX])
{
    size_t n = FRAME_HEADER_SIZE;
    ASSERT(record->kind > 0 && record->kind < RECORD_KIND_COUNT);
    for (int i = 0; i < N_FIELDS; i++) {
        const char *from = (const char *)record + fields[i].offset;
        if (fields[i].text_size) {
            size_t length = strnlen(from, fields[i].text_size);
            ASSERT(length < fields[i].text_size);
            if (length == 0)
                continue;
            out[n++] = (unsigned char)(i + 1);
            put(out + n, length, 2);
            memcpy(out + n + 2, from, length);
            n += 2 + length;
        } else {
            uint64_t bits;
            memcpy(&bits, from, sizeof bits);
            if (bits == 0)
                continue;
            out[n++] = (unsigned char)(i + 1);
            put(out + n, bits, 8);
            n += 8;
        }
    }
    ASSERT(n <= FRAME_SIZE_MAX);
    memcpy(out, magic, sizeof magic);
    put(out + 4, (uint64_t)record->kind, 2);
    put(out + 6, n - FRAME_HEADER_SIZE, 2);
    put(out + 8, checksum(out, n - FRAME_HEADER_SIZE), 4);
    return n;
}

enum status frames_write(int fd, const struct record *record, struct err *err)
{
    unsigned char frame[FRAME_SIZE_MAX];
    size_t n = frame_encode(record, frame), sent = 0;
    while (sent < n) {
        ssize_t rc = write(fd, frame + sent, n - sent);
        if (rc >= 0) {
            sent += (size_t)rc;
        } else if (errno == EAGAIN) {
            /* The pipe is full and was made non-blocking by someone: wait until it drains. */
            (void)poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            return err_set(err, STATUS_IO, "cannot send a record to the runner: %s", strerror(errno));
        }
    }
    return STATUS_OK;
}

/* ---- reading ---- */

void frame_reader_init(struct frame_reader *reader)
{
    reader->start = reader->end = 0;
    reader->broken = false;
    reader->complaint[0] = 0;
}

void frame_reader_feed(struct frame_reader *reader, const void *bytes, size_t n)
{
    if (reader->broken)
        return;
    memmove(reader->bytes, reader->bytes + reader->start, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    ASSERT(n <= sizeof reader->bytes - reader->end);
    memcpy(reader->bytes + reader->end, bytes, n);
    reader->end += n;
}

/* Reads one field at `at` of a payload of n bytes; returns the bytes it took, 0 with a complaint. */
static size_t decode_field(const unsigned char *at, size_t n, int *last_tag, struct record *record,
                           const char **complaint)
{
    int tag = at[0];
    char *to;
    if (tag <= *last_tag || tag > N_FIELDS) {
        *complaint = "an unknown or misplaced field";
        return 0;
    }
    *last_tag = tag;
    to = (char *)record + fields[tag - 1].offset;
    if (fields[tag - 1].text_size) {
        size_t length = n >= 3 ? (size_t)get(at + 1, 2) : 0;
        if (length == 0 || length > n - 3 || length >= fields[tag - 1].text_size ||
            memchr(at + 3, 0, length)) {
            *complaint = "a text of impossible length";
            return 0;
        }
        memcpy(to, at + 3, length);
        return 3 + length;
    }
    if (n < 9 || get(at + 1, 8) == 0) {
        *complaint = "a number cut short or zero";
        return 0;
    }
    memcpy(to, &(uint64_t){get(at + 1, 8)}, 8);
    return 9;
}

static const char *decode(const unsigned char *frame, size_t payload, struct record *out)
{
    const unsigned char *bytes = frame + FRAME_HEADER_SIZE;
    const char *complaint = NULL;
    int last_tag = 0;
    struct record record;
    memset(&record, 0, sizeof record);
    record.kind = (enum record_kind)get(frame + 4, 2);
    for (size_t at = 0; at < payload;) {
        size_t taken = decode_field(bytes + at, payload - at, &last_tag, &record, &complaint);
        if (taken == 0)
            return complaint;
        at += taken;
    }
    *out = record;
    return NULL;
}

static enum status complain(struct frame_reader *reader, const char *what, struct err *err)
{
    reader->broken = true;
    (void)str_copy(reader->complaint, sizeof reader->complaint, what);
    return err_set(err, STATUS_FORMAT, "not a frame: %s", what);
}

enum status frame_reader_next(struct frame_reader *reader, struct record *out, struct err *err)
{
    const unsigned char *frame = reader->bytes + reader->start;
    size_t n = reader->end - reader->start, payload;
    uint64_t kind;
    const char *complaint;
    if (reader->broken)
        return err_set(err, STATUS_FORMAT, "not a frame: %s", reader->complaint);
    if (n > 0 && memcmp(frame, magic, n < sizeof magic ? n : sizeof magic) != 0)
        return complain(reader, "wrong first bytes", err);
    if (n < FRAME_HEADER_SIZE)
        return STATUS_DONE;
    kind = get(frame + 4, 2);
    payload = (size_t)get(frame + 6, 2);
    if (kind < 1 || kind >= RECORD_KIND_COUNT)
        return complain(reader, "unknown kind", err);
    if (payload > FRAME_PAYLOAD_MAX)
        return complain(reader, "payload too long", err);
    if (n < FRAME_HEADER_SIZE + payload)
        return STATUS_DONE;
    if (get(frame + 8, 4) != checksum(frame, payload))
        return complain(reader, "wrong checksum", err);
    complaint = decode(frame, payload, out);
    if (complaint)
        return complain(reader, complaint, err);
    reader->start += FRAME_HEADER_SIZE + payload;
    return STATUS_OK;
}
