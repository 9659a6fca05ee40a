/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h — what every fuzz target shares: readers take a path, a fuzzer has bytes. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The target, by libFuzzer's name: called with each input; returns 0. Breaking a promise aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A path that reads as these bytes, until the next call: one file in memory, rewritten. */
const char *fuzz_file(const uint8_t *data, size_t size);

#endif
