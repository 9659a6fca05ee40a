/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: no bytes make the reader of experiment files misbehave. Promises checked: a refusal has a place and a text; what is
 * accepted has a name and axes that are not empty, and is let go whole. */
#include <string.h>

#include "engine/base/assert.h"
#include "harness/spec/spec.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spec spec;
    struct err err = ERR_INIT;
    if (spec_read(&spec, "spec.yaml", (const char *)data, size, NULL, 0, &err) != STATUS_OK) {
        ASSERT(err.status == STATUS_USAGE && strncmp(err.text, "spec.yaml:", 10) == 0);
        return 0;
    }
    ASSERT(*spec.name && spec.n_axes >= 0 && spec.n_axes <= spec.axes_capacity);
    spec_release(&spec);
    return 0;
}
