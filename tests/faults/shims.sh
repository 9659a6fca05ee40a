#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shims.sh — goal: clocks that jump, allocations that fail and network file systems harm no result.
# Method: a preloaded library (shim.c) misbehaves under the real program; then the sweep is run again without it and
# compared with an undisturbed one. A sample of allocations; with ISOFLOP_TORTURE 300, each once and from there on. Prints TAP.
set -u
# shellcheck source=tests/faults/lib.sh
. "$(dirname "$0")/lib.sh"
trials=3
write_spec

if ! ${CC:-cc} -std=gnu17 -O1 -Wall -Wextra -shared -fPIC -o shim.so "$top/tests/faults/shim.c" -ldl ||
    ! LD_PRELOAD=$PWD/shim.so "$isoflop" --version >/dev/null; then
    echo 'ok 1 - a misbehaving C library # SKIP it cannot be preloaded here'
    echo '1..1'
    exit 0
fi
shimmed() { # NAME=VALUE... command...
    env LD_PRELOAD="$PWD/shim.so" "$@"
}
make_golden || exit 1

# ---- clocks ----

durations() { # db: durations that are not such as a test could have taken
    "$isoflop" export attempt --db "$1" --json | grep -o '"wall_s": *[^,}]*' | awk '{ if (!($2 >= 0 && $2 < 3600)) exit 1 } END { exit NR < 3 }' &&
        "$isoflop" export v_costs --db "$1" --json | grep -oE '"(wall_s|train_s)": *[^,}]*' | awk '{ if (!($2 >= 0 && $2 < 3600)) exit 1 }'
}
jumping() {
    shimmed FAULT_CLOCK=1 "${run[@]}" s.db >said 2>&1 && whole s.db && durations s.db
}
jumps() { # the shim itself: dates of stored rows lie months apart
    "$isoflop" export trial --db s.db --json | grep -o '"created_at": *"[0-9-]*' | sort -u | awk 'END { exit NR < 2 }'
}
jumping_resume() { # a runner that died is found dead whatever the time is, and one that lives alive
    strace -qq -e signal=none -o trace -e trace=fdatasync -e inject=fdatasync:signal=SIGKILL:when=40 "${run[@]}" s.db >/dev/null 2>&1
    shimmed FAULT_CLOCK=1 "${run[@]}" s.db >said 2>&1 && whole s.db
}
check 'a clock that jumps changes no result and no duration' jumping
check 'and it did jump' jumps
forget
if can_trace; then check 'nor does it hide that a runner died' jumping_resume; fi
forget

# ---- allocations ----

starved() { # N, perhaps with +: ended well or said why, and was no crash; then goes on
    local code
    forget
    shimmed FAULT_ALLOCATION="$1" "${run[@]}" s.db >/dev/null 2>said
    code=$?
    [ "$code" = 0 ] || { [ "$code" = 1 ] && [ -s said ]; } || { echo "allocation $1: exit code $code, $(tail -1 said)"; return 1; }
    "${run[@]}" s.db >/dev/null 2>said || { echo "allocation $1: cannot go on: $(tail -1 said)"; return 1; }
    whole s.db || { echo "after allocation $1"; return 1; }
    [ "$code" = 0 ] || refused=$((refused + 1))
}
all_starved() {
    local n at step samples=14 tried=0
    [ -z "${ISOFLOP_TORTURE:-}" ] || samples=300
    refused=0
    shimmed FAULT_COUNT="$PWD/count" "${run[@]}" s.db >/dev/null 2>&1
    n=$(cat count) && [ "$n" -gt 100 ] || return 1
    step=$((n / samples > 0 ? n / samples : 1))
    for ((at = 1 + RANDOM % step; at <= n; at += step)); do
        starved "$at" && starved "$at+" || return 1
        tried=$((tried + 1))
    done
    [ "$refused" -ge "$tried" ] || { echo "only $refused of $((2 * tried)) were noticed"; return 1; }
}
check 'an allocation that fails is said, and nothing is half' all_starved

# ---- network file systems ----

on_network() { # magic
    local code
    forget
    shimmed FAULT_FILE_SYSTEM="$1" "${run[@]}" s.db >/dev/null 2>said
    code=$?
    [ "$code" = 1 ] && [ ! -e s.db ] && grep -q 's.db: lies on a network file system.*nothing was written' said || { cat said; return 1; }
}
networks() {
    local magic
    for magic in 0x6969 0xff534d42 0x00c36400 0x0bd00bd0; do on_network "$magic" || return 1; done
}
still_reads() {
    [ "$(shimmed FAULT_FILE_SYSTEM=0x6969 "$isoflop" export v_points --db golden.db | wc -l)" = $((trials + 1)) ] &&
        shimmed FAULT_FILE_SYSTEM=0x6969 "$isoflop" doctor --db golden.db >said && grep -q "^warn *file system *a network's" said
}
trusted() {
    forget
    shimmed FAULT_FILE_SYSTEM=0x6969 ISOFLOP_NETWORK_STORE=1 "${run[@]}" s.db >/dev/null 2>said && whole s.db
}
check 'nothing is written over a network' networks
check 'though it is read' still_reads
check 'and written when told that nobody else does' trusted
echo "1..$number"
