-- SPDX-License-Identifier: Apache-2.0
-- A store as version 1 had it, with rows in its tables; test_migrate.c makes the file from it.
PRAGMA application_id = 1769170544;
PRAGMA user_version = 1;
CREATE TABLE host (
    host_id      INTEGER PRIMARY KEY,
    host_key     TEXT NOT NULL,
    cpu_model    TEXT NOT NULL,
    logical_cpus INTEGER NOT NULL,
    numa_nodes   INTEGER NOT NULL,
    arch         TEXT NOT NULL,
    memory_bytes INTEGER NOT NULL,
    kernel       TEXT NOT NULL,
    isa          TEXT NOT NULL,
    UNIQUE (host_key, cpu_model, logical_cpus, numa_nodes, arch, memory_bytes, kernel, isa)
) STRICT;
CREATE TABLE build (
    build_id  INTEGER PRIMARY KEY,
    version   TEXT NOT NULL,
    git       TEXT NOT NULL,
    compiler  TEXT NOT NULL,
    flags     TEXT NOT NULL,
    blas      TEXT NOT NULL,
    blas_core TEXT NOT NULL,
    UNIQUE (version, git, compiler, flags, blas, blas_core)
) STRICT;
CREATE TABLE corpus (
    data_identity TEXT PRIMARY KEY,
    data_source   TEXT,
    data_path     TEXT,
    text_bytes    INTEGER,
    created_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE TABLE spec (
    spec_id    INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    question   TEXT NOT NULL,
    claims     TEXT NOT NULL,
    text       TEXT NOT NULL,
    n_dropped  INTEGER NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (name, text)
) STRICT;
CREATE TABLE trial (
    trial_id TEXT PRIMARY KEY
        CHECK (trial_id <> '' AND trial_id NOT GLOB '*[^A-Za-z0-9._-]*'),
    state    TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'running', 'done', 'failed', 'diverged', 'timeout', 'oom', 'skipped', 'stale')),
    final_attempt INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    data_source       TEXT,
    data_path         TEXT,
    task_share        REAL,
    fact_share        REAL,
    junk              REAL,
    data_seed         INTEGER,
    depth             INTEGER,
    width             INTEGER,
    heads             INTEGER,
    kv_heads          INTEGER,
    ffn               INTEGER,
    context           INTEGER,
    tied              INTEGER CHECK (tied IN (0, 1)),
    parametrization   TEXT,
    base_width        INTEGER,
    rope_base         REAL,
    experts           INTEGER,
    experts_per_token INTEGER,
    granularity       INTEGER,
    gate              TEXT,
    load_balance      REAL,
    router_z          REAL,
    tokens            INTEGER,
    flops             REAL,
    batch_tokens      INTEGER,
    micro_batch       INTEGER,
    lr                REAL,
    warmup            REAL,
    decay             REAL,
    weight_decay      REAL,
    beta1             REAL,
    beta2             REAL,
    clip              REAL,
    heldout_tokens    INTEGER,
    eval_every        INTEGER,
    items             INTEGER,
    latency_samples   INTEGER,
    shrink            TEXT,
    parent            TEXT,
    seed              INTEGER,
    params_total         INTEGER,
    params_active        INTEGER,
    params_non_embedding INTEGER,
    params_matmul        INTEGER,
    predicted_flops      REAL,
    predicted_seconds    REAL,
    predicted_bytes      INTEGER,
    data_identity  TEXT REFERENCES corpus (data_identity),
    blas_core      TEXT,
    checkpoint     TEXT,
    unique_tokens  INTEGER,
    item_overlap   INTEGER,
    heldout_loss   REAL,
    heldout_stderr REAL,
    entropy_floor  REAL,
    excess_nats    REAL,
    bits_per_byte  REAL,
    FOREIGN KEY (trial_id, final_attempt) REFERENCES attempt (trial_id, attempt) DEFERRABLE INITIALLY DEFERRED,
    CHECK (state <> 'done' OR final_attempt IS NOT NULL)
) STRICT;
CREATE TABLE spec_trial (
    spec_id  INTEGER NOT NULL REFERENCES spec (spec_id),
    trial_id TEXT NOT NULL REFERENCES trial (trial_id),
    position INTEGER NOT NULL,
    PRIMARY KEY (trial_id, spec_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX spec_trial_by_spec ON spec_trial (spec_id, position);
CREATE TABLE attempt (
    trial_id   TEXT NOT NULL REFERENCES trial (trial_id),
    attempt    INTEGER NOT NULL CHECK (attempt >= 1),
    state      TEXT NOT NULL
        CHECK (state IN ('running', 'done', 'failed', 'diverged', 'timeout', 'oom', 'interrupted', 'stale')),
    reason     TEXT,
    owner      TEXT NOT NULL,
    pid        INTEGER,
    host_id    INTEGER REFERENCES host (host_id),
    build_id   INTEGER REFERENCES build (build_id),
    started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    ended_at   TEXT,
    claimed_s  REAL,
    wall_s     REAL,
    PRIMARY KEY (trial_id, attempt),
    CHECK ((state = 'running') = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX attempt_running ON attempt (trial_id) WHERE state = 'running';
CREATE TABLE metric (
    trial_id TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    step     INTEGER NOT NULL,
    name     TEXT NOT NULL,
    value    REAL,
    PRIMARY KEY (trial_id, attempt, name, step),
    FOREIGN KEY (trial_id, attempt) REFERENCES attempt (trial_id, attempt)
) STRICT, WITHOUT ROWID;
CREATE TABLE eval (
    trial_id TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    step     INTEGER NOT NULL,
    task     TEXT NOT NULL,
    metric   TEXT NOT NULL,
    value    REAL,
    n        INTEGER NOT NULL,
    stderr   REAL,
    chance   REAL,
    PRIMARY KEY (trial_id, attempt, task, metric, step),
    FOREIGN KEY (trial_id, attempt) REFERENCES attempt (trial_id, attempt)
) STRICT, WITHOUT ROWID;
CREATE TABLE latency_sample (
    trial_id      TEXT NOT NULL,
    attempt       INTEGER NOT NULL,
    phase         TEXT NOT NULL CHECK (phase IN ('prefill', 'decode')),
    batch         INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    sample        INTEGER NOT NULL,
    ms            REAL,
    PRIMARY KEY (trial_id, attempt, phase, batch, prompt_tokens, sample),
    FOREIGN KEY (trial_id, attempt) REFERENCES attempt (trial_id, attempt)
) STRICT, WITHOUT ROWID;
CREATE TABLE cost (
    trial_id             TEXT NOT NULL,
    attempt              INTEGER NOT NULL,
    flops_executed       REAL,
    flops_formula        REAL,
    flops_6nd            REAL,
    train_flops          REAL,
    eval_flops           REAL,
    wall_s               REAL,
    train_s              REAL,
    eval_s               REAL,
    latency_s            REAL,
    cpu_s                REAL,
    peak_rss_bytes       INTEGER,
    model_bytes          INTEGER,
    weight_bytes         INTEGER,
    checkpoint_bytes     INTEGER,
    energy_j             REAL,
    energy_method        TEXT,
    tokens_per_s         REAL,
    prefill_tokens_per_s REAL,
    decode_tokens_per_s  REAL,
    steps                INTEGER,
    threads              INTEGER,
    PRIMARY KEY (trial_id, attempt),
    FOREIGN KEY (trial_id, attempt) REFERENCES attempt (trial_id, attempt),
    CHECK (energy_j IS NULL OR energy_method IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE TABLE moe_load (
    trial_id TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    step     INTEGER NOT NULL,
    layer    INTEGER NOT NULL,
    expert   INTEGER NOT NULL,
    share    REAL,
    PRIMARY KEY (trial_id, attempt, layer, expert, step),
    FOREIGN KEY (trial_id, attempt) REFERENCES attempt (trial_id, attempt)
) STRICT, WITHOUT ROWID;
CREATE TABLE fit (
    fit_id            TEXT NOT NULL,
    spec              TEXT,
    law               TEXT NOT NULL,
    objective         TEXT NOT NULL,
    params_convention TEXT NOT NULL,
    letter            TEXT NOT NULL,
    value             REAL,
    low               REAL,
    high              REAL,
    confidence        REAL,
    n_points          INTEGER NOT NULL,
    n_excluded        INTEGER,
    residual          REAL,
    heldout_error     REAL,
    reason            TEXT,
    created_at        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (fit_id, letter)
) STRICT, WITHOUT ROWID;
CREATE TABLE prediction (
    fit_id       TEXT NOT NULL,
    trial_id     TEXT NOT NULL REFERENCES trial (trial_id),
    metric       TEXT NOT NULL,
    value        REAL,
    low          REAL,
    high         REAL,
    observed     REAL,
    predicted_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    scored_at    TEXT,
    PRIMARY KEY (fit_id, trial_id, metric)
) STRICT, WITHOUT ROWID;
CREATE TABLE claim (
    claim      TEXT PRIMARY KEY,
    sentence   TEXT NOT NULL,
    source     TEXT NOT NULL,
    rule       TEXT NOT NULL,
    verdict    TEXT
        CHECK (verdict IN ('supported', 'refuted', 'undecided')),
    quantity   TEXT,
    value      REAL,
    low        REAL,
    high       REAL,
    n_points   INTEGER,
    reason     TEXT,
    decided_at TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE bench_sample (
    sample_id   INTEGER PRIMARY KEY,
    run_id      TEXT NOT NULL,
    host_id     INTEGER REFERENCES host (host_id),
    build_id    INTEGER REFERENCES build (build_id),
    bench       TEXT NOT NULL,
    name        TEXT NOT NULL,
    metric      TEXT NOT NULL,
    unit        TEXT NOT NULL,
    exact       INTEGER NOT NULL CHECK (exact IN (0, 1)),
    block       INTEGER NOT NULL,
    value       REAL,
    measured_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX bench_sample_by_run ON bench_sample (run_id);
CREATE TABLE baseline (
    name       TEXT PRIMARY KEY,
    run_id     TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT, WITHOUT ROWID;
CREATE INDEX baseline_by_run ON baseline (run_id);
CREATE VIEW v_trials AS
SELECT
    t.trial_id,
    (SELECT s.name FROM spec_trial m JOIN spec s ON s.spec_id = m.spec_id
      WHERE m.trial_id = t.trial_id ORDER BY m.spec_id LIMIT 1) AS spec,
    t.state,
    t.data_source, t.data_path, t.task_share, t.fact_share, t.junk, t.data_seed,
    t.depth, t.width, t.heads, t.kv_heads, t.ffn, t.context, t.tied, t.parametrization, t.base_width, t.rope_base,
    t.experts, t.experts_per_token, t.granularity, t.gate, t.load_balance, t.router_z,
    t.tokens, t.flops, t.batch_tokens, t.micro_batch, t.lr, t.warmup, t.decay, t.weight_decay,
    t.beta1, t.beta2, t.clip,
    t.heldout_tokens, t.eval_every, t.items, t.latency_samples,
    t.shrink, t.parent, t.seed,
    t.params_total, t.params_active, t.params_non_embedding, t.params_matmul,
    t.predicted_flops, t.predicted_seconds, t.predicted_bytes,
    t.data_identity, t.blas_core, t.checkpoint, t.unique_tokens, t.item_overlap,
    t.heldout_loss, t.heldout_stderr, t.entropy_floor, t.excess_nats, t.bits_per_byte,
    c.weight_bytes,
    (SELECT max(a.attempt) FROM attempt a WHERE a.trial_id = t.trial_id) AS attempts,
    (SELECT a.reason FROM attempt a WHERE a.trial_id = t.trial_id
      ORDER BY a.attempt DESC LIMIT 1) AS reason,
    t.created_at
FROM trial t
LEFT JOIN cost c ON c.trial_id = t.trial_id AND c.attempt = t.final_attempt AND t.state = 'done';
CREATE VIEW v_points AS
SELECT
    t.trial_id,
    (SELECT s.name FROM spec_trial m JOIN spec s ON s.spec_id = m.spec_id
      WHERE m.trial_id = t.trial_id ORDER BY m.spec_id LIMIT 1) AS spec,
    t.seed, t.shrink, t.parent,
    t.data_source, t.data_identity, t.task_share, t.fact_share, t.junk, t.data_seed,
    t.depth, t.width, t.context, t.experts, t.experts_per_token, t.granularity,
    t.params_total, t.params_active, t.params_non_embedding, t.params_matmul,
    t.tokens, t.unique_tokens, t.flops, t.batch_tokens, t.lr, t.warmup, t.decay,
    c.flops_executed, c.flops_formula, c.flops_6nd, c.train_flops,
    t.heldout_loss, t.heldout_stderr, t.entropy_floor, t.excess_nats, t.bits_per_byte,
    c.wall_s, c.train_s, c.cpu_s, c.peak_rss_bytes, c.weight_bytes, c.energy_j, c.energy_method,
    c.tokens_per_s, c.decode_tokens_per_s,
    h.host_key, b.git, t.blas_core
FROM trial t
JOIN attempt a ON a.trial_id = t.trial_id AND a.attempt = t.final_attempt
LEFT JOIN cost c ON c.trial_id = a.trial_id AND c.attempt = a.attempt
LEFT JOIN host h ON h.host_id = a.host_id
LEFT JOIN build b ON b.build_id = a.build_id
WHERE t.state = 'done';
CREATE VIEW v_evals AS
SELECT
    t.trial_id, e.step, e.task, e.metric, e.value, e.n, e.stderr, e.chance
FROM trial t
JOIN eval e ON e.trial_id = t.trial_id AND e.attempt = t.final_attempt
WHERE t.state = 'done';
CREATE VIEW v_latency AS
WITH
ranked AS (
    SELECT
        l.trial_id, l.phase, l.batch, l.prompt_tokens, l.ms,
        row_number() OVER (same ORDER BY l.ms) - 1 AS rank,
        lead(l.ms) OVER (same ORDER BY l.ms) AS next_ms,
        count(*) OVER same AS n
    FROM trial t
    JOIN latency_sample l ON l.trial_id = t.trial_id AND l.attempt = t.final_attempt
    WHERE t.state = 'done' AND l.ms IS NOT NULL
    WINDOW same AS (PARTITION BY l.trial_id, l.phase, l.batch, l.prompt_tokens)
),
percentiles AS (
    SELECT
        trial_id, phase, batch, prompt_tokens, n,
        max(iif(rank = 50 * (n - 1) / 100, ms + 50 * (n - 1) % 100 / 100.0 * (coalesce(next_ms, ms) - ms), NULL)) AS p50_ms,
        max(iif(rank = 95 * (n - 1) / 100, ms + 95 * (n - 1) % 100 / 100.0 * (coalesce(next_ms, ms) - ms), NULL)) AS p95_ms,
        max(iif(rank = 99 * (n - 1) / 100, ms + 99 * (n - 1) % 100 / 100.0 * (coalesce(next_ms, ms) - ms), NULL)) AS p99_ms
    FROM ranked
    GROUP BY trial_id, phase, batch, prompt_tokens, n
)
SELECT
    trial_id, phase, batch, prompt_tokens,
    p50_ms,
    p95_ms,
    p99_ms,
    iif(phase = 'decode', 1, prompt_tokens) * batch * 1000 / p50_ms AS tokens_per_s,
    n
FROM percentiles;
CREATE VIEW v_costs AS
SELECT
    t.trial_id, c.flops_executed, c.flops_formula, c.flops_6nd, c.train_flops, c.eval_flops,
    c.wall_s, c.train_s, c.eval_s, c.latency_s, c.cpu_s,
    c.peak_rss_bytes, c.model_bytes, c.weight_bytes, c.checkpoint_bytes, c.energy_j, c.energy_method,
    c.tokens_per_s, c.prefill_tokens_per_s, c.decode_tokens_per_s, c.steps, c.threads
FROM trial t
JOIN cost c ON c.trial_id = t.trial_id AND c.attempt = t.final_attempt
WHERE t.state = 'done';
CREATE VIEW v_fits AS
SELECT
    fit_id, spec, law, objective, params_convention, letter, value, low, high, confidence,
    n_points, n_excluded, residual, heldout_error, reason, created_at
FROM fit;
CREATE VIEW v_bench AS
SELECT
    s.run_id,
    (SELECT group_concat(l.name, ' ') FROM baseline l
      WHERE l.run_id = s.run_id) AS baselines,
    s.bench, s.name, s.metric, s.unit, s.exact, s.block, s.value, s.measured_at,
    h.host_key, b.version, b.git, b.compiler, b.flags, b.blas, b.blas_core
FROM bench_sample s
LEFT JOIN host h ON h.host_id = s.host_id
LEFT JOIN build b ON b.build_id = s.build_id;

INSERT INTO host VALUES (1, 'key', 'a CPU', 2, 1, 'x86_64', 1000, 'a kernel', 'avx2');
INSERT INTO build VALUES (1, '0.1.0', 'abc', 'cc', '-O3', 'a BLAS', 'Haswell');
INSERT INTO corpus (data_identity, data_source, text_bytes) VALUES ('world 1', 'world', NULL), ('book', 'text', 12345);
INSERT INTO spec (spec_id, name, question, claims, text, n_dropped, created_at)
    VALUES (1, 'demo', 'which?', 'compute-optimal', 'name: demo', 3, '2026-11-20T10:00:00.000Z');
INSERT INTO trial (trial_id, state, width, experts, lr, micro_batch, seed, created_at)
    VALUES ('wide', 'running', 96, 1, 0.1, 8, 1, '2026-11-20T10:00:01.000Z'),
           ('narrow', 'failed', 32, 4, 0.2, 0, 2, '2026-11-20T10:00:02.000Z'),
           ('waiting', 'pending', 16, 1, 0.3, 0, 3, '2026-11-20T10:00:03.000Z');
INSERT INTO spec_trial VALUES (1, 'wide', 0), (1, 'narrow', 1), (1, 'waiting', 2);
INSERT INTO attempt (trial_id, attempt, state, reason, owner, pid, host_id, build_id, started_at, ended_at, wall_s)
    VALUES ('wide', 1, 'interrupted', 'asked to stop', 'x', 7, 1, 1, '2026-11-20T10:01:00.000Z', '2026-11-20T10:02:00.000Z', 60),
           ('wide', 2, 'done', NULL, 'x', 7, 1, 1, '2026-11-20T10:03:00.000Z', '2026-11-20T10:04:00.000Z', 61),
           ('narrow', 1, 'failed', 'signal 11', 'x', 7, 1, 1, '2026-11-20T10:05:00.000Z', '2026-11-20T10:06:00.000Z', 1);
UPDATE trial SET state = 'done', final_attempt = 2, heldout_loss = 2.1234567890123457, data_identity = 'world 1' WHERE trial_id = 'wide';
INSERT INTO metric VALUES ('wide', 2, 1, 'train_loss', 5.5), ('wide', 2, 2, 'train_loss', 0.1), ('wide', 2, 3, 'grad_norm', NULL);
INSERT INTO eval VALUES ('wide', 2, 3, 'copy', 'exact_match', 0.25, 16, 0.1, 0.01);
INSERT INTO latency_sample VALUES ('wide', 2, 'decode', 1, 16, 0, 1.25);
INSERT INTO cost (trial_id, attempt, flops_executed, train_s, prefill_tokens_per_s, decode_tokens_per_s, energy_j, energy_method)
    VALUES ('wide', 2, 123456789, 59.5, 1000, 100, 5, 'rapl');
INSERT INTO moe_load VALUES ('narrow', 1, 3, 0, 1, 0.5);
INSERT INTO fit (fit_id, law, objective, params_convention, letter, value, n_points)
    VALUES ('f', 'chinchilla', 'huber', 'params_total', 'alpha', 0.34, 12);
INSERT INTO prediction (fit_id, trial_id, metric, value) VALUES ('f', 'waiting', 'heldout_loss', 2.5);
INSERT INTO bench_sample (run_id, host_id, build_id, bench, name, metric, unit, exact, block, value)
    VALUES ('r', 1, 1, 'train', 'small', 'seconds', 's', 0, 0, 0.5);
INSERT INTO baseline (name, run_id) VALUES ('main', 'r');
