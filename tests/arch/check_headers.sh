#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_headers.sh — goal: every header stands on its own, so that the order of includes never matters.
# Method: each is compiled alone, twice in one file (its guard has to hold), with warnings as errors; then two bad
# headers have to be refused. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1

# Prints the compiler's words for a header that does not compile alone.
refused() { # include-root header
    printf '#include "%s"\n#include "%s"\n' "$2" "$2" |
        ${CC:-cc} -std=c17 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -I"$1" -fsyntax-only -x c - 2>&1
}

tap() { # condition-exit-code name
    if [ "$1" = 0 ]; then echo "ok - $2"; else echo "not ok - $2"; fi
}

echo 1..4
bad=0 n=0
while read -r header; do
    n=$((n + 1))
    if ! words=$(refused . "$header"); then
        bad=$((bad + 1))
        printf '# %s\n' "$header"
        printf '%s\n' "$words" | sed 's/^/#   /'
    fi
done < <(find engine harness tests -name '*.h' | LC_ALL=C sort)
[ "$bad" = 0 ] && [ "$n" -gt 0 ]
tap $? "every header compiles alone"

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
echo 'size_t f(void);' >"$folder/leans.h"
echo 'struct x { int y; };' >"$folder/unguarded.h"
printf '#ifndef GOOD_H\n#define GOOD_H\n#include <stddef.h>\nsize_t f(void);\n#endif\n' >"$folder/good.h"
! refused "$folder" leans.h >/dev/null
tap $? 'the check refuses a header that leans on another'
! refused "$folder" unguarded.h >/dev/null
tap $? 'the check refuses a header without a guard'
refused "$folder" good.h >/dev/null
tap $? 'the check takes a good header'
