/* SPDX-License-Identifier: Apache-2.0 */
/* trial.c — one trial from its assignment to its outcome.
 *
 * Invariant: whatever happens, exactly one outcome is the last thing said, unless the process is killed. What
 * the optimiser does depends on the knobs and the data alone: not on time, not on what else runs. */
#include "harness/run/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/math/blas.h"
#include "engine/math/vec.h"
#include "engine/model/checkpoint.h"
#include "engine/model/cost.h"
#include "harness/run/energy.h"
#include "harness/run/trial_parts.h"

/* Sequences scored together where nothing was trained. */
enum { SCORE_SEQUENCES = 4 };

/* Makes the parent smaller. */
static bool make_shrunk(struct trial *trial, struct err *err)
{
    bool is_i8;
    const char *folder = trial->assignment.parent;
    if (checkpoint_config(folder, &trial->config, &is_i8, err) != STATUS_OK)
        return false;
    if (model_open(&trial->model, &trial->config, SCORE_SEQUENCES, MODEL_SCORE, err) != STATUS_OK)
        return false;
    return checkpoint_load(folder, &trial->model, err) == STATUS_OK &&
           quantize_i8(&trial->i8, &trial->model, err) == STATUS_OK &&
           session_open(&trial->session, &trial->model, &trial->i8, err) == STATUS_OK;
}

/* Whoever reads the model needs to know its tokens; without a tokenizer.json they are bytes. */
static bool save_tokenizer(struct trial *trial, struct err *err)
{
    struct str path;
    enum status status = STATUS_OK;
    if (!source_tokenizer(trial->source))
        return true;
    str_init(&path);
    str_format(&path, "%s/tokenizer.json", trial->assignment.checkpoint);
    status = tokenizer_write(source_tokenizer(trial->source), path.text, err);
    str_release(&path);
    return status == STATUS_OK;
}

static bool save(struct trial *trial, struct err *err)
{
    int64_t bytes;
    if (!*trial->assignment.checkpoint)
        return true;
    if (checkpoint_save(trial->assignment.checkpoint, &trial->model, trial->shrunk ? &trial->i8 : NULL, &bytes, err) !=
            STATUS_OK ||
        trial_write_knobs(trial->assignment.checkpoint, trial->knobs, err) != STATUS_OK)
        return false;
    child_cost(&trial->child, "checkpoint_bytes", (double)bytes);
    return save_tokenizer(trial, err);
}

static void report_shape(struct trial *trial)
{
    struct param_counts counts = cost_params(&trial->config);
    child_fact(&trial->child, "params_total", (double)counts.total);
    child_fact(&trial->child, "params_active", (double)counts.active);
    child_fact(&trial->child, "params_non_embedding", (double)counts.non_embedding);
    child_fact(&trial->child, "params_matmul", (double)counts.matmul);
    child_text(&trial->child, "blas_core", blas_core());
    if (trial->shrunk) {
        child_cost(&trial->child, "threads", 1);
    } else {
        int64_t sequences = trial->steps * trial_sequences(trial->knobs);
        child_cost(&trial->child, "steps", (double)trial->steps);
        child_fact(&trial->child, "unique_tokens",
                   (double)source_unique_tokens(trial->source, (uint64_t)trial->knobs->seed, sequences,
                                                trial->config.context));
    }
}

static void report_data(struct trial *trial)
{
    struct str identity;
    str_init(&identity);
    source_identity(trial->source, &identity);
    child_text(&trial->child, "data_identity", identity.text);
    str_release(&identity);
}

/* The whole trial; false when it did not get to its end. */
static bool run(struct trial *trial, struct energy *energy, struct err *err)
{
    double joules;
    if (trial_source(trial->knobs, &trial->source, err) != STATUS_OK)
        return false;
    if (!(trial->shrunk ? make_shrunk(trial, err) : trial_train(trial, err)))
        return false;
    report_shape(trial);
    report_data(trial);
    if (!trial_measure(trial, err) || !save(trial, err))
        return false;
    joules = energy_read(energy);
    if (isfinite(joules)) {
        child_cost(&trial->child, "energy_j", joules);
        child_text(&trial->child, "energy_method", energy->method);
    }
    child_cost(&trial->child, "cpu_s", clock_cpu_s());
    child_cost(&trial->child, "wall_s", clock_since(trial->start) - trial->child.parked_s);
    return true;
}

/* Asked to stop: what was trained so far is kept for the next attempt. */
static void give_up(struct trial *trial)
{
    if (trial->history.step > 0)
        trial_save_state(trial, trial->assignment.state);
    child_outcome(&trial->child, OUTCOME_INTERRUPTED, "asked to stop");
}

int trial_main(void)
{
    static struct trial trial; /* holds the records' buffers: too large for some stacks */
    struct energy energy;
    struct err err = ERR_INIT;
    vec_flush_subnormals();
    trial.start = clock_now();
    trial.last_loss = NAN;
    if (child_begin(&trial.child, &trial.assignment, &err) != STATUS_OK) {
        (void)fprintf(stderr, "isoflop: %s\n", err.text);
        return 2;
    }
    trial.knobs = &trial.assignment.knobs;
    trial.shrunk = strcmp(trial.knobs->shrink, "none") != 0;
    trial.steps = trial_steps(trial.knobs);
    trial_schedule(trial.knobs, &trial.schedule);
    trial_config(trial.knobs, &trial.config);
    energy_open(&energy, NULL);
    if (run(&trial, &energy, &err))
        child_outcome(&trial.child, OUTCOME_DONE, "");
    else if (err.status != STATUS_OK)
        child_outcome(&trial.child, err.status == STATUS_MEMORY ? OUTCOME_OOM : OUTCOME_FAILED, err.text);
    else if (trial.child.stop)
        give_up(&trial);
    energy_close(&energy);
    session_release(&trial.session);
    quantize_release(&trial.i8);
    model_release(&trial.model);
    overlap_free(trial.overlap);
    source_free(trial.source);
    free(trial.history.records);
    return 0;
}
