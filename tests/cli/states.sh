#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# states.sh — goal: a training that is killed, stopped or finds a damaged state ends with the bits of an undisturbed one;
# branches of a trunk do too, at the price that the plan names; states go when nobody needs them.
# Method: small sweeps of the real program, disturbed and undisturbed; stores are compared by their exports. Prints TAP.
set -u
# shellcheck source=tests/prologue.sh
. "$(dirname "$0")/../prologue.sh"

cat >long.yaml <<'SPEC'
name: long
model: {depth: 1, width: 32, context: 64}
train: {tokens: 524288, batch_tokens: 2048, threads: 2}
eval: {heldout_tokens: 1024, items: 4, latency_samples: 3}
SPEC
cat >trunk.yaml <<'SPEC'
name: trunk
trunk: true
model: {depth: 1, width: 16, context: 64}
train: {tokens: 8192-262144*2, batch_tokens: 512, warmup_tokens: 2048, decay: 0.4}
eval: {heldout_tokens: 1024, items: 4, latency_samples: 3}
seeds: 1-2
SPEC
sed '/^trunk: true/d' trunk.yaml >apart.yaml

# The columns of a view of the trials that are done, one row per trial, sorted.
columns() { # db view column...
    local db=$1 view=$2
    shift 2
    "$isoflop" export "$view" --db "$db" | awk -F, -v names="$*" '
        NR == 1 { n = split(names, want, " "); for (i = 1; i <= NF; i++) at[$i] = i; next }
        { line = $1; for (i = 1; i <= n; i++) line = line " " $at[want[i]]; print line }' | LC_ALL=C sort
}
results() { # db: what must not depend on who did which step
    columns "$1" v_points heldout_loss heldout_stderr flops_executed flops_formula
    "$isoflop" export v_evals --db "$1" | LC_ALL=C sort
}
same() { # db db
    results "$1" >a && results "$2" >b && [ "$(wc -l <a)" -gt 1 ] && cmp a b
}
# The curves of the attempt that counts.
curves() { # db
    local last
    last=$("$isoflop" export attempt --db "$1" | awk -F, '$3 == "done" { print $2 }')
    "$isoflop" export metric --db "$1" | awk -F, -v last="$last" '$2 == last' | cut -d, -f1,3- | LC_ALL=C sort
}
no_states() { # db
    [ ! -e "$1.states" ] || { find "$1.states"; return 1; }
}
newest() { find "$1.states" -mindepth 2 -maxdepth 2 -type d | sort -t/ -k3n | tail -1; }

# Kills the sweep as soon as the trial has a state beyond the one it had, so that every life gets further.
live_and_die() { # signal
    local pid before last=0
    before=$(newest killed.db)
    "$isoflop" run long.yaml --db killed.db --checkpoint-every 0.05s -q &
    pid=$!
    for _ in $(seq 400); do
        [ "$(newest killed.db)" = "$before" ] || break
        sleep 0.02
    done
    [ "$(newest killed.db)" != "$before" ] || last=1
    kill "-$1" "$pid"
    wait "$pid" 2>/dev/null
    return "$last"
}

mkdir killed.db.states
"$isoflop" run long.yaml --db whole.db -q
check 'a trial that ends leaves no state' no_states whole.db
check 'a killed trial leaves a state' live_and_die KILL
check 'and the next gets further' live_and_die KILL
check 'a stopped one too' live_and_die TERM
kept() { [ "$(find killed.db.states -mindepth 2 -maxdepth 2 -type d | wc -l)" -le 3 ]; }
check 'only the newest states are kept' kept
damaged() {
    local file
    file=$(newest killed.db)/state/optimizer.safetensors
    printf X | dd of="$file" bs=1 seek=$(($(wc -c <"$file") / 2)) conv=notrunc 2>/dev/null
    timeout 60 "$isoflop" run long.yaml --db killed.db -q 2>said || return 1
    cat said
    grep -q 'cannot go on from step' said
}
check 'a damaged state is said aloud and the one before it taken' damaged
check 'three deaths and a damaged state change no bit' same whole.db killed.db
same_curves() { curves whole.db >a && curves killed.db >b && [ "$(wc -l <a)" -gt 150 ] && cmp a b; }
check 'nor a point of the curves' same_curves
check 'and no state is left' no_states killed.db

