#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# runners.sh — goal: a runner that is asked to stop, stopped, or left without a reader loses nothing and says by its exit
# code what happened; two runners on one store share it.
# Method: strace sends the signal at the n-th system call, so that it comes at every kind of moment; then the sweep is run
# again and compared with an undisturbed one. A sample; with ISOFLOP_TORTURE every call of a sweep of 20 trials. Prints TAP.
set -u
# shellcheck source=tests/faults/lib.sh
. "$(dirname "$0")/lib.sh"
trials=3 samples=5
[ -z "${ISOFLOP_TORTURE:-}" ] || trials=20 samples=1000
write_spec
make_golden || exit 1

# ---- no reader ----

unread() { # shell command that runs "$0" to s.db
    forget
    bash -c "$1" "$isoflop" >/dev/null 2>said
    whole s.db || { cat said; return 1; }
}
# shellcheck disable=SC2016 # expanded by the inner shell
check 'results are stored with a closed output' unread '"$0" run tiny.yaml -j 2 --no-checkpoints --db s.db >&-'
# shellcheck disable=SC2016
check 'with a full one' unread '"$0" run tiny.yaml -j 2 --no-checkpoints --db s.db >/dev/full'
# shellcheck disable=SC2016
check 'with a reader that goes away' unread '"$0" run tiny.yaml -j 2 --no-checkpoints --db s.db | head -1; exit 0'
# shellcheck disable=SC2016
check 'and with everything closed' unread '"$0" run tiny.yaml -j 2 --no-checkpoints --db s.db <&- >&- 2>&-'

# ---- asked to stop ----

if ! can_trace; then
    ok 'signals at system calls # SKIP strace is not there, or not allowed'
    echo "1..$number"
    exit 0
fi
calls=poll,read,pwrite64,fdatasync,unlink,clone,openat,waitid,fcntl

signalled() { # signal, its exit code, call, which
    local code
    forget
    strace -qq -e signal=none -o /dev/null -e trace="$3" -e inject="$3:signal=$1:when=$4" "${run[@]}" s.db >/dev/null 2>said
    code=$?
    # Before it has begun to listen the signal ends it, as any program; afterwards there may be nothing left to stop.
    [ "$code" = "$2" ] || [ "$code" = "$5" ] || [ "$code" = 0 ] || { echo "$1 at $3 $4: exit code $code, $(tail -1 said)"; return 1; }
    [ "$code" != "$2" ] || stopped=$((stopped + 1))
    "${run[@]}" s.db >/dev/null 2>said || { echo "$1 at $3 $4: cannot go on: $(tail -1 said)"; return 1; }
    whole s.db || { echo "after $1 at $3 $4"; return 1; }
}
count_calls() {
    forget
    strace -qq -e signal=none -o trace -e trace="$calls" "${run[@]}" s.db >/dev/null 2>&1
    awk -F'(' '{ print $1, ++seen[$1] }' trace >order
}
every_moment() { # signal exit-code code-before-it-listens
    local at n step name nth tried=0
    stopped=0
    n=$(wc -l <order)
    step=$((n / samples > 0 ? n / samples : 1))
    for ((at = 1 + RANDOM % step; at <= n; at += step)); do
        read -r name nth < <(sed -n "${at}p" order)
        signalled "$1" "$2" "$name" "$nth" "$3" || return 1
        tried=$((tried + 1))
    done
    [ "$stopped" -ge 1 ] || { echo "none of $tried ended with $2"; return 1; }
}
count_calls
check 'SIGTERM at any call: exit code 143, nothing lost' every_moment SIGTERM 143 143
check 'SIGINT: 130' every_moment SIGINT 130 130
check "a cluster's SIGUSR1: 75" every_moment SIGUSR1 75 138

# ---- two runners ----

state_of() { # pid
    sed -E 's/.*\) (.).*/\1/' "/proc/$1/stat" 2>/dev/null
}
stopped_runner() { # one stands still amid its trials, the other does the rest, then the first goes on
    local tracer runner code
    forget
    strace -qq -e signal=none -o /dev/null -e trace=poll -e inject=poll:signal=SIGSTOP:when=2 "${run[@]}" s.db >/dev/null 2>said &
    tracer=$!
    runner=
    until [ -n "$runner" ] && [[ $(state_of "$runner") = [tT] ]] && "$isoflop" export attempt --db s.db 2>/dev/null | grep -q ",running,"; do
        kill -0 "$tracer" 2>/dev/null || { echo 'it was not stopped'; return 1; }
        runner=$(pgrep -P "$tracer" | head -1)
        sleep 0.02
    done
    "${run[@]}" s.db >/dev/null 2>other || { cat other; kill -CONT "$runner"; return 1; }
    "$isoflop" export attempt --db s.db >between
    kill -CONT "$runner"
    wait "$tracer"
    code=$?
    # The second left the first's trials alone, and did the others.
    grep -q ',running,' between && ! grep -q ',stale,' between && grep -q ',done,' between || { cat between; return 1; }
    [ "$code" = 0 ] && whole s.db || { echo "exit code $code"; cat said; return 1; }
}
check 'a runner that stands still is not taken for dead, and ends its own' stopped_runner
echo "1..$number"
