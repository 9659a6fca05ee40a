/* SPDX-License-Identifier: Apache-2.0 */
/* trial_state.c — a training in progress on disk: weights and moments as checkpoint.h writes them, and beside them
 * the history: what the steps so far have cost, and the points of their curves.
 *
 * A state is FOLDER/STEP/history and FOLDER/STEP/state/. The history is written first; the training state is renamed
 * into place when it is whole; a folder without it was being written when the process died, and is passed over without a word.
 * Everything is checksummed; what is damaged is said aloud, and the next older state is tried. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/math/blas.h"
#include "engine/model/checkpoint.h"
#include "harness/run/states.h"
#include "harness/run/trial_parts.h"

enum { HISTORY_BYTES = 64 << 20, NEWEST_KEPT = 2 };

/* Whom a state belongs to: the folder's own name, a trial's or a trunk's id, and the kernels, which decide the bits. */
static void identity(const char *folder, struct str *out)
{
    const char *slash = strrchr(folder, '/');
    str_format(out, "%s; %s", slash ? slash + 1 : folder, blas_core());
}

/* ---- the history ---- */

_Static_assert(LOAD_FIGURES == 4, "the history writes and reads four figures per layer");

void trial_note(struct trial *trial, const struct record *record)
{
    struct history *h = &trial->history;
    if (h->n_records == h->capacity) {
        int capacity = h->capacity ? 2 * h->capacity : 256;
        struct record *records = realloc(h->records, (size_t)capacity * sizeof *records);
        NEED_MEMORY(records);
        h->records = records;
        h->capacity = capacity;
    }
    h->records[h->n_records++] = *record;
    child_send(&trial->child, record);
}

void trial_metric(struct trial *trial, int64_t step, const char *name, double value)
{
    struct record record = {.kind = RECORD_METRIC, .step = step, .value = value};
    bool fits = str_copy(record.name, sizeof record.name, name);
    ASSERT(fits);
    trial_note(trial, &record);
}

/* The totals, a line per layer of a mixture's load, and the curves' points: "kind step index batch value name". All
 * numbers without loss. */
static void history_text(const struct history *h, struct str *out)
{
    char digest[HASH_TEXT_SIZE];
    str_format(out, "%" PRId64 " %a %a %a %a %d %" PRId64 " %" PRId64 " %d\n", h->step, h->flops, h->train_s,
               h->inherited_flops, h->inherited_s, h->n_records, h->load.steps, h->load.dropped, h->load.layers);
    for (int l = 0; l < h->load.layers; l++) {
        const double *sums = h->load.sums[l];
        str_format(out, "%a %a %a %a\n", sums[0], sums[1], sums[2], sums[3]);
    }
    for (int i = 0; i < h->n_records; i++) {
        const struct record *r = &h->records[i];
        str_format(out, "%d %" PRId64 " %" PRId64 " %" PRId64 " %a %s\n", (int)r->kind, r->step, r->index, r->batch,
                   r->value, *r->name ? r->name : "-");
    }
    hash_text(hash_bytes(out->text, out->length), digest);
    str_format(out, "%s\n", digest);
}

static enum status write_file(const char *path, const struct str *text, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool well = fd >= 0;
    for (size_t at = 0; well && at < text->length;) {
        ssize_t n = write(fd, text->text + at, text->length - at);
        well = n > 0 || (n < 0 && errno == EINTR);
        at += n > 0 ? (size_t)n : 0;
    }
    well = well && fsync(fd) == 0;
    if (!well)
        (void)err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    if (fd >= 0 && close(fd) != 0 && well)
        return err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    return well ? STATUS_OK : STATUS_IO;
}

static enum status read_file(const char *path, struct str *out, struct err *err)
{
    FILE *file = fopen(path, "re");
    char bytes[1 << 14];
    size_t n;
    if (!file)
        return err_set(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "%s: %s", path, strerror(errno));
    while ((n = fread(bytes, 1, sizeof bytes, file)) > 0 && out->length < HISTORY_BYTES)
        str_append_bytes(out, bytes, n);
    (void)fclose(file);
    return STATUS_OK;
}

/* Takes the digest's line off the text; false when it is not the text's. */
static bool take_digest(struct str *text)
{
    char digest[HASH_TEXT_SIZE];
    size_t tail = HASH_DIGITS + 1, n = text->length - tail;
    if (text->length < tail || strlen(text->text) != text->length)
        return false;
    hash_text(hash_bytes(text->text, n), digest);
    if (memcmp(text->text + n, digest, HASH_DIGITS) != 0 || text->text[n + HASH_DIGITS] != '\n')
        return false;
    text->text[n] = 0;
    text->length = n;
    return true;
}

static bool parse_line(const char *line, struct record *out)
{
    char name[RECORD_NAME_SIZE];
    int kind;
    *out = (struct record){0};
    if (sscanf(line, "%d %" SCNd64 " %" SCNd64 " %" SCNd64 " %lf %47s", &kind, &out->step, &out->index, &out->batch,
               &out->value, name) != 6 ||
        (kind != RECORD_METRIC && kind != RECORD_MOE_LOAD && kind != RECORD_MOE_METRIC))
        return false;
    out->kind = (enum record_kind)kind;
    if (strcmp(name, "-") != 0)
        (void)str_copy(out->name, sizeof out->name, name);
    return true;
}

