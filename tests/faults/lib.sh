# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# lib.sh — what the scripts of this folder share beyond tests/prologue.sh: a sweep of tiny trials ($trials of them) and what it
# has to have come to. Sourced, not run.
# shellcheck disable=SC2034 # its variables are the scripts'
# shellcheck source=tests/prologue.sh
. "$(dirname "${BASH_SOURCE[0]}")/../prologue.sh"
run=("$isoflop" run tiny.yaml -q --no-summary -j 2 --no-checkpoints --db)

ok() { number=$((number + 1)); echo "ok $number - $1"; }
not_ok() { number=$((number + 1)); echo "not ok $number - $1"; }
can_trace() { strace -e trace=none true 2>/dev/null; }
forget() { rm -rf s.db s.db.* s.db-*; }

write_spec() {
    cat >tiny.yaml <<SPEC
name: tiny
data: {abilities: copy, entities: 1}
model: {depth: 1, width: 8, context: 32}
train: {tokens: 512, batch_tokens: 256}
eval: {heldout_tokens: 64, items: 1, latency_samples: 1}
seeds: 1-${trials:?}
SPEC
}

# What must not depend on who was killed when: the view's columns that no clock fills, and the curves of what counts.
results() { # db
    "$isoflop" export v_points --db "$1" --json | sed -E 's/"(wall_s|train_s|cpu_s|peak_rss_bytes|tokens_per_s|energy_j|energy_method)": [^,}]*,?//g' &&
        "$isoflop" export v_evals --db "$1" &&
        "$isoflop" export metric --db "$1" | awk -F, '{ print $1, $3, $4, $5 }' | sort -u
}
make_golden() {
    "${run[@]}" golden.db >/dev/null 2>&1 && results golden.db >golden || { echo 'not ok 1 - an undisturbed sweep'; return 1; }
}
whole() { # db: as the golden one, each trial done once, nothing running
    results "$1" >have || { echo 'the results cannot be read'; return 1; }
    cmp -s have golden || { echo 'results differ:'; diff golden have | cut -c1-2000 | head -n 6 | sed 's/^/# /'; return 1; }
    "$isoflop" export attempt --db "$1" | awk -F, -v n="$trials" '$3 == "running" { exit 1 } $3 == "done" { done[$1]++ }
        END { for (t in done) { trials++; if (done[t] != 1) exit 1 } exit trials != n }' || { echo 'lost or doubled'; return 1; }
    "$isoflop" doctor --db "$1" | grep -q '^ok *store ' || { echo 'damaged'; return 1; }
}
