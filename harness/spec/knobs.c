/* SPDX-License-Identifier: Apache-2.0 */
/* knobs.c — the master table of knobs, and the generic reading, writing and checking of their values.
 * Invariant: the order of the table is the order of the canonical text; changing it changes every trial id. */
#include "harness/spec/knobs.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

#define FIELD(f) offsetof(struct knobs, f)

static const struct knob knobs_table[] = {
    {"data.source", "data_source", KNOB_CHOICE, "", 0, 0, "world", "world text sparse_parity",
     "where the text comes from: the built-in synthetic language, a file, or parities of few bits among many", FIELD(data_source), false},
    {"data.path", "data_path", KNOB_TEXT, "", 0, 0, "", NULL,
     "the text file, when data.source is text; {corpora} stands for the folder `make corpora` fills",
     FIELD(data_path), false},
    {"data.tasks", "task_share", KNOB_REAL, "share of lines", 0, 1, "0.6", NULL,
     "world: lines that pose and answer a task", FIELD(task_share), false},
    {"data.facts", "fact_share", KNOB_REAL, "share of lines", 0, 1, "0.15", NULL,
     "world: lines that state a fact about an entity", FIELD(fact_share), false},
    {"data.junk", "junk", KNOB_REAL, "share of lines", 0, 1, "0", NULL,
     "lines of the world that are worth nothing: see data.junk_kind", FIELD(junk), false},
    {"data.junk_kind", "junk_kind", KNOB_CHOICE, "", 0, 0, "letters", "letters facts",
     "what junk is: random letters, or statements about entities that are false", FIELD(junk_kind), false},
    {"data.abilities", "abilities", KNOB_TEXT, "", 0, 0, "demo", NULL,
     "abilities practised in task lines and examined: demo (five), all, or names with blanks between; sort* is all sorts",
     FIELD(abilities), false},
    {"data.ability_zipf", "ability_zipf", KNOB_REAL, "", 0, 5, "0", NULL,
     "exponent of Zipf's law by which the abilities, in their order, share the task lines, or the samples of sparse_parity; 0: evenly",
     FIELD(ability_zipf), false},
    {"data.entities", "entities", KNOB_INTEGER, "entities", 1, 3072, "192", NULL,
     "entities of the world, with three facts each", FIELD(entities), false},
    {"data.cutoff_year", "cutoff_year", KNOB_INTEGER, "year", 0, 2000, "0", NULL,
     "the world's text says nothing of entities born later; 0: something of all", FIELD(cutoff_year), false},
    {"data.unique_tokens", "data_unique_tokens", KNOB_INTEGER, "tokens", 0, 1e13, "0", NULL,
     "training text goes round in so many tokens, in whole sequences; 0: it does not repeat",
     FIELD(data_unique_tokens), false},
    {"data.parity_tasks", "parity_tasks", KNOB_INTEGER, "tasks", 1, 250, "100", NULL,
     "sparse_parity: tasks with a name, of endlessly many; two fewer bits are shown than model.context",
     FIELD(parity_tasks), false},
    {"data.parity_places", "parity_places", KNOB_INTEGER, "bits", 1, 8, "2", NULL,
     "sparse_parity: bits whose parity is a task's answer", FIELD(parity_places), false},
    {"data.seed", "data_seed", KNOB_INTEGER, "", 0, 4294967295.0, "1", NULL,
     "which world: its facts, and which task items are held out", FIELD(data_seed), false},
    {"data.tokenizer", "tokenizer", KNOB_CHOICE, "", 0, 0, "bytes", "bytes bpe file",
     "text: tokens are bytes, byte pairs learnt from its training part, or by the file data.tokenizer_path",
     FIELD(tokenizer), false},
    {"data.vocabulary", "vocabulary", KNOB_INTEGER, "tokens", 256, 16777216, "256", NULL,
     "how many different tokens there are; 256 with bytes", FIELD(vocabulary), false},
    {"data.tokenizer_path", "tokenizer_path", KNOB_TEXT, "", 0, 0, "", NULL,
     "the tokenizer.json, when data.tokenizer is file", FIELD(tokenizer_path), false},

    {"model.depth", "depth", KNOB_INTEGER, "layers", 1, 256, "2", NULL,
     "transformer layers", FIELD(depth), false},
    {"model.width", "width", KNOB_INTEGER, "channels", 8, 16384, "64", NULL,
     "residual stream width", FIELD(width), false},
    {"model.heads", "heads", KNOB_INTEGER, "heads", 0, 256, "0", NULL,
     "attention heads; 0: heads of 16 channels up to width 64, of 32 beyond", FIELD(heads), false},
    {"model.kv_heads", "kv_heads", KNOB_INTEGER, "heads", 0, 256, "0", NULL,
     "key/value heads (grouped attention); 0: as many as heads", FIELD(kv_heads), false},
    {"model.ffn", "ffn", KNOB_INTEGER, "channels", 0, 65536, "0", NULL,
     "feed-forward width; 0: 8/3 of width, rounded up to a multiple of 32", FIELD(ffn), false},
    {"model.context", "context", KNOB_INTEGER, "tokens", 8, 8192, "128", NULL,
     "tokens per sequence", FIELD(context), false},
    {"model.tied", "tied", KNOB_BOOL, "", 0, 1, "false", NULL,
     "use the embedding as output head too", FIELD(tied), false},
    {"model.parametrization", "parametrization", KNOB_CHOICE, "", 0, 0, "mup", "mup standard",
     "mup: learning rate and initial scale follow the width, so that one lr fits all widths",
     FIELD(parametrization), false},
    {"model.base_width", "base_width", KNOB_INTEGER, "channels", 8, 16384, "64", NULL,
     "the width at which mup and standard agree", FIELD(base_width), false},
    {"model.rope_base", "rope_base", KNOB_REAL, "", 1, 1e9, "10000", NULL,
     "base of the rotary position frequencies", FIELD(rope_base), false},
    {"model.qk_norm", "qk_norm", KNOB_BOOL, "", 0, 1, "false", NULL,
     "normalise queries and keys per head before the rotation (QK-norm)", FIELD(qk_norm), false},
    {"model.experts", "experts", KNOB_INTEGER, "experts", 1, 1024, "1", NULL,
     "experts per layer; 1 is a dense model", FIELD(experts), false},
    {"model.experts_per_token", "experts_per_token", KNOB_INTEGER, "experts", 1, 64, "1", NULL,
     "experts each token is sent to (top-k)", FIELD(experts_per_token), false},
    {"model.granularity", "granularity", KNOB_INTEGER, "", 1, 64, "1", NULL,
     "an expert's feed-forward width is ffn divided by this", FIELD(granularity), false},
    {"model.shared_experts", "shared_experts", KNOB_INTEGER, "experts", 0, 64, "0", NULL,
     "experts that every token visits besides, of the same width (Dai 2024)", FIELD(shared_experts), false},
    {"model.gate", "gate", KNOB_CHOICE, "", 0, 0, "chosen", "chosen all",
     "weights of the experts: softmax over the chosen logits (Mixtral) or over all (Switch)", FIELD(gate), false},
    {"model.capacity", "capacity", KNOB_REAL, "", 0, 1000, "0", NULL,
     "training: most tokens an expert serves of a micro-batch, over its even share; 0: all (Fedus 2021)",
     FIELD(capacity), false},
    {"model.load_balance", "load_balance", KNOB_REAL, "", 0, 10, "0.01", NULL,
     "weight of the load-balance loss (Fedus 2021, eq. 4)", FIELD(load_balance), false},
    {"model.router_z", "router_z", KNOB_REAL, "", 0, 10, "0.001", NULL,
     "weight of the router z-loss (Zoph 2022, eq. 5)", FIELD(router_z), false},

    {"train.tokens", "tokens", KNOB_INTEGER, "tokens", 1, 1e13, "262144", NULL,
     "training tokens (D), rounded to whole batches", FIELD(tokens), false},
    {"train.flops", "flops", KNOB_REAL, "FLOPs", 0, 1e26, "0", NULL,
     "compute budget (C); when given, tokens follow from it", FIELD(flops), false},
    {"train.batch_tokens", "batch_tokens", KNOB_INTEGER, "tokens", 8, 1e8, "1024", NULL,
     "tokens per optimiser step, a multiple of the context", FIELD(batch_tokens), false},
    {"train.micro_batch", "micro_batch", KNOB_INTEGER, "sequences", 0, 65536, "0", NULL,
     "sequences computed together; 0: about 512 tokens", FIELD(micro_batch), false},
    {"train.threads", "threads", KNOB_INTEGER, "threads", 1, 64, "1", NULL,
     "threads of one trial; a batch has work for one per 512 tokens, at most 8; the result does not depend on it",
     FIELD(threads), false},
    {"train.lr", "lr", KNOB_REAL, "", 0, 1e12, "0.004", NULL,
     "peak learning rate", FIELD(lr), false},
    {"train.schedule", "schedule", KNOB_CHOICE, "", 0, 0, "wsd", "wsd cosine constant",
     "learning rate after warm-up: stable, then falling in a line; a cosine over the whole run; or constant",
     FIELD(schedule), false},
    {"train.warmup", "warmup", KNOB_REAL, "share of steps", 0, 1, "0.05", NULL,
     "steps with rising rate", FIELD(warmup), false},
    {"train.warmup_tokens", "warmup_tokens", KNOB_INTEGER, "tokens", 0, 1e13, "0", NULL,
     "tokens with rising rate, in place of the share: the same for all lengths of a run; 0: the share counts",
     FIELD(warmup_tokens), false},
    {"train.decay", "decay", KNOB_REAL, "share of steps", 0, 1, "0.3", NULL,
     "wsd: steps with falling rate, at the end", FIELD(decay), false},
    {"train.final_lr", "final_lr", KNOB_REAL, "share of lr", 0, 1, "0", NULL,
     "wsd, cosine: where the rate ends", FIELD(final_lr), false},
    {"train.weight_decay", "weight_decay", KNOB_REAL, "", 0, 10, "0.1", NULL,
     "decoupled weight decay; none on norms and embeddings", FIELD(weight_decay), false},
    {"train.beta1", "beta1", KNOB_REAL, "", 0, 0.9999999, "0.9", NULL,
     "AdamW: decay of the first moment", FIELD(beta1), false},
    {"train.beta2", "beta2", KNOB_REAL, "", 0, 0.9999999, "0.99", NULL,
     "AdamW: decay of the second moment", FIELD(beta2), false},
    {"train.clip", "clip", KNOB_REAL, "", 0, 1e9, "1", NULL,
     "global gradient norm above which gradients are scaled down; 0: never", FIELD(clip), false},

    {"eval.heldout_tokens", "heldout_tokens", KNOB_INTEGER, "tokens", 64, 1e8, "16384", NULL,
     "held-out tokens scored at the end", FIELD(heldout_tokens), false},
    {"eval.every", "eval_every", KNOB_INTEGER, "steps", 0, 1e9, "0", NULL,
     "steps between points of the held-out curve; 0: eight points per run", FIELD(eval_every), false},
    {"eval.items", "items", KNOB_INTEGER, "items", 1, 1e6, "128", NULL,
     "held-out items per ability", FIELD(items), false},
    {"eval.shots", "shots", KNOB_INTEGER, "items", 0, 8, "0", NULL,
     "solved training items put before each question", FIELD(shots), false},
    {"eval.write", "write_answers", KNOB_BOOL, "", 0, 1, "false", NULL,
     "also let the model write every answer: Brier score, calibration, edit distance, programs executed",
     FIELD(write_answers), false},
    {"eval.latency_samples", "latency_samples", KNOB_INTEGER, "samples", 1, 1e6, "100", NULL,
     "timed repetitions of prefill and of decode", FIELD(latency_samples), false},

    {"shrink.method", "shrink", KNOB_CHOICE, "", 0, 0, "none", "none int8",
     "what was done to the parent to make this model", FIELD(shrink), true},
    {"shrink.parent", "parent", KNOB_TEXT, "", 0, 0, "", NULL,
     "trial id of the model this one was made from", FIELD(parent), true},

    {"seed", "seed", KNOB_INTEGER, "", 0, 4294967295.0, "1", NULL,
     "replicate: initial weights and order of the data", FIELD(seed), false},
};

