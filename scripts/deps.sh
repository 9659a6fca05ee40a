#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# deps.sh build|check|peers — makes sure that the libraries the program (build), its tests (check) and its comparison
# with PyTorch (peers) need are there; each stage includes those before it.
#
# Silent and quick when nothing is missing. On Debian and its kin, missing packages are installed when that is
# possible without a question (root, or sudo without a password); elsewhere the missing names and the line to type
# are printed. Exit: 0 all there, 2 something has to be installed by hand.
set -u

# The one list. Package, then how to tell that it is there without asking dpkg: a header and its library, a program,
# or that Python can import it.
packages() {
    cat <<'LIST'
build libopenblas-pthread-dev cblas.h     -lopenblas
build libsqlite3-dev          sqlite3.h   -lsqlite3
build libyaml-dev             yaml.h      -lyaml
build libjansson-dev          jansson.h   -ljansson
build libcsv-dev              csv.h       -lcsv
build librandom123-dev        Random123/philox.h
build libxxhash-dev           xxhash.h    -lxxhash
build libmd-dev               sha2.h      -lmd
build gnuplot-nox             program:gnuplot
check libcmocka-dev           cmocka.h    -lcmocka
peers python3-torch           torch
LIST
}

# The rows of the stage asked for and of those before it.
wanted() {
    case $what in
    build) packages | grep '^build ' ;;
    check) packages | grep -v '^peers ' ;;
    *) packages ;;
    esac
}

say() { printf 'deps: %s\n' "$*" >&2; }

wanted_names() { wanted | while read -r _ package _; do echo "$package"; done; }

# True when dpkg knows every wanted package as installed: the fast path, one call.
all_installed() {
    command -v dpkg-query >/dev/null 2>&1 || return 1
    local names states
    names=$(wanted_names)
    # shellcheck disable=SC2086  # one word per package
    states=$(dpkg-query -W -f='${db:Status-Status}\n' $names 2>/dev/null) || return 1
    [ "$(printf '%s\n' "$states" | grep -cx installed)" = "$(printf '%s\n' "$names" | wc -l)" ]
}

# Whether a row's header compiles and its library links, wherever they came from.
usable() { # header-or-program library
    case $1 in
    program:*) command -v "${1#program:}" >/dev/null 2>&1 ;;
    torch) "${0%/*}/torch_python.sh" >/dev/null ;;
    *)
        printf '#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <sys/types.h>
#include <%s>\nint main(void) { return 0; }\n' "$1" |
            ${CC:-cc} -x c - -o /dev/null ${2:+-x none "$2"} >/dev/null 2>&1
        ;;
    esac
}

missing() {
    wanted | while read -r _ package probe library; do
        usable "$probe" "$library" || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

can_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

apt() { as_root apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null; }

# apt and dpkg talk a lot; what they said is shown only when it ended badly.
install_packages() {
    local log
    log=$(mktemp) || return 1
    say "installing $*"
    if apt install -y --no-install-recommends "$@" >"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    say "refreshing the package lists"
    if apt update >"$log" 2>&1 && apt install -y --no-install-recommends "$@" >>"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    cat "$log" >&2
    rm -f "$log"
    return 1
}

what=${1:-}
case $what in
build | check | peers) ;;
*)
    say "usage: scripts/deps.sh build|check|peers"
    exit 2
    ;;
esac

all_installed && exit 0
absent=$(missing)
[ -n "$absent" ] || exit 0
# shellcheck disable=SC2086  # one word per package
set -- $absent
if can_install && install_packages "$@"; then
    absent=$(missing)
    [ -n "$absent" ] || exit 0
fi
absent=${absent//$'\n'/ }
say "missing: $absent"
if command -v apt-get >/dev/null 2>&1; then
    say "type:  sudo apt-get update && sudo apt-get install $absent"
else
    say "these are Debian's names; install the same libraries with their headers by your system's means"
fi
exit 2
