/* SPDX-License-Identifier: Apache-2.0 */
/* test_frames.c — goal: a record crosses the pipe unchanged, and nothing else does.
 *
 * Method: records of every kind, full and empty, go through encoder and reader in pieces of every size and are
 * compared byte by byte; every truncation must be taken as "not yet", every single flipped bit as garbage;
 * 100 000 random inputs, half of them damaged frames with a right checksum in reach, must neither crash nor
 * (under the sanitizers) touch a byte outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/rng.h"
#include "harness/run/control.h"
#include "harness/run/frames.h"

/* A record with every field set to something of its own, the longest texts included. */
static struct record full_record(enum record_kind kind)
{
    struct record record;
    memset(&record, 0, sizeof record);
    record.kind = kind;
    record.step = INT64_MIN;
    record.count = -1;
    record.index = INT64_MAX;
    record.batch = 1;
    record.tokens = 1LL << 40;
    record.value = -0.0;
    record.stderror = NAN;
    record.chance = 1e-310;
    memset(record.name, 'n', sizeof record.name - 1);
    memset(record.task, 't', sizeof record.task - 1);
    memset(record.text, 0xff, sizeof record.text - 1);
    return record;
}

static void assert_same(const struct record *a, const struct record *b)
{
    assert_memory_equal(a, b, sizeof *a);
}

static void every_kind_comes_back(void **state)
{
    static struct frame_reader reader;
    (void)state;
    frame_reader_init(&reader);
    for (int kind = 1; kind < RECORD_KIND_COUNT; kind++)
        for (int filled = 0; filled < 2; filled++) {
            unsigned char frame[FRAME_SIZE_MAX];
            struct record sent, got;
            size_t n;
            memset(&sent, 0, sizeof sent);
            sent.kind = (enum record_kind)kind;
            if (filled)
                sent = full_record((enum record_kind)kind);
            n = frame_encode(&sent, frame);
            assert_true(filled || n == FRAME_HEADER_SIZE);
            frame_reader_feed(&reader, frame, n);
            assert_int_equal(frame_reader_next(&reader, &got, NULL), STATUS_OK);
            assert_same(&sent, &got);
            assert_int_equal(frame_reader_next(&reader, &got, NULL), STATUS_DONE);
        }
}

static void pieces_of_any_size_come_back(void **state)
{
    static struct frame_reader reader;
    static unsigned char stream[20 * 1024];
    size_t length = 0;
    int n_sent = 0;
    (void)state;
    while (length + FRAME_SIZE_MAX < sizeof stream) {
        struct record record = full_record(RECORD_METRIC);
        record.step = n_sent++;
        length += frame_encode(&record, stream + length);
    }
    for (size_t piece = 1; piece < 3000; piece = piece * 3 / 2 + 1) {
        int n_got = 0;
        frame_reader_init(&reader);
        for (size_t at = 0; at < length; at += piece) {
            struct record got;
            frame_reader_feed(&reader, stream + at, length - at < piece ? length - at : piece);
            while (frame_reader_next(&reader, &got, NULL) == STATUS_OK)
                assert_int_equal(got.step, n_got++);
        }
        assert_int_equal(n_got, n_sent);
    }
}

static void truncation_is_not_yet(void **state)
{
    static struct frame_reader reader;
    unsigned char frame[FRAME_SIZE_MAX];
    struct record sent = full_record(RECORD_EVAL), got;
    size_t n = frame_encode(&sent, frame);
    (void)state;
    for (size_t cut = 0; cut < n; cut++) {
        frame_reader_init(&reader);
        frame_reader_feed(&reader, frame, cut);
        memset(&got, 7, sizeof got);
        assert_int_equal(frame_reader_next(&reader, &got, NULL), STATUS_DONE);
        assert_int_equal(((unsigned char *)&got)[0], 7); /* *out only on success */
    }
}

