#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# transcripts.sh [FILE.txt...] — goal: what a person types and reads stays as it is written down.
# Method: replays tests/cli/*.txt and compares. Prints TAP, one case per command.
#
#   # a remark
#   $ isoflop rnu x.yaml          a command for bash; later commands of a file see what earlier ones left
#   plain lines                   what it prints on standard output
#   ! isoflop: unknown command …  what it prints on standard error
#   = 2                           its exit code; without such a line, 0
#
# In an expected line … stands for any text; an expected line that is only … (or "! …") for any number of lines.
# Each file is replayed in an empty folder of its own, with experiments/ and plots/ of this tree linked into it.
# shellcheck disable=SC2034,SC2094  # `matches` reads its arrays by name; the transcript itself is only read
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
program=${ISOFLOP:-$top/build/isoflop}
case $program in /*) ;; *) program=$PWD/$program ;; esac

export LC_ALL=C.UTF-8 COLUMNS=80 TERM=dumb
unset NO_COLOR

# Turns expected text into a bash pattern: … becomes *, everything else stands for itself.
pattern_of() { # text
    local text=$1
    text=${text//\\/\\\\}
    text=${text//\*/\\*}
    text=${text//\?/\\?}
    text=${text//\[/\\[}
    printf '%s' "${text//…/*}"
}

# Whether the lines of a file match the expected lines, from the given positions on.
matches() { # expected-array-name actual-array-name i j
    local -n want=$1 have=$2
    local i=$3 j=$4
    while [ "$i" -lt "${#want[@]}" ]; do
        if [ "${want[$i]}" = … ]; then
            for ((; j <= ${#have[@]}; j++)); do
                if matches "$1" "$2" $((i + 1)) "$j"; then return 0; fi
            done
            return 1
        fi
        [ "$j" -lt "${#have[@]}" ] || return 1
        # shellcheck disable=SC2053  # a pattern is meant
        [[ ${have[$j]} == $(pattern_of "${want[$i]}") ]] || return 1
        i=$((i + 1)) j=$((j + 1))
    done
    [ "$j" = "${#have[@]}" ]
}

number=0
judge() { # place command
    local code ok=1
    local -a out err
    [ -n "$2" ] || return 0
    (cd "$folder" && PATH=$work/bin:$PATH bash -c "$2") </dev/null >"$work/out" 2>"$work/err"
    code=$?
    mapfile -t out <"$work/out"
    mapfile -t err <"$work/err"
    [ "$code" = "$want_code" ] && matches want_out out 0 0 && matches want_err err 0 0 && ok=0
    number=$((number + 1))
    if [ "$ok" = 0 ]; then
        echo "ok $number - $1 $2"
    else
        echo "not ok $number - $1 $2"
        sed 's/^/#   /' "$work/out"
        sed 's/^/#   ! /' "$work/err"
        echo "#   = $code"
    fi
}

replay() { # file
    local line name place='' command='' n=0
    folder=$work/$(basename "$1" .txt)
    mkdir -p "$folder"
    for name in experiments plots; do
        [ -e "$top/$name" ] && ln -s "$top/$name" "$folder/$name"
    done
    while IFS= read -r line || [ -n "$line" ]; do
        n=$((n + 1))
        case $line in
        '#'*) ;;
        '$ '*)
            judge "$place" "$command"
            command=${line#'$ '} place=$(basename "$1"):$n
            want_out=() want_err=() want_code=0
            ;;
        '! '*) want_err+=("${line#'! '}") ;;
        '= '*) want_code=${line#'= '} ;;
        *) want_out+=("$line") ;;
        esac
    done <"$1"
    judge "$place" "$command"
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$program" "$work/bin/isoflop"

[ $# -gt 0 ] || set -- "$here"/*.txt
for file in "$@"; do
    replay "$file"
done
echo "1..$number"
