# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# prologue.sh — what every test of the real program begins with; to be sourced. It leaves the shell in an empty folder that
# goes with it, the program's absolute path in $isoflop, and `check` to run a case of TAP.
# shellcheck disable=SC2034  # read by the test that sources this
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
isoflop=${ISOFLOP:-$top/build/isoflop}
case $isoflop in /*) ;; *) isoflop=$PWD/$isoflop ;; esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export XDG_CACHE_HOME=$work/cache

number=0
check() { # name command...
    number=$((number + 1))
    if "${@:2}" >out 2>err; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        sed 's/^/# /' out err
    fi
}
