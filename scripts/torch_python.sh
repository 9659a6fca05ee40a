#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# torch_python.sh [ARGUMENT...] — runs the first Python here that can import PyTorch with these arguments; without
# any, prints its name. A Python that was put in front of the system's seldom has the system's packages.
# Exit: its own, or 127 when there is none.
set -u
for python in python3 /usr/bin/python3; do
    if command -v "$python" >/dev/null 2>&1 && "$python" -c 'import torch' >/dev/null 2>&1; then
        [ $# -gt 0 ] && exec "$python" -B "$@"
        echo "$python"
        exit 0
    fi
done
exit 127
