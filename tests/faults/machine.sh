#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# machine.sh — goal: a machine that is smaller or older than ours ends every sweep, or says what it lacks.
# Method: the sweep with narrower vector instructions, with few file descriptors, and the library's machine code looked
# through for instructions that only some processors have. Prints TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/faults/lib.sh
. "$here/lib.sh"
library=$(dirname "$isoflop")/libisoflop.a
trials=3
write_spec
make_golden || exit 1

losses() { # db: trial and held-out loss
    "$isoflop" export v_points --db "$1" --json | grep -oE '"(trial_id|heldout_loss)": *"?[0-9a-f.]*' | awk '{ print $2 }' | tr -d '"' | paste - - | sort
}
older() { # instruction set: every trial ends, and the sums differ by their rounding only
    forget
    ISOFLOP_ISA=$1 "${run[@]}" s.db >said 2>&1 || { cat said; return 1; }
    losses golden.db >golden.loss
    losses s.db | join golden.loss - | awk -v n="$trials" '{ seen++; if (!($2 > 0 && ($2 - $3) ^ 2 <= (1e-4 * $2) ^ 2)) { print; bad = 1 } }
        END { exit bad || seen != n }'
}
check 'a processor without wide vectors trains the same' older baseline
check 'and one without the widest' older avx2

# Code for one instruction set lies in files of its own, which nobody calls before asking the processor.
narrow() {
    objdump -d "$library" | awk '
        /file format/ { file = $1 }
        /%[yz]mm[0-9]/ && file !~ /_kernels_(avx2|avx512|vnni)\.o/ { wide[file]++ }
        file ~ /_kernels_(avx2|avx512|vnni)\.o/ && /%[yz]mm[0-9]/ { seen++ }
        END { for (f in wide) { print f ": " wide[f] " wide instructions"; bad = 1 } exit bad || !seen }'
}
if [ "$(uname -m)" = x86_64 ] && command -v objdump >/dev/null && [ -e "$library" ] && ! "$isoflop" --build-info | grep -q march; then
    check 'wide instructions lie only where the processor was asked before' narrow
else
    ok 'wide instructions lie only where the processor was asked before # SKIP no objdump, or built for one processor'
fi

few_descriptors() { # how many: all is done with fewer at once, or it is said
    local code
    forget
    (ulimit -n "$1"; "${run[@]}" s.db) >/dev/null 2>said
    code=$?
    [ "$code" = "$2" ] || { echo "exit code $code"; cat said; return 1; }
    [ "$code" = 0 ] || [ -s said ] || return 1
    "${run[@]}" s.db >/dev/null 2>&1 && whole s.db
}
check 'few descriptors mean fewer trials at once' few_descriptors 20 0
check 'too few are said' few_descriptors 12 1
echo "1..$number"
