#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [-j N] PROGRAM... — runs test programs and counts their test cases.
#
# A program is anything that speaks TAP on standard output: a cmocka program (told so by its environment) or a script.
# One line per test case; after a failure, everything the program said. A program that crashes, runs past its time,
# breaks off before its last case, or has no case at all counts as one failed case more. The last line is
# "N passed, N failed"; the exit code is 0 only when something ran and nothing failed.
set -u

JOBS=2
TIMEOUT=${TEST_TIMEOUT:-300} # seconds for one program
if [ "${1:-}" = -j ]; then
    JOBS=$2
    shift 2
fi

export CMOCKA_MESSAGE_OUTPUT=TAP
export LC_ALL=C.UTF-8
# Without detect_stack_use_after_return: GCC 12 aligns the frames it makes for that to 32 bytes only, and code with
# 64-byte vectors crashes in them.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=0:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache # what is measured of this machine must not be the user's, nor reach it

# "build/asan/tests/harness/test_plan" -> "harness/test_plan [asan]"
label_of() {
    case $1 in
    */asan/tests/*) printf '%s [asan]' "${1##*/asan/tests/}" ;;
    *) printf '%s' "${1#"${1%%tests/*}"tests/}" ;;
    esac
}

# Runs one program; its exit code is the last thing written, so that a code file means "finished".
run_one() { # index program
    timeout -k 10 "$TIMEOUT" "$2" </dev/null >"$work/$1.out" 2>"$work/$1.err"
    echo $? >"$work/$1.tmp"
    mv "$work/$1.tmp" "$work/$1.code"
}

# From a program's TAP to one line per case and, as last line, "passed failed skipped". What cmocka prints for a
# skipped case is "not ok 3 # SKIP name".
judge() { # label code < TAP
    awk -v label="$1" -v code="$2" -v limit="$TIMEOUT" '
        function line(verdict, name) { printf "  %-4s  %s: %s\n", verdict, label, name }
        /^1\.\.[0-9]+/ { planned += substr($1, 4) }
        /^(not )?ok([ \t]|$)/ {
            good = !/^not/
            name = $0
            sub(/^(not )?ok[ \t]*[0-9]*[ \t]*(- )?/, "", name)
            if (toupper(name) ~ /^# *SKIP/ || toupper(name) ~ / # *SKIP/) {
                skipped++
                sub(/^# *[Ss][Kk][Ii][Pp] */, "", name)
                line("skip", name)
            }
            else if (good) { passed++; line("ok", name) }
            else { failed++; line("FAIL", name) }
        }
        END {
            seen = passed + failed + skipped
            if (code == 124) { failed++; line("FAIL", "ended after " limit " s without a verdict") }
            else if (code == 137) { failed++; line("FAIL", "killed: no memory left, or deaf to the time limit") }
            else if (code > 128) { failed++; line("FAIL", "killed by signal " code - 128) }
            else if (seen < planned) { failed++; line("FAIL", "broke off after " seen " of " planned " cases (exit " code ")") }
            else if (code != 0 && !failed) { failed++; line("FAIL", "exit code " code) }
            else if (!seen) { failed++; line("FAIL", "has no test case") }
            print passed + 0, failed + 0, skipped + 0
        }'
}

passed=0 failed=0 skipped=0
report() { # index program
    local code verdict p f s
    code=$(cat "$work/$1.code")
    verdict=$(judge "$(label_of "$2")" "$code" <"$work/$1.out")
    printf '%s\n' "$verdict" | sed '$d'
    read -r p f s <<<"$(printf '%s\n' "$verdict" | tail -n 1)"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" -gt 0 ]; then
        sed 's/^/    | /' "$work/$1.out" "$work/$1.err" | tail -n 200
    fi
    rm -f "$work/$1".*
}

programs=("$@")
next=0 # the first program that is not reported yet: reports come in the order of the list
for i in "${!programs[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do wait -n; done
    run_one "$i" "${programs[$i]}" 2>/dev/null & # the shell's own remarks on crashes are not needed
    while [ "$next" -lt "$i" ] && [ -e "$work/$next.code" ]; do
        report "$next" "${programs[$next]}"
        next=$((next + 1))
    done
done
wait
while [ "$next" -lt "${#programs[@]}" ]; do
    report "$next" "${programs[$next]}"
    next=$((next + 1))
done

[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
