#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# readers.sh — goal: what results/README.md shows for pandas and R runs as it stands there, and metadata.json tells
# Datasette of nothing that a store does not have.
# Method: a sweep of four small trials; the README's blocks are cut out and run on it, and must print the rows that the
# program's own export has; the names of metadata.json are looked up in the store and its queries asked. Prints TAP.
set -u
# shellcheck source=tests/prologue.sh
. "$(dirname "$0")/../prologue.sh"

skip() { # name reason
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}

cat >tiny.yaml <<'SPEC'
name: tiny
model: {depth: 1, width: [16, 32], context: 64}
train: {tokens: [4096, 8192], batch_tokens: 256}
eval: {heldout_tokens: 1024, items: 16, latency_samples: 2}
SPEC

# The README's only block in a language.
block() { # language
    awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; n++; next } /^```/ { inside = 0 } inside; END { exit n != 1 }' "$top/results/README.md"
}
# The lines "tokens params loss" of whatever prints them, the loss to four digits.
rows() { awk '$1 ~ /^[0-9]/ && NF == 3 { printf "%d %d %.4f\n", $1, $2, $3 }'; }
best() {
    "$isoflop" export v_points --db results/isoflop.db | awk -F, '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { t = $at["tokens"]; loss = $at["heldout_loss"] }
        !(t in least) || loss < least[t] { least[t] = loss; params[t] = $at["params_non_embedding"] }
        END { for (t in least) print t, params[t], least[t] }' | rows | sort -n
}
snippet_says_so() { # language interpreter...
    block "$1" >snippet && best >wanted && [ "$(wc -l <wanted)" -eq 2 ] && "${@:2}" snippet | rows >said && diff wanted said
}
first_python_with() { # module
    local python
    for python in python3 /usr/bin/python3; do # a Python put in front of the system's seldom has the system's packages
        "$python" -c "import $1" >/dev/null 2>&1 && { echo "$python"; return; }
    done
    return 1
}

check 'a sweep of four trials' "$isoflop" run tiny.yaml --no-checkpoints --no-summary
if python=$(first_python_with pandas); then
    check 'the pandas snippet prints the best of each budget' snippet_says_so python "$python" -B
else
    skip 'the pandas snippet prints the best of each budget' 'no Python with pandas (Debian: python3-pandas)'
fi
if Rscript -e 'library(RSQLite)' >/dev/null 2>&1; then
    check 'the R snippet prints the best of each budget' snippet_says_so r Rscript
else
    skip 'the R snippet prints the best of each budget' 'no R with RSQLite (Debian: r-cran-rsqlite)'
fi
if python=$(first_python_with sqlite3); then
    check 'metadata.json names what a store has' "$python" -B "$top/tests/cli/check_metadata.py" "$top/results/metadata.json" results/isoflop.db
else
    skip 'metadata.json names what a store has' 'no Python with sqlite3'
fi
echo "1..$number"