static void a_flipped_bit_is_noticed(void **state)
{
    static struct frame_reader reader;
    unsigned char frame[FRAME_SIZE_MAX];
    struct record sent = full_record(RECORD_TEXT), got;
    size_t n = frame_encode(&sent, frame);
    (void)state;
    for (size_t bit = 0; bit < 8 * n; bit++) {
        struct err err = ERR_INIT;
        enum status status;
        frame[bit / 8] ^= (unsigned char)(1 << bit % 8);
        frame_reader_init(&reader);
        frame_reader_feed(&reader, frame, n);
        status = frame_reader_next(&reader, &got, &err);
        /* A length that grew makes the reader wait for more; everything else is garbage at once. */
        assert_true(status == STATUS_FORMAT || (status == STATUS_DONE && bit / 8 / 2 == 3));
        assert_true(status == STATUS_DONE || strncmp(err.text, "not a frame: ", 13) == 0);
        frame[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

static void garbage_is_refused_for_good(void **state)
{
    static struct frame_reader reader;
    unsigned char frame[FRAME_SIZE_MAX];
    struct record sent = full_record(RECORD_TEXT), got;
    size_t n = frame_encode(&sent, frame);
    struct err err = ERR_INIT;
    (void)state;
    frame_reader_init(&reader);
    frame_reader_feed(&reader, "hello, world", 12);
    assert_int_equal(frame_reader_next(&reader, &got, &err), STATUS_FORMAT);
    assert_string_equal(err.text, "not a frame: wrong first bytes");
    for (int i = 0; i < 10; i++) {
        frame_reader_feed(&reader, frame, n);
        assert_int_equal(frame_reader_next(&reader, &got, NULL), STATUS_FORMAT);
    }
}

/* CRC-32 by the book, bit by bit: gives damaged payloads a right checksum, and checks the one in frames.c. */
static uint32_t slow_crc32(const unsigned char *a, size_t n_a, const unsigned char *b, size_t n_b)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n_a + n_b; i++) {
        crc ^= i < n_a ? a[i] : b[i - n_a];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? (crc >> 1) ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

static void random_garbage_is_survived(void **state)
{
    static struct frame_reader reader;
    struct rng rng = rng_open(20, RNG_TEST, 0);
    int accepted = 0;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        unsigned char frame[FRAME_SIZE_MAX];
        struct record record = full_record((enum record_kind)(1 + i % (RECORD_KIND_COUNT - 1))), got;
        size_t n;
        record.text[rng_below(&rng, RECORD_TEXT_SIZE / 16)] = 0;
        n = frame_encode(&record, frame);
        if (i % 2) {
            n = rng_below(&rng, 200);
            for (size_t k = i % 4 == 1 ? 8 : 0; k < n; k++)
                frame[k] = (unsigned char)rng_u32(&rng);
        } else {
            /* Damage the payload and sign it again, so that the field decoder itself is reached. */
            size_t payload = n - FRAME_HEADER_SIZE;
            uint32_t crc;
            for (int k = 0; k < 3; k++)
                frame[FRAME_HEADER_SIZE + rng_below(&rng, (uint32_t)payload)] = (unsigned char)rng_below(&rng, 20);
            crc = slow_crc32(frame + 4, 4, frame + FRAME_HEADER_SIZE, payload);
            for (int k = 0; k < 4; k++)
                frame[8 + k] = (unsigned char)(crc >> (8 * k));
        }
        frame_reader_init(&reader);
        frame_reader_feed(&reader, frame, n);
        while (frame_reader_next(&reader, &got, NULL) == STATUS_OK) {
            unsigned char again[FRAME_SIZE_MAX];
            /* What is accepted is a record that has this very encoding. */
            assert_true(got.kind > 0 && got.kind < RECORD_KIND_COUNT);
            assert_int_equal(frame_encode(&got, again), n);
            assert_memory_equal(again, frame, n);
            accepted++;
        }
    }
    assert_in_range(accepted, 1, 99999);
}

struct slow_pipe {
    int fd;
    int n_read;
};

static void *drain_slowly(void *context)
{
    static struct frame_reader reader;
    struct slow_pipe *pipe_end = context;
    unsigned char bytes[777];
    ssize_t n;
    frame_reader_init(&reader);
    while ((n = read(pipe_end->fd, bytes, sizeof bytes)) > 0) {
        struct record got;
        frame_reader_feed(&reader, bytes, (size_t)n);
        while (frame_reader_next(&reader, &got, NULL) == STATUS_OK)
            pipe_end->n_read += got.step == pipe_end->n_read;
    }
    return NULL;
}

static void short_writes_are_completed(void **state)
{
    struct slow_pipe reading = {0};
    pthread_t thread;
    int fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    (void)fcntl(fds[1], F_SETPIPE_SZ, 4096);
    assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0); /* makes short writes and EAGAIN */
    reading.fd = fds[0];
    assert_int_equal(pthread_create(&thread, NULL, drain_slowly, &reading), 0);
    for (int i = 0; i < 2000; i++) {
        struct record record = full_record(RECORD_METRIC);
        record.step = i;
        assert_int_equal(frames_write(fds[1], &record, NULL), STATUS_OK);
    }
    (void)close(fds[1]);
    (void)pthread_join(thread, NULL);
    (void)close(fds[0]);
    assert_int_equal(reading.n_read, 2000);
}

static void a_closed_pipe_is_an_error(void **state)
{
    struct record record = {.kind = RECORD_PARKED};
    struct err err = ERR_INIT;
    int fds[2];
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fds), 0);
    (void)close(fds[0]);
    assert_int_equal(frames_write(fds[1], &record, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "Broken pipe"));
    (void)close(fds[1]);
}

