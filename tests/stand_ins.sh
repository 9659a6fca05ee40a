# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# stand_ins.sh — what a test of a script begins with that asks programs which are not ours; to be sourced, with $script set.
# The script runs with a PATH of its own: the tools that are named, and stand-ins that fail as the test wants. It leaves an
# empty folder $work that goes with the shell, and `check` to run a case of TAP.
# shellcheck disable=SC2154  # script and dir are the test's
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/tools"

real_tools() { # name...
    local tool
    for tool in "$@"; do ln -s "$(command -v "$tool")" "$work/tools/$tool"; done
}
tool_is() { # name text-of-a-script
    printf '#!/usr/bin/env bash\n%s\n' "$2" >"$work/tools/$1"
    chmod +x "$work/tools/$1"
}
no_tool() { rm -f "${@/#/$work/tools/}"; } # name...

# Runs the script; its exit code goes to $code, what it says to $work/out and $work/err.
run() { # argument...
    PATH=$work/tools "$script" "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
}
number=0
check() { # name condition...
    number=$((number + 1))
    if "${@:2}"; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        sed 's/^/# /' "$work/out" "$work/err"
        echo "# exit $code; in the folder: $(echo "$dir"/* "$dir"/.[!.]*)"
    fi
}
says() { grep -q -e "$1" "$work/err"; }
empty() { [ -d "$1" ] && [ -z "$(ls -A "$1")" ]; }
