#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_parity.sh — goal and method: check_parity.py. Skipped where there is no PyTorch. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
if ! scripts/torch_python.sh >/dev/null; then
    echo '1..1'
    echo 'ok 1 # SKIP no python3 here imports torch (Debian: python3-torch; make peers installs it where it can)'
    exit 0
fi
export OPENBLAS_NUM_THREADS=1
exec scripts/torch_python.sh tests/peers/check_parity.py "${PROBE:-build/tests/peers/probe}"
