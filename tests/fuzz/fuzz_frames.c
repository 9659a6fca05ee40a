/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: no bytes on the pipe make the reader of frames misbehave. Promises checked: what is accepted encodes to bytes that
 * stood in the input; the answer does not depend on how the bytes came in parts; after garbage nothing is accepted. */
#include <string.h>

#include "engine/base/assert.h"
#include "harness/run/frames.h"
#include "tests/fuzz/fuzz.h"

/* Reads everything in parts; returns how many records came, *status how it ended. */
static int read_all(const uint8_t *data, size_t size, size_t part, enum status *status)
{
    static struct frame_reader reader;
    struct record record;
    int n = 0;
    frame_reader_init(&reader);
    *status = STATUS_DONE;
    for (size_t at = 0; at < size && *status == STATUS_DONE; at += part) {
        frame_reader_feed(&reader, data + at, part < size - at ? part : size - at);
        while ((*status = frame_reader_next(&reader, &record, NULL)) == STATUS_OK) {
            unsigned char frame[FRAME_SIZE_MAX];
            size_t length = frame_encode(&record, frame);
            ASSERT(memmem(data, size, frame, length));
            n++;
        }
    }
    if (*status == STATUS_FORMAT)
        ASSERT(frame_reader_next(&reader, &record, NULL) == STATUS_FORMAT);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum status whole, parts;
    int n = read_all(data, size, FRAME_FEED_MAX, &whole);
    ASSERT(read_all(data, size, 7, &parts) == n && parts == whole);
    return 0;
}
