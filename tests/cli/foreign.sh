#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# foreign.sh — goal: models of which nothing is known but their files are measured through the commands.
# Method: small Llama- and Mixtral-shaped models with the same weights in every type and in one file or several, so that
# all of them have to answer alike; claims of a long context under a limit on memory that what is used fits into and what
# is claimed does not. That the loss is the right one is what tests/peers/check_parity.py compares. Prints TAP.
set -u
foreign=${FOREIGN:-$(cd "$(dirname "$0")/../.." && pwd)/build/tests/cli/foreign}
case $foreign in /*) ;; *) foreign=$PWD/$foreign ;; esac
# shellcheck source=tests/prologue.sh
. "$(dirname "$0")/../prologue.sh"
export isoflop OPENBLAS_NUM_THREADS=1

seq 0 100 | awk '{ print ($1 * 7 + $1 * $1) % 13 }' >ids

for family in llama mixtral; do
    for head in 2 6; do # four heads of either size: as wide as the model, and wider
        base=$family-$head-F32-1
        for type in F32 F16 BF16; do
            for files in 1 3; do
                model=$family-$head-$type-$files
                "$foreign" "$model" $family $type $files $head || exit 1
                "$isoflop" eval "$model" --ids ids -T 16 --csv -q >"$model.eval" 2>&1
                "$isoflop" generate "$model" --ids -p '1 2 3' -n 20 >"$model.text" 2>&1
                check "$model: eval and generate answer as in any type" bash -c \
                    "grep -q '^ids,loss,2\.[0-9]' $model.eval && grep -qE '^1 2 3( [0-9]+){20}\$' $model.text &&
                     cmp $model.eval $base.eval && cmp $model.text $base.text"
                check "$model: latency" bash -c \
                    "[ \"\$('$isoflop' latency $model --batch 1,2 --prompt 8 -g 4 -n 5 --csv -q | wc -l)\" -eq 5 ]"
            done
        done
    done
done
check 'models that differ answer differently' bash -c '! cmp llama-2-F32-1.eval llama-6-F32-1.eval &&
    ! cmp llama-2-F32-1.eval mixtral-2-F32-1.eval'
check 'ids from standard input are the same ids' bash -c \
    "'$isoflop' eval llama-2-F32-1 --ids - -T 16 --csv -q <ids | cmp - llama-2-F32-1.eval"

refuses() { # exit code, words, command...
    "${@:3}" >said 2>&1
    [ $? -eq "$1" ] && grep -qF -- "$2" said || { cat said; false; }
}
check 'text without a tokenizer is refused with the way out' refuses 2 \
    'no tokenizer.json says what they are; --ids takes their numbers' "$isoflop" eval llama-2-F32-1
check 'a number that is no token is named with its place' bash -c \
    "printf '1 2\n3 13\n' >bad; '$isoflop' eval llama-2-F32-1 --ids bad 2>&1 | grep -qF \"bad:2:3: '13' is no token\""
check '--ids and --data exclude each other' refuses 2 'leave --data out' \
    "$isoflop" eval llama-2-F32-1 --ids ids --data ids
check 'more context than claimed is refused' refuses 2 'the model knows 2048 tokens at once' \
    "$isoflop" eval llama-2-F32-1 --ids ids -T 2049

# ---- a claim of a million tokens: 8 GB of keys and values, if anybody believed it ----
"$foreign" long llama BF16 1 256 ',"max_position_embeddings":1048576' || exit 1
within() { # a gigabyte of address space
    (ulimit -v 1000000 && "$@")
}
check 'eval takes the memory of what it reads' within "$isoflop" eval long --ids ids
check 'generate takes the memory of what it writes' within "$isoflop" generate long --ids -p '1 2' -n 9
check 'latency takes the memory of what it measures' within "$isoflop" latency long -q --prompt 16 -g 4 -n 3
believed() { ! within "$isoflop" latency long -q --prompt 1048000 -g 4 -n 3; }
check 'and the whole claim would not have fitted' believed

# ---- a window of 16 in a claim of 2048 ----
"$foreign" window llama F32 1 2 ',"sliding_window":16' || exit 1
check 'within its window a model is what it would be without' bash -c \
    "'$isoflop' eval window --ids ids -T 16 --csv -q | cmp - llama-2-F32-1.eval"
check 'eval stays within it when nothing is said' bash -c \
    "'$isoflop' eval window --ids ids 2>&1 | grep -q 'in windows of 16'"
for command in 'eval window --ids ids -T 17' 'generate window --ids -p 1 -n 16' 'latency window --prompt 16 -g 1 -n 3'; do
    # shellcheck disable=SC2086  # several words
    check "beyond it nothing is computed: $command" refuses 1 'sliding_window is 16 and the context 17' "$isoflop" $command
done

check 'nor does latency measure beyond it when nothing is said' "$isoflop" latency window -q -n 3

# ---- a weight that is no number ----
"$foreign" broken llama F32 1 2 || exit 1
file=$(echo broken/*.safetensors)
printf '\0\0\300\177' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") - 4)) conv=notrunc 2>/dev/null
check 'a loss that is no number is a mistake' refuses 1 'broken: its loss is no number' "$isoflop" eval broken --ids ids
check 'and so are logits' refuses 1 'broken: the logits of token' "$isoflop" generate broken --ids -p '1 2' -n 4

# ---- a tokenizer that is none of ours: in the way of text only ----
cp -r llama-2-F32-1 pieces && echo '{"normalizer":{"type":"NFC"},"model":{"type":"BPE","vocab":{},"merges":[]}}' >pieces/tokenizer.json || exit 1
check 'latency needs no tokenizer' "$isoflop" latency pieces -q --prompt 4 -g 2 -n 3
check 'nor do numbers of tokens' bash -c "'$isoflop' eval pieces --ids ids --csv -q | cmp - <('$isoflop' eval llama-2-F32-1 --ids ids --csv -q)"
check 'nor generating them' "$isoflop" generate pieces --ids -p '1 2' -n 4
check 'text does' refuses 1 'pieces/tokenizer.json' "$isoflop" generate pieces -p a

# ---- what is no model ----
mkdir empty && touch empty/readme || exit 1
check 'a folder without config.json is named' refuses 1 'empty: holds no config.json' "$isoflop" latency empty
check 'a file is told from a folder' refuses 2 'empty/readme: is a file' "$isoflop" latency empty/readme
check 'a folder that is not there too' refuses 1 'empty/er: no such folder' "$isoflop" eval empty/er --ids ids
check 'and a word, without a store' refuses 1 'emty: no such folder, and no store' "$isoflop" latency emty

"$foreign" yarn llama F32 1 2 ',"rope_scaling":{"rope_type":"yarn","factor":4}' || exit 1
check 'positions that are not computed are refused by name' refuses 1 "rope_scaling asks for 'yarn'" "$isoflop" latency yarn

echo "1..$number"
