/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: no file, however made, crashes the reader, makes it allocate by a claim, or is read wrongly. Method: one file
 * for each lie that a header can tell, whose refusal has to name tensor and byte; a model of ours cut at every byte
 * and with every bit of its header flipped; the same flips on a foreign model, which has no checksum and may be read
 * where the flip says so; enormous claims in a process that may allocate only a little. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/model/checkpoint.h"
#include "engine/model/safetensors.h"
#include "tests/engine/foreign.h"

static enum status open_raw(const char *folder, const char *header, size_t length, size_t data,
                            struct err *err)
{
    static const uint8_t zeros[4096];
    struct safetensors file;
    char path[64];
    enum status status;
    foreign_raw(folder, "x.safetensors", header, length, zeros, data);
    (void)snprintf(path, sizeof path, "%s/x.safetensors", folder);
    status = safetensors_open(&file, path, err);
    if (status == STATUS_OK)
        safetensors_close(&file);
    return status;
}

/* Headers, how many bytes follow, and what the refusal says; NULL: this one is true. */
#define T(name, dtype, shape, offsets)                                                                       \
    "\"" name "\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}"
static const struct {
    const char *header;
    size_t data;
    const char *says;
} lies[] = {
    {"{" T("a", "\"F32\"", "[2]", "[0,8]") "}", 8, NULL},
    {"{" T("a", "\"F32\"", "[]", "[0,4]") "," T("b", "\"I64\"", "[0,3]", "[4,4]") "}", 4, NULL},
    {"{" T("b", "\"BF16\"", "[1,1,1]", "[8,10]") "," T("a", "\"F64\"", "[1]", "[0,8]") "}", 10, NULL},
    {"{}", 0, NULL},
    {"{\"__metadata__\":{\"a\":\"b\"}}", 0, NULL},
    {"{}", 1, "byte 10: the last tensor '' ends here, the file at 11"},
    {"{" T("a", "\"F32\"", "[2]", "[0,8]") "}", 9, "byte 70: the last tensor 'a' ends here"},
    {"{" T("a", "\"F32\"", "[2]", "[0,8]") "}", 7, "byte 9: tensor 'a': it claims bytes 0 to 8 of the 7"},
    {"{" T("a", "\"F32\"", "[2]", "[4,12]") "}", 12, "tensor 'a' leaves a hole"},
    {"{" T("a", "\"F32\"", "[2]", "[0,8]") "," T("b", "\"F32\"", "[2]", "[4,12]") "}", 12,
     "'b' overlaps"},
    {"{" T("a", "\"F32\"", "[2]", "[0,8]") "," T("b", "\"F32\"", "[2]", "[0,8]") "}", 8, "overlaps"},
    {"{" T("a", "\"F32\"", "[2]", "[0,8]") "," T("b", "\"F32\"", "[1]", "[12,16]") "}", 16,
     "'b' leaves a hole"},
    {"{" T("a", "\"F32\"", "[3]", "[0,8]") "}", 8,
     "tensor 'a': its shape needs 12 bytes, its data_offsets give 8"},
    {"{" T("a", "\"F32\"", "[2]", "[8,0]") "}", 8, "tensor 'a': it claims bytes 8 to 0"},
    {"{" T("a", "\"F32\"", "[2]", "[-8,0]") "}", 8, "tensor 'a': it claims bytes -8 to 0"},
    {"{" T("a", "\"F32\"", "[2]", "[0,9223372036854775807]") "}", 8,
     "tensor 'a': it claims bytes 0 to 92233720"},
    {"{" T("a", "\"F32\"", "[2]", "[9223372036854775800,9223372036854775807]") "}", 8,
     "tensor 'a': it claims"},
    {"{" T("a", "\"F32\"", "[4611686018427387904]", "[0,0]") "}", 0,
     "tensor 'a': its shape is larger than any file"},
    {"{" T("a", "\"I8\"", "[4294967296,4294967296]", "[0,0]") "}", 0, "tensor 'a': its shape is larger"},
    {"{" T("a", "\"I8\"", "[-1,-8]", "[0,8]") "}", 8, "tensor 'a': number 1 of its shape"},
    {"{" T("a", "\"I8\"", "[2,4.0]", "[0,8]") "}", 8, "tensor 'a': number 2 of its shape"},
    {"{" T("a", "\"I8\"", "[2,\"4\"]", "[0,8]") "}", 8, "tensor 'a': number 2 of its shape"},
    {"{" T("a", "\"I8\"", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1,
     "tensor 'a': its shape is not an array of at most 8"},
    {"{" T("a", "\"I8\"", "8", "[0,8]") "}", 8, "tensor 'a': its shape is not an array"},
    {"{" T("a", "\"I8\"", "[8]", "[0,8,9]") "}", 8, "tensor 'a': its data_offsets are not two"},
    {"{" T("a", "\"I8\"", "[8]", "[0.0,8]") "}", 8, "tensor 'a': its data_offsets are not two"},
    {"{" T("a", "\"I8\"", "[8]", "{}") "}", 8, "tensor 'a': its data_offsets are not two"},
    {"{" T("a", "\"F33\"", "[2]", "[0,8]") "}", 8, "tensor 'a': its dtype 'F33' is unknown"},
    {"{" T("a", "8", "[2]", "[0,8]") "}", 8, "tensor 'a': its dtype is a whole number"},
    {"{\"a\":7}", 8, "tensor 'a': described by a whole number"},
    {"{\"a\":{}}", 8, "tensor 'a': its dtype is no value"},
    {"{" T("a", "\"I8\"", "[4]", "[0,4]") "," T("a", "\"I8\"", "[4]", "[4,8]") "}", 8,
     "byte 64: duplicate"},
    {"{" T("\\u001b[2J", "\"F33\"", "[2]", "[0,8]") "}", 8, "tensor '?[2J': its dtype"},
    {"{" T("a\\u0000b", "\"I8\"", "[8]", "[0,8]") "}", 8, "byte"},
    {"{" T("\xff", "\"I8\"", "[8]", "[0,8]") "}", 8, "byte"},
    {"{\"__metadata__\":[]}", 0, "__metadata__ is an array"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "a value of __metadata__ is a whole number"},
    {"[]", 0, "byte 8: the header is an array"},
    {"", 0, "byte 8"},
    {"{", 0, "byte 9"},
};
#undef T

static void test_lies(void **state)
{
    char folder[32];
    (void)state;
    foreign_open(folder);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct err err = ERR_INIT;
        enum status status = open_raw(folder, lies[i].header, strlen(lies[i].header), lies[i].data, &err);
        if (!lies[i].says && status != STATUS_OK)
            fail_msg("%s is refused: %s", lies[i].header, err.text);
        if (lies[i].says &&
            (status != STATUS_FORMAT || !strstr(err.text, lies[i].says) || !strstr(err.text, ": byte ")))
            fail_msg("%s: %s, %s", lies[i].header, status_name(status), err.text);
    }
    foreign_close(folder);
}