static struct assignment sample_assignment(void)
{
    struct assignment assignment;
    memset(&assignment, 0, sizeof assignment);
    (void)snprintf(assignment.id, sizeof assignment.id, "%032d", 7);
    (void)snprintf(assignment.checkpoint, sizeof assignment.checkpoint, "/tmp/a folder");
    knobs_preset(&assignment.knobs);
    assignment.knobs.seed = 42;
    return assignment;
}

static void configuration_comes_back(void **state)
{
    struct assignment sent = sample_assignment(), got;
    int fds[2];
    char next;
    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(control_configure(fds[1], &sent, 1.0, NULL), STATUS_OK);
    control_send(fds[1], CONTROL_PARK);
    assert_int_equal(control_read_configuration(fds[0], &got, NULL), STATUS_OK);
    assert_string_equal(got.id, sent.id);
    assert_string_equal(got.checkpoint, sent.checkpoint);
    assert_string_equal(got.parent, "");
    assert_memory_equal(&got.knobs, &sent.knobs, sizeof got.knobs);
    assert_int_equal(read(fds[0], &next, 1), 1); /* the command after it is still there */
    assert_int_equal(next, CONTROL_PARK);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* Feeds n bytes to the configuration's reader. */
static enum status read_bytes(const void *bytes, size_t n, struct err *err)
{
    struct assignment got;
    enum status status;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], bytes, n), (ssize_t)n);
    (void)close(fds[1]);
    status = control_read_configuration(fds[0], &got, err);
    (void)close(fds[0]);
    return status;
}

static void broken_configuration_is_refused(void **state)
{
    struct assignment sent = sample_assignment();
    static char bytes[8192];
    struct err err = ERR_INIT;
    ssize_t n;
    int fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(control_configure(fds[1], &sent, 1.0, NULL), STATUS_OK);
    n = read(fds[0], bytes, sizeof bytes);
    assert_in_range(n, 100, sizeof bytes - 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
    assert_int_equal(read_bytes(bytes, (size_t)n, NULL), STATUS_OK);
    for (ssize_t cut = 0; cut < n; cut++)
        assert_int_equal(read_bytes(bytes, (size_t)cut, NULL), STATUS_FORMAT);
    assert_int_equal(read_bytes("model:\n  width: 64\n", 19, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.text, "isoflop run"));
    bytes[4] = 0; /* a zero byte inside the id */
    assert_int_equal(read_bytes(bytes, (size_t)n, NULL), STATUS_FORMAT);
}

static void outcomes_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        assert_int_equal(outcome_from_name(outcome_name((enum outcome)i)), i);
    assert_int_equal(outcome_from_name("finished"), OUTCOME_COUNT);
    assert_string_equal(outcome_name(OUTCOME_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back),
        cmocka_unit_test(pieces_of_any_size_come_back),
        cmocka_unit_test(truncation_is_not_yet),
        cmocka_unit_test(a_flipped_bit_is_noticed),
        cmocka_unit_test(garbage_is_refused_for_good),
        cmocka_unit_test(random_garbage_is_survived),
        cmocka_unit_test(short_writes_are_completed),
        cmocka_unit_test(a_closed_pipe_is_an_error),
        cmocka_unit_test(configuration_comes_back),
        cmocka_unit_test(broken_configuration_is_refused),
        cmocka_unit_test(outcomes_have_names),
    };
    return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
