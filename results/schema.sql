-- SPDX-License-Identifier: Apache-2.0
-- schema.sql: the store, version 2. This file is the master copy: it is compiled into the program, run in
-- one transaction when a store is made, and compared with every store that is opened.
--
-- How to read it. A spec contains trials; a trial is tried in attempts; everything measured belongs to one
-- attempt, so what a failed try left behind is kept and never mixed with the result. trial.final_attempt
-- names the attempt whose figures count; the views at the end show only those of trials that are done.
--
-- Rules. A missing figure is NULL, never 0. Times of day are UTC text, durations are seconds of a clock that
-- does not jump. A column's unit is the end of its name (_s, _ms, _bytes, _j) or stands in brackets before its
-- comment; [] marks a plain number or share. FLOP counts are REAL: exact up to 2^53, and large enough for
-- other people's runs.

PRAGMA application_id = 1769170544; -- "isfp"
PRAGMA user_version = 2;

-- ------------------------------------------------------------------------------------------------ where

-- A machine on which something was measured. Timings are compared only between equal keys.
CREATE TABLE host (
    host_id      INTEGER PRIMARY KEY, -- number of the machine in this store
    host_key     TEXT NOT NULL,       -- CPU model, logical CPUs, NUMA nodes and architecture in one text
    cpu_model    TEXT NOT NULL,       -- CPU model as the system names it
    logical_cpus INTEGER NOT NULL,    -- [CPUs] hardware threads the program could use
    numa_nodes   INTEGER NOT NULL,    -- [nodes] memory domains
    arch         TEXT NOT NULL,       -- architecture, such as x86_64
    memory_bytes INTEGER NOT NULL,    -- [bytes] main memory
    kernel       TEXT NOT NULL,       -- operating system kernel and its version
    isa          TEXT NOT NULL,       -- widest vector instructions used: avx512, avx2 or baseline
    UNIQUE (host_key, cpu_model, logical_cpus, numa_nodes, arch, memory_bytes, kernel, isa)
) STRICT;

-- A build of the program.
CREATE TABLE build (
    build_id  INTEGER PRIMARY KEY, -- number of the build in this store
    version   TEXT NOT NULL,       -- version of the program
    git       TEXT NOT NULL,       -- git describe of the sources
    compiler  TEXT NOT NULL,       -- compiler and its version
    flags     TEXT NOT NULL,       -- flags it was called with
    blas      TEXT NOT NULL,       -- BLAS library and how it was configured
    blas_core TEXT NOT NULL,       -- BLAS kernels in use
    UNIQUE (version, git, compiler, flags, blas, blas_core)
) STRICT;

-- A body of data that trials were trained on.
CREATE TABLE corpus (
    data_identity TEXT PRIMARY KEY,         -- version of the world, or path and SHA-256 of the file
    data_source   TEXT,                     -- world, text or sparse_parity
    data_path     TEXT,                     -- the file, when the source is text
    created_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) -- when the store first saw it
) STRICT;

-- ------------------------------------------------------------------------------------------ what to run

-- An experiment file as it was read, and the command that read it. The same name with another text or other
-- overrides is another spec.
CREATE TABLE spec (
    spec_id    INTEGER PRIMARY KEY,         -- number of the spec, in the order they were first planned
    name       TEXT NOT NULL,               -- name of the experiment
    question   TEXT NOT NULL,               -- the question it asks; empty when it asks none
    claims     TEXT NOT NULL,               -- names of the claims it bears on, separated by spaces
    text       TEXT NOT NULL,               -- the file, byte for byte
    command    TEXT NOT NULL,               -- the command line that planned it, without where the store lies
    n_dropped  INTEGER NOT NULL,            -- [cells] grid cells its where expression removed
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), -- when it was first planned
    UNIQUE (name, text, command)
) STRICT;