/* The header's length is the first thing that can lie. */
static void test_lengths(void **state)
{
    static const uint64_t lengths[] = {3,          1 << 20,       (uint64_t)1 << 32, (uint64_t)1 << 63,
                                       UINT64_MAX, UINT64_MAX - 7};
    char folder[32], path[64];
    struct safetensors file;
    (void)state;
    foreign_open(folder);
    (void)snprintf(path, sizeof path, "%s/x.safetensors", folder);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct err err = ERR_INIT;
        uint8_t bytes[10] = {0, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
        for (int b = 0; b < 8; b++)
            bytes[b] = (uint8_t)(lengths[i] >> (8 * b));
        foreign_put(folder, "x.safetensors", bytes, sizeof bytes);
        assert_int_equal(safetensors_open(&file, path, &err), STATUS_FORMAT);
        assert_non_null(strstr(err.text, "byte 0: the header claims"));
    }
    struct err err = ERR_INIT;
    foreign_put(folder, "x.safetensors", "", 0);
    assert_int_equal(safetensors_open(&file, path, &err), STATUS_FORMAT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(safetensors_open(&file, path, &err), STATUS_NOT_FOUND);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it: reading would wait for ever */
    assert_int_equal(safetensors_open(&file, path, &err), STATUS_FORMAT);
    foreign_close(folder);
}

static struct config small(void)
{
    return (struct config){.vocabulary = 5,
                           .context = 4,
                           .depth = 1,
                           .width = 8,
                           .heads = 2,
                           .kv_heads = 1,
                           .ffn = 8,
                           .experts = 2,
                           .experts_per_token = 1,
                           .routed = true,
                           .base_width = 64,
                           .rope_base = 10000,
                           .norm_eps = 1e-5};
}

/* model.safetensors of a folder, mapped for changing. */
struct patient {
    char folder[32], path[64];
    int fd;
    uint8_t bytes[1 << 16];
    ssize_t size;
    int64_t header; /* where it ends */
    struct model model;
};

static void admit(struct patient *p)
{
    (void)snprintf(p->path, sizeof p->path, "%s/model.safetensors", p->folder);
    p->fd = open(p->path, O_RDWR);
    assert_true(p->fd >= 0);
    p->size = pread(p->fd, p->bytes, sizeof p->bytes, 0);
    assert_true(p->size > 0 && p->size < (ssize_t)sizeof p->bytes);
    p->header = 8 + (p->bytes[0] | p->bytes[1] << 8);
}

static void discharge(struct patient *p)
{
    (void)close(p->fd);
    model_release(&p->model);
    foreign_close(p->folder);
}

static enum status load(struct patient *p, struct err *err)
{
    return checkpoint_load(p->folder, &p->model, err);
}

static void flip(struct patient *p, int64_t at, int bit)
{
    uint8_t byte = (uint8_t)(p->bytes[at] ^ 1 << bit);
    assert_int_equal(pwrite(p->fd, &byte, 1, at), 1);
}

static void restore(struct patient *p, int64_t at)
{
    assert_int_equal(pwrite(p->fd, p->bytes + at, 1, at), 1);
}

/* Nothing but the whole file, as it was written, is read. */
static void test_damage_of_ours(void **state)
{
    static struct patient p;
    struct config config = small();
    struct err err = ERR_INIT;
    (void)state;
    foreign_open(p.folder);
    assert_int_equal(model_open(&p.model, &config, 1, MODEL_SCORE, &err), STATUS_OK);
    model_init_weights(&p.model, 1);
    assert_int_equal(checkpoint_save(p.folder, &p.model, NULL, NULL, &err), STATUS_OK);
    admit(&p);
    for (int64_t at = 0; at < p.header; at++) {
        for (int bit = 0; bit < 8; bit++) {
            enum status status;
            *err.text = 0;
            flip(&p, at, bit);
            status = load(&p, &err);
            if ((status != STATUS_FORMAT && status != STATUS_CORRUPT) || !strstr(err.text, ": byte "))
                fail_msg("bit %d of byte %d: %s, %s", bit, (int)at, status_name(status), err.text);
        }
        restore(&p, at);
    }
    for (int64_t at = p.header; at < p.size; at++) {
        flip(&p, at, (int)(at % 8));
        assert_int_equal(load(&p, &err), STATUS_CORRUPT);
        assert_non_null(strstr(err.text, "checksum"));
        restore(&p, at);
    }
    for (int64_t length = p.size - 1; length >= 0; length--) {
        assert_int_equal(ftruncate(p.fd, length), 0);
        if (load(&p, &err) != STATUS_FORMAT || (length >= p.header && !strstr(err.text, "tensor '")))
            fail_msg("cut to %d bytes: %s", (int)length, err.text);
    }
    assert_int_equal(pwrite(p.fd, p.bytes, (size_t)p.size, 0), p.size);
    assert_int_equal(load(&p, &err), STATUS_OK);
    assert_int_equal(pwrite(p.fd, "x", 1, p.size), 1); /* one byte more */
    assert_int_equal(load(&p, &err), STATUS_FORMAT);
    discharge(&p);
}

/* A file without a checksum: what is read is what the changed header says, or it is refused. */
static void test_damage_of_others(void **state)
{
    static struct patient p;
    struct config config;
    struct err err = ERR_INIT;
    bool is_i8;
    int refused = 0, accepted = 0;
    (void)state;
    foreign_open(p.folder);
    foreign_config(p.folder, false, ",\"max_position_embeddings\":4");
    foreign_model(p.folder, false, true, "BF16", 1);
    /* untied, the head is missing */
    assert_int_equal(checkpoint_config(p.folder, &config, &is_i8, &err), STATUS_FORMAT);
    foreign_config(p.folder, false, ",\"max_position_embeddings\":4,\"tie_word_embeddings\":true");
    assert_int_equal(checkpoint_config(p.folder, &config, &is_i8, &err), STATUS_OK);
    assert_int_equal(model_open(&p.model, &config, 1, MODEL_SCORE, &err), STATUS_OK);
    admit(&p);
    for (int64_t at = 0; at < p.header; at++) {
        for (int bit = 0; bit < 8; bit++) {
            enum status status;
            flip(&p, at, bit);
            status = load(&p, &err);
            refused += status == STATUS_FORMAT;
            accepted += status == STATUS_OK; /* a blank that became another one */
            assert_true(status == STATUS_FORMAT || status == STATUS_OK);
        }
        restore(&p, at);
    }
    assert_true(refused > 20 * accepted);
    discharge(&p);
}

/* Reads a folder's configuration in a process that may take `more` bytes of memory, and passes when it is refused with
 * `says` (NULL: when it is read). */
static void read_with(size_t more, const char *folder, const char *says)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct config config;
        struct err err = ERR_INIT;
        bool is_i8;
#ifndef __SANITIZE_ADDRESS__ /* whose own memory would count too */
        long size, resident, shared, text, library, data;
        FILE *statm = fopen("/proc/self/statm", "r");
        if (!statm ||
            fscanf(statm, "%ld %ld %ld %ld %ld %ld", &size, &resident, &shared, &text, &library, &data) != 6)
            _exit(90);
        (void)fclose(statm);
        struct rlimit limit = {(size_t)(data * sysconf(_SC_PAGESIZE)) + more, RLIM_INFINITY};
        void *volatile much; /* so that the compiler does not assume that there is enough */
        if (setrlimit(RLIMIT_DATA, &limit) != 0 ||
            (much = malloc(more + (64 << 20))) != NULL) /* the limit works */
            _exit(91);
#else
        (void)more;
#endif
        if (checkpoint_config(folder, &config, &is_i8, &err) == STATUS_OK)
            _exit(says ? 92 : 0);
        _exit(says && strstr(err.text, says) ? 0 : 93);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* A terabyte of weights claimed over a file of a kilobyte, and headers that would grow to many times their size. */
static void test_memory(void **state)
{
    static const char claim[] =
        "{\"model_type\":\"llama\",\"hidden_size\":131072,\"intermediate_size\":99999,\"num_hidden_layers\":1024,"
        "\"num_attention_heads\":1024,\"num_key_value_heads\":1024,\"vocab_size\":1048576,\"max_position_embeddings\":1048576}";
    const char *const fillings[] = {"[],", "{},", "1,", "[[[[[[[[[[[[[[1]]]]]]]]]]]]]],", "\"\","};
    char folder[32];
    struct str header;
    (void)state;
    foreign_open(folder);
    foreign_model(folder, false, false, "F16", 1);
    foreign_put(folder, "config.json", claim, strlen(claim));
    read_with(16 << 20, folder,
              "'model.layers.0.input_layernorm.weight' is 8, by config.json it should be 131072");
    foreign_config(folder, false, "");
    read_with(16 << 20, folder, NULL);
    str_init(&header);
    for (size_t i = 0; i < sizeof fillings / sizeof *fillings; i++) {
        str_clear(&header);
        str_append(&header, "{\"a\":[");
        while (header.length < 8 << 20)
            str_append(&header, fillings[i]);
        str_append(&header, "0]}");
        foreign_raw(folder, "model.safetensors", header.text, header.length, "", 0);
        read_with(1 << 20, folder, "bytes of memory");
    }
    str_release(&header);
    foreign_close(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lies),           cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_damage_of_ours), cmocka_unit_test(test_damage_of_others),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
