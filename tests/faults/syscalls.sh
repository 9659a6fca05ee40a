#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# syscalls.sh — goal: a runner that dies, or is refused, at any system call by which the store reaches the disk leaves a
# store that the next run completes to what an undisturbed sweep has: nothing lost, nothing doubled.
# Method: strace kills the runner at its n-th write, sync, unlink or rename, or makes the call fail; then the sweep is run
# again and its exports are compared. A sample of calls; with ISOFLOP_TORTURE every call of a sweep of 20 trials. Prints TAP.
set -u
# shellcheck source=tests/faults/lib.sh
. "$(dirname "$0")/lib.sh"

if ! can_trace; then
    echo 'ok 1 - kills at system calls # SKIP strace is not there, or not allowed'
    echo '1..1'
    exit 0
fi

trials=3 samples=6
[ -z "${ISOFLOP_TORTURE:-}" ] || trials=20 samples=100000
write_spec

# Injects a fault, then runs again without. name, injection, expected end of the disturbed run (killed:N at its N-th call, told, well, any)
disturbed() {
    local code said
    forget
    strace -qq -e signal=none -o trace -e trace="${2%%:*}" -e inject="$2" "${run[@]}" s.db >/dev/null 2>said
    code=$?
    said=$(tail -1 said)
    case $3 in
    # How many calls a sweep makes depends on how many records a wake-up finds: one that ended by itself is no failure.
    killed:*)
        if [ "$code" = 137 ]; then kills=$((kills + 1)); elif [ "$code" != 0 ] || [ "$(wc -l <trace)" -ge "${3#killed:}" ]; then
            echo "# $1: exit code $code instead of a kill after $(wc -l <trace) calls"
            return 1
        fi
        ;;
    well) [ "$code" = 0 ] || { echo "# $1: exit code $code, '$said'"; return 1; } ;;
    told) [ "$code" = 1 ] && [ -n "$said" ] || { echo "# $1: exit code $code, '$said'"; return 1; } ;;
    esac
    "${run[@]}" s.db >/dev/null 2>said || { echo "# $1: cannot go on: $(tail -1 said)"; return 1; }
    whole s.db >why || { echo "# $1: $(cat why)"; return 1; }
}

calls=pwrite64,fsync,fdatasync,unlink,rename,ftruncate
make_golden || exit 1
rm -rf count.db*
strace -qq -e signal=none -o trace -e trace="$calls" "${run[@]}" count.db >/dev/null 2>&1
# strace counts the calls of each name apart: the n-th call of all is the m-th of its name.
awk -F'(' '{ print $1, ++seen[$1] }' trace >order
n=$(wc -l <order)
writes=$(grep -c '^pwrite64' order)
step=$((n / samples > 0 ? n / samples : 1))
failed=0
tried=0
kills=0
for ((at = 1 + RANDOM % step; at <= n; at += step)); do
    tried=$((tried + 1))
    read -r name nth < <(sed -n "${at}p" order)
    disturbed "killed at $name $nth, call $at of $n" "$name:signal=SIGKILL:when=$nth" "killed:$nth" 2>/dev/null || failed=$((failed + 1))
done
if [ "$failed" = 0 ] && [ "$kills" -ge $((tried / 2)) ]; then
    ok "kill -9 at $kills of $n system calls: nothing lost, nothing doubled"
else
    not_ok "kill -9 at $kills of $tried system calls tried: $failed failed"
fi

error() { # name, injection
    if disturbed "$1" "$2" told; then ok "$1"; else not_ok "$1"; fi
}
error 'a full disk is said, and nothing is half' "pwrite64:error=ENOSPC:when=$((writes / 3))+"
error 'an error of the disk likewise' "pwrite64:error=EIO:when=$((writes / 2))+"
# Of the store itself: SQLite passes over a failing sync of the folder when it has made a journal.
rm -rf count.db*
strace -qq -y -e signal=none -o trace -e trace=fdatasync "${run[@]}" count.db >/dev/null 2>&1
grep -n 'count\.db>' trace | cut -d: -f1 >syncs
n=$(wc -l <syncs)
failed=0
for at in 2 3 4 5 6; do # in a plan, in claims and in ends of trials
    nth=$(sed -n "$((n * at / 7))p" syncs)
    disturbed "sync $nth fails once" "fdatasync:error=EIO:when=$nth" told || failed=$((failed + 1))
done
if [ "$failed" = 0 ]; then ok 'a failed sync is not tried again'; else not_ok 'a failed sync is not tried again'; fi

limited() { # a limit on the size of files is a full disk that comes as a signal
    forget
    (ulimit -f 150; "${run[@]}" s.db) >/dev/null 2>said
    [ $? = 1 ] && grep -q 's.db: ' said || { echo 'it was not said'; return 1; }
    "${run[@]}" s.db >/dev/null 2>&1 && whole s.db
}
if limited >why; then ok 'a limit on file sizes loses nothing'; else not_ok 'a limit on file sizes loses nothing'; cat why said; fi

calls=clone,clone3,fork
export OPENBLAS_NUM_THREADS=1 # its threads would be counted too
without_process() { # none now and then: fewer at once; none at all: said
    disturbed "$1" "$calls:error=EAGAIN:when=$2" "$3" 2>/dev/null
}
if without_process 'no second process' 2 well && without_process 'no process now and then' 2+3 any && without_process 'no process' 1+ told; then ok 'no process left is survived'; else not_ok 'no process left is survived'; fi
echo "1..$number"