"$isoflop" run apart.yaml --db apart.db -q -j 2
"$isoflop" run trunk.yaml --db trunk.db -q -j 2
check 'branches of a trunk are the trials they would be alone' same apart.db trunk.db
check 'a trunk leaves no state' no_states trunk.db
# Of six doubling sizes with decay 0.4 a trunk does 0.6 x 32 + 0.4 x 63 of 63 parts.
price() { # db
    columns "$1" v_costs flops_marginal flops_executed | awk '{ m += $2; e += $3 } END { printf "%.4f\n", m / e }'
}
shares() {
    local share
    share=$(price trunk.db)
    echo "$share"
    [ "$(price apart.db)" = 1.0000 ] && awk -v share="$share" 'BEGIN { formula = (0.6 * 32 + 0.4 * 63) / 63
        exit !(share > formula - 0.005 && share < formula + 0.005) }'
}
check 'six doubling sizes cost what the formula says' shares
planned() {
    # The label before it holds commas, so the column is found from the end.
    "$isoflop" plan trunk.yaml --csv | awk -F, 'NR == 1 { exit $NF != "flops_marginal" } { print $1, $NF }' >a || return 1
    "$isoflop" plan trunk.yaml --csv | awk -F, 'NR > 1 { print $1, $NF }' | LC_ALL=C sort >a
    columns trunk.db v_costs flops_marginal >b
    awk 'NR == FNR { want[$1] = $2; next } !($1 in want) || ($2 - want[$1]) ^ 2 > 1e-12 * want[$1] ^ 2 { exit 1 }' a b &&
        "$isoflop" plan trunk.yaml | grep -q '70 %'
}
check 'and what the plan says' planned
interrupted_trunk() {
    local pid
    for wait in 0.5 0.8 0.8; do
        "$isoflop" run trunk.yaml --db broken.db --checkpoint-every 0.05s -q -j 2 &
        pid=$!
        sleep "$wait"
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    timeout 60 "$isoflop" run trunk.yaml --db broken.db -q -j 2 && same apart.db broken.db && no_states broken.db
}
check 'a trunk that was killed goes on' interrupted_trunk

# Experts of limited capacity drop tokens by their place in the micro-batch: after a resume too. The curves of a branch have
# points where the trunk had them, so they are compared for a training that is nobody's branch.
limited=(-S seeds=1 -S model.experts=4 -S model.experts_per_token=2 -S model.capacity=0.6)
killed_once() { # db run-argument...
    local db=$1
    shift
    "$isoflop" run "$@" --db "$db" --checkpoint-every 0.01s -q -j 1 &
    local pid=$!
    until [ -n "$(find "$db.states" -name state 2>/dev/null)" ] || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    timeout 120 "$isoflop" run "$@" --db "$db" -q -j 1
}
limited_load() { # db: what was dropped, where and when; somewhere more than nothing
    columns "$1" v_moe step layer max_over_mean dropped_share >load && awk '$5 > 0 { n++ } END { exit !n }' load && cat load
}
limited_trunk() {
    local more=("${limited[@]}" -S train.tokens=16384-65536*2)
    "$isoflop" run apart.yaml "${more[@]}" --db limited-apart.db -q -j 2 || return 1
    killed_once limited.db trunk.yaml "${more[@]}" && same limited-apart.db limited.db && [ "$(price limited.db)" != 1.0000 ]
}
limited_training() {
    local more=("${limited[@]}" -S train.tokens=131072)
    "$isoflop" run apart.yaml "${more[@]}" --db load.db -q -j 1 || return 1
    killed_once load-killed.db apart.yaml "${more[@]}" && same load.db load-killed.db &&
        limited_load load.db >first && limited_load load-killed.db >second && cmp first second
}
check 'a killed trunk of experts of limited capacity drops what it would have' limited_trunk
check 'and so does a killed training, at every point of its curves' limited_training

# ---- two trainings into one folder ----
"$isoflop" train -S model.width=16 -S train.tokens=8M -o hand --checkpoint-every 0.01s -q >/dev/null 2>&1 &
pid=$!
until [ -n "$(find hand.states -name state 2>/dev/null)" ] || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
kill -KILL $pid 2>/dev/null
wait $pid 2>/dev/null
other() { # exit code, option...: with other knobs
    "$isoflop" train -S model.width=16 -S train.tokens=8192 -o hand -q "${@:2}" >said 2>&1
    local code=$?
    cat said
    [ "$code" -eq "$1" ]
}
check 'other knobs do not begin beside a training that was stopped' other 2
check 'nor do they resume it' other 2 --resume
kept_by_the_other() { grep -q 'a training with other knobs was stopped here' said && [ -n "$(find hand.states -name state)" ]; }
check 'and it is kept' kept_by_the_other
gone_by_force() { other 0 --force && [ ! -e hand.states ]; }
check '--force begins anew without it' gone_by_force

# ---- more threads than processors ----
cpu=$(awk '/^Cpus_allowed_list/ { split($2, part, /[-,]/); print part[1] }' /proc/self/status)
settings='-S model.width=16 -S model.depth=1 -S model.context=64 -S train.tokens=8192 -S train.batch_tokens=2048 -S eval.items=4'
crowded() { # how many lines say so, words...
    # shellcheck disable=SC2086  # the settings are several words
    taskset -c "$cpu" "$isoflop" "${@:2}" $settings >said 2>&1 || return 1
    cat said
    [ "$(grep -c 'more than the 1 processor here' said)" -eq "$1" ]
}
check 'train warns of more threads than processors, once' crowded 1 train -o two -S train.threads=2
check 'and not of as many' crowded 0 train -o one -S train.threads=1
check 'run warns of more trials at once than processors, once' crowded 1 run apart.yaml --db crowded.db -j 2 --no-summary
echo "1..$number"