-- One point of an experiment: every knob fixed, one seed. NULL in a knob means an imported run that does not
-- tell it.
CREATE TABLE trial (
    trial_id TEXT PRIMARY KEY               -- hash of configuration, data identity and engine version
        CHECK (trial_id <> '' AND trial_id NOT GLOB '*[^A-Za-z0-9._-]*'),
    state    TEXT NOT NULL DEFAULT 'pending' -- pending running done failed diverged timeout oom skipped stale
        CHECK (state IN ('pending', 'running', 'done', 'failed', 'diverged', 'timeout', 'oom', 'skipped', 'stale')),
    final_attempt INTEGER,                  -- the attempt whose figures count: the last that ended done
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), -- when it was first planned

    -- The knobs, in the order of harness/spec/knobs.c.
    data_source       TEXT,                 -- where the text comes from: world, text or sparse_parity
    data_path         TEXT,                 -- the text file, when the source is text
    task_share        REAL,                 -- [share of lines] world: lines that pose and answer a task
    fact_share        REAL,                 -- [share of lines] world: lines that state a fact about an entity
    junk              REAL,                 -- [share of lines] world: lines that are worth nothing
    junk_kind         TEXT,                 -- what junk is: random letters, or facts that are false
    abilities         TEXT,                 -- abilities practised and examined: demo, all or names
    ability_zipf      REAL,                 -- [] exponent by which abilities share the task lines; 0: evenly
    entities          INTEGER,              -- [entities] entities of the world, with three facts each
    cutoff_year       INTEGER,              -- [year] nothing is said of entities born later; 0: something of all
    data_unique_tokens INTEGER,             -- [tokens] training text goes round in so many; 0: it does not repeat
    parity_tasks      INTEGER,              -- [tasks] sparse_parity: those with a name
    parity_places     INTEGER,              -- [bits] sparse_parity: bits whose parity is an answer
    data_seed         INTEGER,              -- which world: its facts, and which task items are held out
    tokenizer         TEXT,                 -- tokens are bytes, learnt byte pairs (bpe), or by a file
    vocabulary        INTEGER,              -- [tokens] how many different tokens there are
    tokenizer_path    TEXT,                 -- the tokenizer.json, when the tokenizer is a file
    depth             INTEGER,              -- [layers] transformer layers
    width             INTEGER,              -- [channels] width of the residual stream
    heads             INTEGER,              -- [heads] attention heads; 0: by the rule of knob model.heads
    kv_heads          INTEGER,              -- [heads] key/value heads; 0: as many as heads
    ffn               INTEGER,              -- [channels] feed-forward width; 0: 8/3 of width, rounded up to 32
    context           INTEGER,              -- [tokens] tokens per sequence
    tied              INTEGER CHECK (tied IN (0, 1)), -- [0 or 1] the embedding is the output head too
    parametrization   TEXT,                 -- mup: rate and initial scale follow the width; or standard
    base_width        INTEGER,              -- [channels] the width at which mup and standard agree
    rope_base         REAL,                 -- [] base of the rotary position frequencies
    qk_norm           INTEGER CHECK (qk_norm IN (0, 1)), -- [0 or 1] queries and keys are normalised per head
    experts           INTEGER,              -- [experts] experts per layer; 1 is a dense model
    experts_per_token INTEGER,              -- [experts] experts each token is sent to
    granularity       INTEGER,              -- [] an expert's feed-forward width is ffn divided by this
    shared_experts    INTEGER,              -- [experts] experts that every token visits besides, of the same width
    gate              TEXT,                 -- expert weights: softmax over the chosen logits, or over all
    capacity          REAL,                 -- [] training: most tokens an expert serves, over its even share; 0: all
    load_balance      REAL,                 -- [] weight of the load-balance loss
    router_z          REAL,                 -- [] weight of the router z-loss
    tokens            INTEGER,              -- [tokens] training tokens (D), in whole batches
    flops             REAL,                 -- [FLOPs] compute budget the tokens followed from; 0: none was set
    batch_tokens      INTEGER,              -- [tokens] tokens per optimiser step
    micro_batch       INTEGER,              -- [sequences] sequences computed together; 0: about 512 tokens
    threads           INTEGER,              -- [threads] threads of one trial; the result does not depend on it
    lr                REAL,                 -- [] peak learning rate
    schedule          TEXT,                 -- learning rate after warm-up: wsd, cosine or constant
    warmup            REAL,                 -- [share of steps] steps with rising rate
    warmup_tokens     INTEGER,              -- [tokens] tokens with rising rate, in place of the share; 0: the share
    decay             REAL,                 -- [share of steps] wsd: steps with falling rate, at the end
    final_lr          REAL,                 -- [share of lr] wsd, cosine: where the rate ends
    weight_decay      REAL,                 -- [] decoupled weight decay
    beta1             REAL,                 -- [] AdamW: decay of the first moment
    beta2             REAL,                 -- [] AdamW: decay of the second moment
    clip              REAL,                 -- [] gradient norm above which gradients are scaled down; 0: never
    heldout_tokens    INTEGER,              -- [tokens] held-out tokens scored at the end
    eval_every        INTEGER,              -- [steps] steps between points of the held-out curve; 0: eight points
    items             INTEGER,              -- [items] held-out items per ability
    shots             INTEGER,              -- [items] solved training items put before each question
    write_answers     INTEGER CHECK (write_answers IN (0, 1)), -- [0 or 1] the model wrote every answer too
    latency_samples   INTEGER,              -- [samples] timed repetitions of prefill and of decode
    shrink            TEXT,                 -- what was done to the parent to make this model; none: trained
    parent            TEXT,                 -- trial id of the model this one was made from; empty: none
    seed              INTEGER,              -- replicate: initial weights and order of the data

    -- Known before the trial runs; the parameter counts are confirmed by it.
    params_total         INTEGER,           -- [parameters] all that is stored
    params_active        INTEGER,           -- [parameters] those a token passes through
    params_non_embedding INTEGER,           -- [parameters] all but the token embedding and output head
    params_matmul        INTEGER,           -- [parameters] active, in matrix products, output head included
    predicted_flops      REAL,              -- [FLOPs] training and final scoring, by formula
    predicted_seconds    REAL,              -- [s] time on one core; NULL until the machine is calibrated
    predicted_bytes      INTEGER,           -- [bytes] memory the trial process was expected to need

    -- Told by the attempt that counts.
    data_identity  TEXT REFERENCES corpus (data_identity), -- the data it was trained on
    blas_core      TEXT,                    -- BLAS kernels the trial process used
    checkpoint     TEXT,                    -- folder of the model, relative to the store's own folder
    unique_tokens  INTEGER,                 -- [tokens] distinct training tokens seen; fewer than tokens: repeated
    item_overlap   INTEGER,                 -- [items] task items both trained on and held out; must be 0
    heldout_loss   REAL,                    -- [nats per token] held-out loss at the end
    heldout_stderr REAL,                    -- [nats per token] standard error of heldout_loss
    entropy_floor  REAL,                    -- [nats per token] lowest loss the data allow; NULL when unknown
    excess_nats    REAL,                    -- [nats per token] heldout_loss above entropy_floor
    bits_per_byte  REAL,                    -- [bits per byte] held-out loss, comparable across tokenisers
    FOREIGN KEY (trial_id, final_attempt) REFERENCES attempt (trial_id, attempt) DEFERRABLE INITIALLY DEFERRED,
    CHECK (state <> 'done' OR final_attempt IS NOT NULL)
) STRICT;

