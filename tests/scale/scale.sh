#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scale.sh — goal: a store of a million trials and twenty million rows of metrics answers as fast as people wait, and many
# runners on one file get their trials done.
# Method: such a store is made in a temporary folder (about 4 GiB, removed afterwards); the program's commands are timed on
# it, warm, the best of three. ISOFLOP_SCALE=0.1 makes everything a tenth as large. Prints TAP with the figures.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
isoflop=${ISOFLOP:-$top/build/isoflop}
case $isoflop in /*) ;; *) isoflop=$PWD/$isoflop ;; esac
runners=${RUNNERS:-$top/build/tests/scale/runners}
case $runners in /*) ;; *) runners=$PWD/$runners ;; esac
scale=${ISOFLOP_SCALE:-1}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
scaled() { awk -v n="$1" -v s="$scale" 'BEGIN { printf "%d\n", n * s }'; }

number=0 failures=0
# The best of three runs of a command in seconds, its output to the file out.
seconds() { # command...
    local best=1e9 i start
    for i in 1 2 3; do
        start=$(date +%s.%N)
        "$@" >out 2>err || { echo failed; return 1; }
        best=$(awk -v a="$start" -v b="$(date +%s.%N)" -v best="$best" 'BEGIN { t = b - a; print t < best ? t : best }')
    done
    printf '%.2f\n' "$best"
}
# name, seconds allowed at full size, seconds taken
judge() {
    number=$((number + 1))
    if awk -v took="$3" -v most="$2" 'BEGIN { exit !(took + 0 > 0 && took <= most) }'; then
        echo "ok $number - $1: $3 s of $2"
    else
        echo "not ok $number - $1: $3 s of $2"
        failures=1
    fi
}

cat >tiny.yaml <<'SPEC'
name: tiny
model: {depth: 1, width: 16, context: 64}
train: {tokens: 8192, batch_tokens: 256}
eval: {heldout_tokens: 1024, items: 16, latency_samples: 20}
SPEC
trials=$(scaled 1000000)
"$isoflop" run tiny.yaml --db big.db -q --no-checkpoints --no-summary &&
    for table in spec_trial metric eval latency_sample cost moe_load moe_metric attempt trial spec corpus; do echo "DELETE FROM $table;"; done |
    python3 -c 'import sqlite3, sys; sqlite3.connect("big.db", isolation_level=None).executescript(sys.stdin.read())' &&
    python3 "$here/fill_store.py" big.db "$trials" 20 || { echo "not ok 1 - makes the store"; exit 1; }

judge 'status' 1 "$(seconds "$isoflop" status --db big.db)"
took=$(seconds "$isoflop" export v_trials --db big.db)
judge "export v_trials, $(awk -v n="$trials" -v t="$took" 'BEGIN { printf "%.0f", n / t }') rows/s" "$(awk -v n="$trials" 'BEGIN { print n / 1e5 }')" "$took"
judge 'show one trial' 1 "$(seconds "$isoflop" show 000000000000000000000000000003e8 --db big.db)"

cat >wide.yaml <<SPEC
name: wide
model: {depth: 1, width: 16, context: 64}
train: {tokens: 8192, batch_tokens: 256, lr: log(0.0001, 1, 100)}
seeds: 1-$(scaled 1000)
SPEC
judge 'plan 100,000 trials' 2 "$(seconds "$isoflop" plan wide.yaml --csv)"
# Planned once, then marked as finished: what is timed is finding that nothing is missing.
timeout -s KILL 60 "$isoflop" run wide.yaml --db big.db -q --max-wall 1ms >/dev/null 2>&1
python3 - <<'PY'
import sqlite3
db = sqlite3.connect("big.db")
db.execute("DELETE FROM attempt WHERE trial_id IN (SELECT trial_id FROM trial WHERE state IN ('pending', 'running'))")
db.execute("INSERT INTO attempt (trial_id, attempt, state, owner, ended_at) SELECT trial_id, 1, 'done', 'x', '2026' FROM trial"
           " WHERE state IN ('pending', 'running')")
db.execute("UPDATE trial SET state = 'done', final_attempt = 1 WHERE state IN ('pending', 'running')")
db.commit()
PY
judge 'run finds what is missing among 100,000' 5 "$(seconds "$isoflop" run wide.yaml --db big.db --no-summary)"
grep -q 'nothing to run' err || { echo "not ok $((number + 1)) - nothing was missing"; failures=1; }

# Eight runners, and trials that do nothing: the program's share of a sweep, the waiting for the disk included.
few=$(scaled 2000)
took=$("$runners" nothing.db 8 "$few")
judge "8 runners on $few trials that do nothing, $(awk -v n="$few" -v t="$took" 'BEGIN { printf "%.0f", t > 0 ? n / t : 0 }') durable trials/s" \
    "$(awk -v n="$few" 'BEGIN { print n / 100 }')" "$took"
echo "1..$number"
exit "$failures"
