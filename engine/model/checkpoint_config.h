/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_config.h — config.json, read and written: for checkpoint_*.c.
 *
 * Reading takes what Hugging Face's LlamaConfig, MistralConfig and MixtralConfig write, with their defaults for keys
 * left out. A setting that would change the model's numbers in a way this engine does not compute is refused by
 * its key, never ignored; so is an unknown architecture. */
#ifndef ENGINE_MODEL_CHECKPOINT_CONFIG_H
#define ENGINE_MODEL_CHECKPOINT_CONFIG_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "engine/model/config.h"

/* Reads the file. STATUS_NOT_FOUND when there is none, STATUS_FORMAT when it is no configuration of this family. The
 * shape passed config_check. */
MUST_CHECK enum status checkpoint_config_read(struct config *out, bool *is_i8, const char *path,
                                              struct err *err);

/* Appends the text that says what config is. */
void checkpoint_config_format(struct str *out, const struct config *config, bool is_i8);

#endif