CREATE INDEX trial_progress ON trial (trial_id, state, predicted_seconds, bits_per_byte); -- all that status asks

-- Which trials a spec contains. A trial may be in several specs.
CREATE TABLE spec_trial (
    spec_id  INTEGER NOT NULL REFERENCES spec (spec_id), -- the spec
    trial_id TEXT NOT NULL REFERENCES trial (trial_id),  -- a trial it contains
    position INTEGER NOT NULL,              -- place in the plan, 0 for the largest
    PRIMARY KEY (trial_id, spec_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX spec_trial_by_spec ON spec_trial (spec_id, position);

-- Tables of other people's runs that were imported. Their trials have ids that begin with import-, which no trial of ours
-- has, and belong to the spec that the import made.
CREATE TABLE import (
    spec_id    INTEGER PRIMARY KEY REFERENCES spec (spec_id), -- the spec that holds the imported trials
    path       TEXT NOT NULL,               -- the file, as it was named
    file_hash  TEXT NOT NULL,               -- XXH3-128 of its bytes
    source     TEXT NOT NULL,               -- where the figures come from, in the words of who imported them
    mapping    TEXT NOT NULL,               -- which column became which, with factors: ours=theirs*factor
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) -- when it was imported
) STRICT;

-- One try at running a trial, in its own process.
CREATE TABLE attempt (
    trial_id   TEXT NOT NULL REFERENCES trial (trial_id), -- the trial
    attempt    INTEGER NOT NULL CHECK (attempt >= 1),     -- number of the try, from 1
    state      TEXT NOT NULL                -- running done failed diverged timeout oom interrupted stale
        CHECK (state IN ('running', 'done', 'failed', 'diverged', 'timeout', 'oom', 'interrupted', 'stale')),
    reason     TEXT,                        -- why it ended as it did, in words; NULL: nothing to say
    owner      TEXT NOT NULL,               -- the runner: boot, process and start time; only it may end the attempt
    pid        INTEGER,                     -- process number of the runner
    host_id    INTEGER REFERENCES host (host_id),   -- the machine
    build_id   INTEGER REFERENCES build (build_id), -- the build
    started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), -- when it was claimed
    ended_at   TEXT,                        -- when its end was stored; NULL while it runs
    claimed_s  REAL,                        -- [s] the owner's monotonic clock at the claim, for wall_s
    wall_s     REAL,                        -- [s] from claim to end, start of the process included
    PRIMARY KEY (trial_id, attempt),
    CHECK ((state = 'running') = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX attempt_running ON attempt (trial_id) WHERE state = 'running'; -- never two at once

-- -------------------------------------------------------------------------------------- what came out

-- Curves over the steps of training.
CREATE TABLE metric (
    trial_id TEXT NOT NULL,                 -- the trial
    attempt  INTEGER NOT NULL,              -- the attempt that measured
    step     INTEGER NOT NULL,              -- [steps] optimiser steps done
    name     TEXT NOT NULL,                 -- train_loss, heldout_loss, and at the end heldout_loss_ and entropy_floor_
                                            -- of the world's parts (tasks ...), in nats per token; lr, grad_norm
    value    REAL,                          -- [as name says] NULL: not a number
    PRIMARY KEY (trial_id, attempt, name, step),
    FOREIGN KEY (trial_id, attempt) REFERENCES attempt (trial_id, attempt)
) STRICT, WITHOUT ROWID;

-- Scores in abilities.
CREATE TABLE eval (
    trial_id TEXT NOT NULL,                 -- the trial
    attempt  INTEGER NOT NULL,              -- the attempt that measured
    step     INTEGER NOT NULL,              -- [steps] optimiser steps done
    task     TEXT NOT NULL,                 -- the ability
    metric   TEXT NOT NULL,                 -- exact_match, logprob, brier, edit_distance, ...
    value    REAL,                          -- [as metric says] mean over the items; NULL: could not be measured
    n        INTEGER NOT NULL,              -- [items] items scored
    stderr   REAL,                          -- [as metric says] standard error of value
    chance   REAL,                          -- [as metric says] what guessing reaches
    PRIMARY KEY (trial_id, attempt, task, metric, step),
    FOREIGN KEY (trial_id, attempt) REFERENCES attempt (trial_id, attempt)
) STRICT, WITHOUT ROWID;

-- Raw timings of inference, one row per repetition.
CREATE TABLE latency_sample (
    trial_id      TEXT NOT NULL,            -- the trial
    attempt       INTEGER NOT NULL,         -- the attempt that measured
    phase         TEXT NOT NULL CHECK (phase IN ('prefill', 'decode')), -- prefill: a prompt; decode: one token each
    batch         INTEGER NOT NULL,         -- [sequences] sequences computed together
    prompt_tokens INTEGER NOT NULL,         -- [tokens] length of the prompt
    sample        INTEGER NOT NULL,         -- number of the repetition, from 0
    ms            REAL,                     -- [ms] time it took
    PRIMARY KEY (trial_id, attempt, phase, batch, prompt_tokens, sample),
    FOREIGN KEY (trial_id, attempt) REFERENCES attempt (trial_id, attempt)
) STRICT, WITHOUT ROWID;

-- What an attempt cost.
CREATE TABLE cost (
    trial_id             TEXT NOT NULL,     -- the trial
    attempt              INTEGER NOT NULL,  -- the attempt that measured
    flops_executed       REAL,              -- [FLOPs] counted in training; of a shrunk model: in scoring
    flops_formula        REAL,              -- [FLOPs] the same by formula; equal, or the attempt has failed
    flops_6nd            REAL,              -- [FLOPs] 6 x params_matmul x tokens, the rule of thumb
    train_flops          REAL,              -- [FLOPs] counted in training alone
    eval_flops           REAL,              -- [FLOPs] counted in scoring alone
    wall_s               REAL,              -- [s] from start to end of the trial's work
    train_s              REAL,              -- [s] spent training
    eval_s               REAL,              -- [s] spent scoring
    latency_s            REAL,              -- [s] spent measuring latency
    cpu_s                REAL,              -- [s] processor time of the trial process, user and system
    peak_rss_bytes       INTEGER,           -- [bytes] most memory the trial process held
    model_bytes          INTEGER,           -- [bytes] memory computed beforehand for training this model
    weight_bytes         INTEGER,           -- [bytes] the weights as they are used for inference
    checkpoint_bytes     INTEGER,           -- [bytes] the model's files
    energy_j             REAL,              -- [J] energy used
    energy_method        TEXT,              -- how energy_j was found: rapl (measured) or estimate:tdp
    tokens_per_s         REAL,              -- [tokens per s] training speed
    steps                INTEGER,           -- [steps] optimiser steps done
    threads              INTEGER,           -- [threads] threads computing
    flops_marginal       REAL,              -- [FLOPs] of flops_executed, those not taken over with a trunk's state
    train_marginal_s     REAL,              -- [s] of train_s, those not taken over with a trunk's state
    PRIMARY KEY (trial_id, attempt),
    FOREIGN KEY (trial_id, attempt) REFERENCES attempt (trial_id, attempt),
    CHECK (energy_j IS NULL OR energy_method IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- How evenly the experts of each layer were chosen while training, at the points of the training curve: means over
-- the steps since the point before.
CREATE TABLE moe_metric (
    trial_id TEXT NOT NULL,                 -- the trial
    attempt  INTEGER NOT NULL,              -- the attempt that measured
    step     INTEGER NOT NULL,              -- [steps] optimiser steps done
    layer    INTEGER NOT NULL,              -- the layer, from 0
    name     TEXT NOT NULL,                 -- the column of v_moe that it fills
    value    REAL,                          -- [as name says] NULL: not a number
    PRIMARY KEY (trial_id, attempt, layer, name, step),
    FOREIGN KEY (trial_id, attempt) REFERENCES attempt (trial_id, attempt)
) STRICT, WITHOUT ROWID;

-- How a mixture of experts shared the work on held-out text, at the end.
CREATE TABLE moe_load (
    trial_id TEXT NOT NULL,                 -- the trial
    attempt  INTEGER NOT NULL,              -- the attempt that measured
    step     INTEGER NOT NULL,              -- [steps] optimiser steps done
    layer    INTEGER NOT NULL,              -- the layer, from 0
    expert   INTEGER NOT NULL,              -- the expert, from 0
    share    REAL,                          -- [] share of the layer's pairs of token and expert that it received
    PRIMARY KEY (trial_id, attempt, layer, expert, step),
    FOREIGN KEY (trial_id, attempt) REFERENCES attempt (trial_id, attempt)
) STRICT, WITHOUT ROWID;

-- ------------------------------------------------------------------------------------ what it tells us

-- Fitted laws, one row per letter of the law.
CREATE TABLE fit (
    fit_id            TEXT NOT NULL,        -- name of one fit; its rows share everything but the letter
    spec              TEXT,                 -- the spec whose trials were fitted; NULL: all of the store
    law               TEXT NOT NULL,        -- the law: chinchilla, kaplan, moe, ...
    method            TEXT NOT NULL,        -- how it was fitted: varpro, huber, approach1, ...
    params_convention TEXT NOT NULL,        -- which N: params_total, params_active, ...
    letter            TEXT NOT NULL,        -- the law's letter: E, A, B, alpha, beta, ...
    value             REAL,                 -- [as letter says] its estimate
    low               REAL,                 -- [as letter says] lower end of its interval; NULL: no interval
    high              REAL,                 -- [as letter says] upper end of its interval
    se                REAL,                 -- [as letter says] standard deviation of its resamples
    confidence        REAL,                 -- [share] level of the interval, such as 0.95
    n_points          INTEGER NOT NULL,     -- [trials] trials fitted
    n_excluded        INTEGER,              -- [trials] trials left out; table fit_exclusion names them
    objective         REAL,                 -- [as method says] what was minimised, at its minimum
    heldout_error     REAL,                 -- [share] mean relative error on the largest runs, left out of the fit
    covariance        TEXT,                 -- [products of units] of the resamples with each letter of the law, in order
    reason            TEXT,                 -- what was excluded and why; what the reader must know
    created_at        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), -- when it was fitted
    PRIMARY KEY (fit_id, letter)
) STRICT, WITHOUT ROWID;

-- Which trials a fit left out, each with its reason.
CREATE TABLE fit_exclusion (
    fit_id   TEXT NOT NULL,                 -- the fit
    trial_id TEXT NOT NULL REFERENCES trial (trial_id), -- the trial that is no point of it
    reason   TEXT NOT NULL,                 -- why: diverged, shrunk, by --where, invalid by a check, at another learning rate
    PRIMARY KEY (fit_id, trial_id)
) STRICT, WITHOUT ROWID;

-- Whether a trial is fit to be a point of a study: one row per check, whatever its verdict. Judged again after every
-- sweep, from all that the store then holds.
CREATE TABLE validity (
    trial_id   TEXT NOT NULL REFERENCES trial (trial_id), -- the trial
    check_name TEXT NOT NULL,               -- the check, such as seeds, learning_rate, item_overlap
    verdict    TEXT NOT NULL                -- pass; warn: the reader must know; fail: no point of a fit; unchecked
        CHECK (verdict IN ('pass', 'warn', 'fail', 'unchecked')),
    reason     TEXT NOT NULL,               -- why, in one short sentence
    PRIMARY KEY (trial_id, check_name)
) STRICT, WITHOUT ROWID;

-- What a fit said about a trial before it ran.
CREATE TABLE prediction (
    fit_id       TEXT NOT NULL,             -- the fit that predicts
    trial_id     TEXT NOT NULL REFERENCES trial (trial_id), -- the trial it speaks of
    metric       TEXT NOT NULL,             -- what is predicted: heldout_loss, or task/metric
    value        REAL,                      -- [as metric says] the prediction
    low          REAL,                      -- [as metric says] lower end of its interval
    high         REAL,                      -- [as metric says] upper end of its interval
    observed     REAL,                      -- [as metric says] what came out; NULL: has not run yet
    predicted_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), -- when it was predicted
    scored_at    TEXT,                      -- when it was compared with what came out
    PRIMARY KEY (fit_id, trial_id, metric)
) STRICT, WITHOUT ROWID;

-- Sentences somebody published, and what these data say about them.
CREATE TABLE claim (
    claim      TEXT PRIMARY KEY,            -- short name of the claim
    sentence   TEXT NOT NULL,               -- what was claimed
    source     TEXT NOT NULL,               -- who claimed it, and where
    rule       TEXT NOT NULL,               -- the decision rule, in words
    verdict    TEXT                         -- supported refuted undecided; NULL: not judged yet
        CHECK (verdict IN ('supported', 'refuted', 'undecided')),
    quantity   TEXT,                        -- the figure the rule looks at, with its unit
    value      REAL,                        -- [as quantity says] our figure
    low        REAL,                        -- [as quantity says] lower end of its interval
    high       REAL,                        -- [as quantity says] upper end of its interval
    n_points   INTEGER,                     -- [trials] trials it rests on
    reason     TEXT,                        -- why the verdict is what it is
    decided_at TEXT                         -- when it was judged
) STRICT, WITHOUT ROWID;

-- --------------------------------------------------------------------------------- regression tracking

-- One process's figure in a benchmark run.
CREATE TABLE bench_sample (
    sample_id   INTEGER PRIMARY KEY,        -- number of the sample in this store
    run_id      TEXT NOT NULL,              -- the benchmark run it belongs to
    host_id     INTEGER REFERENCES host (host_id),   -- the machine
    build_id    INTEGER REFERENCES build (build_id), -- the build
    bench       TEXT NOT NULL,              -- suite: train, moe, decode, sweep, gemm, machine
    name        TEXT NOT NULL,              -- the case: what was timed
    metric      TEXT NOT NULL,              -- what was measured: seconds, flops, loss_bits, ...
    unit        TEXT NOT NULL,              -- unit of value
    exact       INTEGER NOT NULL CHECK (exact IN (0, 1)), -- [0 or 1] a deterministic counter, compared for equality
    block       INTEGER NOT NULL,           -- position in the interleaving of A and B
    value       REAL,                       -- [as unit says] the figure
    measured_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) -- when it was stored
) STRICT;
CREATE INDEX bench_sample_by_run ON bench_sample (run_id);

-- Names for benchmark runs.
CREATE TABLE baseline (
    name       TEXT PRIMARY KEY,            -- the name, such as main
    run_id     TEXT NOT NULL,               -- the benchmark run it stands for
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) -- when the name was last set
) STRICT, WITHOUT ROWID;
CREATE INDEX baseline_by_run ON baseline (run_id);

