/* SPDX-License-Identifier: Apache-2.0 */
/* bench_models.h — the suites that need a model: training steps, mixtures beside dense models of equal active size,
 * prefill and decode. The engine is used as a trial uses it: one thread, arena, counters. */
#ifndef HARNESS_CLI_BENCH_MODELS_H
#define HARNESS_CLI_BENCH_MODELS_H

#include "harness/cli/bench_cases.h"

MUST_CHECK enum status bench_training(const struct bench_case *c, struct bench_result *out, struct err *err);
MUST_CHECK enum status bench_inference(const struct bench_case *c, struct bench_result *out, struct err *err);

#endif
