#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The first minute: runs the small sweep of experiments/demo.yaml, shrinks some of its models, writes one page.
# What is done already is not run again.
set -euo pipefail
cd "$(dirname "$0")/.."
isoflop=${ISOFLOP:-build/isoflop}
db=${DEMO_DB:-results/demo.db}
page=${DEMO_PAGE:-results/demo.html}
jobs=${JOBS:-$(nproc 2>/dev/null || echo 1)}

"$isoflop" run experiments/demo.yaml --db "$db" -j "$jobs" --no-summary
"$isoflop" shrink --int8 --where 'experts = 1 AND tokens = 786432' best --db "$db" --quiet >/dev/null
"$isoflop" report --db "$db" -o "$page"
echo 'next: make corpora && build/isoflop run experiments/english.yaml --budget 4m'