-- ------------------------------------------------------------------- views, so that a reader needs no join

-- Every trial, whatever its state.
CREATE VIEW v_trials AS
SELECT
    t.trial_id,
    (SELECT s.name FROM spec_trial m JOIN spec s ON s.spec_id = m.spec_id
      WHERE m.trial_id = t.trial_id ORDER BY m.spec_id LIMIT 1) AS spec, -- the first spec that contained it
    t.state,
    t.data_source, t.data_path, t.task_share, t.fact_share, t.junk, t.junk_kind, t.abilities, t.ability_zipf, t.entities,
    t.cutoff_year, t.data_unique_tokens, t.parity_tasks, t.parity_places, t.data_seed,
    t.tokenizer, t.vocabulary, t.tokenizer_path,
    t.depth, t.width, t.heads, t.kv_heads, t.ffn, t.context, t.tied, t.parametrization, t.base_width, t.rope_base,
    t.qk_norm, t.experts, t.experts_per_token, t.granularity, t.shared_experts, t.gate, t.capacity, t.load_balance,
    t.router_z,
    t.tokens, t.flops, t.batch_tokens, t.micro_batch, t.threads, t.lr, t.schedule, t.warmup, t.warmup_tokens,
    t.decay, t.final_lr, t.weight_decay,
    t.beta1, t.beta2, t.clip,
    t.heldout_tokens, t.eval_every, t.items, t.shots, t.write_answers, t.latency_samples,
    t.shrink, t.parent, t.seed,
    t.params_total, t.params_active, t.params_non_embedding, t.params_matmul,
    t.predicted_flops, t.predicted_seconds, t.predicted_bytes,
    t.data_identity, t.blas_core, t.checkpoint, t.unique_tokens, t.item_overlap,
    t.heldout_loss, t.heldout_stderr, t.entropy_floor, t.excess_nats, t.bits_per_byte,
    c.weight_bytes,
    (SELECT max(a.attempt) FROM attempt a WHERE a.trial_id = t.trial_id) AS attempts, -- [attempts] tries so far
    (SELECT a.reason FROM attempt a WHERE a.trial_id = t.trial_id
      ORDER BY a.attempt DESC LIMIT 1) AS reason, -- why the last attempt ended as it did
    t.created_at
