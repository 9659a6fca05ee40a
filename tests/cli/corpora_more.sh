#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# corpora_more.sh — goal: scripts/corpora_more.sh that cannot do its work says what to do, exits with 1, and leaves nothing
# half done. Method: it runs with a PATH that holds the tools it needs, and an npm and an apt-get of ours, which fail in one
# way after the other. No network is touched. Prints TAP.
# shellcheck disable=SC2016  # conditions are text until they run
set -u
here=$(cd "$(dirname "$0")" && pwd)
script=$here/../../scripts/corpora_more.sh
# shellcheck source=tests/stand_ins.sh
. "$here/../stand_ins.sh"
real_tools awk base64 bash cat cut env grep gzip head mkdir mktemp mv od rm sha256sum sha512sum sort tar tr xargs
dir=$work/data

# Exit 1, the words, the other way out for the text, nothing left behind.
refused() { # text words
    [ "$code" = 1 ] && [ ! -s "$work/out" ] && says "$2" && says "copy $1.txt .* to $dir/$1.txt (sha256 [0-9a-f]" &&
        empty "$dir"
}

run "$dir" code
check 'npm is missing' refused code 'npm is missing'
tool_is npm 'echo "npm error code ENOTFOUND" >&2; exit 1'
run "$dir" code
check 'npm fails' refused code 'could not fetch better-sqlite3@'
check 'what npm said is passed on' says ENOTFOUND
tool_is npm 'exit 0'
run "$dir" code
check 'npm leaves no package' refused code 'left no package'
tool_is npm 'echo other >better-sqlite3.tgz'
run "$dir" code
check 'npm brings another package' refused code "another hash.*$(echo other | sha512sum | cut -d ' ' -f 1)"
tool_is apt-get 'echo other >manpages-de.deb'
run "$dir" german
check 'apt-get brings another package' refused german "another hash.*$(echo other | sha256sum | cut -d ' ' -f 1)"
run "$dir"
check 'what fails does not stop the others' refused dictionary 'another hash'
check 'and each is spoken of' eval 'says "german.txt" && says "code.txt"'
run "$dir" latin
check 'no such text' eval '[ "$code" = 2 ] && says "there are: german code dictionary"'
echo kept >"$work/file"
run "$work/file"
check 'the folder is a file' eval '[ "$code" = 1 ] && says "name another folder" && grep -qx kept "$work/file"'
echo "1..$number"
