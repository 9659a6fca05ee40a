#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_metadata.py METADATA STORE: every view of the store is described, every column named there exists, every query
gives an answer. Prints what is wrong; exit code 1 then."""
import json
import sqlite3
import sys

metadata = json.load(open(sys.argv[1], encoding="utf-8"))
store = sqlite3.connect(f"file:{sys.argv[2]}?mode=ro", uri=True)
database = metadata["databases"]["isoflop"]
views = {name for (name,) in store.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")}
described = database["tables"]
wrong = [f"view {name} is not described" for name in views - described.keys()]
wrong += [f"no view {name}" for name in described.keys() - views]
for name in described.keys() & views:
    columns = {row[1] for row in store.execute(f"PRAGMA table_info({name})")}
    about = described[name]
    named = [*about.get("facets", []), *about.get("units", {}), *([about["sort"]] if "sort" in about else [])]
    wrong += [f"{name} has no column {column}" for column in named if column not in columns]
    if not about.get("title") or not about.get("description"):
        wrong.append(f"{name} has no title or no description")
for name, query in database["queries"].items():
    try:
        rows = store.execute(query["sql"]).fetchall()
    except sqlite3.Error as error:
        wrong.append(f"query {name}: {error}")
        continue
    if name != "failures" and not rows:
        wrong.append(f"query {name} found nothing")
print("\n".join(wrong))
sys.exit(bool(wrong))