FROM trial t
LEFT JOIN cost c ON c.trial_id = t.trial_id AND c.attempt = t.final_attempt AND t.state = 'done';

-- One row per trial that is done, with all that a scaling chart or a fit needs.
CREATE VIEW v_points AS
SELECT
    t.trial_id,
    (SELECT s.name FROM spec_trial m JOIN spec s ON s.spec_id = m.spec_id
      WHERE m.trial_id = t.trial_id ORDER BY m.spec_id LIMIT 1) AS spec, -- the first spec that contained it
    t.seed, t.shrink, t.parent,
    t.data_source, t.data_identity, t.task_share, t.fact_share, t.junk, t.data_seed, t.tokenizer, t.vocabulary,
    t.depth, t.width, t.context, t.experts, t.experts_per_token, t.granularity, t.shared_experts, t.capacity,
    t.params_total, t.params_active, t.params_non_embedding, t.params_matmul,
    t.tokens, t.unique_tokens, t.flops, t.batch_tokens, t.lr, t.warmup, t.decay,
    c.flops_executed, c.flops_formula, c.flops_6nd, c.train_flops,
    t.heldout_loss, t.heldout_stderr, t.entropy_floor, t.excess_nats, t.bits_per_byte,
    c.wall_s, c.train_s, c.cpu_s, c.peak_rss_bytes, c.weight_bytes, c.energy_j, c.energy_method,
    c.tokens_per_s,
    h.host_key, b.git, t.blas_core
