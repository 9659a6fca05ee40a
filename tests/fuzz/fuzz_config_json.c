/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: no bytes make the reader of config.json misbehave, and what it accepts is a shape that fits. Promises checked:
 * config_check's limits hold; the shape's tensors can be counted; written by us and read again it is the same; a
 * refusal has a text. */
#include <math.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/model/checkpoint_config.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct config *config, bool is_i8)
{
    struct tensor_info info[TENSOR_COUNT];
    struct config again;
    struct str text, second;
    struct err err = ERR_INIT;
    bool again_i8;
    ASSERT(config_check(config, &err) == STATUS_OK);
    ASSERT(config_tensors(config, info) > 0);
    ASSERT(isfinite(config->rope_base) && config->rope_base > 0 && isfinite(config->norm_eps) &&
           config->norm_eps >= 0);
    str_init(&text);
    str_init(&second);
    checkpoint_config_format(&text, config, is_i8);
    ASSERT(checkpoint_config_read(&again, &again_i8, fuzz_file((const uint8_t *)text.text, text.length),
                                  &err) == STATUS_OK);
    checkpoint_config_format(&second, &again, again_i8);
    ASSERT(again_i8 == is_i8 && strcmp(text.text, second.text) == 0);
    str_release(&text);
    str_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct err err = ERR_INIT;
    bool is_i8;
    if (checkpoint_config_read(&config, &is_i8, fuzz_file(data, size), &err) == STATUS_OK)
        check(&config, is_i8);
    else
        ASSERT(err.status == STATUS_FORMAT && *err.text);
    return 0;
}
