#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sweep.sh — goal: what a sweep promises from spec to store holds for the real program.
# Method: a sweep of eight small trials, run with one and with two jobs, killed in the middle and resumed, repeated,
# shrunk, drawn and exported; the stores are compared by their exports. Prints TAP.
set -u
# shellcheck source=tests/prologue.sh
. "$(dirname "$0")/../prologue.sh"

cat >tiny.yaml <<'SPEC'
name: tiny
data: {junk: 0.1, junk_kind: facts, abilities: "copy addition program_1 fact*", cutoff_year: 1900, unique_tokens: 8192}
model: {depth: 1, context: 64}
train: {batch_tokens: 256}
eval: {heldout_tokens: 1024, items: 16, shots: 1, write: true, latency_samples: 20}
grids:
  - model: {width: [16, 32]}
    train: {tokens: [8192, 16384, 40960]}
  - model: {width: 16, experts: 4, experts_per_token: [1, 2], shared_experts: 1, capacity: 1, qk_norm: true}
    train: {tokens: 16384}
SPEC

# What must not depend on time, jobs or interruption. The settings and results of every trial, and the scores.
results() { # db
    local table
    "$isoflop" export v_trials --db "$1" --json |
        sed -E 's/"(created_at|predicted_seconds|attempts)": ?[^,}]*,?//g' | sort &&
        "$isoflop" export v_evals --db "$1" &&
        for table in metric moe_metric; do
            "$isoflop" export "$table" --db "$1" |
                sed -E 's/^([^,]*),[0-9]+,/\1,/' | sort -u # an interrupted attempt measured the same, as far as it came
        done
}
same() { # db db
    results "$1" >first.txt && results "$2" >second.txt && cmp first.txt second.txt
}
column() { # view column
    "$isoflop" export "$1" --db "$3" | awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next } { print $at }'
}
count_is() { # n command...
    local n
    n=$("${@:2}" | wc -l)
    [ "$n" -eq "$1" ] || { echo "counted $n, expected $1"; return 1; }
}

check 'runs with one job' "$isoflop" run tiny.yaml --db one/s.db -j 1 -q
check 'runs with two jobs' "$isoflop" run tiny.yaml --db two/s.db -j 2 -q
watched() {
    [ "$(column v_trials item_overlap one/s.db | sort -u)" = 0 ] && column v_evals metric one/s.db | grep -qx pass_at_5
}
check 'nothing held out was trained on, and programs ran' watched
check 'eight trials are done' bash -c "[ \"\$('$isoflop' export v_points --db one/s.db | wc -l)\" = 9 ]"
check 'the same bits with one and two jobs' same one/s.db two/s.db

flops_agree() {
    column v_costs flops_executed one/s.db >a && column v_costs flops_formula one/s.db >b && [ -s a ] && cmp a b &&
        ! grep -q '^$' a
}
check 'FLOPs executed equal the formula on every trial' flops_agree
complete() {
    count_is 16 column v_latency p99_ms one/s.db && count_is 224 column v_evals value one/s.db &&
        ! column v_costs peak_rss_bytes one/s.db | grep -qE '^(0|)$'
}
check 'every trial has latencies, scores and peak memory' complete

# 64 steps of a mixture, so as many points, of one layer each; with capacity 1 somebody is always dropped.
load() {
    count_is 128 column v_moe max_over_mean one/s.db && ! column v_moe dropped_share one/s.db | grep -qvE '^0\.[0-9]' &&
        column v_moe effective_share one/s.db | awk '!($1 > 0.25 && $1 <= 1) { exit 1 }'
}
check 'mixtures tell their balance over training' load

again() {
    "$isoflop" run tiny.yaml --db one/s.db 2>said && grep -q 'nothing to run' said && count_is 8 column attempt attempt one/s.db
}
check 'a second run runs nothing' again