int knob_count(void)
{
    return (int)(sizeof knobs_table / sizeof *knobs_table);
}

const struct knob *knob_at(int i)
{
    ASSERT(i >= 0 && i < knob_count());
    return &knobs_table[i];
}

int knob_index(const struct knob *knob)
{
    return (int)(knob - knobs_table);
}

const struct knob *knob_find(const char *name)
{
    for (int i = 0; i < knob_count(); i++)
        if (strcmp(knobs_table[i].name, name) == 0)
            return &knobs_table[i];
    for (int i = 0; i < knob_count(); i++)
        if (strcmp(knobs_table[i].column, name) == 0)
            return &knobs_table[i];
    return NULL;
}

const char *knob_tail(const struct knob *knob)
{
    const char *dot = strchr(knob->name, '.');
    return dot ? dot + 1 : knob->name;
}

bool knob_in(const struct knob *knob, const char *section)
{
    size_t n = strlen(section);
    if (n == 0)
        return !strchr(knob->name, '.');
    return strncmp(knob->name, section, n) == 0 && knob->name[n] == '.';
}

/* The i-th knob that a spec may set; what only a command sets is not worth suggesting. */
static const char *name_of(int i, const void *context)
{
    (void)context;
    for (int k = 0; k < knob_count(); k++)
        if (!knobs_table[k].internal && i-- == 0)
            return knobs_table[k].name;
    return NULL;
}

