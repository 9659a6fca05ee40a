#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh SECONDS PROGRAM... — runs each fuzzer for that long, as many at a time as there are processors.
#
# It starts from the seeds in tests/fuzz/corpus/TARGET and keeps what it learns beside the programs, in
# corpus/TARGET, for the next time. An input that breaks a promise is written to found/. Exit: 0 when none was.
set -u
seconds=$1
shift
home=$(dirname "$(dirname "$1")")
mkdir -p "$home/found"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=0:allocator_may_return_null=0}

# shellcheck disable=SC2317  # xargs starts it
fuzz_one() { # program
    local target=${1##*/fuzz_}
    local learnt=$home/corpus/$target seeds=tests/fuzz/corpus/$target log=$home/$target.log
    mkdir -p "$learnt"
    if nice "$1" -max_total_time="$seconds" -rss_limit_mb=512 -malloc_limit_mb=256 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$home/found/$target-" "$learnt" "$seeds" </dev/null >"$log" 2>&1; then
        printf 'ok - %s: %s inputs in %s s\n' "$target" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds"
    else
        printf 'not ok - %s\n' "$target"
        tail -n 60 "$log"
        return 1
    fi
}

export -f fuzz_one
export home seconds
# shellcheck disable=SC2016  # the dollar is the inner shell's
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" bash -c 'fuzz_one "$1"' fuzz