# Killed twice at different moments, then finished.
killed() {
    local round pid
    for round in 1 3; do
        "$isoflop" run tiny.yaml --db three/s.db -j 2 -q >/dev/null 2>&1 &
        pid=$!
        # Until so many are done and one more runs, of which it is told by another process.
        for _ in $(seq 500); do
            "$isoflop" status --db three/s.db --csv 2>/dev/null | awk -F, -v n="$round" 'NR == 2 { ready = $3 >= n && $4 >= 1 } END { exit !ready }' && break
            sleep 0.02
        done
        kill -9 "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    sleep 0.3
    [ "$(pgrep -fc "__trial.*$work" || true)" = 0 ] || return 1
    "$isoflop" status --db three/s.db --csv >lost 2>&1
    "$isoflop" doctor --db three/s.db >sick 2>&1
    cp three/s.db before.db
    "$isoflop" run tiny.yaml --db three/s.db -j 2 -q
}
check 'a killed sweep goes on' killed
dead() { # nothing runs after a kill -9; the two that ran are lost
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { ran += $at["running"]; lost += $at["lost"] }
        END { exit !(ran == 0 && lost >= 1 && lost <= 2) }' lost && grep -q '^warn *runners *dead, with [12] trials' sick &&
        [ ! -e three/s.db.lock ] || { cat lost sick; ls three; return 1; }
}
check 'status and doctor do not take the dead for running' dead
alive() {
    "$isoflop" run tiny.yaml --db four/s.db -q -S train.tokens=262144 -S model.width=32 &
    local pid=$! i
    for i in $(seq 200); do
        "$isoflop" status --db four/s.db --csv >alive 2>/dev/null && cut -d, -f4,5 alive | grep -q '^1,0$' && break
        sleep 0.02
    done
    kill -TERM "$pid"
    wait "$pid"
    [ "$i" -lt 200 ]
}
check 'status from another terminal sees the living' alive
misplaced() {
    "$isoflop" run tiny.yaml --db none/such/s.db >out2 2>said && return 1
    [ ! -e none ] && grep -q 'there is no folder none/*; make it first' said || { cat said; return 1; }
}
check 'a mistyped --db makes no folders' misplaced
check 'and ends with what an undisturbed one has' same one/s.db three/s.db
once() { # done attempts per trial: exactly one
    "$isoflop" export attempt --db three/s.db | awk -F, '$3 == "done" { n[$1]++ } END { for (t in n) { trials++; if (n[t] != 1) exit 1 } exit trials != 8 }'
}
check 'every trial was done exactly once' once

refused() { # spec expected-beginning
    local code
    "$isoflop" run "$1" --db refused/s.db >out2 2>said
    code=$?
    [ "$code" = 2 ] && [ ! -e refused ] && [[ "$(cat said)" == "$2"* ]] || { echo "code $code"; cat said; return 1; }
}
printf 'model:\n  depth: 1\n  widht: 16\n' >bad1.yaml
printf 'model: {width: 8-}\n' >bad2.yaml
printf 'train: {tokens: many}\n' >bad3.yaml
printf 'model: {width: []}\n' >bad4.yaml
printf 'data: {source: text, path: lttle.txt}\n' >bad5.yaml
printf 'too short' >little.txt
printf 'data: {source: text, path: little.txt}\n' >bad6.yaml
check 'refuses an unknown key' refused bad1.yaml "bad1.yaml:3:3: unknown key 'widht' in model; did you mean 'width'?"
check 'refuses a bad range' refused bad2.yaml 'bad2.yaml:1:16: '
check 'refuses a wrong type' refused bad3.yaml 'bad3.yaml:1:17: '
check 'refuses an empty axis' refused bad4.yaml 'bad4.yaml:1:'
check 'refuses a missing data file' refused bad5.yaml "bad5.yaml:1:28: lttle.txt: No such file or directory; did you mean 'little.txt'?"
check 'refuses a data file too short' refused bad6.yaml 'bad6.yaml:1:28: little.txt: 9 bytes are too few'
check 'refuses a missing spec' refused tinny.yaml "isoflop: tinny.yaml: no such file; did you mean 'tiny.yaml'?"

check 'shrinks a model' "$isoflop" shrink --int8 best --db one/s.db -q
shrunk() {
    "$isoflop" export v_points --db one/s.db --json >points && [ "$(grep -c '"shrink": *"int8"' points)" = 1 ]
}
check 'the shrunk model stands beside its parent' shrunk
check 'shrinking again runs nothing' bash -c "'$isoflop' shrink --int8 best --db one/s.db -q && [ \"\$('$isoflop' export attempt --db one/s.db | wc -l)\" = 10 ]"
generates() {
    "$isoflop" generate best --db one/s.db --prompt 'copy abc: ' -n 40 >a && "$isoflop" generate best --db one/s.db --prompt 'copy abc: ' -n 40 >b &&
        cmp a b && grep -q '^copy abc: ' a && [ "$(wc -c <a)" -gt 45 ]
}
check 'generates the same text from the same seed' generates

