/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: no bytes make the reader of safetensors misbehave, and what it accepts lies in the file. Promises checked:
 * every tensor within the data section, as long as its type and shape say, found again by its name, all of its bytes
 * readable; no tensor missing from the sum; a refusal has a text. */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/model/safetensors.h"
#include "tests/fuzz/fuzz.h"

static const int sizes[] = {[DTYPE_F32] = 4, [DTYPE_F16] = 2, [DTYPE_BF16] = 2, [DTYPE_I8] = 1};

static void check_tensor(const struct safetensors *file, const struct safetensors_tensor *t)
{
    static volatile uint8_t sink;
    uint8_t sum = 0;
    int64_t numbers = 1;
    ASSERT(t->first >= (int64_t)file->data_at && t->past >= t->first && t->past <= (int64_t)file->size);
    ASSERT(safetensors_find(file, t->name) == t && safetensors_place(file, t->name) < file->data_at + 8);
    for (int i = 0; i < t->n_dimensions; i++)
        numbers *= t->shape[i];
    ASSERT(t->dtype == DTYPE_OTHER || t->past - t->first == numbers * sizes[t->dtype]);
    for (int64_t i = t->first; i < t->past; i++)
        sum = (uint8_t)(sum + file->bytes[i]);
    sink = sum;
    (void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct safetensors file;
    struct err err = ERR_INIT;
    int64_t sum = 0;
    if (safetensors_open(&file, fuzz_file(data, size), &err) != STATUS_OK) {
        ASSERT(err.status == STATUS_FORMAT && strstr(err.text, size ? ": byte " : "not a file"));
        return 0;
    }
    for (size_t i = 0; i < file.n; i++) {
        check_tensor(&file, &file.tensors[i]);
        sum += file.tensors[i].past - file.tensors[i].first;
    }
    ASSERT(sum == (int64_t)(file.size - file.data_at));
    if (safetensors_verify(&file, true, &err) != STATUS_OK)
        ASSERT(err.status == STATUS_CORRUPT);
    safetensors_close(&file);
    return 0;
}