static bool parse_totals(const char *text, struct history *h, int *n)
{
    struct load_curve *load = &h->load;
    return sscanf(text, "%" SCNd64 " %lf %lf %lf %lf %d %" SCNd64 " %" SCNd64 " %d\n", &h->step, &h->flops, &h->train_s,
                  &h->inherited_flops, &h->inherited_s, n, &load->steps, &load->dropped, &load->layers) == 9 &&
           *n >= 0 && *n <= HISTORY_BYTES && load->layers >= 0 && load->layers <= LOAD_MOST_LAYERS;
}

static bool parse_history(const char *text, struct history *out)
{
    struct history h = {0};
    int n = 0;
    if (!parse_totals(text, &h, &n))
        return false;
    for (int l = 0; l < h.load.layers; l++) {
        double *sums = h.load.sums[l];
        text = strchr(text, '\n');
        if (!text || sscanf(++text, "%lf %lf %lf %lf", &sums[0], &sums[1], &sums[2], &sums[3]) != 4)
            return false;
    }
    h.records = calloc((size_t)n + 1, sizeof *h.records);
    NEED_MEMORY(h.records);
    h.capacity = n + 1;
    for (; h.n_records < n; h.n_records++) {
        text = strchr(text, '\n');
        if (!text || !parse_line(++text, &h.records[h.n_records])) {
            free(h.records);
            return false;
        }
    }
    *out = h;
    return true;
}

static enum status read_history(const char *state, struct history *out, struct err *err)
{
    struct str path, text;
    enum status status;
    str_init(&path);
    str_init(&text);
    str_format(&path, "%s/history", state);
    status = read_file(path.text, &text, err);
    if (status == STATUS_OK && (!take_digest(&text) || !parse_history(text.text, out)))
        status = err_set(err, STATUS_CORRUPT, "%s: damaged", path.text);
    str_release(&path);
    str_release(&text);
    return status;
}

/* ---- saving ---- */

static enum status make_folder(const char *path, struct err *err)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return STATUS_OK;
    return err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
}

static enum status save(struct trial *trial, const char *folder, struct err *err)
{
    struct str place, path, file, text, who;
    enum status status;
    str_init(&place);
    str_init(&path);
    str_init(&file);
    str_init(&text);
    str_init(&who);
    states_path(folder, trial->history.step, &place);
    str_format(&file, "%s/history", place.text);
    str_format(&path, "%s/state", place.text);
    history_text(&trial->history, &text);
    identity(folder, &who);
    status = make_folder(folder, err);
    if (status == STATUS_OK)
        status = make_folder(place.text, err);
    if (status == STATUS_OK)
        status = write_file(file.text, &text, err);
    if (status == STATUS_OK)
        status = checkpoint_save_state(path.text, &trial->model, trial->history.step, who.text, NULL, err);
    str_release(&place);
    str_release(&path);
    str_release(&file);
    str_release(&text);
    str_release(&who);
    return status;
}

void trial_save_state(struct trial *trial, const char *folder)
{
    struct err err = ERR_INIT;
    if (!*folder)
        return;
    if (save(trial, folder, &err) == STATUS_OK)
        states_prune(folder, NEWEST_KEPT);
    else /* it only costs time if this trial is interrupted */
        (void)fprintf(stderr, "isoflop: cannot keep the state of trial %.8s: %s\n", trial->assignment.id, err.text);
    trial->saved = clock_now();
}

/* ---- taking up ---- */

static enum status load(struct trial *trial, const char *folder, int64_t step, struct err *err)
{
    struct history history;
    struct str path, who;
    int64_t found = -1;
    enum status status;
    str_init(&path);
    str_init(&who);
    states_path(folder, step, &path);
    identity(folder, &who);
    status = read_history(path.text, &history, err);
    if (status != STATUS_OK)
        goto done;
    str_append(&path, "/state");
    status = checkpoint_load_state(path.text, &trial->model, who.text, &found, err);
    if (status == STATUS_OK && (found != step || history.step != step))
        status = err_set(err, STATUS_CORRUPT, "%s: holds the state of another step", path.text);
    if (status == STATUS_OK)
        trial->history = history;
    else
        free(history.records);
done:
    str_release(&path);
    str_release(&who);
    return status;
}

/* Tries the states of a folder up to step `most`, newest first; false when none could be taken up. */
static bool load_newest(struct trial *trial, const char *folder, int64_t most)
{
    int64_t steps[STATES_MAX];
    int n = *folder ? states_list(folder, most, steps) : 0;
    for (int i = 0; i < n; i++) {
        struct err err = ERR_INIT;
        enum status status = load(trial, folder, steps[i], &err);
        if (status == STATUS_OK)
            return true;
        if (status != STATUS_NOT_FOUND)
            (void)fprintf(stderr, "isoflop: trial %.8s cannot go on from step %" PRId64 ": %s\n", trial->assignment.id,
                          steps[i], err.text);
    }
    return false;
}

static int64_t newest(const char *folder, int64_t most)
{
    int64_t steps[STATES_MAX];
    return *folder && states_list(folder, most, steps) > 0 ? steps[0] : -1;
}

void trial_take_up(struct trial *trial)
{
    const char *own = trial->assignment.state, *trunk = trial->assignment.trunk;
    int64_t constant = schedule_constant_steps(&trial->schedule), own_step = newest(own, trial->steps);
    bool taken = own_step >= newest(trunk, constant) && load_newest(trial, own, trial->steps);
    if (!taken && load_newest(trial, trunk, constant)) {
        trial->history.inherited_flops = trial->history.flops;
        trial->history.inherited_s = trial->history.train_s;
        taken = true;
    }
    if (!taken) /* older than the trunk's, which cannot be read */
        (void)load_newest(trial, own, trial->steps);
    for (int i = 0; i < trial->history.n_records; i++)
        child_send(&trial->child, &trial->history.records[i]);
}
