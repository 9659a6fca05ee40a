#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# valgrind.sh — goal: no command loses memory, or reads what is not its own.
# Method: a small store and a model are made by the program as it is; then every command runs under valgrind's memcheck,
# on what people type most and on a mistake or two. Blocks that nothing points to at the end count, and so does any invalid
# access; what is still reachable does not. A trial cannot be started from under valgrind, so what begins one is seen to
# cope with a trial that fails; the trials themselves are looked at by the address sanitizer. Prints TAP. LEAKS=pattern runs
# the cases whose name matches it.
set -u
# shellcheck source=tests/prologue.sh
. "$(dirname "$0")/../prologue.sh"

cat >tiny.yaml <<'SPEC'
name: tiny
model: {depth: 1, width: [16, 32], context: 64}
train: {tokens: [4096, 8192], batch_tokens: 256}
eval: {heldout_tokens: 1024, items: 16, latency_samples: 2}
SPEC
sed 's/tiny/more/; s/\[4096, 8192\]/4096/; s/\[16, 32\]/48/' tiny.yaml >more.yaml
printf 'N,D,loss\n1e6,1e8,3.1\n2e6,2e8,2.9\n' >theirs.csv
printf 'the cat sat on the mat and the rat sat on the cat\n' >text.txt
printf 'name: broken\nmodel: {widht: 3}\n' >broken.yaml
"$isoflop" run tiny.yaml --db s.db -q --no-summary || { echo 'not ok 1 - makes a store'; echo 1..1; exit 1; }
trial=$("$isoflop" export v_points --db s.db | sed -n '2s/,.*//p')
model=s.db.checkpoints/$trial

# Name, exit code, command. The program would start itself anew for its BLAS kernels, out of valgrind's sight.
leaks() {
    local code
    [[ $1 =~ ${LEAKS:-.} ]] || return
    number=$((number + 1))
    ISOFLOP_BLAS_CHOSEN=1 OPENBLAS_NUM_THREADS=1 valgrind -q --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        --undef-value-errors=no --error-exitcode=99 --log-file=log "$isoflop" "${@:3}" >out 2>err
    code=$?
    if [ "$code" -eq "$2" ] && ! grep -q '^==' log; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1: exit code $code"
        sed 's/^/# /' err log
    fi
}

leaks 'no command' 2
leaks help 0 --help
leaks 'help of a command' 0 run --help
leaks 'unknown command' 2 rnu
leaks plan 0 plan tiny.yaml
leaks 'plan of a broken spec' 2 plan broken.yaml
leaks 'run of nothing' 0 run tiny.yaml --db s.db -q
leaks 'run of one trial' 3 run more.yaml --db s.db -q
leaks status 0 status --db s.db
leaks 'status of no store' 1 status --db none.db
leaks show 0 show "$trial" --db s.db
leaks export 0 export v_trials --db s.db
leaks 'export json' 0 export v_evals --db s.db --json
leaks 'export markdown' 0 export v_costs --db s.db --markdown
leaks import 0 import theirs.csv --columns heldout_loss=loss,params_total=N,tokens=D --source 'a paper' --db s.db
leaks fit 5 fit --db s.db --law chinchilla
leaks threshold 0 threshold copy --db s.db
leaks claims 0 claims --db s.db
leaks plot 0 plot all --db s.db -o plots
leaks report 0 report --db s.db -o report.html
leaks size 0 size
leaks doctor 0 doctor --db s.db
leaks generate 0 generate "$model" --prompt 'the' --tokens 8
leaks eval 0 eval "$model"
leaks shrink 3 shrink --int8 "$trial" --db s.db -q
leaks 'tokenizer learns' 0 tokenizer train text.txt -o tokenizer.json --vocabulary 260
leaks train 3 train -S model.width=16 -S model.depth=1 -S train.tokens=4096 -q -o trained
echo "1..$number"
