/* SPDX-License-Identifier: Apache-2.0 */
/* test_source.c — goal: a window depends on its arguments alone, held-out text is never trained on, and what the data
 * is can be told from its identity.
 *
 * Method: text files in which any five bytes tell where they stand, so that a window shows what it was cut from; worlds
 * of which every line is known by its first letter. How fast windows are made is printed, for the curious. */
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/data/source.h"
#include "engine/data/world.h"

enum { CONTEXT = 64, LENGTH = CONTEXT + 1, BYTES = 100000, TRAIN = 90000, WINDOWS = 5000 };

static char folder[PATH_MAX];

static int make_folder(void **state)
{
    const char *parent = getenv("TMPDIR");
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/source-XXXXXX", parent && *parent ? parent : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* Three bytes of six bits each count the triples; the two upper bits say which of the three a byte is. */
static uint8_t code_at(int64_t at)
{
    int64_t triple = at / 3;
    int which = (int)(at % 3);
    return (uint8_t)(which << 6 | (triple >> 6 * (2 - which) & 63));
}

/* Where n >= 5 tokens of such a file begin. Fails if they do not stand there one after the other. */
static int64_t place_of(const int32_t *tokens, int n)
{
    int first = 0;
    int64_t place;
    while (tokens[first] >> 6 != 0)
        first++;
    assert_true(first <= 2 && tokens[first] < 256);
    place = 3 * ((int64_t)(tokens[first] & 63) << 12 | (tokens[first + 1] & 63) << 6 | (tokens[first + 2] & 63)) - first;
    for (int i = 0; i < n; i++)
        assert_int_equal(tokens[i], code_at(place + i));
    return place;
}

static const char *path_of(const char *name)
{
    static char path[PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *path, int64_t bytes, uint8_t (*byte_at)(int64_t at))
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int64_t i = 0; i < bytes; i++)
        assert_int_not_equal(putc(byte_at(i), file), EOF);
    assert_int_equal(fclose(file), 0);
}

static enum status open_path(struct source **out, const char *path, int context, struct err *err)
{
    struct source_config config = {.kind = SOURCE_TEXT, .path = path, .context = context};
    return source_open(out, &config, err);
}