const char *knob_nearest(const char *name)
{
    return str_nearest(name, name_of, NULL);
}

static void *field(const struct knob *knob, struct knobs *knobs)
{
    return (char *)knobs + knob->offset;
}

static const void *field_const(const struct knob *knob, const struct knobs *knobs)
{
    return (const char *)knobs + knob->offset;
}

void knobs_preset(struct knobs *knobs)
{
    memset(knobs, 0, sizeof *knobs); /* padding too: the struct may be compared as bytes */
    for (int i = 0; i < knob_count(); i++) {
        struct err err = ERR_INIT;
        enum status status = knob_parse(&knobs_table[i], knobs_table[i].preset, knobs, &err);
        ASSERT(status == STATUS_OK);
    }
}

/* The power of ten a suffix stands for, or -1. */
static int suffix_exponent(const char *suffix)
{
    static const struct { const char *text; int exponent; } suffixes[] = {
        {"", 0}, {"k", 3}, {"K", 3}, {"M", 6}, {"G", 9}, {"B", 9}, {"T", 12},
    };
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcmp(suffix, suffixes[i].text) == 0)
            return suffixes[i].exponent;
    return -1;
}

bool knob_read_number(const char *text, double *out)
{
    char decimal[64], *end;
    size_t n = strspn(text, "+-.0123456789eE"); /* no hex, no nan, no inf */
    int exponent = suffix_exponent(text + n);
    double value;
    if (n == 0 || n > sizeof decimal - 8 || exponent < 0)
        return false;
    memcpy(decimal, text, n);
    decimal[n] = 0;
    if (exponent > 0) {
        /* As one decimal it is rounded once: 1.001k is 1001, not 1000.9999999999999. */
        if (strpbrk(decimal, "eE"))
            return false;
        (void)snprintf(decimal + n, sizeof decimal - n, "e%d", exponent);
    }
    value = strtod(decimal, &end);
    if (end == decimal || *end || !isfinite(value))
        return false;
    *out = value + 0.0; /* -0 becomes 0, so that equal settings have equal text */
    return true;
}

