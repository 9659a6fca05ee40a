/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.h — one file of tensors (github.com/huggingface/safetensors, "Format"): a 64-bit little-endian length,
 * a JSON header of that length, the numbers.
 *
 * Reading. The file is mapped, not copied. It may come from a stranger: safetensors_open looks at everything the
 * header claims — types, shapes, lengths, offsets, overlaps, holes — before it answers, so that what it hands out
 * lies in the file. Besides the map it allocates the header's tree, bounded by SAFETENSORS_MEMORY and the file's own
 * size. Errors name the tensor and the byte of the file. Cutting a file while it is mapped ends its reader.
 *
 * Writing. The header first, then the numbers in its order. A file of ours carries in its header, as
 * `xxh3_128` of __metadata__, the XXH3 hash of all its bytes with zeros in place of the hash's own digits. */
#ifndef ENGINE_MODEL_SAFETENSORS_H
#define ENGINE_MODEL_SAFETENSORS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/json.h"
#include "engine/base/str.h"

enum dtype { DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_I8, DTYPE_OTHER };

enum { SAFETENSORS_DIMENSIONS = 8, SAFETENSORS_HEADER = 100 << 20, SAFETENSORS_MEMORY = 64 << 20 };

/* Who writes files with a checksum. Those of plain "isoflop", before, had none. */
#define SAFETENSORS_PRODUCER "isoflop 2"

struct safetensors_tensor {
    const char *name; /* in the header's tree */
    enum dtype dtype;
    int n_dimensions;
    int64_t shape[SAFETENSORS_DIMENSIONS];
    int64_t first, past; /* bytes of the file */
    bool taken;          /* for the reader's own use; false at first */
};

struct safetensors {
    char path[1024];
    const uint8_t *bytes; /* the map */
    size_t size;
    size_t data_at; /* where the header ends */
    struct json *header;
    struct safetensors_tensor *tensors; /* (n), by name; owned */
    size_t n;
};

/* Maps and checks. STATUS_NOT_FOUND when there is no such file, STATUS_FORMAT when it is not well-formed. */
MUST_CHECK enum status safetensors_open(struct safetensors *out, const char *path, struct err *err);
void safetensors_close(struct safetensors *file);

/* NULL when the file has no such tensor; the answer belongs to the file. */
struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name);

/* The byte where the header speaks of a name; 8, where it begins, when the name is written with escapes. */
size_t safetensors_place(const struct safetensors *file, const char *name);

/* A text of __metadata__; NULL when there is none of that name. */
const char *safetensors_note(const struct safetensors *file, const char *key);

/* Compares the bytes with the file's own checksum: STATUS_CORRUPT when they differ. A file without one passes
 * when it is not of SAFETENSORS_PRODUCER and `required` is false. Reads the whole file. */
MUST_CHECK enum status safetensors_verify(const struct safetensors *file, bool required, struct err *err);

/* Building a header: begin, notes, tensors, end. Notes are printable ASCII. *at is the next tensor's first byte after
 * the header, advanced by each. columns 0: a vector of `rows` numbers. */
void safetensors_header_begin(struct str *header);
void safetensors_header_note(struct str *header, const char *key, const char *value);
void safetensors_header_tensor(struct str *header, const char *name, const char *suffix, enum dtype dtype,
                               int64_t rows, int64_t columns, int64_t *at);
void safetensors_header_end(struct str *header);

/* A file being written. */
struct safetensors_writer {
    int fd;
    int64_t bytes;
    int64_t checksum_at;
    struct hasher *hasher;
    char path[1056];
};

/* Creates path (replacing a file there) and writes the header. On failure nothing is left open. */
MUST_CHECK enum status safetensors_create(struct safetensors_writer *w, const char *path,
                                          const struct str *header, struct err *err);
MUST_CHECK enum status safetensors_put(struct safetensors_writer *w, const void *bytes, size_t n,
                                       struct err *err);
/* With status OK writes the checksum, whose 32 digits `checksum` (33 bytes) gets, and syncs; closes in any case and
 * returns the first failure. */
MUST_CHECK enum status safetensors_finish(struct safetensors_writer *w, char *checksum, enum status status,
                                          struct err *err);

#endif