FROM trial t
JOIN attempt a ON a.trial_id = t.trial_id AND a.attempt = t.final_attempt
LEFT JOIN cost c ON c.trial_id = a.trial_id AND c.attempt = a.attempt
LEFT JOIN host h ON h.host_id = a.host_id
LEFT JOIN build b ON b.build_id = a.build_id
WHERE t.state = 'done';

-- Scores of the trials that are done.
CREATE VIEW v_evals AS
SELECT
    t.trial_id, e.step, e.task, e.metric, e.value, e.n, e.stderr, e.chance,
    1.0 / e.n AS resolution,                -- [] least difference that one item makes to a share
    -- 95 % intervals: Wilson's of a share (Wilson 1927), otherwise 1.96 standard errors either way.
    CASE WHEN e.metric IN ('exact_match', 'executed') THEN
        (e.value + 1.9208 / e.n - 1.96 * sqrt(e.value * (1 - e.value) / e.n + 0.9604 / e.n / e.n)) / (1 + 3.8416 / e.n)
        ELSE e.value - 1.96 * e.stderr END AS low, -- [as metric says] lower end of the interval
    CASE WHEN e.metric IN ('exact_match', 'executed') THEN
        (e.value + 1.9208 / e.n + 1.96 * sqrt(e.value * (1 - e.value) / e.n + 0.9604 / e.n / e.n)) / (1 + 3.8416 / e.n)
        ELSE e.value + 1.96 * e.stderr END AS high -- [as metric says] upper end of the interval
