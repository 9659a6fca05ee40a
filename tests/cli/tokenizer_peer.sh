#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tokenizer_peer.sh — goal and method: those of tests/peers/check_tokenizer.py, where there is a Python to run it.
set -u
cd "$(dirname "$0")/../.." || exit 1
if ! command -v python3 >/dev/null 2>&1; then
    printf '1..1\nok 1 # SKIP python3 is not installed\n'
    exit 0
fi
LC_ALL=C.UTF-8 exec python3 tests/peers/check_tokenizer.py "${ISOFLOP:-build/isoflop}"
