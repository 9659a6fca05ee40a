#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# model.sh — goal: the commands for one model by hand agree with the sweep's trials, and with themselves.
# Method: the same settings through `run` and through `train`, the models compared byte by byte; `eval` against what the
# trial stored; `generate` with different words for the same thing; `latency`'s summary against its own samples. The same
# on a copy of the model without the file that tells whose it is, as a foreign one lies on disk. Prints TAP.
set -u
# shellcheck source=tests/prologue.sh
. "$(dirname "$0")/../prologue.sh"

same() { # "command" "command": equal output, and some
    bash -c "$1" >first && bash -c "$2" >second && [ -s first ] && cmp first second
}
column() { # name: of CSV on standard input
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next } { print $at }'
}
export isoflop
export -f column

cat >tiny.yaml <<'SPEC'
name: tiny
model: {depth: 1, context: 64, width: 32, experts: [1, 4]}
train: {batch_tokens: 256, tokens: 16384}
eval: {heldout_tokens: 1024, items: 16, latency_samples: 20}
SPEC
settings='-S model.depth=1 -S model.context=64 -S model.width=32 -S train.batch_tokens=256 -S train.tokens=16384
          -S eval.heldout_tokens=1024 -S eval.items=16 -S eval.latency_samples=20'
"$isoflop" run tiny.yaml --db s.db -q --no-summary || exit 1
id() { # experts
    "$isoflop" export v_points --db s.db | awk -F, -v e="$1" \
        'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "experts") at = i; next } $at == e { print $1 }'
}
dense=$(id 1) mixture=$(id 4)
small=$("$isoflop" shrink --int8 "$dense" --db s.db -q) || exit 1

# ---- train ----
# shellcheck disable=SC2086  # the settings are several words
check 'train makes the model of run, to the bit' bash -c \
    "'$isoflop' train $(echo $settings) -o by/hand && cmp by/hand/model.safetensors s.db.checkpoints/$dense/model.safetensors"
check 'of a spec too, when one trial is left of it' bash -c \
    "'$isoflop' train tiny.yaml -S model.experts=4 -o mix && cmp mix/model.safetensors s.db.checkpoints/$mixture/model.safetensors"
check 'its row names the trial and the loss that run stored' same \
    "'$isoflop' train tiny.yaml -S model.experts=1 -o row --csv -q | tail -1 | cut -d, -f2,7" \
    "'$isoflop' export v_points --db s.db | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if (\$i == \"heldout_loss\") at = i }
     \$1 == \"$dense\" { print \$1 \",\" \$at }'"
check 'train --db stores a trial of the spec by-hand' bash -c \
    "'$isoflop' train $(echo $settings) --db hand.db -q >/dev/null && '$isoflop' export v_trials --db hand.db | column spec | grep -qx by-hand"
stopped() { # an interrupted training leaves no model behind
    "$isoflop" train -S train.tokens=100M -o never -q >/dev/null 2>&1 &
    local pid=$!
    sleep 0.7
    kill -TERM $pid
    wait $pid
    [ $? -eq 143 ] && [ ! -e never/config.json ]
}
check 'stopped by a signal, train says so and leaves no model' stopped