static enum status parse_number(const struct knob *knob, const char *text, double *out, struct err *err)
{
    const char *kind = knob->type == KNOB_INTEGER ? "a whole number" : "a number";
    double value;
    if (!knob_read_number(text, &value) || (knob->type == KNOB_INTEGER && value != floor(value)))
        return err_set(err, STATUS_USAGE, "%s takes %s, not '%s'", knob->name, kind, text);
    if (!(value >= knob->minimum && value <= knob->maximum))
        return err_set(err, STATUS_USAGE, "%s takes %.10g to %.10g%s%s, not '%s'", knob->name, knob->minimum,
                       knob->maximum, *knob->unit ? " " : "", knob->unit, text);
    *out = value;
    return STATUS_OK;
}

static enum status parse_bool(const struct knob *knob, const char *text, bool *out, struct err *err)
{
    static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};
    for (int i = 0; i < 3; i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *out = strcasecmp(text, yes[i]) == 0;
            return STATUS_OK;
        }
    }
    return err_set(err, STATUS_USAGE, "%s takes true or false, not '%s'", knob->name, text);
}

static bool has_word(const char *words, const char *word)
{
    size_t n = strchr(word, ' ') ? 0 : strlen(word); /* two words are no word */
    for (const char *at = words; n && (at = strstr(at, word)) != NULL; at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0))
            return true;
    return false;
}