FROM trial t
JOIN eval e ON e.trial_id = t.trial_id AND e.attempt = t.final_attempt
WHERE t.state = 'done';

-- How evenly the experts of the trials that are done were chosen while training; a figure is the mean over the steps
-- since the point before, each step's from its whole batch. Of the loads, shares of all choices: the busiest over the
-- mean, and the exponential of their entropy, the number of experts that would carry it evenly, over their number.
-- Choices count whether the expert had room or not.
CREATE VIEW v_moe AS
SELECT
    t.trial_id, m.step, m.layer,
    max(iif(m.name = 'max_over_mean', m.value, NULL)) AS max_over_mean, -- [] busiest expert over mean
    max(iif(m.name = 'effective_share', m.value, NULL)) AS effective_share, -- [share] exp(entropy) / experts
    max(iif(m.name = 'dead_share', m.value, NULL)) AS dead_share, -- [share] experts that no token of a batch chose
    max(iif(m.name = 'dropped_share', m.value, NULL)) AS dropped_share -- [share] choices refused by a full expert
FROM trial t
JOIN moe_metric m ON m.trial_id = t.trial_id AND m.attempt = t.final_attempt
WHERE t.state = 'done'
GROUP BY t.trial_id, m.step, m.layer;

-- Percentiles of the raw timings of the trials that are done. A percentile interpolates linearly between the
-- two samples next to rank p (n - 1) / 100, counted from 0 (Hyndman & Fan 1996, definition 7).
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
    p50_ms, -- [ms] half of the repetitions took no longer
    p95_ms, -- [ms] 95 of 100 repetitions took no longer
    p99_ms, -- [ms] 99 of 100 repetitions took no longer
    iif(phase = 'decode', 1, prompt_tokens) * batch * 1000 / p50_ms AS tokens_per_s, -- [tokens per s] at p50_ms
    n -- [samples] repetitions the percentiles rest on
