#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_transcripts.sh — goal: the transcript runner can fail. Method: a transcript of which we know which commands agree
# with what is written below them, and which do not. Prints TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
file=$(mktemp --suffix=.txt) || exit 1
trap 'rm -f "$file"' EXIT

cat >"$file" <<'END'
$ echo good
good
$ echo missing; echo line
missing
$ echo 'a b'
a…
$ echo ab
a…c
$ echo 'wrong stream' >&2
wrong stream
$ false
$ false
= 1
$ seq 5
…
5
$ seq 5
…
4
$ seq 5
1
…
3
…
$ echo '[a]*\?'
[a]*\?
$ echo ab
a?
END
expected='ok not-ok ok not-ok not-ok not-ok ok ok not-ok ok ok not-ok'
got=$(ISOFLOP=/bin/true "$here/transcripts.sh" "$file" | sed -n 's/^not ok .*/not-ok/p; s/^ok .*/ok/p' | tr '\n' ' ')
echo 1..1
if [ "${got% }" = "$expected" ]; then
    echo 'ok 1 - the transcript runner tells right from wrong'
else
    printf 'not ok 1 - the transcript runner tells right from wrong\n# expected %s\n# got      %s\n' "$expected" "$got"
fi