resumed() { # stopped in the middle and resumed: the same bytes, and nothing left beside them
    local tries=0 long='-S train.tokens=400k -S eval.items=16 -S eval.latency_samples=10'
    # shellcheck disable=SC2086  # the settings are several words
    until ls half.states/*/* >/dev/null 2>&1; do
        [ $((tries += 1)) -le 9 ] || return 1
        rm -rf half half.states
        "$isoflop" train $long -o half -q >/dev/null 2>&1 &
        local pid=$!
        until [ -d half.states ] || ! kill -0 $pid; do sleep 0.02; done
        sleep 0.$((10 - tries))
        kill -TERM $pid
        wait $pid
    done
    # shellcheck disable=SC2086
    ! "$isoflop" train $long -o half -q 2>said && grep -q 'stopped after step .*--resume' said &&
        "$isoflop" train $long -o half -q --resume >/dev/null && [ ! -e half.states ] &&
        "$isoflop" train $long -o whole -q >/dev/null && cmp half/model.safetensors whole/model.safetensors
}
check 'stopped and resumed, train makes the same model' resumed

# ---- eval ----
scores() { "$isoflop" eval "$@" --csv -q | awk -F, 'NR > 1 && $1 != "heldout" { print $1 "," $2 "," $3 "," $7 }' | sort; }
stored() { "$isoflop" export v_evals --db s.db | awk -F, -v id="$1" '$1 == id { print $3 "," $4 "," $5 "," $8 }' | sort; }
heldout() { "$isoflop" eval "$@" --tasks none --csv -q | awk -F, '$2 == "loss" { print $3 "," $4 }'; }
export -f scores stored heldout
for trial in $dense $mixture $small; do
    check "eval finds the abilities that trial ${trial:0:4} stored" same "scores $trial --db s.db" "stored $trial"
    check "eval finds the loss that trial ${trial:0:4} stored" same "heldout $trial --db s.db" \
        "'$isoflop' export v_points --db s.db | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[\$i] = i }
         \$1 == \"$trial\" { print \$at[\"heldout_loss\"] \",\" \$at[\"heldout_stderr\"] }'"
done
check 'a folder and its trial are one model' same "heldout by/hand" "heldout $dense --db s.db"
check 'another world is another text' bash -c '! cmp <(heldout by/hand) <(heldout by/hand -S data.seed=2)'
check 'eval reads a file' bash -c '[ -n "$(heldout by/hand --data "$isoflop")" ]'
check 'every interval holds its value' bash -c "'$isoflop' eval by/hand --csv -q |
    awk -F, 'NR > 1 && !(\$5 <= \$3 && \$3 <= \$6) { print; bad = 1 } END { exit bad || NR < 14 }'"

# ---- generate ----
write() { "$isoflop" generate by/hand -n 100 "$@"; }
export -f write
check 'the same seed writes the same text' same "write --seed 7" "write --seed 7"
check 'another seed another' bash -c '! cmp <(write --seed 7) <(write --seed 8)'
check 'top-k 1, top-p 0 and temperature 0 are one' bash -c \
    'cmp <(write --top-k 1) <(write -t 0) && cmp <(write --top-p 0) <(write -t 0)'
check 'a prompt from standard input is the same prompt' same "write -p 'copy ab: '" "printf 'copy ab: ' | write -p -"
check 'a prompt longer than the context goes on with its end' same \
    "seq 100 | tail -c 400 | write -p - --no-echo" "seq 100 | tail -c 200 | write -p - --no-echo"
check 'numbers and text are the same tokens' same "write -t 0 --no-echo" \
    "write -t 0 --no-echo --ids -p 10 | awk '{ for (i = 1; i <= NF; i++) printf \"%c\", \$i; print \"\" }'"
stop() { # the text up to the first stop, and no part of it
    local all
    all=$(write --seed 3 | tr '\n' '~')
    [[ "$all" == *[ea]* ]] || { echo "no text with an e or an a: $all"; return 1; }
    [ "$(write --seed 3 --stop e --stop a | tr '\n' '~')" = "$(printf '%s' "$all" | sed -E 's/[ea].*//')~" ]
}
check 'a stop ends the text before it' stop

# ---- latency ----
"$isoflop" latency by/hand --batch 1,3 --prompt 8,16 -g 8 -n 30 --raw --csv -q >raw.csv
check 'latency prints every sample' bash -c '[ "$(wc -l <raw.csv)" -eq 241 ] && ! column ms <raw.csv | grep -qE "^(0|)$"'
check 'decode goes on behind the prompt, no further than told' bash -c \
    "awk -F, '\$1 == \"decode\" && (\$4 < \$3 || \$4 >= \$3 + 8) { bad = 1 } \$1 == \"decode\" { seen[\$4 - \$3] = 1 }
      END { for (i = 0; i < 8; i++) if (!seen[i]) bad = 1; exit bad }' raw.csv"
check 'tokens per second follow from the median' bash -c "'$isoflop' latency mix --batch 1,2 --csv -q |
    awk -F, 'NR > 1 { n = (\$1 == \"decode\" ? 1 : \$3) * \$2 * 1000 / \$6; if (\$9 < 0.999 * n || \$9 > 1.001 * n) bad = 1 }
             NR > 1 && \$1 == \"decode\" && \$2 == 1 && !(\$10 > 0) { bad = 1 } END { exit bad || NR != 5 }'"

# ---- a model of which nothing is known but its files ----
mkdir foreign && cp by/hand/config.json by/hand/model.safetensors foreign/
close() { # two losses of the same text that differ by rounding only
    awk -F, -v a="$(heldout foreign --tokens 1024)" -v b="$(heldout by/hand)" 'BEGIN { d = a - b; exit !(d < 1e-5 && d > -1e-5 && a > 1) }'
}
check 'eval of a foreign model' close
check 'generate with a foreign model' same "'$isoflop' generate foreign -n 50" "'$isoflop' generate by/hand -n 50"
check 'latency of a foreign model' bash -c "[ \"\$('$isoflop' latency foreign --csv -q -n 5 | wc -l)\" -eq 3 ]"

# ---- a model whose claim was changed by hand ----
longer() {
    cp -r by/hand longer && sed -i 's/"max_position_embeddings": [0-9]*/"max_position_embeddings": 8192/' longer/config.json &&
        grep -q 8192 longer/config.json && "$isoflop" eval longer --tasks none --tokens 1024 -q
}
check 'a context longer than a batch is evaluated' longer
echo "1..$number"
