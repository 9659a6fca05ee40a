#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# trials.sh — goal: a real trial that diverges, crashes, hangs or has no memory ends with the right state and reason, is
# tried again when that may help, and the others go on.
# Method: trials are given impossible settings or little memory, or get a signal from outside once they run. Prints TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/faults/lib.sh
. "$here/lib.sh"
trials=3
write_spec

code_is() { # wanted command...
    local code
    "${@:2}" >/dev/null 2>said
    code=$?
    [ "$code" = "$1" ] || { echo "exit code $code"; cat said; return 1; }
}
attempts() { # state and reason of each attempt, in the order in which they ended
    "$isoflop" export attempt --db s.db | awk -F, 'NR > 1 { print $8 "," $2 "," $3 "," $4 }' | sort | cut -d, -f2-
}

diverging() {
    forget
    code_is 3 "${run[@]}" s.db -S train.lr=1e9,0.01 -S train.clip=0 -S train.tokens=4096 -S seeds=1 || return 1
    attempts >ends
    # Not tried again, for the same seed would diverge again; and the other one is done.
    [ "$(grep -c ',diverged,"step [0-9]*: loss' ends)" = 1 ] && [ "$(grep -c ',done,' ends)" = 1 ] && [ "$(wc -l <ends)" = 2 ] || { cat ends; return 1; }
    [ "$("$isoflop" export v_points --db s.db | wc -l)" = 2 ] # it is no point of a chart
}
check 'a loss that runs away is a result, with its step' diverging

# A sweep of one long trial in the background, until that runs; then something happens to its process.
happens() { # signal option...
    local runner trial=none
    forget
    "${run[@]}" s.db -S train.tokens=4194304 -S seeds=1 "${@:2}" >/dev/null 2>said &
    runner=$!
    # Its states are told by then: it has left the runner's code, and trains.
    until [ -e "/proc/$trial/cmdline" ] && tr '\0' ' ' <"/proc/$trial/cmdline" 2>/dev/null | grep -q __trial && [ -n "$(ls "s.db.states" 2>/dev/null)" ]; do
        kill -0 "$runner" 2>/dev/null || { cat said; return 1; }
        trial=$(pgrep -P "$runner" | head -1)
        sleep 0.02
    done
    kill "-$1" "$trial"
    wait "$runner"
    echo $? >code
    attempts >ends
}
crashing() {
    happens SEGV --retries 1 --checkpoint-every 50ms || return 1
    grep -q '^1,failed,killed by signal 11' ends && grep -q '^2,done,' ends && [ "$(cat code)" = 0 ] || { cat code ends said; return 1; }
}
check 'a trial that crashes is tried again' crashing
not_again() {
    happens SEGV --retries 0 --checkpoint-every 50ms || return 1
    grep -q '^1,failed,killed by signal 11' ends && [ "$(wc -l <ends)" = 1 ] && [ "$(cat code)" = 3 ] || { cat code ends said; return 1; }
}
check 'but not when told not to' not_again
standing() {
    happens STOP --retries 0 --checkpoint-every 50ms --timeout 2s || return 1
    grep -q '^1,timeout,no word for 2 s' ends && [ "$(cat code)" = 3 ] || { cat code ends said; return 1; }
}
check 'one that stands still is a timeout' standing
killed() {
    happens KILL --retries 1 --checkpoint-every 50ms || return 1
    grep -q '^1,oom,killed by the system' ends && grep -q '^2,done,' ends || { cat code ends said; return 1; }
}
check 'one that the system kills is tried again, alone' killed

too_large() {
    forget
    code_is 2 "${run[@]}" s.db --mem-limit 1M && [ ! -e s.db ] && grep -q 'than --mem-limit allows' said
}
check 'what is known to need too much memory is refused beforehand' too_large
starving() { # enough for the model by the books, but not for the process around it
    forget
    ISOFLOP_BLAS=openblas code_is 3 "${run[@]}" s.db --mem-limit 32M --timeout 2s --retries 1 -S seeds=1 || return 1
    attempts >ends
    [ "$(wc -l <ends)" -ge 1 ] && ! grep -qvE '^[0-9]+,(oom|failed|timeout),' ends || { cat ends; return 1; }
}
check 'a limit that is too low ends the trial, not the runner' starving
echo "1..$number"
