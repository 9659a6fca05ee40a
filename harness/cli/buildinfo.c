/* SPDX-License-Identifier: Apache-2.0 */
/* buildinfo.c — see buildinfo.h. Alone in its file, so that a new commit recompiles nothing else. */
#include "harness/cli/buildinfo.h"

#include "build_text.h"

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

#ifdef __clang__
#define COMPILER "clang " TEXT(__clang_major__) "." TEXT(__clang_minor__) "." TEXT(__clang_patchlevel__)
#else
#define COMPILER "gcc " __VERSION__
#endif

const struct buildinfo buildinfo = {
    .version = BUILD_VERSION,
    .git = BUILD_GIT,
    .date = BUILD_DATE,
    .compiler = COMPILER,
    .flags = BUILD_FLAGS,
};