reports() {
    "$isoflop" report --db one/s.db -o page.html --plots plots -q && grep -q '<svg' page.html && ! grep -qE '(src|href)="?https?:' page.html &&
        [ -s plots/loss_vs_params.svg ] && [ -s plots/loss_vs_params.gp ] && [ -s plots/loss_vs_params.csv ]
}
check 'writes a page that loads nothing' reports
again() {
    grep -q 'isoflop run tiny.yaml --db one/s.db' page.html && grep -q 'isoflop shrink --int8 best --db one/s.db' page.html
}
check 'the page says how to make it again' again
overridden() {
    "$isoflop" run tiny.yaml --db over/s.db -q -S model.width=16 -S train.tokens=8192 -S 'model.tied=true' &&
        "$isoflop" report --db over/s.db -o over.html --plots plots -q &&
        grep -q 'isoflop run -S model.width=16 -S train.tokens=8192 -S model.tied=true tiny.yaml' over.html
}
check 'with the overrides that were given' overridden
renamed() { # the same trials under another name are found under both
    sed 's/^name: tiny/name: other/' tiny.yaml >other.yaml && "$isoflop" run other.yaml --db one/s.db &&
        "$isoflop" report --spec other --db one/s.db -o other.html --plots plots | grep -q 'What 8 small models (1 shrunk too) say'
}
check 'a spec shows trials that another spec ran' renamed
whole_curves() { # the last point of every learning curve is its trial's end
    "$isoflop" export v_points --db one/s.db --json | grep -o '"trial_id": *"[^"]*"\|"tokens": *[0-9]*\|"experts": *[0-9]*\|"shrink": *"[a-z0-9]*"' >cells &&
        awk -F'"' '/trial_id/ { t = $4 } /shrink/ { s = $4 } /experts/ { gsub(/[^0-9]/, "", $3); e = $3 }
            /tokens/ { gsub(/[^0-9]/, "", $3); n = $3; if (e == 1 && s == "none") print t, n }' cells | sort >wanted &&
        awk -F, 'NR > 1 { if ($4 > last[$2]) last[$2] = $4 } END { for (t in last) printf "%s %d\n", t, last[t] }' plots/learning_curves.csv |
        sort >drawn && [ -s wanted ] && diff wanted drawn
}
check 'learning curves reach the end of every run' whole_curves
pasted() { # no parameter is left in it, and no condition that another one makes idle
    ! grep -q '?1' page.html && grep -q 'FROM v_points' page.html && ! grep -q "shrink &lt;&gt; 'none' OR .* shrink = 'none'" page.html
}
check 'the SQL on the page can be pasted' pasted
unknown_spec() { # command...
    "$isoflop" "$@" --spec tinny --db one/s.db 2>said
    [ $? = 2 ] && [ "$(cat said)" = "isoflop: no spec in this store is named 'tinny'; did you mean 'tiny'?" ] && [ ! -e none.html ]
}
check 'report refuses an unknown spec' unknown_spec report -o none.html
check 'so does plot' unknown_spec plot all
named_once() { "$isoflop" plot isoflop --db over/s.db 2>said; [ "$(grep -o isoflop: said | wc -l)" = 2 ] || { cat said; return 1; }; }
check 'a chart that cannot be drawn is named once' named_once
check 'says when there is nothing to draw' bash -c "'$isoflop' plot isoflop --db one/s.db; [ \$? = 5 ]"
check 'survives a reader that goes away' bash -c "'$isoflop' export metric --db one/s.db | head -1 >/dev/null; [ \${PIPESTATUS[0]} = 0 ]"
check 'notices a full output' bash -c "'$isoflop' export metric --db one/s.db >/dev/full; [ \$? = 1 ]"
check 'reports divergence as a result' bash -c "'$isoflop' run tiny.yaml --db wild/s.db -q -S train.lr=1e9 -S train.clip=0 -S model.width=16 -S train.tokens=8192; [ \$? = 3 ] && '$isoflop' export attempt --db wild/s.db | grep -q ',diverged,\"step 2: loss'"
check 'and again when asked again' bash -c "'$isoflop' run tiny.yaml --db wild/s.db -q -S train.lr=1e9 -S train.clip=0 -S model.width=16 -S train.tokens=8192; [ \$? = 3 ]"
interrupted() {
    "$isoflop" run tiny.yaml --db stop/s.db -q &
    local pid=$! code
    until [ -s stop/s.db ] || ! kill -0 "$pid"; do sleep 0.02; done # begun, and far from its end on any machine
    kill -TERM "$pid" # an interrupt is ignored by what a script starts in the background
    wait "$pid"
    code=$?
    [ "$code" = 143 ] && "$isoflop" run tiny.yaml --db stop/s.db -q && same one/s.db stop/s.db
}
rm -rf unshrunk && "$isoflop" run tiny.yaml --db unshrunk/s.db -j 2 -q >/dev/null 2>&1 && rm -rf one && mv unshrunk one
check 'stops when asked to and goes on later' interrupted
dry() {
    "$isoflop" run tiny.yaml --db dry/s.db --dry-run -q >before && [ ! -e dry ] && grep -q '^8 trials' before &&
        "$isoflop" run tiny.yaml --db dry/s.db -q -S model.width=16 -S train.tokens=8192 &&
        "$isoflop" run tiny.yaml --db dry/s.db --dry-run >after && grep -q '^[67] trials' after &&
        "$isoflop" run tiny.yaml --db one/s.db -n 2>said && grep -q 'nothing to run' said
}
check '--dry-run says what is missing and makes nothing' dry
walled() {
    local code
    "$isoflop" run tiny.yaml --db wall/s.db -q --max-wall 150ms 2>said
    code=$?
    [ "$code" = 75 ] && grep -q 'max-wall is over' said && "$isoflop" run tiny.yaml --db wall/s.db -q && same one/s.db wall/s.db
}
check '--max-wall stops the run, resumable' walled
starved() { # enough for the model but not for the BLAS beside it, which then spins: the check beforehand cannot see it
    ISOFLOP_BLAS=openblas "$isoflop" run tiny.yaml --db mem/s.db -q --mem-limit 40M --timeout 2s --retries 1 -S model.width=16 -S train.tokens=8192 2>said
    [ "$?" = 3 ] && "$isoflop" export attempt --db mem/s.db | awk -F, 'NR > 1 && $3 != "oom" && $3 != "timeout" && $3 != "failed" { exit 1 } END { exit NR < 3 }'
}
check '--mem-limit holds, and the runner survives' starved
too_large() {
    "$isoflop" run tiny.yaml --db mem2/s.db -q --mem-limit 1M 2>said
    [ "$?" = 2 ] && [ ! -e mem2 ] && grep -q 'than --mem-limit allows' said
}
check 'what is known to need more is refused beforehand' too_large
shards() {
    local i
    for i in 1 2 3; do "$isoflop" run tiny.yaml --db shard/s.db -q --shard "$i/3" || return 1; done
    same one/s.db shard/s.db && count_is 8 column attempt attempt shard/s.db &&
        ! "$isoflop" run tiny.yaml --db shard/s.db --shard 4/3 2>said && grep -q 'takes i/n' said
}
check 'three shards are the sweep' shards
joined() { # each in a store of its own, as on several machines
    local i
    for i in 1 2 3; do "$isoflop" run tiny.yaml --db "apart$i/s.db" -q --shard "$i/3" || return 1; done
    "$isoflop" merge apart?/s.db --db joined/s.db -q && "$isoflop" merge apart?/s.db --db joined/s.db && count_is 8 column attempt attempt joined/s.db &&
        results one/s.db | sed -E 's/"checkpoint": ?[^,}]*,?//' >first.txt && results joined/s.db | sed -E 's/"checkpoint": ?[^,}]*,?//' >second.txt &&
        cmp first.txt second.txt && "$isoflop" run tiny.yaml --db joined/s.db 2>said && grep -q 'nothing to run' said
}
check 'in three stores, too, once they are merged' joined
echo "1..$number"