static enum status parse_text(const struct knob *knob, const char *text, char *out, struct err *err)
{
    if (knob->type == KNOB_CHOICE && !has_word(knob->choices, text))
        return err_set(err, STATUS_USAGE, "%s takes one of: %s; not '%s'", knob->name, knob->choices, text);
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            return err_set(err, STATUS_USAGE, "%s must not contain control characters", knob->name);
    if (strlen(text) >= KNOB_TEXT_SIZE)
        return err_set(err, STATUS_USAGE, "%s takes at most %d characters", knob->name, KNOB_TEXT_SIZE - 1);
    memset(out, 0, KNOB_TEXT_SIZE);
    (void)str_copy(out, KNOB_TEXT_SIZE, text);
    return STATUS_OK;
}

enum status knob_parse(const struct knob *knob, const char *text, struct knobs *out, struct err *err)
{
    double number = 0;
    enum status status;
    switch (knob->type) {
    case KNOB_BOOL:
        return parse_bool(knob, text, field(knob, out), err);
    case KNOB_CHOICE:
    case KNOB_TEXT:
        return parse_text(knob, text, field(knob, out), err);
    case KNOB_INTEGER:
    case KNOB_REAL:
        break;
    }
    status = parse_number(knob, text, &number, err);
    if (status != STATUS_OK)
        return status;
    if (knob->type == KNOB_INTEGER)
        *(int64_t *)field(knob, out) = (int64_t)number;
    else
        *(double *)field(knob, out) = number;
    return STATUS_OK;
}

void knob_format(const struct knob *knob, const struct knobs *knobs, struct str *out)
{
    const void *value = field_const(knob, knobs);
    char number[32];
    switch (knob->type) {
    case KNOB_INTEGER:
        str_format(out, "%" PRId64, *(const int64_t *)value);
        break;
    case KNOB_REAL:
        str_from_double(number, sizeof number, *(const double *)value);
        str_append(out, number);
        break;
    case KNOB_BOOL:
        str_append(out, *(const bool *)value ? "true" : "false");
        break;
    case KNOB_CHOICE:
    case KNOB_TEXT:
        str_append(out, value);
        break;
    }
}

double knob_number(const struct knob *knob, const struct knobs *knobs)
{
    const void *value = field_const(knob, knobs);
    switch (knob->type) {
    case KNOB_INTEGER:
        return (double)*(const int64_t *)value;
    case KNOB_REAL:
        return *(const double *)value;
    case KNOB_BOOL:
        return *(const bool *)value;
    case KNOB_CHOICE:
    case KNOB_TEXT:
        break;
    }
    return NAN;
}

int64_t knobs_heads(const struct knobs *knobs)
{
    int64_t size = knobs->width <= 64 ? 16 : 32;
    if (knobs->heads)
        return knobs->heads;
    return knobs->width >= size ? knobs->width / size : 1;
}

int64_t knobs_ffn(const struct knobs *knobs)
{
    if (knobs->ffn)
        return knobs->ffn;
    return ((8 * knobs->width + 2) / 3 + 31) / 32 * 32;
}

/* Decimal shares that add up to 1 may miss it by a rounding: 0.56 + 0.34 + 0.1 > 1 in binary. */
#define SHARE_SLACK 1e-9

static enum status check_tokenizer(const struct knobs *knobs, struct err *err)
{
    bool is_bytes = strcmp(knobs->tokenizer, "bytes") == 0, is_file = strcmp(knobs->tokenizer, "file") == 0;
    if (!is_bytes && strcmp(knobs->data_source, "text") != 0)
        return err_set(err, STATUS_USAGE, "data.tokenizer %s needs data.source text: the world is written in bytes",
                       knobs->tokenizer);
    if (is_bytes && knobs->vocabulary != 256)
        return err_set(err, STATUS_USAGE, "data.tokenizer bytes has a data.vocabulary of 256, not %" PRId64,
                       knobs->vocabulary);
    if (strcmp(knobs->tokenizer, "bpe") == 0 && knobs->vocabulary == 256)
        return err_set(err, STATUS_USAGE, "data.tokenizer bpe needs a data.vocabulary of more than 256");
    if (is_file != (*knobs->tokenizer_path != 0))
        return err_set(err, STATUS_USAGE, "data.tokenizer file and data.tokenizer_path go together");
    return STATUS_OK;
}

