#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lint.sh FILE... — clang-tidy and cppcheck over the C files, shellcheck over the scripts, mandoc over the man page.
# A tool that is not installed is named and left out. Exit: 0 when none of those that ran had something to say.
set -u
cd "$(dirname "$0")/.." || exit 1
status=0
sources=()
for file in "$@"; do
    case $file in
    engine/math/vec_kernels.c) ;; # compiled once per instruction set, by flags of its own
    *.c) [ -e "$file" ] && sources+=("$file") ;;
    esac
done

have() {
    command -v "$1" >/dev/null 2>&1 && return 0
    echo "lint: $1 is not installed, left out" >&2
    return 1
}

# shellcheck disable=SC2317  # xargs starts it
tidy() { clang-tidy --quiet --warnings-as-errors='*' "$@" -- -std=c17 -D_GNU_SOURCE -I. -Ibuild 2>/dev/null; }
export -f tidy
if have clang-tidy; then
    printf '%s\0' "${sources[@]}" | xargs -0 -n 8 -P "$(nproc)" bash -c 'tidy "$@"' tidy || status=1
fi
if have cppcheck; then
    cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 -j "$(nproc)" \
        --suppress=missingIncludeSystem -D_GNU_SOURCE -I. -Ibuild "${sources[@]}" || status=1
fi
if have shellcheck; then
    shellcheck scripts/*.sh tests/*.sh tests/*/*.sh .ci/run || status=1
fi
if [ -x build/isoflop ] && have mandoc; then
    # Long lines in the source of the page are what texts from tables look like.
    build/isoflop __man | mandoc -Tlint -W warning || status=1
fi
[ "$status" = 0 ] && echo "lint: nothing to say"
exit "$status"