/* A text source; the file is gone when this returns, which an open source does not mind. */
static struct source *open_text(int64_t bytes, int context)
{
    struct source *source = NULL;
    struct err err = ERR_INIT;
    const char *path = path_of("text");
    write_file(path, bytes, code_at);
    if (open_path(&source, path, context, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(unlink(path), 0);
    return source;
}

static struct source *open_world(uint64_t seed, double tasks, double facts, double junk)
{
    struct source_config config = {SOURCE_WORLD, NULL, CONTEXT, seed, tasks, facts, junk};
    struct source *source = NULL;
    struct err err = ERR_INIT;
    if (source_open(&source, &config, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return source;
}

/* ---- windows of any source ---- */

static bool same_window(const struct source *s, uint64_t seed, enum rng_stream stream, uint64_t index,
                        const int32_t *expected)
{
    int32_t tokens[LENGTH];
    source_window(s, seed, stream, index, tokens, LENGTH);
    return memcmp(tokens, expected, sizeof tokens) == 0;
}

static void check_purity(struct source *s, struct source *twin)
{
    int32_t window[LENGTH], part[10], more[LENGTH];
    int moved = 0;
    for (uint64_t i = 0; i < 50; i++) {
        source_window(s, 7, RNG_TRAIN_DATA, i, window, LENGTH);
        assert_true(same_window(s, 7, RNG_TRAIN_DATA, i, window));
        assert_true(same_window(twin, 7, RNG_TRAIN_DATA, i, window));
        assert_false(same_window(s, 7, RNG_TRAIN_DATA, i + 1, window));
        assert_false(same_window(s, 7, RNG_TRAIN_DATA, i + ((uint64_t)1 << 40), window));
        assert_false(same_window(s, 8, RNG_TRAIN_DATA, i, window));
        assert_false(same_window(s, 7 + ((uint64_t)1 << 40), RNG_TRAIN_DATA, i, window));
        assert_false(same_window(s, 7, RNG_HELDOUT_DATA, i, window));
        source_window(s, 7, RNG_HELDOUT_DATA, i, more, LENGTH);
        assert_true(same_window(s, 7, RNG_HELDOUT_DATA, i, more));
        assert_true(same_window(twin, 7, RNG_HELDOUT_DATA, i, more));
        assert_false(same_window(s, 7, RNG_HELDOUT_DATA, i + 1, more));
        source_window(s, 7, RNG_TRAIN_DATA, i, part, 10);
        moved += memcmp(part, window, sizeof part) != 0;
    }
    assert_true(source_train_bytes(s) > 0 || moved == 0); /* in a world, a shorter window is the beginning */
    source_free(s);
    source_free(twin);
}

static void test_windows_are_pure(void **state)
{
    (void)state;
    check_purity(open_text(BYTES, CONTEXT), open_text(BYTES, CONTEXT));
    check_purity(open_world(1, 0.2, 0.2, 0.2), open_world(1, 0.2, 0.2, 0.2));
}

/* ---- text ---- */

static void test_text_parts(void **state)
{
    struct source *s = open_text(BYTES, CONTEXT);
    int32_t tokens[LENGTH];
    int64_t first = BYTES, last = 0;
    int tenths[10] = {0};
    (void)state;
    assert_int_equal(source_train_bytes(s), TRAIN);
    assert_true(isnan(source_entropy_floor(s)));
    assert_true(source_bytes_of(s, 'a') == 1);
    for (uint64_t i = 0; i < WINDOWS; i++) {
        int64_t place;
        source_window(s, 3, RNG_TRAIN_DATA, i, tokens, LENGTH);
        place = place_of(tokens, LENGTH);
        assert_true(place >= 0 && place + LENGTH <= TRAIN);
        first = place < first ? place : first;
        last = place > last ? place : last;
        tenths[place * 10 / TRAIN]++;
    }
    assert_true(first < TRAIN / 500 && last + LENGTH > TRAIN - TRAIN / 500);
    for (int i = 0; i < 10; i++)
        assert_true(abs(tenths[i] - WINDOWS / 10) < 4.5 * sqrt(WINDOWS * 0.09));
    source_free(s);
}

/* Held-out windows lie in the last tenth, the same whatever the seed, and any number of them is spread over it. */
static void test_text_heldout(void **state)
{
    static const int numbers[] = {10, 20, 64, 100, 1000};
    struct source *s = open_text(BYTES, CONTEXT);
    int32_t tokens[LENGTH];
    (void)state;
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        int fifths[5] = {0}, n = numbers[k];
        for (uint64_t i = 0; i < (uint64_t)n; i++) {
            int64_t place;
            source_window(s, i, RNG_HELDOUT_DATA, i, tokens, LENGTH);
            assert_true(same_window(s, i + 1, RNG_HELDOUT_DATA, i, tokens));
            place = place_of(tokens, LENGTH);
            assert_true(place >= TRAIN && place + LENGTH <= BYTES);
            fifths[(place - TRAIN) * 5 / (BYTES - TRAIN - LENGTH + 1)]++;
        }
        for (int i = 0; i < 5; i++)
            assert_true(abs(fifths[i] - n / 5) <= 2);
    }
    source_free(s);
}

/* The smallest file that will do: windows stay inside, and reach every byte of both parts. */
static void test_text_smallest(void **state)
{
    for (int context = 8; context <= 80; context += 9) {
        int64_t bytes = 10 * (context + 2), train = bytes / 10 * 9, ends[2][2] = {{bytes, 0}, {bytes, 0}};
        struct source *s = open_text(bytes, context);
        int32_t tokens[81];
        (void)state;
        for (uint64_t i = 0; i < 5000; i++) {
            for (int heldout = 0; heldout < 2; heldout++) {
                int64_t place;
                source_window(s, 1, heldout ? RNG_HELDOUT_DATA : RNG_TRAIN_DATA, i, tokens, context + 1);
                place = place_of(tokens, context + 1);
                ends[heldout][0] = place < ends[heldout][0] ? place : ends[heldout][0];
                ends[heldout][1] = place > ends[heldout][1] ? place : ends[heldout][1];
            }
        }
        assert_int_equal(ends[0][0], 0);
        assert_int_equal(ends[0][1], train - context - 1);
        assert_int_equal(ends[1][0], train);
        assert_int_equal(ends[1][1], bytes - context - 1);
        source_free(s);
    }
}

/* Windows of tokens, decoded, lie in the same parts of the file as windows of bytes; nothing of the last tenth was seen. */
static void test_text_tokenized(void **state)
{
    struct source *s = open_text(BYTES, CONTEXT), *twin = open_text(BYTES, CONTEXT), *small = open_text(670, CONTEXT);
    struct tokenizer *tokenizers[3] = {NULL};
    struct err err = ERR_INIT;
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(tokenizer_train(&tokenizers[i], source_train_text(s), (size_t)source_train_bytes(s), 600, &err),
                         STATUS_OK);
    assert_int_equal(source_tokenize(s, tokenizers[0], &err), STATUS_OK);
    assert_int_equal(source_tokenize(twin, tokenizers[1], &err), STATUS_OK);
    assert_int_equal(source_tokenize(small, tokenizers[2], &err), STATUS_FORMAT); /* bytes enough, but not tokens */
    source_free(small);
    for (uint64_t i = 0; i < 1000; i++) {
        for (int heldout = 0; heldout < 2; heldout++) {
            int32_t tokens[LENGTH], bytes[LENGTH * 300];
            int64_t place, total = 0;
            int n = 0;
            source_window(s, 3, heldout ? RNG_HELDOUT_DATA : RNG_TRAIN_DATA, i, tokens, LENGTH);
            for (int k = 0; k < LENGTH; k++) {
                size_t length;
                const uint8_t *text = tokenizer_token(source_tokenizer(s), tokens[k], &length);
                total += source_bytes_of(s, tokens[k]);
                for (size_t b = 0; b < length; b++)
                    bytes[n++] = text[b];
            }
            assert_int_equal(n, total);
            place = place_of(bytes, n);
            assert_true(heldout ? place >= TRAIN && place + n <= BYTES : place >= 0 && place + n <= TRAIN);
        }
    }
    assert_true(source_unique_tokens(s, 3, 100000, LENGTH) < TRAIN);
    check_purity(s, twin);
}

static void refuses(const char *path, int context, enum status expected)
{
    struct source *source = NULL;
    struct err err = ERR_INIT;
    enum status status = open_path(&source, path, context, &err);
    if (status != expected)
        fail_msg("context %d of %s: %s: %s", context, path, status_name(status), err.text);
    assert_non_null(strstr(err.text, path));
    assert_null(source);
}

static void test_text_refusals(void **state)
{
    const char *path = path_of("bad");
    (void)state;
    refuses(path, CONTEXT, STATUS_NOT_FOUND);
    refuses(folder, CONTEXT, STATUS_FORMAT);
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)alarm(5); /* waiting for a writer would be a death, not a wait */
    refuses(path, CONTEXT, STATUS_FORMAT);
    (void)alarm(0);
    assert_int_equal(unlink(path), 0);
}

/* A file of any size is refused, or has windows in either part; a window and a byte more per part is the least. */
static void test_text_any_size(void **state)
{
    (void)state;
    for (int64_t bytes = 0; bytes < 150; bytes++) {
        const char *path = path_of("small");
        write_file(path, bytes, code_at);
        for (int context = 4; context < 20; context++) {
            struct source *s = NULL;
            struct err err = ERR_INIT;
            int32_t tokens[20];
            if (bytes < 2 * (context + 1) + 1)
                refuses(path, context, STATUS_FORMAT);
            if (open_path(&s, path, context, &err) != STATUS_OK) {
                assert_true(bytes < 10 * (context + 2));
                continue;
            }
            for (uint64_t i = 0; i < 40; i++) {
                source_window(s, 1, RNG_TRAIN_DATA, i, tokens, context + 1);
                assert_true(place_of(tokens, context + 1) + context + 1 <= source_train_bytes(s));
                source_window(s, 1, RNG_HELDOUT_DATA, i, tokens, context + 1);
                assert_true(place_of(tokens, context + 1) >= source_train_bytes(s));
            }
            source_free(s);
        }
        assert_int_equal(unlink(path), 0);
    }
}

/* ---- the world ---- */

/* In a world of facts only, the capital letter of a name and the line's end frame each line. A window that starts at a
 * random byte starts at a line's first byte once in a mean line, and anywhere else in a line as well. */
static void test_world_entry(void **state)
{
    struct world_config config = {1, 0, 1, 0};
    struct source *s = open_world(1, 0, 1, 0);
    struct world *world = NULL;
    struct err err = ERR_INIT;
    double at_start = 0, expected;
    int first_end[CONTEXT] = {0};
    (void)state;
    assert_int_equal(world_new(&world, &config, &err), STATUS_OK);
    for (uint64_t i = 0; i < 20000; i++) {
        int32_t tokens[LENGTH];
        int end = 0;
        source_window(s, 2, RNG_TRAIN_DATA, i, tokens, LENGTH);
        for (int t = 0; t < LENGTH; t++)
            assert_true(tokens[t] == '\n' || (tokens[t] >= ' ' && tokens[t] < 127));
        while (end < CONTEXT && tokens[end] != '\n')
            end++;
        assert_true(end < 32); /* no fact is longer */
        first_end[end]++;
        assert_true(tokens[end + 1] >= 'A' && tokens[end + 1] <= 'Z');
        at_start += tokens[0] >= 'A' && tokens[0] <= 'Z' && end >= 14; /* cities stand nearer to the end */
    }
    expected = 20000 / world_line_bytes(world);
    assert_true(at_start > 0.85 * expected && at_start < 1.25 * expected);
    for (int end = 0; end < 15; end++) /* every line has at least 15 bytes: each of these is as likely as the other */
        assert_true(fabs(first_end[end] - expected) < 0.25 * expected);
    world_free(world);
    source_free(s);
}

static void test_world_floor(void **state)
{
    struct world_config config = {4, 0.2, 0.3, 0.1};
    struct source *s = open_world(4, 0.2, 0.3, 0.1);
    struct world *world = NULL;
    struct err err = ERR_INIT;
    struct source_config bad = {.kind = SOURCE_WORLD, .context = CONTEXT, .junk = 2};
    (void)state;
    assert_int_equal(world_new(&world, &config, &err), STATUS_OK);
    assert_true(source_entropy_floor(s) == world_entropy_floor(world));
    assert_int_equal(source_train_bytes(s), 0);
    assert_true(source_bytes_of(s, 'a') == 1);
    world_free(world);
    source_free(s);
    s = NULL;
    assert_int_equal(source_open(&s, &bad, &err), STATUS_USAGE);
    assert_null(s);
    source_free(NULL);
}

/* ---- identity ---- */

static void assert_identity(struct source *s, const char *expected)
{
    struct str text;
    str_init(&text);
    str_append(&text, "data: ");
    source_identity(s, &text);
    assert_string_equal(text.text, expected);
    str_release(&text);
    source_free(s);
}

static uint8_t letter_a(int64_t at)
{
    (void)at;
    return 'a';
}

/* The digest of a million times the letter a is the third example of FIPS 180-2, and what sha256sum prints. */
static void test_identity(void **state)
{
    struct source *s = NULL;
    struct err err = ERR_INIT;
    const char *path = path_of("identity");
    (void)state;
    write_file(path, 1000000, letter_a);
    assert_int_equal(open_path(&s, path, CONTEXT, &err), STATUS_OK);
    assert_int_equal(unlink(path), 0);
    assert_identity(s, "data: text sha256=cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0 "
                       "bytes=1000000");
    assert_identity(open_world(1, 0.25, 0.125, 0.1),
                    "data: world " WORLD_VERSION " seed=1 tasks=0.25 facts=0.125 junk=0.1");
    assert_identity(open_world(UINT64_MAX, 0, 0, 0),
                    "data: world " WORLD_VERSION " seed=18446744073709551615 tasks=0 facts=0 junk=0");
}

/* ---- speed, not judged ---- */

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void print_speed(const char *name, struct source *s)
{
    int32_t tokens[LENGTH];
    double begin = seconds();
    for (uint64_t i = 0; i < 20000; i++)
        source_window(s, 1, RNG_TRAIN_DATA, i, tokens, LENGTH);
    print_message("# %s: %.1f million tokens per second\n", name, 20000 * LENGTH / 1e6 / (seconds() - begin));
    source_free(s);
}

static void test_speed(void **state)
{
    (void)state;
    print_speed("world", open_world(1, 0.25, 0.1, 0.1));
    print_speed("text", open_text(BYTES, CONTEXT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_are_pure), cmocka_unit_test(test_text_parts),
        cmocka_unit_test(test_text_tokenized), cmocka_unit_test(test_text_heldout),     cmocka_unit_test(test_text_smallest),
        cmocka_unit_test(test_text_refusals),    cmocka_unit_test(test_text_any_size),
        cmocka_unit_test(test_world_entry),      cmocka_unit_test(test_world_floor),
        cmocka_unit_test(test_identity),         cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
