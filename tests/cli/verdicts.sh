#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# verdicts.sh — goal: what a sweep's trials are worth, from when an ability is there and what is to be said of a claim
# can be asked of the real program, and stands in the store and the report afterwards.
# Method: one small sweep; every answer in each of its forms; words that mean nothing. Prints TAP.
set -u
# shellcheck source=tests/prologue.sh
. "$(dirname "$0")/../prologue.sh"

says() { # exit-code text command...
    "${@:3}" >answer 2>&1
    local code=$?
    cat answer
    [ "$code" -eq "$1" ] && grep -qF -- "$2" answer
}
counts() { # n pattern command...
    local n
    n=$("${@:3}" | grep -cE "$2")
    [ "$n" -eq "$1" ] || { echo "counted $n, expected $1"; return 1; }
}

cat >tiny.yaml <<'SPEC'
name: tiny
claims: [bigger-is-better, compute-optimal]
model: {depth: 1, width: [16, 32], context: 32}
train: {tokens: [8192, 16384], batch_tokens: 256}
eval: {heldout_tokens: 4096, items: 16, latency_samples: 10}
SPEC
sed 's/compute-optimal/compute-optimum/' tiny.yaml >slip.yaml

echo 1..18
check 'a claim that nobody made is refused with its place' \
    says 2 "slip.yaml:2:28: unknown claim 'compute-optimum'; did you mean 'compute-optimal'?" "$isoflop" plan slip.yaml
check 'a store that is missing is not made by asking' says 1 't.db' "$isoflop" claims --db t.db
check 'nor is there a threshold in it' says 1 't.db' "$isoflop" threshold all --db t.db
check 'a sweep runs' "$isoflop" run tiny.yaml --db t.db --no-checkpoints --no-summary -q
checks=$(grep -c '^    {"' "$top/harness/analysis/validity.c")
check 'and judges each of its trials by every check' counts $((4 * checks)) '(pass|warn|fail|unchecked)' \
    "$isoflop" export v_validity --db t.db
check 'show says what a trial is worth' says 0 'one seed: no interval' "$isoflop" show best --db t.db
check 'show says what a preset of 0 stood for, and rounds for people' bash -c \
    "'$isoflop' show best --db t.db >shown && grep -qE '^  heads +0: [1-9][0-9]*\$' shown && grep -qE '^  ffn +0: [1-9]' shown &&
     ! grep -E '^  [a-z_]*(loss|seconds|stderr|wall_s) ' shown | grep -E '[0-9.]{10}'"
check 'a verdict names its figure' says 0 'warm-up took 5 % of the run' "$isoflop" show best --db t.db
claims=$(grep -c '\.name = "' "$top/harness/analysis/claims_table.c")
check 'the sweep judged every claim' counts "$claims" 'supported|refuted|undecided' "$isoflop" export claim --db t.db
check 'claims judges the same again' bash -c "
    '$isoflop' export claim --db t.db | sed 's/,[^,]*\$//' >first
    '$isoflop' claims --db t.db >all && '$isoflop' export claim --db t.db | sed 's/,[^,]*\$//' >second
    cmp first second && grep -q 'undecided .*(own-predictions)' all && ! grep '.\\{81\\}' all"
check 'one claim says its rule and its query' says 0 'FROM trial t' "$isoflop" claims compute-optimal --db t.db
check 'for a program it is an object with its schema' says 0 '"schema": "isoflop.claims.v1"' "$isoflop" claims --json --db t.db
check 'a slip of the pen is met with the name' says 2 "did you mean 'four-epochs'?" "$isoflop" claims four-epoch --db t.db
check 'thresholds are censored where nothing is learnt' says 0 'not_reached' "$isoflop" threshold all --csv --db t.db
check 'people are told what the interval rests on' says 0 'one seed: interval over items' "$isoflop" threshold copy --db t.db
check 'an ability nobody scored is met with those there are' says 2 "no ability 'flying' was scored; there are:" \
    "$isoflop" threshold flying --db t.db
check 'the report tells the claims that its specs name' bash -c "
    '$isoflop' report --db t.db -o page.html --plots plots -q &&
    grep -q 'What was claimed, what we measured' page.html && grep -q 'Each compute budget has its best size' page.html &&
    ! grep -q 'Four epochs' page.html"
check 'and what is doubtful about its trials' grep -q 'Validity checks found doubtful: .*seeds in' page.html
check 'the roofline is held against the latencies of the sweep' says 0 'measured over roofline' "$isoflop" size --measured --db t.db
check 'model by model for a program' counts 8 '(prefill|decode),' "$isoflop" size --measured --csv --db t.db
