#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mutants.sh — goal: `make mutate` takes out what is there. Method: its table is applied to the tree as it stands; each line
# has to change its file. Prints TAP.
set -u
exec "$(dirname "$0")/mutate.sh" --look