FROM percentiles;

-- What the result of every trial that is done has cost.
CREATE VIEW v_costs AS
SELECT
    t.trial_id, c.flops_executed, c.flops_formula, c.flops_6nd, c.train_flops, c.eval_flops,
    c.wall_s, c.train_s, c.eval_s, c.latency_s, c.cpu_s,
    c.peak_rss_bytes, c.model_bytes, c.weight_bytes, c.checkpoint_bytes, c.energy_j, c.energy_method,
    c.tokens_per_s, c.steps, c.threads, c.flops_marginal, c.train_marginal_s
FROM trial t
JOIN cost c ON c.trial_id = t.trial_id AND c.attempt = t.final_attempt
WHERE t.state = 'done';

-- Fitted laws, one row per letter.
CREATE VIEW v_fits AS
SELECT
    fit_id, spec, law, method, params_convention, letter, value, low, high, se, confidence,
    n_points, n_excluded, objective, heldout_error, covariance, reason, created_at
FROM fit;

-- Verdicts of the validity checks on the trials that are done.
CREATE VIEW v_validity AS
SELECT
    v.trial_id, v.check_name, v.verdict, v.reason
FROM validity v
JOIN trial t ON t.trial_id = v.trial_id
WHERE t.state = 'done';

-- Raw benchmark samples with the machine and the build they come from.
CREATE VIEW v_bench AS
SELECT
    s.run_id,
    (SELECT group_concat(l.name, ' ') FROM baseline l
      WHERE l.run_id = s.run_id) AS baselines, -- names of the run, separated by spaces
    s.bench, s.name, s.metric, s.unit, s.exact, s.block, s.value, s.measured_at,
    h.host_key, b.version, b.git, b.compiler, b.flags, b.blas, b.blas_core
FROM bench_sample s
LEFT JOIN host h ON h.host_id = s.host_id
LEFT JOIN build b ON b.build_id = s.build_id;

-- Which trials a spec stands for: those it contains, and what was made of their models.
CREATE VIEW v_spec_trials AS
SELECT
    s.name AS spec,
    m.trial_id
FROM spec_trial m
JOIN spec s ON s.spec_id = m.spec_id
UNION
SELECT
    s.name,
    t.trial_id
FROM trial t
JOIN spec_trial m ON m.trial_id = t.parent
JOIN spec s ON s.spec_id = m.spec_id;