/* A budget in FLOPs is turned into tokens first and checked again then. */
static enum status check_schedule(const struct knobs *knobs, struct err *err)
{
    bool decays = strcmp(knobs->schedule, "wsd") == 0;
    double share = knobs->warmup_tokens ? 0 : knobs->warmup;
    if (share + (decays ? knobs->decay : 0) > 1 + SHARE_SLACK)
        return err_set(err, STATUS_USAGE, "train.warmup and train.decay add up to more than 1");
    if (!(knobs->flops > 0) && (double)knobs->warmup_tokens > (double)knobs->tokens * (decays ? 1 - knobs->decay : 1))
        return err_set(err, STATUS_USAGE, "train.warmup_tokens %" PRId64 " leaves nothing at the peak rate in %" PRId64
                       " tokens", knobs->warmup_tokens, knobs->tokens);
    return STATUS_OK;
}

enum status knobs_check(const struct knobs *knobs, struct err *err)
{
    int64_t heads = knobs_heads(knobs);
    int64_t kv_heads = knobs->kv_heads ? knobs->kv_heads : heads;
    enum status status;
    if (strcmp(knobs->data_source, "text") == 0 && !*knobs->data_path)
        return err_set(err, STATUS_USAGE, "data.source text needs data.path");
    if (knobs->task_share + knobs->fact_share + knobs->junk > 1 + SHARE_SLACK)
        return err_set(err, STATUS_USAGE, "data.tasks, data.facts and data.junk add up to more than 1");
    if (!*knobs->abilities)
        return err_set(err, STATUS_USAGE, "data.abilities takes demo, all or names of abilities");
    if (knobs->width % heads || knobs->width / heads % 2)
        return err_set(err, STATUS_USAGE, "model.width %" PRId64 " does not split into %" PRId64
                       " heads of an even size; set model.heads", knobs->width, heads);
    if (heads % kv_heads)
        return err_set(err, STATUS_USAGE, "model.kv_heads %" PRId64 " does not divide %" PRId64 " heads",
                       kv_heads, heads);
    if (knobs->experts_per_token > knobs->experts)
        return err_set(err, STATUS_USAGE, "model.experts_per_token %" PRId64 " is more than model.experts %"
                       PRId64, knobs->experts_per_token, knobs->experts);
    if (knobs_ffn(knobs) % knobs->granularity)
        return err_set(err, STATUS_USAGE, "model.granularity %" PRId64 " does not divide the feed-forward width %"
                       PRId64, knobs->granularity, knobs_ffn(knobs));
    if (knobs->experts == 1 && knobs->granularity != 1)
        return err_set(err, STATUS_USAGE, "model.granularity is for models with experts");
    if (knobs->experts == 1 && (knobs->shared_experts > 0 || knobs->capacity > 0))
        return err_set(err, STATUS_USAGE, "model.%s is for models with experts",
                       knobs->shared_experts > 0 ? "shared_experts" : "capacity");
    if (knobs->batch_tokens % knobs->context)
        return err_set(err, STATUS_USAGE, "train.batch_tokens %" PRId64 " is not a multiple of model.context %"
                       PRId64, knobs->batch_tokens, knobs->context);
    status = check_tokenizer(knobs, err);
    return status == STATUS_OK ? check_schedule(knobs, err) : status;
}

void knobs_canonical(const struct knobs *knobs, struct str *out)
{
    for (int i = 0; i < knob_count(); i++) {
        str_format(out, "%s=", knobs_table[i].name);
        knob_format(&knobs_table[i], knobs, out);
        str_append_char(out, '\n');
    }
}

enum status knobs_from_canonical(const char *text, struct knobs *out, struct err *err)
{
    struct knobs knobs;
    enum status status;
    knobs_preset(&knobs);
    for (int i = 0; i < knob_count(); i++) {
        const struct knob *knob = &knobs_table[i];
        const char *end = strchr(text, '\n'), *equals = strchr(text, '=');
        char value[KNOB_TEXT_SIZE];
        size_t n = strlen(knob->name);
        if (!end || !equals || (size_t)(equals - text) != n || strncmp(text, knob->name, n) != 0 ||
            end - equals > KNOB_TEXT_SIZE)
            return err_set(err, STATUS_FORMAT, "configuration: line %d should set %s", i + 1, knob->name);
        memcpy(value, equals + 1, (size_t)(end - equals - 1));
        value[end - equals - 1] = 0;
        status = knob_parse(knob, value, &knobs, err);
        if (status != STATUS_OK)
            return status;
        text = end + 1;
    }
    if (*text)
        return err_set(err, STATUS_FORMAT, "configuration: more lines than knobs");
    *out = knobs;
    return STATUS_OK;
}
