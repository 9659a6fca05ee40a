#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fill_store.py FILE TRIALS METRICS: fills an empty store with so many finished trials and so many rows of metrics each.

Values are functions of the row's number. Ids rise, so that tables are written in the order of their keys."""
import re
import sqlite3
import sys

path, trials, metrics = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
db = sqlite3.connect(path, isolation_level=None)
db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA foreign_keys = OFF;")
count = f"WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {trials})"
trial_id = "printf('%032x', n.i)"
kinds = {row[1]: row[2] for row in db.execute("PRAGMA table_info(trial)")}
known = {"trial_id": trial_id, "state": "iif(i % 50 = 0, 'failed', 'done')", "final_attempt": "iif(i % 50 = 0, NULL, 1)",
         "created_at": "'2026-11-20T10:00:00.000Z'", "data_identity": "'world 1'", "parent": "''",
         "data_path": "''", "tokenizer_path": "''", "data_source": "'world'", "tokenizer": "'bytes'", "blas_core": "'SkylakeX'",
         "checkpoint": f"'big.db.checkpoints/' || {trial_id}", "shrink": "'none'", "seed": "i % 10"}
schema = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'trial'").fetchone()[0]
flags = set(re.findall(r"CHECK \((\w+) IN \(0, 1\)\)", schema))
measured = {"heldout_loss", "heldout_stderr", "entropy_floor", "excess_nats", "bits_per_byte", "predicted_seconds"}
for column, kind in kinds.items():
    if column not in known:
        known[column] = ("(i * 7919 % 1000003) / 1000003.0" if column in measured else "i % 97 / 100.0" if kind == "REAL"
                         else "i % 2" if column in flags else "1 + i % 4096" if kind == "INTEGER" else "'chosen'")
columns = list(known)
db.execute("BEGIN")
db.execute("INSERT INTO corpus (data_identity) VALUES ('world 1')")
db.execute("INSERT INTO spec (name, question, claims, text, command, n_dropped) VALUES ('big', '', '', '', '', 0)")
db.execute(f"{count} INSERT INTO trial ({', '.join(columns)}) SELECT {', '.join(known[c] for c in columns)} FROM n")
db.execute(f"{count} INSERT INTO spec_trial (spec_id, trial_id, position) SELECT 1, {trial_id}, i FROM n")
db.execute(f"{count} INSERT INTO attempt (trial_id, attempt, state, owner, ended_at) SELECT {trial_id}, 1,"
           " iif(i % 50 = 0, 'failed', 'done'), 'x', '2026-11-20T11:00:00.000Z' FROM n")
db.execute(f"{count} INSERT INTO cost (trial_id, attempt, flops_executed, wall_s, peak_rss_bytes, weight_bytes)"
           f" SELECT {trial_id}, 1, i * 1e6, i % 1000 / 7.0, i, i FROM n")
db.execute(f"{count}, s (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM s WHERE k < {metrics}) INSERT INTO metric"
           f" SELECT {trial_id}, 1, s.k, 'train_loss', 8.0 / s.k + n.i % 1000 / 1e4 FROM n CROSS JOIN s")
db.execute("COMMIT")
