/* SPDX-License-Identifier: Apache-2.0 */
/* shape_json.h — the shape of a model from a config.json as Hugging Face's libraries write it, of many families, whether the
 * engine could load the model or not. */
#ifndef HARNESS_CLI_SHAPE_JSON_H
#define HARNESS_CLI_SHAPE_JSON_H

#include "harness/analysis/size.h"

/* path: the file, or its folder. *assumed: the model_type, when the family is not known and the shape is read as Llama's with
 * what the file says; "" otherwise. STATUS_NOT_FOUND when there is no such file, STATUS_FORMAT names the file and what it lacks. */
MUST_CHECK enum status shape_json_read(const char *path, struct architecture *out, char assumed[64], struct err *err);

#endif
